//! The credentials in a request's headers: a key or a token, as clients send them.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};

use super::refused::Unauthorized;

/// A secret that came. It has no `Debug`, so that it gets into no log.
pub struct Credential<'h> {
    pub secret: Cow<'h, [u8]>,
    /// It came as `Bearer`, so it may be a token.
    pub bearer: bool,
}

/// The credentials in the first of these headers that is there.
///
/// # Errors
/// There are some that can't be read: they count as none that fit, not as none.
pub fn find<'h>(
    headers: &'h HeaderMap,
    names: &[HeaderName],
) -> Result<Option<Credential<'h>>, Unauthorized> {
    let found = names.iter().find(|name| headers.contains_key(*name));
    let Some(name) = found else {
        return Ok(None);
    };
    let malformed = |why| Unauthorized::Malformed(name.to_string(), why);
    let mut values = headers.get_all(name).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(malformed("it came more than once"));
    };
    let credential = match name == AUTHORIZATION {
        true => authorization(value.as_bytes()).map_err(malformed)?,
        false => Credential {
            secret: value.as_bytes().trim_ascii().into(),
            bearer: false,
        },
    };
    match credential.secret.is_empty() {
        true => Err(malformed("it is empty")),
        false => Ok(Some(credential)),
    }
}

/// `Bearer <secret>`, or `Basic <base64 of user:secret>`; schemes in either case (RFC 9110, section 11.1).
fn authorization(value: &[u8]) -> Result<Credential<'_>, &'static str> {
    let value = value.trim_ascii();
    let end = value.iter().position(|byte| *byte == b' ');
    let (scheme, rest) = value.split_at(end.unwrap_or(value.len()));
    let rest = rest.trim_ascii();
    if scheme.eq_ignore_ascii_case(b"bearer") {
        return Ok(Credential {
            secret: rest.into(),
            bearer: true,
        });
    }
    if !scheme.eq_ignore_ascii_case(b"basic") {
        return Err("the scheme is neither Bearer nor Basic");
    }
    let mut text = STANDARD
        .decode(rest)
        .map_err(|_| "behind Basic stands no base64")?;
    let colon = text.iter().position(|byte| *byte == b':');
    let colon = colon.ok_or("behind Basic stands no user and password")?;
    Ok(Credential {
        secret: text.split_off(colon + 1).into(),
        bearer: false,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn check(headers: &[(&'static str, &str)], expected: Result<Option<(&str, bool)>, &str>) {
        let names = ["authorization", "x-api-key"].map(HeaderName::from_static);
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let found = find(&map, &names).map(|found| {
            found.map(|credential| {
                (
                    String::from_utf8(credential.secret.into_owned()).unwrap(),
                    credential.bearer,
                )
            })
        });
        let expected =
            expected.map(|found| found.map(|(secret, bearer)| (secret.to_owned(), bearer)));
        match (found, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{headers:?}"),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (found, expected) => panic!("{headers:?}: {found:?}, not {expected:?}"),
        }
    }

    #[test]
    fn keys_come_in_many_ways() {
        check(&[], Ok(None));
        check(&[("authorization", "Bearer abc")], Ok(Some(("abc", true))));
        check(
            &[("authorization", "bearer   abc ")],
            Ok(Some(("abc", true))),
        );
        // user:pass:word
        check(
            &[("authorization", "Basic dXNlcjpwYXNzOndvcmQ=")],
            Ok(Some(("pass:word", false))),
        );
        check(&[("x-api-key", "abc")], Ok(Some(("abc", false))));
        check(
            &[("x-api-key", "b"), ("authorization", "Bearer a")],
            Ok(Some(("a", true))),
        );
        check(&[("authorization", "")], Err("neither Bearer nor Basic"));
        check(&[("authorization", "abc")], Err("neither Bearer nor Basic"));
        check(
            &[("authorization", "Digest abc")],
            Err("neither Bearer nor Basic"),
        );
        check(&[("authorization", "Bearer")], Err("empty"));
        check(&[("authorization", "Bearer ")], Err("empty"));
        check(&[("authorization", "Basic !")], Err("no base64"));
        check(
            &[("authorization", "Basic YWJj")],
            Err("no user and password"),
        );
        check(&[("authorization", "Basic dXNlcjo=")], Err("empty"));
        check(&[("x-api-key", " ")], Err("empty"));
        check(
            &[("x-api-key", "a"), ("x-api-key", "b")],
            Err("more than once"),
        );
    }
}
