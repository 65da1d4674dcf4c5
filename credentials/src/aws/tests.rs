//! Each place where credentials may be, answered by a server of the test's own; no variable of the process is touched.

use std::time::{Duration, UNIX_EPOCH};

use super::*;
use crate::stub::{answer, server, variables};

fn found(pairs: &[(&str, &str)], role: Option<&str>) -> Result<Credentials, String> {
    let source = Source {
        region: "eu-west-1".to_owned(),
        role: role.map(str::to_owned),
    };
    source.fetch_by(&variables(pairs))
}

#[track_caller]
fn check(variables: &[(&str, &str)], id: &str, token: Option<&str>) -> Credentials {
    let found = found(variables, None).unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(found.access_key_id, id);
    assert_eq!(found.secret_access_key, "SECRET");
    assert_eq!(found.session_token.as_deref(), token);
    found
}

const ANSWERED: &str = r#"{"Code":"Success","AccessKeyId":"AKID","SecretAccessKey":"SECRET","Token":"T","Expiration":"2030-01-02T03:04:05Z"}"#;

/// What STS answers to an action.
fn of_sts(action: &str) -> String {
    format!(
        "<{action}Response><{action}Result><Credentials><AccessKeyId>AKID</AccessKeyId><SecretAccessKey>SECRET</SecretAccessKey><SessionToken>T</SessionToken><Expiration>2030-01-02T03:04:05Z</Expiration></Credentials></{action}Result></{action}Response>"
    )
}

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
    let words = vec![
        "POST",
        "Action=AssumeRoleWithWebIdentity",
        "RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr",
        "WebIdentityToken=a.b.c",
    ];
    let (sts, _) = server(vec![answer(words, of_sts("AssumeRoleWithWebIdentity"))]);
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
    let (agent, _) = server(vec![answer(vec!["GET", "authorization: secret"], ANSWERED)]);
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
    let (metadata, _) = server(vec![
        answer(vec!["PUT /latest/api/token"], "session"),
        answer(
            vec![
                "security-credentials/ ",
                "x-aws-ec2-metadata-token: session",
            ],
            "role",
        ),
        answer(vec!["security-credentials/role "], ANSWERED),
    ]);
    check(
        &[("AWS_EC2_METADATA_SERVICE_ENDPOINT", &metadata)],
        "AKID",
        Some("T"),
    );
}

#[test]
fn where_nothing_is_it_is_said_where_was_looked() {
    let why = found(&[("AWS_EC2_METADATA_DISABLED", "true")], None)
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
    let why = found(&variables, None).err().expect("nothing");
    assert!(
        why.contains("reading /nowhere/token: No such file"),
        "{why}"
    );
}

/// The request for a role is signed by the process's own credentials.
#[test]
fn a_role_is_assumed() {
    let words = vec![
        "POST",
        "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&RoleSessionName=me",
        "Credential=OWN/",
        "/eu-west-1/sts/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature=",
        "x-amz-security-token: OWN-T",
    ];
    let (sts, _) = server(vec![answer(words, of_sts("AssumeRole"))]);
    let pairs = [
        ("AWS_ACCESS_KEY_ID", "OWN"),
        ("AWS_SECRET_ACCESS_KEY", "OWN-SECRET"),
        ("AWS_SESSION_TOKEN", "OWN-T"),
        ("AWS_ENDPOINT_URL_STS", &*sts),
        ("AWS_ROLE_SESSION_NAME", "me"),
    ];
    let role = "arn:aws:iam::1:role/r";
    let assumed = found(&pairs, Some(role)).expect("credentials");
    assert_eq!(assumed.access_key_id, "AKID");
    assert_eq!(assumed.session_token.as_deref(), Some("T"));
    let shown = format!("{assumed:?}");
    assert!(
        !shown.contains("SECRET") && !shown.contains("\"T\""),
        "{shown}"
    );

    let mut refused = answer(
        vec![],
        "<E><Message>not authorized to perform: sts:AssumeRole</Message></E>",
    );
    refused.status = 403;
    let (sts, _) = server(vec![refused]);
    let mut pairs = pairs;
    pairs[3].1 = &*sts;
    let why = found(&pairs, Some(role)).expect_err("refused");
    for word in [role, &*sts, "as OWN", "403", "not authorized", "trust"] {
        assert!(why.contains(word), "no {word:?} in {why}");
    }
    assert!(!why.contains("SECRET"), "{why}");
}
