//! Times and durations: from text, to text, their parts.

mod calendar;
mod duration;
mod strptime;

use super::signature::Converter;

pub(super) const TOPICS: &[&[Converter]] = &[
    calendar::CONVERTERS,
    duration::CONVERTERS,
    strptime::CONVERTERS,
];
