//! Keys by their digests, and the file that lists them.
//!
//! The file never holds a key, and neither do we beyond a request: keys are compared as SHA-256 digests, in constant time. What is said of a file that is
//! wrong names lines and shows none, since somebody may have written a key where its digest belongs.

use std::sync::Arc;
use std::time::SystemTime;

use runtime::Digest;
use runtime::config::{self, Problems};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::refused::Unauthorized;
use crate::config::is_tenant;

/// Problems that one message tells.
const TOLD_MAX: usize = 20;

/// One entry of the file.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawKey {
    /// The SHA-256 digest of the key, in hex.
    sha256: String,
    /// Whose key it is. Absent: the tenant is what the tenant header says.
    tenant: Option<String>,
    /// From when on it is refused: a day, or a time such as `2027-01-01T12:00:00Z`.
    expires: Option<String>,
}

/// What is known of one key.
struct Key {
    digest: Digest,
    tenant: Option<Arc<str>>,
    expires: Option<SystemTime>,
}

/// All keys of a file, in the order of their digests.
#[derive(Default)]
pub struct Keys(Vec<Key>);

impl Keys {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// Everything that is wrong in it, each with `file:line:column`.
    pub fn parse(file: &str, text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            // It was probably cut off, which must not revoke every key.
            return Err(format!("{file}: is empty; for no key at all, write []"));
        }
        let unset = |_: &str| None;
        config::load(file, text, &unset, |raw: &Vec<RawKey>, problems| {
            validate(raw, problems)
        })
        .map_err(|error| {
            let mut lines = error.lines();
            let mut told: Vec<_> = lines
                .by_ref()
                .take(TOLD_MAX)
                .map(|(place, message)| format!("{place}: {message}"))
                .collect();
            match lines.count() {
                0 => {}
                more => told.push(format!("and {more} more problems")),
            }
            told.join("; ")
        })
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whose key it is; `None`: nobody's in particular.
    ///
    /// # Errors
    /// The key is unknown, or has expired at `now`.
    pub fn tenant(&self, key: &[u8], now: SystemTime) -> Result<Option<Arc<str>>, Unauthorized> {
        let digest = Digest::of(key);
        let prefix = digest.prefix();
        // Where to look depends on a part of the digest, which nobody can choose; what is found there is compared in constant time.
        let first = self.0.partition_point(|key| key.digest.prefix() < prefix);
        let mut near = self.0[first..]
            .iter()
            .take_while(|key| key.digest.prefix() == prefix);
        let found = near.find(|key| key.digest.is(&digest));
        match found {
            None => Err(Unauthorized::UnknownKey),
            Some(key) if key.expires.is_some_and(|at| at <= now) => Err(Unauthorized::ExpiredKey),
            Some(key) => Ok(key.tenant.clone()),
        }
    }
}

fn validate(raw: &[RawKey], problems: &mut Problems) -> Keys {
    let mut keys: Vec<Key> = Vec::with_capacity(raw.len());
    let mut seen = std::collections::HashMap::with_capacity(raw.len());
    for (at, entry) in raw.iter().enumerate() {
        let Some(digest) = Digest::parse(&entry.sha256) else {
            let message = "is no SHA-256 digest: 64 characters of hex, as `printf %s KEY | sha256sum` prints; never the key itself";
            problems.push(format!("[{at}].sha256"), message);
            continue;
        };
        if let Some(first) = seen.insert(digest.bytes(), at) {
            let message = format!(
                "the same key stands in entry {} already; keep one of them",
                first + 1
            );
            problems.push(format!("[{at}].sha256"), message);
        }
        let tenant = entry.tenant.as_deref();
        if tenant.is_some_and(|tenant| !is_tenant(tenant)) {
            let message =
                "is not the name of a tenant: printable ASCII without blanks, of at most 256 bytes";
            problems.push(format!("[{at}].tenant"), message);
        }
        let expires = entry.expires.as_deref().and_then(|text| {
            let time = time(text);
            if time.is_none() {
                let message = "is no day or time; write 2027-01-01 or 2027-01-01T12:00:00Z (UTC)";
                problems.push(format!("[{at}].expires"), message);
            }
            time
        });
        keys.push(Key {
            digest,
            tenant: tenant.map(Into::into),
            expires,
        });
    }
    keys.sort_by_key(|key| key.digest.bytes());
    Keys(keys)
}

