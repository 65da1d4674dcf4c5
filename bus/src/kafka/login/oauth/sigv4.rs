//! AWS's Signature Version 4 of a URL: what makes it valid for who holds it, for a while.
//!
//! As <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html> describes it, for the one kind of request that is
//! needed here: `GET` without a body, signed in its query.

use std::time::SystemTime;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use super::aws::Credentials;
use super::oidc::form_encoded;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

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
    let time = basic_time(now);
    let day = &time[..8];
    let scope = format!(
        "{day}/{}/{}/aws4_request",
        unsigned.region, unsigned.service
    );
    let (credential, expires) = (
        format!("{}/{scope}", credentials.access_key_id),
        unsigned.expires_s.to_string(),
    );
    let mut query = unsigned.query.to_vec();
    query.extend([
        ("X-Amz-Algorithm", ALGORITHM),
        ("X-Amz-Credential", &credential),
        ("X-Amz-Date", &time),
        ("X-Amz-Expires", &expires),
        ("X-Amz-SignedHeaders", "host"),
    ]);
    if let Some(token) = &credentials.session_token {
        query.push(("X-Amz-Security-Token", token));
    }
    query.sort_unstable();
    let pairs = query
        .iter()
        .map(|(key, value)| format!("{key}={}", form_encoded(value)));
    let query = pairs.collect::<Vec<_>>().join("&");
    let canonical = format!(
        "GET\n{}\n{query}\nhost:{}\n\nhost\n{}",
        unsigned.path, unsigned.host, unsigned.payload
    );
    let to_sign = format!(
        "{ALGORITHM}\n{time}\n{scope}\n{}",
        sha256(canonical.as_bytes())
    );
    let key = signing_key(
        &credentials.secret_access_key,
        day,
        unsigned.region,
        unsigned.service,
    );
    let signature = const_hex::encode(mac(&key, &to_sign));
    format!(
        "https://{}{}?{query}&X-Amz-Signature={signature}",
        unsigned.host, unsigned.path
    )
}

/// In hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    const_hex::encode(Sha256::digest(bytes))
}

/// `20130524T000000Z`
fn basic_time(time: SystemTime) -> String {
    let text = humantime::format_rfc3339_seconds(time).to_string();
    text.replace(['-', ':'], "")
}

fn signing_key(secret: &str, day: &str, region: &str, service: &str) -> [u8; 32] {
    let key = mac(format!("AWS4{secret}").as_bytes(), day);
    let key = mac(&key, region);
    let key = mac(&key, service);
    mac(&key, "aws4_request")
}

fn mac(key: &[u8], text: &str) -> [u8; 32] {
    // Keys of HMAC have any length.
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| unreachable!());
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    /// The example in AWS's documentation of how a signing key is derived.
    #[test]
    fn a_signing_key_is_as_published() {
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        let key = signing_key(secret, "20150830", "us-east-1", "iam");
        let expected = "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9";
        assert_eq!(const_hex::encode(key), expected);
    }

    /// The example of a presigned URL in the documentation of S3 ("Authenticating requests: using query parameters").
    #[test]
    fn a_url_is_signed_as_published() {
        let unsigned = Unsigned {
            host: "examplebucket.s3.amazonaws.com",
            path: "/test.txt",
            region: "us-east-1",
            service: "s3",
            query: &[],
            expires_s: 86400,
            payload: "UNSIGNED-PAYLOAD",
        };
        let credentials = Credentials {
            access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
            session_token: None,
            expires: None,
        };
        let url = presigned(&unsigned, &credentials, at(1_369_353_600));
        assert_eq!(
            url,
            "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
        );
    }
}
