//! A token that somebody else keeps in a file: Kubernetes' projected tokens, or an agent beside us.

use std::path::Path;
use std::time::{Duration, SystemTime};

use credentials::{Token, claims, is_sendable};

/// Of a token that doesn't say when it ends: it is read again long before.
const UNKNOWN_TIME: Duration = Duration::from_secs(3600);

pub fn read(path: &Path) -> Result<Token, String> {
    let attempted = || format!("reading the token file {}", path.display());
    let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", attempted()))?;
    token(text.trim()).map_err(|why| format!("{}: {why}", attempted()))
}

fn token(text: &str) -> Result<Token, String> {
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    if !is_sendable(text) {
        return Err(
            "it holds more than a token: one line of printable characters, without blanks"
                .to_owned(),
        );
    }
    let (principal, expires) = claims(text).unwrap_or_default();
    let now = SystemTime::now();
    let token = Token {
        value: text.to_owned(),
        principal,
        expires: expires.unwrap_or(now + UNKNOWN_TIME),
    };
    if token.left(now).is_none() {
        let ago = now.duration_since(token.expires).unwrap_or_default();
        return Err(format!(
            "the token has expired {} s ago; whoever writes the file has to renew it",
            ago.as_secs()
        ));
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn check(text: &str, expected: Result<&str, &str>) {
        match (token(text), expected) {
            (Ok(token), Ok(principal)) => assert_eq!(token.principal, principal),
            (Err(why), Err(words)) => assert!(why.contains(words), "{why}"),
            (got, _) => panic!("{text}: {got:?}"),
        }
    }

    fn jwt(sub: &str, expires: SystemTime) -> String {
        let seconds = expires.duration_since(UNIX_EPOCH).expect("later").as_secs();
        let part = |text: String| URL_SAFE_NO_PAD.encode(text);
        let payload = format!(r#"{{"sub":"{sub}","exp":{seconds}}}"#);
        format!(
            "{}.{}.x",
            part(r#"{"alg":"RS256"}"#.to_owned()),
            part(payload)
        )
    }

    #[test]
    fn what_is_no_valid_token_is_told() {
        let now = SystemTime::now();
        let minute = Duration::from_secs(60);
        check(&jwt("me", now + minute), Ok("me"));
        check("opaque", Ok(""));
        check(&jwt("me", now - minute), Err("expired 60 s ago"));
        check("", Err("empty"));
        check("two words", Err("more than a token"));
        let why = read(Path::new("/nowhere/token")).expect_err("there is none");
        assert!(why.contains("/nowhere/token: No such file"), "{why}");
    }
}
