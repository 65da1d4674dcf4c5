//! The functions of the language, by topic. A function is a row of a table: name, parameters, and how to make a call of it.
//!
//! Making happens once, when a text is compiled: literals are checked, patterns compiled. The call is what runs for each
//! span.

mod hash;
mod ids;
mod list;
mod net;
mod number;
mod parse;
mod pattern;
mod points;
mod signature;
mod text;
mod time;
mod types;

pub(crate) use pattern::Pattern;
pub(crate) use signature::{Args, Bound, Converter, Kind, Parameter, optional, required};

const TOPICS: &[&[&[Converter]]] = &[
    &[
        hash::CONVERTERS,
        ids::CONVERTERS,
        list::CONVERTERS,
        net::CONVERTERS,
        number::CONVERTERS,
        points::CONVERTERS,
    ],
    parse::TOPICS,
    text::TOPICS,
    time::TOPICS,
    types::TOPICS,
];

/// Functions of the reference that are not here, and why.
pub(crate) const MISSING: &[(&str, &str)] = &[
    ("UUID", CHANCE),
    ("UUIDv7", CHANCE),
    ("UserAgent", "it needs a database of browsers"),
    ("ParseXML", XML),
    ("ParseSimplifiedXML", XML),
    ("GetXML", XML),
    ("InsertXML", XML),
    ("RemoveXML", XML),
    ("ConvertAttributesToElementsXML", XML),
    ("ConvertTextToElementsXML", XML),
];

const CHANCE: &str = "the same telemetry must give the same result each time";
const XML: &str = "XML is not supported";

pub(crate) fn converters() -> impl Iterator<Item = &'static Converter> + Clone {
    TOPICS.iter().copied().flatten().copied().flatten()
}
