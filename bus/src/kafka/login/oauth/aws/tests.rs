//! Each place where credentials may be, answered by a server of the test's own; no variable of the process is touched.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use super::*;

/// A server that answers these requests, in this order: the words that a request must hold, and the answer's body. Its address.
fn server(answers: Vec<(Vec<&'static str>, String)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for (words, body) in answers {
            let (mut stream, _) = listener.accept().expect("a connection");
            let (mut request, mut chunk) = (String::new(), [0; 4096]);
            while !words.iter().all(|word| request.contains(word)) {
                let bytes = stream.read(&mut chunk).expect("a request");
                assert!(bytes > 0, "{words:?} are not all in {request}");
                request += &String::from_utf8_lossy(&chunk[..bytes]);
            }
            write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            )
            .expect("an answer");
        }
    });
    format!("http://{address}")
}

fn found(variables: &[(&str, &str)]) -> Result<Credentials, String> {
    let variables: HashMap<_, _> = variables.iter().copied().collect();
    find("eu-west-1", &|name| {
        variables.get(name).map(|value| (*value).to_owned())
    })
}

#[track_caller]
fn check(variables: &[(&str, &str)], id: &str, token: Option<&str>) -> Credentials {
    let found = found(variables).unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(found.access_key_id, id);
    assert_eq!(found.secret_access_key, "SECRET");
    assert_eq!(found.session_token.as_deref(), token);
    found
}

const ANSWERED: &str = r#"{"Code":"Success","AccessKeyId":"AKID","SecretAccessKey":"SECRET","Token":"T","Expiration":"2030-01-02T03:04:05Z"}"#;

#[test]
fn the_environment_comes_first() {
    check(
        &[
            ("AWS_ACCESS_KEY_ID", "AKID"),
            ("AWS_SECRET_ACCESS_KEY", "SECRET"),
            ("AWS_SESSION_TOKEN", "T"),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere"),
            ("AWS_ROLE_ARN", "r"),
        ],
        "AKID",
        Some("T"),
    );
}

#[test]
fn a_web_identity_assumes_its_role() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    std::fs::write(&file, "a.b.c\n").expect("a file");
    let answer = "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>AKID</AccessKeyId><SecretAccessKey>SECRET</SecretAccessKey><SessionToken>T</SessionToken><Expiration>2030-01-02T03:04:05Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>";
    let words = vec![
        "POST",
        "Action=AssumeRoleWithWebIdentity",
        "RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr",
        "WebIdentityToken=a.b.c",
    ];
    let sts = server(vec![(words, answer.to_owned())]);
    let file = file.display().to_string();
    let found = check(
        &[
            ("AWS_WEB_IDENTITY_TOKEN_FILE", &file),
            ("AWS_ROLE_ARN", "arn:aws:iam::1:role/r"),
            ("AWS_ENDPOINT_URL_STS", &sts),
        ],
        "AKID",
        Some("T"),
    );
    let expires = UNIX_EPOCH + Duration::from_secs(1_893_553_445);
    assert_eq!(found.expires, Some(expires));
}

#[test]
fn the_shared_file_has_profiles() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("credentials");
    let text = "[default]\naws_access_key_id = A\naws_secret_access_key=SECRET\n\n# more\n[other]\naws_access_key_id=B\naws_secret_access_key = SECRET\naws_session_token = T\n";
    std::fs::write(&file, text).expect("a file");
    let file = ("AWS_SHARED_CREDENTIALS_FILE", &*file.display().to_string());
    check(&[file], "A", None);
    check(&[file, ("AWS_PROFILE", "other")], "B", Some("T"));
}

#[test]
fn a_container_asks_its_agent() {
    let agent = server(vec![(
        vec!["GET", "authorization: secret"],
        ANSWERED.to_owned(),
    )]);
    check(
        &[
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &agent),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "secret"),
        ],
        "AKID",
        Some("T"),
    );
}

#[test]
fn an_instance_asks_for_its_metadata() {
    let metadata = server(vec![
        (vec!["PUT /latest/api/token"], "session".to_owned()),
        (
            vec![
                "security-credentials/ ",
                "x-aws-ec2-metadata-token: session",
            ],
            "role".to_owned(),
        ),
        (vec!["security-credentials/role "], ANSWERED.to_owned()),
    ]);
    check(
        &[("AWS_EC2_METADATA_SERVICE_ENDPOINT", &metadata)],
        "AKID",
        Some("T"),
    );
}

#[test]
fn where_nothing_is_it_is_said_where_was_looked() {
    let why = found(&[("AWS_EC2_METADATA_DISABLED", "true")])
        .err()
        .expect("nothing");
    assert!(
        why.contains("in the environment") && why.contains("disabled"),
        "{why}"
    );
    let variables = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere/token"),
        ("AWS_ROLE_ARN", "r"),
    ];
    let why = found(&variables).err().expect("nothing");
    assert!(
        why.contains("reading /nowhere/token: No such file"),
        "{why}"
    );
}
