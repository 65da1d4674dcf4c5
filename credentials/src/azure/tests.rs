//! Each way to a token, by an Entra and a metadata service of the test's own.

use super::*;
use crate::stub::{Exchange, answer, server, variables};

const GRANTED: &str = r#"{"token_type":"Bearer","expires_in":3599,"access_token":"e.t"}"#;

fn source() -> Source {
    Source {
        tenant_id: None,
        client_id: None,
        client_secret: Secret::default(),
        federated_token: None,
        authority_host: None,
        scope: SCOPE.to_owned(),
    }
}

#[test]
fn a_client_has_a_secret() {
    let words = vec![
        "POST /tenant/oauth2/v2.0/token",
        "grant_type=client_credentials&client_id=app&scope=https%3A%2F%2Fmonitor.azure.com%2F.default&client_secret=s%2Bt",
    ];
    let (url, _) = server(vec![answer(words, GRANTED)]);
    let written = Source {
        tenant_id: Some("tenant".to_owned()),
        client_id: Some("app".to_owned()),
        client_secret: Secret("s+t".to_owned()),
        authority_host: Some(format!("{url}/")),
        ..source()
    };
    // What is written comes before what the environment has.
    let others = [
        ("AZURE_CLIENT_ID", "other"),
        ("AZURE_FEDERATED_TOKEN_FILE", "/nowhere"),
    ];
    let token = written.fetch_by(&variables(&others)).expect("a token");
    assert_eq!(token.value, "e.t");
    assert!(!format!("{written:?}").contains("s+t"));

    let (url, _) = server(vec![Exchange {
        status: 401,
        ..answer(
            vec![],
            r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided."}"#,
        )
    }]);
    let refused = Source {
        authority_host: Some(url.clone()),
        ..written
    };
    let why = refused.fetch_by(&|_| None).expect_err("refused");
    for word in [
        &*url,
        "/tenant/",
        "client app by its secret",
        "AADSTS7000215",
        "correct tenant",
    ] {
        assert!(why.contains(word), "no {word:?} in {why}");
    }
    assert!(!why.contains("s+t"), "{why}");
}

/// The file is read for each token: Kubernetes replaces it.
#[test]
fn a_workload_has_a_federated_token() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    let path = file.display().to_string();
    let word = "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=first.b.c";
    let (url, _) = server(vec![
        answer(vec![word], GRANTED),
        answer(vec!["client_assertion=second.b.c"], GRANTED),
    ]);
    let pairs = [
        ("AZURE_CLIENT_ID", "app"),
        ("AZURE_TENANT_ID", "tenant"),
        ("AZURE_AUTHORITY_HOST", &*url),
        ("AZURE_FEDERATED_TOKEN_FILE", &*path),
    ];
    let fetched = || source().fetch_by(&variables(&pairs));
    std::fs::write(&file, "first.b.c\n").expect("a file");
    assert_eq!(fetched().expect("a token").value, "e.t");
    std::fs::write(&file, "second.b.c\n").expect("a file");
    assert_eq!(fetched().expect("a token").value, "e.t");
    std::fs::remove_file(&file).expect("a file");
    let why = fetched().expect_err("no file");
    assert!(
        why.contains(&format!("reading {path}: No such file")),
        "{why}"
    );
}

#[test]
fn a_machine_has_a_managed_identity() {
    let words = vec![
        "GET /metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fmonitor.azure.com%2F&client_id=app",
        "metadata: true",
    ];
    let body = r#"{"access_token":"e.t","expires_in":"3599","expires_on":"1506484173","resource":"https://monitor.azure.com/","token_type":"Bearer"}"#;
    let (url, _) = server(vec![answer(words, body)]);
    let pairs = [
        ("AZURE_POD_IDENTITY_AUTHORITY_HOST", &*url),
        ("AZURE_CLIENT_ID", "app"),
    ];
    let token = source().fetch_by(&variables(&pairs)).expect("a token");
    let left = token.left(SystemTime::now()).expect("valid").as_secs();
    assert!((3590..3600).contains(&left), "{left}");

    let (url, _) = server(vec![Exchange {
        status: 400,
        ..answer(
            vec![],
            r#"{"error":"invalid_request","error_description":"Identity not found"}"#,
        )
    }]);
    let pairs = [("AZURE_POD_IDENTITY_AUTHORITY_HOST", &*url)];
    let why = source().fetch_by(&variables(&pairs)).expect_err("none");
    for word in [
        "AZURE_TENANT_ID",
        &*url,
        "Identity not found",
        "assign a managed identity",
    ] {
        assert!(why.contains(word), "no {word:?} in {why}");
    }
}
