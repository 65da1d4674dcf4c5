//! Types: asked for, and from one to another.

mod check;
mod convert;

use super::signature::Converter;

pub(super) const TOPICS: &[&[Converter]] = &[check::CONVERTERS, convert::CONVERTERS];
