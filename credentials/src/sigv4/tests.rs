//! Against what AWS publishes.

use std::time::{Duration, UNIX_EPOCH};

use super::*;
use crate::aws::Credentials;

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn credentials(secret: &str, token: Option<&str>) -> Credentials {
    Credentials {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret_access_key: secret.to_owned(),
        session_token: token.map(str::to_owned),
        expires: None,
    }
}

/// The example in AWS's documentation of how a signing key is derived.
#[test]
fn a_signing_key_is_as_published() {
    let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    let key = signing_key(secret, "20150830", "us-east-1", "iam");
    let expected = "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9";
    assert_eq!(const_hex::encode(key), expected);
}

/// The example of a presigned URL in the documentation of S3 ("Authenticating requests: using query parameters").
#[test]
fn a_url_is_signed_as_published() {
    let unsigned = Unsigned {
        host: "examplebucket.s3.amazonaws.com",
        path: "/test.txt",
        region: "us-east-1",
        service: "s3",
        query: &[],
        expires_s: 86400,
        payload: "UNSIGNED-PAYLOAD",
    };
    let mut credentials = credentials("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", None);
    "AKIAIOSFODNN7EXAMPLE".clone_into(&mut credentials.access_key_id);
    let url = presigned(&unsigned, &credentials, at(1_369_353_600));
    assert_eq!(
        url,
        "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    );
}

struct Vector<'a> {
    /// Method and target.
    line: &'a str,
    headers: &'a [(&'a str, &'a str)],
    body: &'a str,
    token: Option<&'a str>,
}

impl Default for Vector<'_> {
    fn default() -> Self {
        Self {
            line: "GET /",
            headers: &[],
            body: "",
            token: None,
        }
    }
}

/// The signature is that of AWS's Signature Version 4 test suite (`aws-signing-test-suite`, v4, as of aws-c-auth).
#[track_caller]
fn check(vector: &Vector<'_>, names: &str, signature: &str) {
    let (method, target) = vector.line.split_once(' ').expect("a method and a target");
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let outgoing = Outgoing {
        method,
        host: "example.amazonaws.com",
        path,
        query,
        headers: vector.headers,
        payload: &sha256(vector.body.as_bytes()),
        region: "us-east-1",
        service: "service",
    };
    let credentials = credentials("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", vector.token);
    let headers = signed(&outgoing, &credentials, at(1_440_938_160)).expect("signed");
    assert!(headers.iter().all(|(_, value)| value.is_sensitive()));
    let expected = format!(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders={names}, Signature={signature}"
    );
    assert_eq!(headers[0].1, expected, "{}", vector.line);
    assert_eq!(headers[1].1, "20150830T123600Z");
    let token = headers
        .get(2)
        .map(|(_, value)| value.to_str().expect("ASCII"));
    assert_eq!(token, vector.token);
}

#[track_caller]
fn check_line(line: &str, signature: &str) {
    let vector = Vector {
        line,
        ..Vector::default()
    };
    check(&vector, "host;x-amz-date", signature);
}

#[test]
fn paths_and_queries_of_the_test_suite() {
    let vanilla = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
    for line in ["GET /", "GET /example/..", "GET /./"] {
        check_line(line, vanilla);
    }
    check_line(
        "GET //example//",
        "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84",
    );
    check_line(
        "GET /example space/",
        "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741",
    );
    check_line(
        "GET /ሴ",
        "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
    );
    check_line(
        "GET /-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
    );
    check_line(
        "GET /?Param1=value1",
        "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
    );
    check_line(
        "GET /?Param2=value2&Param1=value1",
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    );
    check_line(
        "GET /?Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
        "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
    );
    check_line(
        "GET /?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
    );
    check_line(
        "GET /?ሴ=bar",
        "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
    );
    check_line(
        "POST /",
        "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
    );
    check_line(
        "POST /?Param1=value1",
        "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11",
    );
}

#[test]
fn headers_and_bodies_of_the_test_suite() {
    let of = |headers, names: &str, signature: &str| {
        let vector = Vector {
            headers,
            ..Vector::default()
        };
        check(&vector, names, signature);
    };
    let names = "host;my-header1;x-amz-date";
    of(
        &[
            ("My-Header1", "value2"),
            ("My-Header1", "value2"),
            ("My-Header1", "value1"),
        ],
        names,
        "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
    );
    of(
        &[("My-Header1", " value1"), ("My-Header2", " \"a   b   c\"")],
        "host;my-header1;my-header2;x-amz-date",
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
    );
    of(
        &[
            ("My-Header1", "value1\n  value2\n     value3"),
            ("User-Agent", "unsigned"),
        ],
        names,
        "cfd34249e4b1c8d6b91ef74165d41a32e5fab3306300901bb65a51a73575eefd",
    );
    let vector = Vector {
        line: "POST /",
        headers: &[("My-Header1", "VALUE1")],
        ..Vector::default()
    };
    check(
        &vector,
        names,
        "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
    );
    let vector = Vector {
        token: Some("6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"),
        ..Vector::default()
    };
    check(
        &vector,
        "host;x-amz-date;x-amz-security-token",
        "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8",
    );
}

/// What botocore 1.44.8 (`SigV4Auth`) signs at the same time.
#[test]
fn a_post_with_a_body_is_signed_as_botocore_does() {
    let vector = Vector {
        line: "POST /v1/logs%20x?a=b%2Fc&a=%20",
        headers: &[
            ("content-type", "application/x-protobuf"),
            ("content-encoding", "gzip"),
            ("x-aws-log-group", "shop"),
        ],
        body: "Param1=value1",
        token: None,
    };
    check(
        &vector,
        "content-encoding;content-type;host;x-amz-date;x-aws-log-group",
        "bedfec752625264095164d27f59f0670236dc2f2645ac7b511afd40813018fab",
    );
}
