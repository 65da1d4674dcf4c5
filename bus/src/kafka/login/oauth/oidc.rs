//! OpenID Connect: the client's own credentials for a token (RFC 6749, section 4.4).

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::Full;
use serde::Deserialize;

use super::super::config::RawOidc;
use super::super::token::{Token, claims, is_sendable};
use super::http_client::{Answer, exchange};

/// Of a token whose time nobody tells.
const UNKNOWN_TIME: Duration = Duration::from_secs(300);
/// How much of a provider's refusal is told.
const REASON_CHARS_MAX: usize = 200;

pub fn fetch(oidc: &RawOidc) -> Result<Token, String> {
    let attempted = || {
        format!(
            "fetching a token from {} for client `{}`",
            oidc.token_url, oidc.client_id
        )
    };
    request(oidc)
        .and_then(|request| exchange(request, oidc.ca_file.as_deref()))
        .and_then(|answer| read(&answer, SystemTime::now()))
        .map_err(|why| format!("{}: {why}", attempted()))
}

fn request(oidc: &RawOidc) -> Result<Request<Full<Bytes>>, String> {
    let mut body = "grant_type=client_credentials".to_owned();
    if let Some(scope) = &oidc.scope {
        body = format!("{body}&scope={}", form_encoded(scope));
    }
    // Both are form-encoded within the header: RFC 6749, section 2.3.1.
    let (id, secret) = (
        form_encoded(&oidc.client_id),
        form_encoded(&oidc.client_secret.0),
    );
    let login = STANDARD.encode(format!("{id}:{secret}"));
    Request::post(&oidc.token_url)
        .header(header::AUTHORIZATION, format!("Basic {login}"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "application/json")
        .body(Full::from(body))
        .map_err(|e| e.to_string())
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: Option<f64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Refused {
    error: String,
    error_description: String,
}

fn read(answer: &Answer, now: SystemTime) -> Result<Token, String> {
    if answer.status != StatusCode::OK {
        let refused: Refused = serde_json::from_slice(&answer.body).unwrap_or_default();
        let reason = [refused.error, refused.error_description];
        let reason: String = reason.join(" ").chars().take(REASON_CHARS_MAX).collect();
        let advice = match answer.status.as_u16() {
            400 | 401 | 403 => {
                "; correct client_id, client_secret or scope, or let the provider grant client credentials"
            }
            _ => "",
        };
        return Err(format!(
            "it answers {} {}{advice}",
            answer.status,
            reason.trim()
        ));
    }
    let granted: Granted = serde_json::from_slice(&answer.body).map_err(|_| {
        "its answer holds no access_token; is token_url its token endpoint?".to_owned()
    })?;
    if !is_sendable(&granted.access_token) {
        return Err("its access_token holds blanks or nothing".to_owned());
    }
    let (principal, ends) = claims(&granted.access_token).unwrap_or_default();
    let after = |seconds: f64| {
        Duration::try_from_secs_f64(seconds)
            .ok()
            .and_then(|time| now.checked_add(time))
    };
    let expires = granted.expires_in.and_then(after).or(ends);
    Ok(Token {
        value: granted.access_token,
        principal,
        expires: expires.unwrap_or(now + UNKNOWN_TIME),
    })
}

/// As forms write text: what isn't a letter, a digit or one of four signs is a percent sign with two digits.
pub(super) fn form_encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::sync::Arc;

    use runtime::config::Secret;
    use rustls::crypto::ring;

    use super::*;

    fn check(status: u16, body: &str, expected: Result<u64, &str>) {
        let answer = Answer {
            status: StatusCode::from_u16(status).expect("a status"),
            body: Bytes::copy_from_slice(body.as_bytes()),
        };
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        match (read(&answer, now), expected) {
            (Ok(token), Ok(seconds)) => {
                assert_eq!(
                    token.left(now),
                    Some(Duration::from_secs(seconds)),
                    "{body}"
                );
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
        check(200, r#"{"access_token":"t"}"#, Ok(300));
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
            r#"{"error":"invalid_client","error_description":"no such"}"#,
            Err("401 Unauthorized invalid_client no such; correct client_id"),
        );
        check(503, "busy", Err("503 Service Unavailable"));
    }

    #[test]
    fn the_request_holds_the_credentials_encoded() {
        let oidc = RawOidc {
            token_url: "https://idp.example/token".into(),
            client_id: "tail water".into(),
            client_secret: Secret("a:b%".into()),
            scope: Some("kafka other".into()),
            ca_file: None,
        };
        let request = request(&oidc).expect("a request");
        let login = &request.headers()[header::AUTHORIZATION];
        let login = login
            .to_str()
            .expect("ASCII")
            .strip_prefix("Basic ")
            .expect("basic");
        assert_eq!(
            STANDARD.decode(login).expect("base64"),
            b"tail%20water:a%3Ab%25"
        );
        let body = format!("{:?}", request.body());
        assert!(
            body.contains("grant_type=client_credentials&scope=kafka%20other"),
            "{body}"
        );
    }

    /// A provider behind TLS for `localhost`, signed by an authority of its own; that authority's certificate.
    fn provider() -> (String, String) {
        let key = rcgen::KeyPair::generate().expect("a key");
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let authority = params.self_signed(&key).expect("an authority").pem();
        let issuer = rcgen::Issuer::new(params, key);
        let key = rcgen::KeyPair::generate().expect("a key");
        let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]);
        let own = params
            .expect("a name")
            .signed_by(&key, &issuer)
            .expect("a certificate");
        let config =
            rustls::ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
                .with_safe_default_protocol_versions()
                .expect("versions")
                .with_no_client_auth()
                .with_single_cert(vec![own.der().clone()], key.into())
                .expect("a pair");
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let connection = rustls::ServerConnection::new(config.clone()).expect("TLS");
                let mut reader = BufReader::new(rustls::StreamOwned::new(connection, stream));
                let mut line = String::new();
                while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                    line.clear();
                }
                let body = r#"{"access_token":"t","expires_in":60}"#;
                let length = body.len();
                let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}");
                let _ = reader.get_mut().write_all(answer.as_bytes());
            }
        });
        (format!("https://localhost:{port}/token"), authority)
    }

    #[test]
    fn a_provider_of_an_own_authority_is_trusted_by_its_file_alone() {
        let (token_url, authority) = provider();
        let (_, stranger) = provider();
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).expect("a file");
            Some(path)
        };
        let fetched = |ca_file| {
            let oidc = RawOidc {
                token_url: token_url.clone(),
                client_id: "tailwater".into(),
                client_secret: Secret("s".into()),
                scope: None,
                ca_file,
            };
            fetch(&oidc).map(|token| token.value)
        };
        assert_eq!(fetched(file("ca.pem", &authority)), Ok("t".to_owned()));
        let refused = |ca_file, words: &[&str]| {
            let why = fetched(ca_file).expect_err("it is not trusted");
            for word in words.iter().chain(&[token_url.as_str()]) {
                assert!(why.contains(word), "no {word:?} in {why}");
            }
        };
        refused(file("other.pem", &stranger), &["invalid peer certificate"]);
        refused(None, &["certificate"]);
        refused(file("empty.pem", ""), &["empty.pem", "it holds none"]);
        refused(Some(folder.path().join("nowhere.pem")), &["nowhere.pem"]);
    }
}