/// A day is over before it begins: nothing is taken on it.
fn time(text: &str) -> Option<SystemTime> {
    let text = text.trim();
    let written = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        _ => text.to_owned(),
    };
    humantime::parse_rfc3339(&written).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fmt::Write;
    use std::time::Duration;

    use super::*;

    fn hex(key: &str) -> String {
        Digest::of(key.as_bytes())
            .bytes()
            .iter()
            .fold(String::new(), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            })
    }

    #[test]
    fn a_key_has_its_tenant_until_it_expires() {
        let (a, b, c) = (hex("key-a"), hex("key-b").to_uppercase(), hex("key-c"));
        let text = format!(
            "- {{sha256: {a}, tenant: shop, expires: 2027-01-01}}\n- {{sha256: \"{b}\", tenant: bank}}\n- {{sha256: {c}, expires: \"2026-06-01T12:00:00Z\"}}\n"
        );
        let keys = Keys::parse("keys.yaml", &text).unwrap();
        assert_eq!(keys.len(), 3);
        let check = |key: &str, at: &str, expected: Result<Option<&str>, Unauthorized>| {
            let now = humantime::parse_rfc3339(at).unwrap();
            let found = keys.tenant(key.as_bytes(), now);
            assert_eq!(
                found,
                expected.map(|tenant| tenant.map(Into::into)),
                "{key}"
            );
        };
        check("key-a", "2026-12-31T23:59:59Z", Ok(Some("shop")));
        check(
            "key-a",
            "2027-01-01T00:00:00Z",
            Err(Unauthorized::ExpiredKey),
        );
        check("key-b", "2099-01-01T00:00:00Z", Ok(Some("bank")));
        check("key-c", "2026-06-01T11:59:59Z", Ok(None));
        check(
            "key-d",
            "2026-06-01T11:59:59Z",
            Err(Unauthorized::UnknownKey),
        );
        check("", "2026-06-01T11:59:59Z", Err(Unauthorized::UnknownKey));
        assert!(
            Keys::parse("keys.yaml", "[]")
                .unwrap()
                .tenant(b"x", SystemTime::now())
                .is_err()
        );
    }

    #[test]
    fn an_empty_file_is_one_that_was_cut_off() {
        for text in ["", "\n", "  \n"] {
            let error = Keys::parse("keys.yaml", text).map(|_| ()).unwrap_err();
            assert_eq!(error, "keys.yaml: is empty; for no key at all, write []");
        }
    }

    /// All at once, by line, and without what stands there: it may be a key.
    #[test]
    fn a_wrong_file_is_told_by_line_and_not_shown() {
        let a = hex("key-a");
        let text = format!(
            "- {{sha256: {a}, tenant: shop}}\n- {{sha256: my-secret-key, tenant: shop}}\n- {{sha256: {a}}}\n- {{sha256: {}, tenant: \"a b\", expires: soon}}\n- {{tenant: shop, key: my-secret-key}}\n",
            hex("key-b")
        );
        let error = Keys::parse("keys.yaml", &text).map(|_| ()).unwrap_err();
        for part in [
            "keys.yaml:2:12: ",
            "keys.yaml:3:12: ",
            "entry 1 already",
            "keys.yaml:4:",
            "no day or time",
            "not the name of a tenant",
            "keys.yaml:5:",
            "unknown key `key`",
            "`sha256` is missing",
        ] {
            assert!(error.contains(part), "{part} in {error}");
        }
        assert!(!error.contains("my-secret-key"), "{error}");
    }

    #[test]
    fn ten_thousand_keys_are_found_at_once() {
        let text: String = (0..10_000)
            .map(|n| format!("- {{sha256: {}, tenant: t{n}}}\n", hex(&format!("key-{n}"))))
            .collect();
        let keys = Keys::parse("keys.yaml", &text).unwrap();
        let began = std::time::Instant::now();
        for n in (0..10_000).step_by(10) {
            let tenant = keys.tenant(format!("key-{n}").as_bytes(), SystemTime::now());
            assert_eq!(tenant.unwrap().unwrap(), format!("t{n}").into());
        }
        assert!(
            began.elapsed() < Duration::from_secs(1),
            "{:?}",
            began.elapsed()
        );
    }
}
