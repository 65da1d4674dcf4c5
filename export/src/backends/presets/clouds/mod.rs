//! Presets of the clouds' own products.

pub mod aws;
pub mod azure;
pub mod gcp;
