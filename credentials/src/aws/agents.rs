//! Credentials that are handed out by what runs this process: the agent of a container (ECS, EKS pod identity), or the metadata of a machine in EC2.

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde::Deserialize;

use super::Credentials;
use crate::form::read_trimmed;
use crate::http::exchange_nearby;
use crate::variables::Variables;

/// What agents answer.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answered {
    access_key_id: String,
    secret_access_key: String,
    token: Option<String>,
    expiration: Option<String>,
}

/// From the agent of a container; `None`: there is none.
pub fn container(variables: &Variables<'_>) -> Option<Result<Credentials, String>> {
    let relative = variables("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
        .map(|path| format!("http://169.254.170.2{path}"));
    let url = relative.or_else(|| variables("AWS_CONTAINER_CREDENTIALS_FULL_URI"))?;
    let token = match variables("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
        Some(file) => match read_trimmed(&file) {
            Ok(token) => Some(token),
            Err(why) => return Some(Err(why)),
        },
        None => variables("AWS_CONTAINER_AUTHORIZATION_TOKEN"),
    };
    let header = token.map(|token| ("authorization", token));
    Some(ask("GET", &url, header).and_then(|body| answered(&url, &body)))
}

/// From the metadata of a machine in EC2, by version 2 of its protocol.
pub fn instance(variables: &Variables<'_>) -> Result<Credentials, String> {
    const NOWHERE: &str = "there are no AWS credentials in the environment, in a web identity, in a shared credentials file or from a container's agent";
    if variables("AWS_EC2_METADATA_DISABLED").is_some_and(|value| value == "true") {
        return Err(format!(
            "{NOWHERE}, and the instance's metadata are disabled"
        ));
    }
    let base = variables("AWS_EC2_METADATA_SERVICE_ENDPOINT")
        .unwrap_or_else(|| "http://169.254.169.254".to_owned());
    let base = base.trim_end_matches('/');
    let ttl = ("x-aws-ec2-metadata-token-ttl-seconds", "300".to_owned());
    let session = ask("PUT", &format!("{base}/latest/api/token"), Some(ttl))
        .map_err(|why| format!("{NOWHERE}, nor from the instance's metadata: {why}"))?;
    let session = String::from_utf8_lossy(&session).trim().to_owned();
    let header = || Some(("x-aws-ec2-metadata-token", session.clone()));
    let roles = format!("{base}/latest/meta-data/iam/security-credentials/");
    let role = ask("GET", &roles, header())?;
    let role = String::from_utf8_lossy(&role).trim().to_owned();
    let url = format!("{roles}{role}");
    ask("GET", &url, header()).and_then(|body| answered(&url, &body))
}

fn ask(method: &str, url: &str, header: Option<(&str, String)>) -> Result<Bytes, String> {
    let mut request = Request::builder().method(method).uri(url);
    if let Some((name, value)) = header {
        request = request.header(name, value);
    }
    let answer = request
        .body(Full::default())
        .map_err(|e| e.to_string())
        .and_then(exchange_nearby)
        .map_err(|why| format!("asking {url}: {why}"))?;
    match answer.status.is_success() {
        true => Ok(answer.body),
        false => Err(format!("asking {url}: it answers {}", answer.status)),
    }
}

fn answered(url: &str, body: &[u8]) -> Result<Credentials, String> {
    let answered: Answered = serde_json::from_slice(body)
        .map_err(|_| format!("asking {url}: its answer holds no credentials"))?;
    let time = |text: &str| humantime::parse_rfc3339(text).ok();
    Ok(Credentials {
        access_key_id: answered.access_key_id,
        secret_access_key: answered.secret_access_key,
        session_token: answered.token,
        expires: answered.expiration.as_deref().and_then(time),
    })
}
