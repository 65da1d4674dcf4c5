//! Whether the result is a valid configuration.
//!
//! Secrets are not set where one imports, so each variable of the environment gets a value that fits where it stands.

use std::collections::BTreeMap;

use runtime::config::{self, ConfigError};

use crate::config::Config;

/// What a variable may hold: a text, a number, a duration, a switch, an address, a key.
const CANDIDATES: [&str; 7] = [
    "imported",
    "1",
    "10s",
    "true",
    "127.0.0.1",
    "127.0.0.1:4000",
    "a secret of sixteen bytes or more",
];

/// # Errors
/// What is wrong with it whatever the variables hold.
pub(super) fn checked(text: &str) -> Result<(), ConfigError> {
    let mut values: BTreeMap<String, &str> =
        variables(text).map(|name| (name, CANDIDATES[0])).collect();
    let mut best = load(text, &values);
    for name in values.keys().cloned().collect::<Vec<_>>() {
        for candidate in CANDIDATES {
            let Err(report) = &best else {
                return Ok(());
            };
            let mut tried = values.clone();
            tried.insert(name.clone(), candidate);
            let outcome = load(text, &tried);
            let better = match &outcome {
                Ok(()) => true,
                Err(other) => other.count() < report.count(),
            };
            if better {
                (values, best) = (tried, outcome);
            }
        }
    }
    best
}

fn load(text: &str, values: &BTreeMap<String, &str>) -> Result<(), ConfigError> {
    let environment = |name: &str| values.get(name).map(|value| (*value).to_owned());
    config::load("the result", text, &environment, Config::validate).map(drop)
}

/// The names in `${env:NAME}` and `${env:NAME:-default}`.
fn variables(text: &str) -> impl Iterator<Item = String> {
    text.split("${env:").skip(1).map(|after| {
        after
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
            .collect()
    })
}
