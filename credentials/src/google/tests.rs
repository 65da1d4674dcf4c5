//! Each kind of account, by a token endpoint and a metadata server of the test's own.

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::*;
use crate::stub::{Exchange, answer, server, variables};

const GRANTED: &str = r#"{"access_token":"ya29.t","expires_in":3599,"token_type":"Bearer"}"#;

fn fetched(file: Option<PathBuf>, pairs: &[(&str, &str)]) -> Result<Token, String> {
    let source = Source {
        credentials_file: file,
        scope: SCOPE.to_owned(),
    };
    source.fetch_by(&variables(pairs))
}

fn openssl(arguments: &[&str]) -> String {
    let output = Command::new("openssl").args(arguments).output();
    let output = output.expect("openssl runs");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("a text")
}

/// The key is a real one, and the assertion is verified by another implementation.
#[test]
fn a_service_account_signs_for_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = folder.path().join("key.pem");
    let key = key.to_str().expect("a path");
    openssl(&[
        "genpkey",
        "-quiet",
        "-algorithm",
        "RSA",
        "-pkeyopt",
        "rsa_keygen_bits:2048",
        "-out",
        key,
    ]);
    let in_folder = |name: &str| folder.path().join(name).display().to_string();
    let (public, text, signature) = (
        in_folder("public.pem"),
        in_folder("text"),
        in_folder("signature"),
    );
    openssl(&["rsa", "-in", key, "-pubout", "-out", &public]);
    let (url, requests) = server(vec![answer(
        vec![
            "POST /token",
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer",
        ],
        GRANTED,
    )]);
    let file = folder.path().join("account.json");
    let account = json!({
        "type": "service_account",
        "project_id": "p",
        "private_key_id": "k1",
        "private_key": std::fs::read_to_string(key).expect("a key"),
        "client_email": "tailwater@p.iam.gserviceaccount.com",
        "token_uri": format!("{url}/token"),
    });
    std::fs::write(&file, account.to_string()).expect("a file");
    let path = file.display().to_string();
    let token = fetched(None, &[("GOOGLE_APPLICATION_CREDENTIALS", &path)]).expect("a token");
    assert_eq!(token.value, "ya29.t");
    let left = token.left(SystemTime::now()).expect("valid").as_secs();
    assert!((3590..3600).contains(&left), "{left}");

    let request = requests.recv().expect("a request");
    let (_, assertion) = request.split_once("assertion=").expect("an assertion");
    let (signed, by) = assertion.rsplit_once('.').expect("a signature");
    let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).expect("base64url");
    std::fs::write(&text, signed).expect("a file");
    std::fs::write(&signature, decoded(by)).expect("a file");
    openssl(&[
        "dgst",
        "-sha256",
        "-verify",
        &public,
        "-signature",
        &signature,
        &text,
    ]);
    let (header, claims) = signed.split_once('.').expect("two parts");
    let read = |part| -> Value { serde_json::from_slice(&decoded(part)).expect("JSON") };
    let (header, claims) = (read(header), read(claims));
    assert_eq!(header, json!({"alg": "RS256", "typ": "JWT", "kid": "k1"}));
    assert_eq!(claims["aud"], format!("{url}/token"));
    assert_eq!(claims["iss"], "tailwater@p.iam.gserviceaccount.com");
    assert_eq!(claims["scope"], SCOPE);
    let life = claims["exp"].as_u64().zip(claims["iat"].as_u64());
    assert_eq!(life.map(|(end, start)| end - start), Some(3600));
}

#[test]
fn a_user_has_a_refresh_token() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("application_default_credentials.json");
    let write = |url: &str| {
        let user = json!({
            "type": "authorized_user", "client_id": "c", "client_secret": "hidden",
            "refresh_token": "1//hidden", "token_uri": url,
        });
        std::fs::write(&file, user.to_string()).expect("a file");
    };
    let words = vec![
        "grant_type=refresh_token",
        "client_id=c",
        "client_secret=hidden",
        "refresh_token=1%2F%2Fhidden",
    ];
    let (url, _) = server(vec![answer(words, GRANTED)]);
    write(&url);
    let config = folder.path().display().to_string();
    let token = fetched(None, &[("CLOUDSDK_CONFIG", &config)]).expect("a token");
    assert_eq!(token.value, "ya29.t");

    let (url, _) = server(vec![Exchange {
        status: 400,
        ..answer(
            vec![],
            r#"{"error":"invalid_grant","error_description":"Token has been expired or revoked."}"#,
        )
    }]);
    write(&url);
    let why = fetched(Some(file.clone()), &[]).expect_err("refused");
    for word in [
        "application_default_credentials.json",
        &url,
        "400",
        "invalid_grant",
        "gcloud auth",
    ] {
        assert!(why.contains(word), "no {word:?} in {why}");
    }
    assert!(!why.contains("hidden"), "{why}");
}

#[test]
fn a_machine_asks_its_metadata_server() {
    let of = |headers| Exchange {
        headers,
        ..answer(
            vec![
                "GET /computeMetadata/v1/instance/service-accounts/default/token?scopes=https%3A%2F%2Fwww",
                "metadata-flavor: Google",
            ],
            GRANTED,
        )
    };
    let host = |headers| {
        let (url, _) = server(vec![of(headers)]);
        url.trim_start_matches("http://").to_owned()
    };
    let real = host("Metadata-Flavor: Google\r\n");
    let token = fetched(None, &[("GCE_METADATA_HOST", &real)]).expect("a token");
    assert_eq!(token.value, "ya29.t");
    let other = host("");
    let why = fetched(None, &[("GCE_METADATA_HOST", &other)]).expect_err("another server");
    assert!(
        why.contains(&other) && why.contains("isn't of a metadata server"),
        "{why}"
    );
}

#[test]
fn what_is_wrong_with_a_file_is_said_without_what_is_in_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("f.json");
    let check = |text: &str, words: &str| {
        std::fs::write(&file, text).expect("a file");
        let why = fetched(Some(file.clone()), &[]).expect_err("wrong");
        assert!(why.contains("f.json") && why.contains(words), "{why}");
        assert!(!why.contains("hidden"), "{why}");
    };
    check("hidden", "no file of Google credentials");
    check(
        r#"{"type":"service_account","private_key":"hidden"}"#,
        "no file of Google credentials",
    );
    check(
        r#"{"type":"external_account","x":"hidden"}"#,
        "neither service_account nor authorized_user",
    );
    let account = |key: &str| {
        json!({"type": "service_account", "client_email": "me@p", "private_key": key, "token_uri": "http://127.0.0.1:1"}).to_string()
    };
    check(&account("hidden"), "by the service account me@p of");
    check(
        &account("-----BEGIN PRIVATE KEY-----\naGlkZGVu\n-----END PRIVATE KEY-----\n"),
        "no RSA key",
    );
    let why = fetched(Some("/nowhere/f.json".into()), &[]).expect_err("no file");
    assert!(
        why.contains("reading /nowhere/f.json: No such file"),
        "{why}"
    );
}
