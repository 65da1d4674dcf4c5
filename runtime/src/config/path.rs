//! Paths of a configuration, as in `sampler.policies[2].latency.threshold_ms`.

pub(super) fn join(path: &str, key: &str) -> String {
    match path {
        "" => key.to_owned(),
        path => format!("{path}.{key}"),
    }
}

pub(super) fn prefixed(path: &str, message: &str) -> String {
    match path {
        "" => message.to_owned(),
        path => format!("{path}: {message}"),
    }
}

/// Whether `path` is `section`, or in it.
pub(super) fn is_within(section: &str, path: &str) -> bool {
    path.strip_prefix(section)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// The section that holds a value, and the value's key in it.
pub(super) fn split(path: &str) -> (&str, &str) {
    match path.rfind(['.', '[']) {
        Some(at) => (&path[..at], path[at..].trim_start_matches('.')),
        None => ("", path),
    }
}

/// The key of `path` if it is a direct one of `section`; empty for the section itself.
pub(super) fn key_in<'p>(section: &str, path: &'p str) -> Option<&'p str> {
    let rest = path.strip_prefix(section)?;
    let key = match (section, rest) {
        (_, "") => return Some(""),
        ("", key) => key,
        (_, rest) => rest.strip_prefix('.')?,
    };
    (!key.contains(['.', '['])).then_some(key)
}
