//! Structure out of text.

mod csv;
mod grok;
mod pairs;
mod severity;
mod url;

use super::signature::Converter;

pub(super) const TOPICS: &[&[Converter]] = &[
    csv::CONVERTERS,
    grok::CONVERTERS,
    pairs::CONVERTERS,
    severity::CONVERTERS,
    url::CONVERTERS,
];
