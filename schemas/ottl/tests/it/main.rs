//! OTTL from the outside: texts against telemetry, as tables through one `check` each.
#![allow(clippy::unwrap_used)]

mod conditions;
mod drafts;
mod editors;
mod functions;
/// Random OTLP requests, as the tests of the views have them.
#[allow(dead_code, unused_imports)]
#[path = "../../../tests/it/generate/mod.rs"]
mod generate;
mod metrics;
mod problems;
mod robustness;
mod telemetry;
