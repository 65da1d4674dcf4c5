//! Which field a name in JSON text means: lowerCamelCase as OTLP has it, snake_case as protobuf's own JSON readers take it, and the
//! names that resources and scopes had before OTLP 0.15.

use crate::otlp::schema::{Field, Message};

/// What a name means in a message.
pub(super) enum Name {
    Field(&'static Field),
    /// By a name that OTLP no longer has.
    Old(&'static Field),
    Unknown,
}

/// `children` is the field that holds scopes or items, where there are any.
pub(super) fn resolve(of: &Message, children: Option<&'static Field>, name: &str) -> Name {
    if let Some(field) = of.field_named(name) {
        return Name::Field(field);
    }
    let snake = name
        .contains('_')
        .then(|| of.fields.iter().find(|field| is_snake(name, field.name)));
    if let Some(field) = snake.flatten() {
        return Name::Field(field);
    }
    match children.and_then(|children| old(of, children, name)) {
        Some(field) => Name::Old(field),
        None => Name::Unknown,
    }
}

/// `instrumentationLibrarySpans` for `scopeSpans` (and its siblings), `instrumentationLibrary` for `scope`.
fn old(of: &Message, children: &'static Field, name: &str) -> Option<&'static Field> {
    let is = |old: &str| name == old || is_snake(name, old);
    if let Some(what) = children.name.strip_prefix("scope") {
        return is(&format!("instrumentationLibrary{what}")).then_some(children);
    }
    let scope = of.fields.iter().find(|field| field.name == "scope")?;
    is("instrumentationLibrary").then_some(scope)
}

/// Whether `snake` is `camel` in snake_case.
fn is_snake(snake: &str, camel: &str) -> bool {
    let mut camel = camel.bytes();
    let mut bytes = snake.bytes();
    while let Some(byte) = bytes.next() {
        let expected = camel.next();
        let same = match byte {
            b'_' => {
                let next = bytes.next().filter(u8::is_ascii_lowercase);
                next.is_some() && next.map(|byte| byte.to_ascii_uppercase()) == expected
            }
            byte => expected == Some(byte) && !byte.is_ascii_uppercase(),
        };
        if !same {
            return false;
        }
    }
    camel.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snake_case() {
        for (snake, camel, same) in [
            ("trace_id", "traceId", true),
            ("start_time_unix_nano", "startTimeUnixNano", true),
            ("traceid", "traceId", false),
            ("trace_i", "traceId", false),
            ("trace_id_", "traceId", false),
            ("t_race_id", "traceId", false),
            ("trace__id", "traceId", false),
            ("traceId", "traceId", false),
        ] {
            assert_eq!(is_snake(snake, camel), same, "{snake}");
        }
    }
}
