//! Presets of products that others run.

pub mod chronosphere;
pub mod coralogix;
pub mod datadog;
pub mod dynatrace;
pub mod elastic_cloud;
pub mod grafana_cloud;
pub mod honeycomb;
pub mod newrelic;
pub mod splunk_o11y;
