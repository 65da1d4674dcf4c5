//! Names of metrics and labels, as Prometheus has them.
//!
//! Source: <https://github.com/prometheus/otlptranslator>, which Prometheus' own OTLP endpoint names by, and
//! <https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/>. Label names are those of the specification: runs of
//! underscores become one, and a name may begin with an underscore. (Prometheus' endpoint does otherwise unless told, for compatibility
//! with its older versions.)

mod label;
mod metric;
mod unit;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use label::label_name;
pub use metric::{MetricType, metric_name};
pub use unit::unit_name;

/// How names are translated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Names {
    /// `http.server.duration` in `s` is `http_server_duration_seconds`: what dashboards and rules of Prometheus are written for.
    #[default]
    UnderscoreWithSuffixes,
    /// `http_server_duration`. Metrics of one name that differ in unit or type collide.
    Underscore,
    /// `http.server.duration_seconds`. The receiver has to take names in UTF-8, as Prometheus does from version 3.
    Utf8WithSuffixes,
    /// `http.server.duration`. As `utf8_with_suffixes`; metrics of one name that differ in unit or type collide.
    Utf8,
}

impl Names {
    /// What Prometheus' older data model doesn't allow becomes `_`.
    pub fn escapes(self) -> bool {
        matches!(self, Self::UnderscoreWithSuffixes | Self::Underscore)
    }

    /// Names end with their unit and, of counters, `_total`.
    pub fn has_suffixes(self) -> bool {
        matches!(self, Self::UnderscoreWithSuffixes | Self::Utf8WithSuffixes)
    }
}

#[cfg(test)]
mod tests;
