//! Signs a request for AWS: method, address, headers, and the body as it is on the wire.

use std::time::SystemTime;

use credentials::aws::{self, Credentials};
use credentials::sigv4::{Outgoing, sha256_of, signed};
use http::uri::{Authority, Scheme};
use http::{Request, Uri};

use crate::transport::body::Payload;

/// The body's hash costs about a millisecond a megabyte, for each attempt.
///
/// # Errors
/// Region or service are unknown, or something of the credentials can't stand in a header.
pub fn sign(
    request: &mut Request<Payload>,
    credentials: &Credentials,
    region: Option<&str>,
    service: Option<&str>,
    now: SystemTime,
) -> Result<(), String> {
    leave_out_usual_port(request.uri_mut());
    let uri = request.uri();
    let host = uri.authority().map_or("", Authority::as_str);
    let by_host = aws::service_and_region(uri.host().unwrap_or_default());
    let unknown = || format!("{host} doesn't say which region and service of AWS it is");
    let region = region.or(by_host.map(|(_, region)| region));
    let service = service.or(by_host.map(|(service, _)| service));
    let headers = request.headers().iter();
    // Others can't be compared, since their characters have no one form.
    let headers = headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let outgoing = Outgoing {
        method: request.method().as_str(),
        host,
        path: uri.path(),
        query: uri.query().unwrap_or_default(),
        headers: &headers.collect::<Vec<_>>(),
        payload: &sha256_of(request.body().chunks().map(|chunk| &**chunk)),
        region: region.ok_or_else(unknown)?,
        service: service.ok_or_else(unknown)?,
    };
    let added = signed(&outgoing, credentials, now)?;
    request.headers_mut().extend(added);
    Ok(())
}

/// HTTP/1.1 leaves out a port that goes without saying and HTTP/2 doesn't, and what is signed has to be what is sent.
fn leave_out_usual_port(uri: &mut Uri) {
    let usual = match uri.scheme() {
        Some(scheme) if *scheme == Scheme::HTTPS => 443,
        Some(scheme) if *scheme == Scheme::HTTP => 80,
        _ => return,
    };
    if uri.port_u16() != Some(usual) {
        return;
    }
    let mut parts = uri.clone().into_parts();
    parts.authority = uri.host().and_then(|host| host.parse().ok());
    if let Ok(without) = Uri::from_parts(parts) {
        *uri = without;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_usual_port_is_left_out() {
        let check = |uri: &str, expected: &str| {
            let mut uri: Uri = uri.parse().unwrap();
            leave_out_usual_port(&mut uri);
            assert_eq!(uri.to_string(), expected);
        };
        check("https://h:443/v1?a=b", "https://h/v1?a=b");
        check("http://h:80/", "http://h/");
        check("http://h:443/", "http://h:443/");
        check("https://[::1]:443/v1", "https://[::1]/v1");
        check("https://h/v1", "https://h/v1");
    }
}
