//! Policies as they are written in the configuration.

pub(super) mod raw;
pub(super) mod raw_rates;
