//! A URL that is signed in its query: what makes it valid for who holds it, for a while. `GET` without a body.

use std::time::SystemTime;

use super::{ALGORITHM, Scope};
use crate::aws::Credentials;
use crate::form;

/// A request that is to be signed.
pub struct Unsigned<'a> {
    pub host: &'a str,
    pub path: &'a str,
    pub region: &'a str,
    pub service: &'a str,
    /// Besides those of the signature.
    pub query: &'a [(&'a str, &'a str)],
    pub expires_s: u64,
    /// The hash of the body, in hexadecimal digits, or what stands for it.
    pub payload: &'a str,
}

/// The URL, valid from `now` on.
pub fn presigned(unsigned: &Unsigned<'_>, credentials: &Credentials, now: SystemTime) -> String {
    let scope = Scope::new(now, unsigned.region, unsigned.service);
    let (credential, expires) = (
        format!("{}/{}", credentials.access_key_id, scope.text()),
        unsigned.expires_s.to_string(),
    );
    let mut query = unsigned.query.to_vec();
    query.extend([
        ("X-Amz-Algorithm", ALGORITHM),
        ("X-Amz-Credential", &credential),
        ("X-Amz-Date", &scope.time),
        ("X-Amz-Expires", &expires),
        ("X-Amz-SignedHeaders", "host"),
    ]);
    if let Some(token) = &credentials.session_token {
        query.push(("X-Amz-Security-Token", token));
    }
    query.sort_unstable();
    let query = form::body(&query);
    let canonical = format!(
        "GET\n{}\n{query}\nhost:{}\n\nhost\n{}",
        unsigned.path, unsigned.host, unsigned.payload
    );
    let signature = scope.sign(&credentials.secret_access_key, &canonical);
    format!(
        "https://{}{}?{query}&X-Amz-Signature={signature}",
        unsigned.host, unsigned.path
    )
}
