//! AWS's Security Token Service: a token of Kubernetes, or other credentials, for those of a role.

use std::time::SystemTime;

use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::Full;

use super::Credentials;
use crate::form::{self, read_trimmed};
use crate::http::exchange;
use crate::sigv4::{Outgoing, sha256, signed};
use crate::variables::Variables;

const VERSION: (&str, &str) = ("Version", "2011-06-15");

/// A token of Kubernetes for the credentials of a role.
pub fn web_identity(
    region: &str,
    file: &str,
    role: &str,
    variables: &Variables<'_>,
) -> Result<Credentials, String> {
    let token = read_trimmed(file)?;
    let endpoint = endpoint(region, variables);
    let attempted = || format!("assuming the role {role} at {endpoint} with the token in {file}");
    let fields = [
        ("Action", "AssumeRoleWithWebIdentity"),
        VERSION,
        ("RoleArn", role),
        ("RoleSessionName", &session(variables)),
        ("WebIdentityToken", &token),
    ];
    form::post(&endpoint, &fields)
        .and_then(ask)
        .map_err(|why| format!("{}: {why}", attempted()))
}

/// The credentials of a role for those that may assume it.
pub fn assume_role(
    region: &str,
    role: &str,
    own: &Credentials,
    variables: &Variables<'_>,
    now: SystemTime,
) -> Result<Credentials, String> {
    let endpoint = endpoint(region, variables);
    let id = &own.access_key_id;
    let attempted = || format!("assuming the role {role} at {endpoint} as {id}");
    let session = session(variables);
    let fields = [
        ("Action", "AssumeRole"),
        VERSION,
        ("RoleArn", role),
        ("RoleSessionName", &*session),
    ];
    sign(&endpoint, &fields, region, own, now)
        .and_then(ask)
        .map_err(|why| format!("{}: {why}", attempted()))
}

fn sign(
    endpoint: &str,
    fields: &[(&str, &str)],
    region: &str,
    own: &Credentials,
    now: SystemTime,
) -> Result<Request<Full<Bytes>>, String> {
    let mut request = form::post(endpoint, fields)?;
    let uri: Uri = request.uri().clone();
    let host = uri.authority().map_or("", |authority| authority.as_str());
    let outgoing = Outgoing {
        method: "POST",
        host,
        path: uri.path(),
        query: uri.query().unwrap_or_default(),
        headers: &[("content-type", "application/x-www-form-urlencoded")],
        payload: &sha256(form::body(fields).as_bytes()),
        region,
        service: "sts",
    };
    request.headers_mut().extend(signed(&outgoing, own, now)?);
    Ok(request)
}

fn endpoint(region: &str, variables: &Variables<'_>) -> String {
    let domain = match region.starts_with("cn-") {
        true => "amazonaws.com.cn",
        false => "amazonaws.com",
    };
    variables("AWS_ENDPOINT_URL_STS").unwrap_or_else(|| format!("https://sts.{region}.{domain}/"))
}

/// What the role's log says who it was.
fn session(variables: &Variables<'_>) -> String {
    variables("AWS_ROLE_SESSION_NAME").unwrap_or_else(|| "tailwater".to_owned())
}

fn ask(request: Request<Full<Bytes>>) -> Result<Credentials, String> {
    let answer = exchange(request, None)?;
    let text = String::from_utf8_lossy(&answer.body);
    if !answer.status.is_success() {
        let reason = between(&text, "Message").unwrap_or_default();
        return Err(format!(
            "it answers {} {reason}; let the role trust who asks, and look at the token's audience",
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
            expires: between(&text, "Expiration")
                .and_then(|text| humantime::parse_rfc3339(text).ok()),
        }),
        _ => Err("its answer holds no credentials".to_owned()),
    }
}

/// What stands in an XML element that occurs once and holds text; the answers of STS have no others of these names.
pub fn between<'t>(xml: &'t str, name: &str) -> Option<&'t str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(text.trim())
}
