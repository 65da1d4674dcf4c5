//! What a span does, as a name of which there are few: `GET /carts/{id}` in place of `GET /carts/48151623`.
//!
//! Pure functions of a span's kind, name and attributes ([`Facts`]), so that enrich, which renames spans, and the sampler, which tells operations
//! apart before that, agree on every span. Nothing is counted here: a limit of names is the business of whoever keeps them.

mod convention;
mod normalized;
mod path;

use std::borrow::Cow;

pub use convention::{Convention, conventional_name};
pub use normalized::{Operation, normalized};
pub use path::template;

/// What is known of a span. How it is stored is the implementation's affair.
pub trait Facts {
    /// Why an attribute can't be read.
    type Error;

    /// `SpanKind`: 0 (unspecified) to 5 (consumer).
    ///
    /// # Errors
    /// It can't be read.
    fn kind(&self) -> Result<i64, Self::Error>;

    /// The name that it has.
    ///
    /// # Errors
    /// It can't be read.
    fn name(&self) -> Result<Cow<'_, str>, Self::Error>;

    /// An attribute of the span as text, whatever its type.
    ///
    /// # Errors
    /// It can't be read.
    fn text(&self, key: &'static str) -> Result<Option<Cow<'_, str>>, Self::Error>;

    /// Whether an attribute is there and is true.
    ///
    /// # Errors
    /// It can't be read.
    fn is_true(&self, key: &'static str) -> Result<bool, Self::Error>;

    /// The first of two attributes that is there: its name of today, then an older one.
    ///
    /// # Errors
    /// One can't be read.
    fn either(
        &self,
        new: &'static str,
        old: &'static str,
    ) -> Result<Option<Cow<'_, str>>, Self::Error> {
        match self.text(new)? {
            Some(text) => Ok(Some(text)),
            None => self.text(old),
        }
    }
}

#[cfg(test)]
mod tests;
