//! YAML's merge key: `<<: *anchor` puts the keys of other mappings into this one, unless it has them itself.
//!
//! What is merged keeps its places: a wrong value is shown where it is written, at the anchor.

use granit_parser::ScalarStyle;

use super::super::report::{Finding, Place};
use super::tree::{Entry, Kind, Node};

/// In quotes it is a key like any other.
pub fn is_key(key: &str, style: ScalarStyle) -> bool {
    key == "<<" && style == ScalarStyle::Plain
}

pub fn twice(place: Place) -> Finding {
    let finding = Finding::at(place, "`<<` stands twice in one place");
    finding.with_help(Some(
        "write one list: `<<: [*one, *other]`; the first that has a key gives its value".to_owned(),
    ))
}

/// Adds the keys of `from`, a mapping or a list of them, that `entries` lacks. Of a list, the first that has a key gives its value.
pub fn into(entries: &mut Vec<Entry>, place: Place, from: Node, findings: &mut Vec<Finding>) {
    match from.kind {
        Kind::Mapping(more) => add(entries, more),
        Kind::Sequence(items) => {
            for item in items {
                match item.kind {
                    Kind::Mapping(more) => add(entries, more),
                    Kind::Unknown => {}
                    _ => findings.push(no_mapping(place)),
                }
            }
        }
        Kind::Unknown => {}
        Kind::Scalar(_) | Kind::Unset(_) => findings.push(no_mapping(place)),
    }
}

fn add(entries: &mut Vec<Entry>, more: Vec<Entry>) {
    for entry in more {
        if !entries.iter().any(|own| own.key == entry.key) {
            entries.push(entry);
        }
    }
}

fn no_mapping(place: Place) -> Finding {
    Finding::at(
        place,
        "`<<` takes keys with values, or a list of them: `<<: *anchor`, or `<<: [*one, *other]`",
    )
}
