//! What an OAuth token endpoint answers (RFC 6749, sections 5.1 and 5.2), and what those answer that were made in its image.

use std::time::{Duration, SystemTime};

use serde::Deserialize;

use crate::http::Answer;
use crate::token::{Token, claims, is_sendable};

/// Of a token whose time nobody tells.
const UNKNOWN_TIME: Duration = Duration::from_secs(300);
/// How much of a provider's refusal is told.
const REASON_CHARS_MAX: usize = 200;

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: Option<Seconds>,
}

/// Azure's metadata write numbers as texts.
#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(f64),
    Text(String),
}

impl Seconds {
    fn after(&self, now: SystemTime) -> Option<SystemTime> {
        let seconds = match self {
            Self::Number(seconds) => *seconds,
            Self::Text(text) => text.parse().ok()?,
        };
        now.checked_add(Duration::try_from_secs_f64(seconds).ok()?)
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Refused {
    error: String,
    error_description: String,
}

/// What to do about an endpoint that refuses, and about one that answers something else.
pub struct Advice {
    pub refused: &'static str,
    pub no_token: &'static str,
}

/// The token of an answer.
///
/// # Errors
/// What is wrong with it, and what to do; no secret.
pub fn token(answer: &Answer, now: SystemTime, advice: &Advice) -> Result<Token, String> {
    if !answer.status.is_success() {
        let refused: Refused = serde_json::from_slice(&answer.body).unwrap_or_default();
        // Descriptions of Azure have several lines.
        let reason = [refused.error, refused.error_description].join(" ");
        let reason: String = reason
            .chars()
            .take(REASON_CHARS_MAX)
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let advice = match answer.status.as_u16() {
            400 | 401 | 403 => format!("; {}", advice.refused),
            _ => String::new(),
        };
        return Err(format!(
            "it answers {} {}{advice}",
            answer.status,
            reason.trim()
        ));
    }
    let granted: Granted = serde_json::from_slice(&answer.body)
        .map_err(|_| format!("its answer holds no access_token; {}", advice.no_token))?;
    if !is_sendable(&granted.access_token) {
        return Err("its access_token holds blanks or nothing".to_owned());
    }
    let (principal, ends) = claims(&granted.access_token).unwrap_or_default();
    let expires = granted.expires_in.and_then(|seconds| seconds.after(now));
    Ok(Token {
        value: granted.access_token,
        principal,
        expires: expires.or(ends).unwrap_or(now + UNKNOWN_TIME),
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::StatusCode;

    use super::*;

    fn check(status: u16, body: &str, expected: Result<u64, &str>) {
        let answer = Answer {
            status: StatusCode::from_u16(status).expect("a status"),
            headers: http::HeaderMap::new(),
            body: Bytes::copy_from_slice(body.as_bytes()),
        };
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        let advice = Advice {
            refused: "correct client_id",
            no_token: "is token_url its token endpoint?",
        };
        match (token(&answer, now, &advice), expected) {
            (Ok(token), Ok(seconds)) => {
                let left = Some(Duration::from_secs(seconds));
                assert_eq!(token.left(now), left, "{body}");
            }
            (Err(why), Err(words)) => assert!(why.contains(words), "{why}"),
            (got, _) => panic!("{body}: {got:?}"),
        }
    }

    #[test]
    fn what_a_provider_answers_is_understood() {
        check(
            200,
            r#"{"access_token":"t","token_type":"Bearer","expires_in":60}"#,
            Ok(60),
        );
        check(200, r#"{"access_token":"t","expires_in":"61"}"#, Ok(61));
        check(200, r#"{"access_token":"t"}"#, Ok(300));
        check(200, r#"{"access_token":"t","expires_in":-1}"#, Ok(300));
        // {"exp":1120}
        check(200, r#"{"access_token":"e30.eyJleHAiOjExMjB9.s"}"#, Ok(120));
        check(200, "<html>", Err("is token_url its token endpoint"));
        check(
            200,
            r#"{"access_token":""}"#,
            Err("holds blanks or nothing"),
        );
        check(
            401,
            r#"{"error":"invalid_client","error_description":"no\r\nsuch"}"#,
            Err("401 Unauthorized invalid_client no  such; correct client_id"),
        );
        check(503, "busy", Err("503 Service Unavailable"));
    }
}
