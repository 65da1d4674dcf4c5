//! Text to text, bytes to text and back.

mod encode;
mod format;
mod plain;

use super::signature::Converter;

pub(super) const TOPICS: &[&[Converter]] =
    &[encode::CONVERTERS, format::CONVERTERS, plain::CONVERTERS];
