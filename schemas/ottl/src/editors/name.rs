//! The editor that names a span by the semantic conventions.

use schemas::operation::{Facts, conventional_name};

use super::edit::{Change, Edit, Editor};
use crate::expr::Place;
use crate::functions::{Args, Kind, optional, required};
use crate::paths::field::SpanField;
use crate::paths::{Field, SpanFacts};
use crate::value::Result;

pub(super) const EDITORS: &[Editor] = &[Editor {
    name: "set_semconv_span_name",
    parameters: &[
        required("semconv_version", Kind::LiteralText),
        optional("original_span_name_attribute", Kind::LiteralText),
    ],
    make: set_semconv_span_name,
}];

/// The versions of the conventions that give the names that are given here.
const VERSIONS: std::ops::RangeInclusive<[u32; 3]> = [1, 37, 0]..=[1, 41, 0];

/// No convention names the span: it keeps its name.
fn set_semconv_span_name(mut args: Args) -> Result<Edit, String> {
    let (version, original) = (args.literal_text(0)?, args.optional_literal_text(1));
    if !parsed(&version).is_some_and(|version| VERSIONS.contains(&version)) {
        return Err(format!(
            "unsupported version {version:?} of the semantic conventions: from 1.37.0 to 1.41.0"
        ));
    }
    if original.as_ref().is_some_and(String::is_empty) {
        return Err(
            "`original_span_name_attribute` is empty: name an attribute, or leave it out"
                .to_owned(),
        );
    }
    let target = Place {
        field: Field::Span(SpanField::Name),
        keys: Vec::new(),
    };
    Ok(Edit::changing(target, move |_, at| {
        let facts = SpanFacts::new(at);
        let Some((_, name)) = conventional_name(&facts)? else {
            return Ok(None);
        };
        let came = facts.name()?;
        if came == name {
            return Ok(None);
        }
        let original = original.clone().map(|key| (key, came.into_owned()));
        Ok(Some(Change::Name { name, original }))
    }))
}

/// `1.37.0`, also with a `v` in front or without its last numbers.
fn parsed(version: &str) -> Option<[u32; 3]> {
    let mut numbers = [0; 3];
    let parts = version.strip_prefix('v').unwrap_or(version).split('.');
    for (at, part) in parts.enumerate() {
        *numbers.get_mut(at)? = part.parse().ok()?;
    }
    Some(numbers)
}
