//! Amazon MSK: the token is a signed URL that would ask for `kafka-cluster:Connect`, in base64, as AWS's own signers for Kafka clients write it.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use credentials::Token;
use credentials::aws::{self, Credentials};
use credentials::sigv4::{Unsigned, presigned, sha256};

/// As long as AWS's own signers take, and as long as MSK takes it.
const VALID: Duration = Duration::from_secs(900);
const USER_AGENT: &str = concat!("tailwater%2F", env!("CARGO_PKG_VERSION"));

pub fn sign(region: &str) -> Result<Token, String> {
    let attempted = || format!("signing a token for Amazon MSK in {region}");
    let credentials = aws::credentials(region).map_err(|why| format!("{}: {why}", attempted()))?;
    Ok(token(region, &credentials, SystemTime::now()))
}

fn token(region: &str, credentials: &Credentials, now: SystemTime) -> Token {
    let url = presigned(
        &Unsigned {
            host: &format!("kafka.{region}.amazonaws.com"),
            path: "/",
            region,
            service: "kafka-cluster",
            query: &[("Action", "kafka-cluster:Connect")],
            expires_s: VALID.as_secs(),
            payload: &sha256(b""),
        },
        credentials,
        now,
    );
    let ends = now + VALID;
    Token {
        value: URL_SAFE_NO_PAD.encode(format!("{url}&User-Agent={USER_AGENT}")),
        principal: credentials.access_key_id.clone(),
        // What is signed is worth no more than who signs.
        expires: credentials
            .expires
            .map_or(ends, |expires| expires.min(ends)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    /// What AWS's SDK for Go (`aws-sdk-go-v2` 1.36.4, as `aws-msk-iam-sasl-signer-go` 1.0.4 uses it) signs at the same time with the same credentials.
    fn check(session_token: Option<&str>, rest: &str) {
        let credentials = Credentials {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
            session_token: session_token.map(str::to_owned),
            expires: None,
        };
        let now = UNIX_EPOCH + Duration::from_secs(1_440_938_160);
        let token = token("eu-central-1", &credentials, now);
        let url = URL_SAFE_NO_PAD
            .decode(&token.value)
            .expect("base64url without padding");
        let url = String::from_utf8(url).expect("a URL");
        let (signed, agent) = url
            .rsplit_once("&User-Agent=")
            .expect("an agent at the end");
        assert_eq!(
            signed,
            format!(
                "https://kafka.eu-central-1.amazonaws.com/?Action=kafka-cluster%3AConnect&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Feu-central-1%2Fkafka-cluster%2Faws4_request&X-Amz-Date=20150830T123600Z&X-Amz-Expires=900&{rest}"
            )
        );
        assert!(agent.starts_with("tailwater%2F"), "{agent}");
        assert_eq!(token.expires, now + VALID);
    }

    #[test]
    fn a_token_is_what_aws_would_sign() {
        check(
            None,
            "X-Amz-SignedHeaders=host&X-Amz-Signature=53689816b3b2cdde51ca9132a78772b80ff54898d21f7932753496df2eea9d8c",
        );
        check(
            Some("a/session+token=="),
            "X-Amz-Security-Token=a%2Fsession%2Btoken%3D%3D&X-Amz-SignedHeaders=host&X-Amz-Signature=8a48c5a44545314970a49439059d6628124b3e719efb043f60ab46decd13e95b",
        );
    }
}
