//! The AWS identity of this process, found in the order of AWS's SDKs: environment, web identity (EKS service accounts), the shared credentials
//! file, a container's agent (ECS, EKS pod identity), and the instance's metadata.
//!
//! Not here: single sign-on, credential processes, and roles that are assumed from a profile.

use std::path::Path;
use std::time::SystemTime;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde::Deserialize;

use super::http_client::exchange;
use super::oidc::form_encoded;

/// What signs.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub access_key_id: String,
    pub secret_access_key: String,
    pub session_token: Option<String>,
    pub expires: Option<SystemTime>,
}

/// Where variables come from: the process's environment, or a test's.
type Environment<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// # Errors
/// Where they were looked for, and why they aren't there.
pub fn credentials(region: &str) -> Result<Credentials, String> {
    let environment = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    find(region, &environment)
}

fn find(region: &str, environment: &Environment) -> Result<Credentials, String> {
    if let (Some(id), Some(secret)) = (
        environment("AWS_ACCESS_KEY_ID"),
        environment("AWS_SECRET_ACCESS_KEY"),
    ) {
        return Ok(Credentials {
            access_key_id: id,
            secret_access_key: secret,
            session_token: environment("AWS_SESSION_TOKEN"),
            expires: None,
        });
    }
    if let (Some(file), Some(role)) = (
        environment("AWS_WEB_IDENTITY_TOKEN_FILE"),
        environment("AWS_ROLE_ARN"),
    ) {
        return web_identity(region, &file, &role, environment);
    }
    if let Some(found) = shared_file(environment)? {
        return Ok(found);
    }
    match container(environment) {
        Some(found) => found,
        None => instance(environment),
    }
}

/// A token of Kubernetes for the credentials of a role.
fn web_identity(
    region: &str,
    file: &str,
    role: &str,
    environment: &Environment,
) -> Result<Credentials, String> {
    let token = read_trimmed(file)?;
    let domain = match region.starts_with("cn-") {
        true => "amazonaws.com.cn",
        false => "amazonaws.com",
    };
    let endpoint = environment("AWS_ENDPOINT_URL_STS")
        .unwrap_or_else(|| format!("https://sts.{region}.{domain}/"));
    let session = environment("AWS_ROLE_SESSION_NAME").unwrap_or_else(|| "tailwater".to_owned());
    let body = format!(
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn={}&RoleSessionName={}&WebIdentityToken={}",
        form_encoded(role),
        form_encoded(&session),
        form_encoded(&token)
    );
    let attempted = || format!("assuming the role {role} at {endpoint} with the token in {file}");
    let request = Request::post(&endpoint)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Full::from(body))
        .map_err(|e| format!("{}: {e}", attempted()))?;
    let answer = exchange(request, None).map_err(|why| format!("{}: {why}", attempted()))?;
    let text = String::from_utf8_lossy(&answer.body);
    if !answer.status.is_success() {
        let reason = between(&text, "Message").unwrap_or_default();
        return Err(format!(
            "{}: it answers {} {reason}",
            attempted(),
            answer.status
        ));
    }
    let part = |name| between(&text, name).map(str::to_owned);
    match (
        part("AccessKeyId"),
        part("SecretAccessKey"),
        part("SessionToken"),
    ) {
        (Some(id), Some(secret), Some(token)) => Ok(Credentials {
            access_key_id: id,
            secret_access_key: secret,
            session_token: Some(token),
            expires: between(&text, "Expiration").and_then(time),
        }),
        _ => Err(format!("{}: its answer holds no credentials", attempted())),
    }
}

/// What stands in an XML element that occurs once and holds text; the answers of STS have no others of these names.
fn between<'t>(xml: &'t str, name: &str) -> Option<&'t str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(text.trim())
}

/// The profile of the shared credentials file; `None`: there is no such file or profile.
fn shared_file(environment: &Environment) -> Result<Option<Credentials>, String> {
    let by_home = || environment("HOME").map(|home| format!("{home}/.aws/credentials"));
    let Some(path) = environment("AWS_SHARED_CREDENTIALS_FILE").or_else(by_home) else {
        return Ok(None);
    };
    if !Path::new(&path).exists() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(&path).map_err(|e| format!("reading {path}: {e}"))?;
    let profile = environment("AWS_PROFILE").unwrap_or_else(|| "default".to_owned());
    Ok(of_profile(&text, &profile))
}

fn of_profile(text: &str, profile: &str) -> Option<Credentials> {
    let header = format!("[{profile}]");
    let lines = text.lines().map(str::trim);
    let mut lines = lines.skip_while(|line| *line != header);
    lines.next()?;
    let pairs: Vec<(&str, &str)> = lines
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.trim(), value.trim()))
        .collect();
    let value = |name| {
        let found = pairs.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    Some(Credentials {
        access_key_id: value("aws_access_key_id")?,
        secret_access_key: value("aws_secret_access_key")?,
        session_token: value("aws_session_token"),
        expires: None,
    })
}

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
fn container(environment: &Environment) -> Option<Result<Credentials, String>> {
    let relative = environment("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
        .map(|path| format!("http://169.254.170.2{path}"));
    let url = relative.or_else(|| environment("AWS_CONTAINER_CREDENTIALS_FULL_URI"))?;
    let token = match environment("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
        Some(file) => match read_trimmed(&file) {
            Ok(token) => Some(token),
            Err(why) => return Some(Err(why)),
        },
        None => environment("AWS_CONTAINER_AUTHORIZATION_TOKEN"),
    };
    let header = token.map(|token| ("authorization", token));
    Some(ask("GET", &url, header).and_then(|body| answered(&url, &body)))
}

/// From the metadata of a machine in EC2, by version 2 of its protocol.
fn instance(environment: &Environment) -> Result<Credentials, String> {
    const NOWHERE: &str = "there are no AWS credentials in the environment, in a web identity, in a shared credentials file or from a container's agent";
    if environment("AWS_EC2_METADATA_DISABLED").is_some_and(|value| value == "true") {
        return Err(format!(
            "{NOWHERE}, and the instance's metadata are disabled"
        ));
    }
    let base = environment("AWS_EC2_METADATA_SERVICE_ENDPOINT")
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
        .and_then(|request| exchange(request, None))
        .map_err(|why| format!("asking {url}: {why}"))?;
    match answer.status.is_success() {
        true => Ok(answer.body),
        false => Err(format!("asking {url}: it answers {}", answer.status)),
    }
}

fn answered(url: &str, body: &[u8]) -> Result<Credentials, String> {
    let answered: Answered = serde_json::from_slice(body)
        .map_err(|_| format!("asking {url}: its answer holds no credentials"))?;
    Ok(Credentials {
        access_key_id: answered.access_key_id,
        secret_access_key: answered.secret_access_key,
        session_token: answered.token,
        expires: answered.expiration.as_deref().and_then(time),
    })
}

fn time(text: &str) -> Option<SystemTime> {
    humantime::parse_rfc3339(text).ok()
}

fn read_trimmed(path: &str) -> Result<String, String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("reading {path}: {e}"))?;
    Ok(text.trim().to_owned())
}

#[cfg(test)]
mod tests;
