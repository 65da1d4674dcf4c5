//! `URL`: the parts of an address under the names of the semantic conventions.
//!
//! Reads as Go's `net/url` does, which is laxer than browsers: a relative path is an address too. That is why the crate `url` doesn't do, which
//! refuses those and rewrites hosts and paths. Nor does `percent-encoding`: where Go refuses a percent sign without digits, it
//! leaves it as it is.

use crate::expr::Call;
use crate::functions::signature::{Args, Converter, Kind, required};
use crate::value::{EvalError, Result, Value};

pub(super) const CONVERTERS: &[Converter] = &[Converter {
    name: "URL",
    parameters: &[required("uri", Kind::Text)],
    make: |mut args: Args| {
        let uri = args.expr(0)?;
        Ok(Call::any(move |at| {
            let uri = uri.text(at)?;
            if uri.is_empty() {
                return Err(EvalError::new("URL found an empty text"));
            }
            match uri.strip_prefix('?') {
                Some(query) => parameters(query),
                None => parts(&uri),
            }
        }))
    },
}];

fn parts(uri: &str) -> Result<Value<'static>> {
    let wrong = || EvalError::new(format!("{uri:?} is no URL"));
    if uri.bytes().any(|byte| byte < 0x20 || byte == 0x7f) {
        return Err(wrong());
    }
    let mut found: Vec<(&str, Value<'static>)> = vec![("url.original", Value::owned(uri))];
    let (rest, fragment) = uri.split_once('#').unwrap_or((uri, ""));
    if !fragment.is_empty() {
        found.push((
            "url.fragment",
            Value::owned(unescape(fragment, false).ok_or_else(wrong)?),
        ));
    }
    let (scheme, rest) = scheme(rest).ok_or_else(wrong)?;
    found.push(("url.scheme", Value::owned(scheme.to_ascii_lowercase())));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    if !query.is_empty() {
        found.push(("url.query", Value::owned(query)));
    }
    let rooted = rest.starts_with('/');
    if !rooted && !scheme.is_empty() {
        // `mailto:a@b` has neither host nor path.
        found.push(("url.domain", Value::owned("")));
        found.push(("url.path", Value::owned("")));
        return Ok(named(found));
    }
    let first = rest.split('/').next().unwrap_or_default();
    if !rooted && first.contains(':') {
        return Err(wrong());
    }
    let mut path = rest;
    let mut domain = String::new();
    if let Some(after) = rest
        .strip_prefix("//")
        .filter(|after| !after.starts_with("//"))
    {
        let end = after.find('/').unwrap_or(after.len());
        path = &after[end..];
        domain = authority(&after[..end], &mut found).ok_or_else(wrong)?;
    }
    let path = unescape(path, false).ok_or_else(wrong)?;
    if let Some((_, extension)) = path
        .rsplit_once('.')
        .filter(|(_, extension)| !extension.is_empty())
    {
        found.push(("url.extension", Value::owned(extension)));
    }
    found.push(("url.domain", Value::owned(domain)));
    found.push(("url.path", Value::owned(path)));
    Ok(named(found))
}

fn named(pairs: Vec<(&str, Value<'static>)>) -> Value<'static> {
    Value::map(
        pairs
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value)),
    )
}

/// The part before a colon if it can be a scheme, and the rest; nothing where a colon comes first.
fn scheme(uri: &str) -> Option<(&str, &str)> {
    for (index, byte) in uri.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if index > 0 => {}
            b':' if index > 0 => return Some((&uri[..index], &uri[index + 1..])),
            b':' => return None,
            _ => break,
        }
    }
    Some(("", uri))
}

/// The host's name; user and port go to what was found.
fn authority(text: &str, found: &mut Vec<(&str, Value<'static>)>) -> Option<String> {
    let (user, host) = match text.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, text),
    };
    if let Some(user) = user {
        let allowed =
            |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
        if !user.bytes().all(allowed) {
            return None;
        }
        let (name, password) = match user.split_once(':') {
            Some((name, password)) => (name, Some(password)),
            None => (user, None),
        };
        let name = unescape(name, false)?;
        found.push(("url.user_info", Value::owned(user)));
        if !name.is_empty() {
            found.push(("url.username", Value::owned(name)));
        }
        if let Some(password) = password {
            found.push(("url.password", Value::owned(unescape(password, false)?)));
        }
    }
    let (name, port) = match host.strip_prefix('[') {
        Some(address) => {
            let (address, after) = address.split_once(']')?;
            (address, after)
        }
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    if !port.is_empty() {
        let digits = port.strip_prefix(':')?;
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        if !digits.is_empty() {
            found.push(("url.port", Value::Int(digits.parse().ok()?)));
        }
    }
    let forbidden = |byte: u8| b" <>\"\\^`{|}".contains(&byte);
    if name.bytes().any(forbidden) {
        return None;
    }
    unescape(name, false)
}

/// Percent signs with two digits are bytes; in a query a plus is a space.
fn unescape(text: &str, query: bool) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                out.push((high << 4 | low) as u8);
            }
            b'+' if query => out.push(b' '),
            other => out.push(other),
        }
    }
    String::from_utf8(out).ok()
}

/// `?a=1&a=2` by itself: the values of each parameter.
fn parameters(query: &str) -> Result<Value<'static>> {
    let wrong = || EvalError::new(format!("{query:?} is no query"));
    let mut found: Vec<(String, Vec<Value<'static>>)> = Vec::new();
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        if parameter.contains(';') {
            return Err(wrong());
        }
        let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let key = unescape(key, true).ok_or_else(wrong)?;
        let value = Value::owned(unescape(value, true).ok_or_else(wrong)?);
        match found.iter_mut().find(|(known, _)| *known == key) {
            Some((_, values)) => values.push(value),
            None => found.push((key, vec![value])),
        }
    }
    if found.is_empty() {
        return Ok(Value::map([]));
    }
    let parameters = Value::map(
        found
            .into_iter()
            .map(|(key, values)| (key, Value::list(values))),
    );
    Ok(Value::map([("query".to_owned(), parameters)]))
}
