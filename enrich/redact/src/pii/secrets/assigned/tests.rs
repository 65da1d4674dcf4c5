//! Values that are secrets, and what only looks like one.

use super::*;

/// The first value that is found at any separator.
#[track_caller]
fn check(text: &str, expected: Option<&str>) {
    // What keeps scanners from taking these lines for secrets.
    let text = &text.replace('¦', "");
    let separators = text
        .bytes()
        .enumerate()
        .filter(|(_, byte)| matches!(byte, b'=' | b':'));
    let mut found = separators.filter_map(|(at, _)| assigned(text.as_bytes(), at));
    assert_eq!(found.next().map(|range| &text[range]), expected, "{text}");
}

#[test]
fn passwords_in_all_notations() {
    for (text, password) in [
        ("password=hunter2", "hunter2"),
        ("login ok, password: hunter2, next", "hunter2"),
        ("{\"user\":\"ann\",\"password\":\"s3cr et\"}", "s3cr et"),
        (
            r#"{"body":"{\"password\":\"hunter2\",\"x\":1}"}"#,
            "hunter2",
        ),
        (
            r#"{"body":"{\\\"password\\\": \\\"hunter2\\\"}"}"#,
            "hunter2",
        ),
        (r#""password": "a\"b'c d""#, r#"a\"b'c d"#),
        ("DB_PASSWORD='root'", "root"),
        ("dbPassword := `toor`", "toor"),
        ("'passwd' => 'admin'", "admin"),
        ("config[\"pwd\"] = \"admin\"", "admin"),
        ("redis_pass=abcd&db=1", "abcd"),
        ("--password=P@ssw0rd!", "P@ssw0rd!"),
        ("?user=ann&password=pa%20ss&x=1", "pa%20ss"),
        ("{user=ann, password=hunter2}", "hunter2"),
        ("Credentials(password=hun(t)er2)", "hun(t)er2"),
        ("password=hunter2\\nother=1", "hunter2"),
        ("a=1\\u0026password=hunter2\\u0026b=2", "hunter2"),
        ("password == hunter2", "hunter2"),
        ("spring.datasource.password=test", "test"),
        (
            "passphrase: \"correct horse battery\"",
            "correct horse battery",
        ),
    ] {
        check(text, Some(password));
    }
}

#[test]
fn tokens_that_look_generated() {
    for (text, token) in [
        (
            "api_key=Zf3D¦0LXCM3EIMbgJpUNnkRtO",
            "Zf3D0LXC¦M3EIMbgJpUNnkRtO",
        ),
        (
            "\"clientSecret\": \"6da89121¦079f83b2eb6acccf8219ea98\"",
            "6da89121¦079f83b2eb6acccf8219ea98",
        ),
        (
            "X-Api-Key: dafa7817¦-e246-48f3-91a7-e87653d587b8",
            "dafa7817¦-e246-48f3-91a7-e87653d587b8",
        ),
        (
            "AccountK¦ey=am9obmRvZTpkMDY5NGIxYi1jMTcxLTQ4==;End",
            "am9obmRv¦ZTpkMDY5NGIxYi1jMTcxLTQ4==",
        ),
        (
            "creds = 34bf0e88¦955ff5a1c328d6a7491acc4f",
            "34bf0e88¦955ff5a1c328d6a7491acc4f",
        ),
        (
            "some_api_token_123 = \"Zf3D0LXC¦M3EIMbgJpUNnkRtO\"",
            "Zf3D0LXC¦M3EIMbgJpUNnkRtO",
        ),
    ] {
        check(text, Some(&token.replace('¦', "")));
    }
}

#[test]
fn what_is_no_secret() {
    for text in [
        "password=****",
        "password=<your password>",
        "password=${DB_PASSWORD}",
        "password: {{ .Values.password }}",
        "password=null",
        "password: REDACTED",
        "password=xxxx",
        "password=",
        "password=\"\"",
        "password: required",
        "Password: must not be blank",
        "password=abc",
        "password=1111",
        "PuttyPassword=0",
        "password != hunter2",
        "PWD=/home/app",
        "OLDPWD=/",
        "/etc/passwd:/etc/passwd:ro",
        "snowflake.password=\njdbc.snowflake.url=",
        "password combination.\n\nR5: Regulatory--21",
        "token: authentication-service",
        "token=1712345678901",
        "tokens: 4096",
        "max_tokens=12345678",
        "secret: my-app-tls",
        "api_key=short1",
        "token: aaaaaaaa1",
        "token=/var/run/secrets/kubernetes.io/serviceaccount/token1",
        "secret: arn:aws:secretsmanager:us-east-1:123456789012:secret:db",
        "token: 2026-11-30T14:20:00.123Z",
        "csrf-token=Mj2qykJ¦O5rELyHgezQ69nzUX0i3OH67V7",
        "nextPageToken=CAUQAA¦8fkJd93kJDk38dkWa",
        "publicToken = \"9Cnzj4¦p4WGeKLs1Pt8QuKUpRKfFLfRYC9AIKjbJTWit\"",
        "credentialsId: 'ff083f7¦6-7804-4ef1-80e4-fe975bb9141b'",
        "access_token_url='https://github.com/login/oauth/access_token'",
        "keyword: Befaehigung_P2",
        "password=k1:0123456789abcdef",
        "windowToken=Token{9f4ef63a1}",
        "token: android.os.BinderProxy@2bd79ce",
        "stream/token: com.apple.xpc.activity/4505",
        "secret: my-database-credentials-2",
        "token=https://example.org/a1b2c3?x9Z8y7W6",
        "bypass=abcd",
        "compass: north",
        "user: ann",
        "=",
        ":",
        "a:b",
    ] {
        check(text, None);
    }
}

#[test]
fn a_long_value_is_taken_to_its_end() {
    let value = "a1B2c3D4-e5F6g7H8".repeat(1_000);
    check(&format!("token={value} next"), Some(&value));
    check(&format!("\"token\":\"{value}\",\"x\":1"), Some(&value));
    // What is judged of this one ends in a bracket that closes nothing.
    let brackets = format!(
        "{}){}",
        "a1B2c3D4-e5F6g7H".repeat(40).split_at(511).0,
        "p".repeat(90)
    );
    check(&format!("(password={brackets})"), Some(&brackets[..602]));
    // Of very many such brackets a few are left off, and the rest isn't looked at again and again.
    let (value, brackets) = ("a1B2c3D4".repeat(70), ")".repeat(20_000));
    let found = format!("{value}{}", &brackets[8..]);
    check(&format!("password={value}{brackets}"), Some(&found));
    assert_eq!(assigned(b"password=x", 40), None);
}

#[test]
fn values_of_keys() {
    assert!(assigned_by_key(Named::Password, b"correct horse"));
    assert!(assigned_by_key(Named::Token, b"Zf3D0LXCM3EIMbgJpUNnkRtO"));
    for (named, value) in [
        (Named::Password, "[REDACTED]"),
        (Named::Password, "abc"),
        (Named::Token, "not found at 10:15:30 in us-east-1"),
        (Named::Token, "4096"),
    ] {
        assert!(!assigned_by_key(named, value.as_bytes()), "{value}");
    }
}
