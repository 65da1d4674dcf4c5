//! OpenID Connect: the client's own credentials for a token (RFC 6749, section 4.4).

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Request, header};
use http_body_util::Full;

use crate::config::RawOidc;
use crate::form;
use crate::http::exchange;
use crate::oauth::{self, Advice};
use crate::token::Token;

const ADVICE: Advice = Advice {
    refused: "correct client_id, client_secret or scope, or let the provider grant client credentials",
    no_token: "is token_url its token endpoint?",
};

/// A token that is valid now. Blocks, for some seconds at most.
///
/// # Errors
/// What was asked of whom, and why it failed; no secret.
pub fn fetch(oidc: &RawOidc) -> Result<Token, String> {
    let attempted = || {
        format!(
            "fetching a token from {} for client `{}`",
            oidc.token_url, oidc.client_id
        )
    };
    request(oidc)
        .and_then(|request| exchange(request, oidc.ca_file.as_deref()))
        .and_then(|answer| oauth::token(&answer, SystemTime::now(), &ADVICE))
        .map_err(|why| format!("{}: {why}", attempted()))
}

fn request(oidc: &RawOidc) -> Result<Request<Full<Bytes>>, String> {
    let mut fields = vec![("grant_type", "client_credentials")];
    if let Some(scope) = &oidc.scope {
        fields.push(("scope", scope));
    }
    let mut request = form::post(&oidc.token_url, &fields)?;
    // Both are form-encoded within the header: RFC 6749, section 2.3.1.
    let (id, secret) = (
        form::encoded(&oidc.client_id),
        form::encoded(&oidc.client_secret.0),
    );
    let login = STANDARD.encode(format!("{id}:{secret}"));
    let login = HeaderValue::try_from(format!("Basic {login}")).map_err(|e| e.to_string())?;
    request.headers_mut().insert(header::AUTHORIZATION, login);
    Ok(request)
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::sync::Arc;

    use runtime::config::Secret;
    use rustls::crypto::ring;

    use super::*;

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
