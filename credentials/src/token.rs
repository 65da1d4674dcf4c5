//! An access token, and what it says of itself.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::expires::Expires;

/// What logs in, and until when.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    pub value: String,
    /// Whose it is, for messages; empty where it doesn't say.
    pub principal: String,
    pub expires: SystemTime,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("principal", &self.principal)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

impl Expires for Token {
    fn expires(&self) -> Option<SystemTime> {
        Some(self.expires)
    }
}

impl Token {
    /// In milliseconds since the epoch.
    pub fn expires_ms(&self) -> i64 {
        let since = self.expires.duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    /// What is left of its time; `None` once it has expired.
    pub fn left(&self, now: SystemTime) -> Option<Duration> {
        let left = self.expires.duration_since(now).ok()?;
        (!left.is_zero()).then_some(left)
    }

    /// After how long it is to be replaced, of what is left of its time.
    pub fn refresh_after(&self, now: SystemTime) -> Duration {
        self.left(now).unwrap_or_default().mul_f64(0.8)
    }
}

/// The claims that matter here. The signature is the business of who takes it.
#[derive(Deserialize)]
struct Claims {
    exp: Option<f64>,
    sub: Option<String>,
}

/// Principal and end of a token that is a JWT; `None` for others.
pub fn claims(token: &str) -> Option<(String, Option<SystemTime>)> {
    let mut parts = token.split('.');
    let (_, payload) = (parts.next()?, parts.next()?);
    let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let claims: Claims = serde_json::from_slice(&payload).ok()?;
    let end = |seconds: f64| {
        let since = Duration::try_from_secs_f64(seconds).ok()?;
        UNIX_EPOCH.checked_add(since)
    };
    let expires = claims.exp.and_then(end);
    Some((claims.sub.unwrap_or_default(), expires))
}

/// What headers and SASL take as a token: printable, without blanks.
pub fn is_sendable(token: &str) -> bool {
    !token.is_empty() && token.chars().all(|c| c.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(payload: &str) -> String {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.", part(r#"{"alg":"none"}"#), part(payload))
    }

    #[test]
    fn a_jwt_says_whose_it_is_and_until_when() {
        let at = |seconds| Some(UNIX_EPOCH + Duration::from_secs(seconds));
        let check =
            |payload: &str, expected| assert_eq!(claims(&jwt(payload)), expected, "{payload}");
        check(
            r#"{"sub":"a","exp":1000,"x":[1]}"#,
            Some(("a".to_owned(), at(1000))),
        );
        check(r#"{"exp":1000.0}"#, Some((String::new(), at(1000))));
        check(r#"{"sub":"a"}"#, Some(("a".to_owned(), None)));
        check(r#"{"sub":"a","exp":-5}"#, Some(("a".to_owned(), None)));
        check("no json", None);
        assert_eq!(claims("opaque"), None);
    }

    #[test]
    fn a_token_is_replaced_before_it_ends_and_never_shown() {
        let now = UNIX_EPOCH + Duration::from_secs(100);
        let token = Token {
            value: "hunter2".to_owned(),
            principal: "a".to_owned(),
            expires: now + Duration::from_secs(50),
        };
        assert_eq!(token.refresh_after(now), Duration::from_secs(40));
        assert_eq!(token.left(now + Duration::from_secs(50)), None);
        assert_eq!(token.expires_ms(), 150_000);
        assert!(!format!("{token:?}").contains("hunter2"));
        assert!(is_sendable("a.b-c_d="));
        assert!(!is_sendable("a b") && !is_sendable("") && !is_sendable("a\n"));
    }
}
