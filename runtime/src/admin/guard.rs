//! Who may ask for what shows data or changes something: nobody by way of a browser, and with a token only who has it.
//!
//! A web page can send requests to localhost from its visitor's machine (CSRF), and read the answers when its name resolves to 127.0.0.1 the next time
//! (DNS rebinding). Browsers say so in `Origin`, `Sec-Fetch-Site` and `Host`; so none of our pages is for a page of somebody else.

use std::fmt;
use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::Digest;

const TOKEN_CHARS_MIN: usize = 16;

/// A secret that requests must carry, as its digest: comparing digests takes the same time whatever was guessed right.
#[derive(Clone)]
pub struct Token(Digest);

impl Token {
    /// `None`: too short, or nothing that a header can carry.
    pub fn new(text: &str) -> Option<Self> {
        let fits =
            text.len() >= TOKEN_CHARS_MIN && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| Self(Digest::of(text.as_bytes())))
    }

    fn is(&self, text: &[u8]) -> bool {
        self.0.is(&Digest::of(text))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(****)")
    }
}

/// Lets a request through, or says why not.
pub(super) async fn guard(
    State(token): State<Option<Token>>,
    request: Request,
    next: Next,
) -> Response {
    let host = request
        .uri()
        .authority()
        .map(|host| host.as_str().as_bytes());
    match check(token.as_ref(), host, request.headers()) {
        Ok(()) => next.run(request).await,
        Err((status, why)) => {
            let mut response = (status, format!("{why}\n")).into_response();
            if status == StatusCode::UNAUTHORIZED {
                let bearer = header::HeaderValue::from_static("Bearer");
                response
                    .headers_mut()
                    .insert(header::WWW_AUTHENTICATE, bearer);
            }
            response
        }
    }
}

/// `authority`: of HTTP/2, instead of `Host`.
fn check(
    token: Option<&Token>,
    authority: Option<&[u8]>,
    headers: &HeaderMap,
) -> Result<(), (StatusCode, &'static str)> {
    let forbidden = |why| Err((StatusCode::FORBIDDEN, why));
    let site = headers.get("sec-fetch-site");
    if headers.contains_key(header::ORIGIN) || site.is_some_and(|site| site != "none") {
        return forbidden("requests of web pages are not answered here");
    }
    let Some(token) = token else {
        let host = authority.or_else(|| headers.get(header::HOST).map(|host| host.as_bytes()));
        return match host.is_some_and(is_local) {
            true => Ok(()),
            false => forbidden(
                "only requests to localhost are answered here: use the host 127.0.0.1 or localhost, or set admin.token",
            ),
        };
    };
    let given = headers.get(header::AUTHORIZATION);
    let given = given.and_then(|given| given.as_bytes().split_first_chunk::<7>());
    match given {
        Some((scheme, given)) if scheme.eq_ignore_ascii_case(b"bearer ") && token.is(given) => {
            Ok(())
        }
        _ => Err((
            StatusCode::UNAUTHORIZED,
            "send the token of admin.token as `Authorization: Bearer …`",
        )),
    }
}

/// `localhost`, or an address of this machine's loopback, with any port.
fn is_local(host: &[u8]) -> bool {
    let Ok(authority) = Authority::try_from(host) else {
        return false;
    };
    // Credentials before an `@` are nobody's business here.
    if authority.as_str().contains('@') {
        return false;
    }
    let name = authority.host();
    let bare = (name.strip_prefix('[')).and_then(|name| name.strip_suffix(']'));
    name.eq_ignore_ascii_case("localhost")
        || (bare.unwrap_or(name).parse::<IpAddr>()).is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef";

    fn status(token: Option<&str>, headers: &[(&'static str, &str)]) -> u16 {
        let token = token.map(|text| Token::new(text).unwrap());
        let headers = headers.iter().map(|(name, value)| {
            let name = header::HeaderName::from_static(name);
            (name, header::HeaderValue::from_str(value).unwrap())
        });
        let checked = check(token.as_ref(), None, &headers.collect());
        checked.map_or_else(|(status, _)| status.as_u16(), |()| 200)
    }

    #[test]
    fn without_a_token_only_this_machine_is_answered() {
        for host in [
            "localhost",
            "LocalHost:13134",
            "127.0.0.1:13134",
            "127.8.8.8",
            "[::1]:13134",
        ] {
            assert_eq!(status(None, &[("host", host)]), 200, "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:13134",
            "localhost.evil.example",
            "127.0.0.1.nip.io:13134",
            "localhost@evil.example",
            "10.0.0.1",
            "[2001:db8::1]:13134",
            "",
        ] {
            assert_eq!(status(None, &[("host", host)]), 403, "{host}");
        }
        assert_eq!(status(None, &[]), 403);
        let http2 = check(None, Some(b"evil.example"), &HeaderMap::new());
        assert!(http2.is_err());
        let http2 = check(None, Some(b"localhost:1"), &HeaderMap::new());
        assert!(http2.is_ok());
    }

    #[test]
    fn no_web_page_is_answered_not_even_one_with_a_token() {
        let bearer = format!("Bearer {TOKEN}");
        for (name, value) in [
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("origin", "http://localhost:13134"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("sec-fetch-site", "same-origin"),
        ] {
            let page = (name, value);
            assert_eq!(
                status(None, &[("host", "localhost"), page]),
                403,
                "{page:?}"
            );
            let with = [("host", "localhost"), page, ("authorization", &bearer)];
            assert_eq!(status(Some(TOKEN), &with), 403, "{page:?}");
        }
        // A person who types the address.
        let typed = [("host", "localhost"), ("sec-fetch-site", "none")];
        assert_eq!(status(None, &typed), 200);
    }

    #[test]
    fn with_a_token_only_who_has_it_is_answered() {
        let given = |value: &str| {
            status(
                Some(TOKEN),
                &[("host", "tailwater.example"), ("authorization", value)],
            )
        };
        assert_eq!(given(&format!("Bearer {TOKEN}")), 200);
        assert_eq!(given(&format!("bearer {TOKEN}")), 200);
        for wrong in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer 0123456789abcde",
            "Bearer 0123456789abcdeg",
            "Bearer 0123456789abcdef0",
            "Basic 0123456789abcdef",
            TOKEN,
        ] {
            assert_eq!(given(wrong), 401, "{wrong:?}");
        }
        // On localhost too: other users of the machine are there.
        assert_eq!(status(Some(TOKEN), &[("host", "localhost")]), 401);
    }

    #[test]
    fn tokens_that_guard_nothing_are_refused_and_none_is_shown() {
        for text in [
            "",
            "short",
            "sixteen and more, with blanks",
            "ümläute-ümläute-ü",
        ] {
            assert!(Token::new(text).is_none(), "{text}");
        }
        let shown = format!("{:?}", Token::new(TOKEN));
        assert_eq!(shown, "Some(Token(****))");
    }
}
