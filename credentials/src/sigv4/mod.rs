//! AWS's Signature Version 4, of a URL or of a request with its headers. Pure: time is given.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>.

mod canonical;
mod presigned;
mod signed;
#[cfg(test)]
mod tests;

use std::time::SystemTime;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

pub use presigned::{Unsigned, presigned};
pub use signed::{Outgoing, signed};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// In hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    sha256_of([bytes])
}

/// The same of a body that lies in pieces.
pub fn sha256_of<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hash = Sha256::new();
    pieces.into_iter().for_each(|piece| hash.update(piece));
    const_hex::encode(hash.finalize())
}

/// Whose signature it is and what it is good for: `20130524T000000Z` and `20130524/us-east-1/s3/aws4_request`.
struct Scope<'a> {
    time: String,
    region: &'a str,
    service: &'a str,
}

impl<'a> Scope<'a> {
    fn new(now: SystemTime, region: &'a str, service: &'a str) -> Self {
        let text = humantime::format_rfc3339_seconds(now).to_string();
        Self {
            time: text.replace(['-', ':'], ""),
            region,
            service,
        }
    }

    fn day(&self) -> &str {
        &self.time[..8]
    }

    fn text(&self) -> String {
        format!(
            "{}/{}/{}/aws4_request",
            self.day(),
            self.region,
            self.service
        )
    }

    fn sign(&self, secret: &str, canonical: &str) -> String {
        let to_sign = format!(
            "{ALGORITHM}\n{}\n{}\n{}",
            self.time,
            self.text(),
            sha256(canonical.as_bytes())
        );
        let key = signing_key(secret, self.day(), self.region, self.service);
        const_hex::encode(mac(&key, &to_sign))
    }
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
