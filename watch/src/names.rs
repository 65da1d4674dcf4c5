//! The names of the watcher's metrics; documented in `docs/reference/metrics.md`, which a test of the binary holds to this file.

use crate::Config;

/// Labels: `cluster`, `state` (live, deleted).
pub const PODS: &str = "tailwater_k8s_pods";
/// Lists of all objects of a kind after the first. Label: `cluster`.
pub const RELISTS: &str = "tailwater_k8s_relists_total";
/// Since the API server last said something. Label: `cluster`.
pub const AGE: &str = "tailwater_k8s_age_seconds";
/// Requests to the API server that failed. Labels: `cluster`, `reason` (forbidden, expired, unreachable, other).
pub const FAILURES: &str = "tailwater_k8s_failures_total";

/// Why a request failed, as the label has it.
pub(crate) const REASONS: [&str; 4] = ["forbidden", "expired", "unreachable", "other"];

/// Every counter is there from the start.
pub fn register(config: &Config) {
    for cluster in &config.clusters {
        let name = cluster.name.to_string();
        for state in ["live", "deleted"] {
            let labels = [("cluster", name.clone()), ("state", state.to_owned())];
            metrics::gauge!(PODS, &labels).set(0.0);
        }
        for reason in REASONS {
            let labels = [("cluster", name.clone()), ("reason", reason.to_owned())];
            metrics::counter!(FAILURES, &labels).increment(0);
        }
        metrics::counter!(RELISTS, "cluster" => name.clone()).increment(0);
        metrics::gauge!(AGE, "cluster" => name).set(0.0);
    }
}
