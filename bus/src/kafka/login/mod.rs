//! Who we are to the brokers, and whom we trust: TLS and SASL as the configuration has them, and kept fresh while everything runs.

mod certificates;
mod check;
mod clients;
mod config;
mod keeper;
mod oauth;
mod settings;

pub(in crate::kafka) use certificates::Files;
pub(in crate::kafka) use check::{doubts, problems};
pub(in crate::kafka) use clients::{Credential, Registered};
pub use config::{Mechanism, RawKafkaTls, RawMskIam, RawOauth, RawSasl};
pub(in crate::kafka) use keeper::{Login, Renew};
pub(in crate::kafka) use oauth::Source;
pub(in crate::kafka) use settings::{SECRET, contradictions, settings};
