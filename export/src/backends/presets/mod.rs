//! Presets: kinds of backends that are OTLP with the address, the headers and the limits of one product.
//!
//! A preset is a section of a few keys that stands for a section `otlp_http` or `otlp_grpc`; `tailwater check --expand` prints which. It knows
//! nothing of requests and answers. What it says of a product comes from the product's documentation, which each file names with the
//! date on which it was read.
//!
//! To add one: a file in the folder where it belongs, its module there, and a line in the table of kinds.

// Before those who use its macros.
#[macro_use]
mod keys;

mod asked;
pub(crate) mod clouds;
mod merge;
pub(crate) mod open;
mod preset;
#[cfg(test)]
mod tests;
pub(crate) mod vendors;

pub use preset::Expanded;
