//! OTTL from the outside: texts against telemetry, as tables through one `check` each.

mod conditions;
mod editors;
mod functions;
mod problems;
mod robustness;
mod telemetry;
