//! Is this candidate one? A check by kind of personal data: its shape, its check digits, its dates.
//!
//! The engine cuts the candidates and removes their separators. A check takes the bytes that are left, allocates
//! nothing, never panics, and takes time linear in them. No check knows of the text around: where a docstring says
//! that many random digits pass, the engine has to ask for context. Digits that are all the same pass no check; they
//! are fillers.
//!
//! The chances in the docstrings are for random digits of the right length (letters, where the number has letters),
//! and are measured by the tests.

pub(crate) mod bank;
pub(crate) mod cards;
mod checksums;
mod dates;
pub(crate) mod email;
pub(crate) mod europe;
pub(crate) mod net;
pub(crate) mod phone;
#[cfg(test)]
mod tests;
pub(crate) mod us;
pub(crate) mod world;
