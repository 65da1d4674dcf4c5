//! Kinds of traces that many people drop, as conditions.

use super::Compiler;
use crate::policy::on_traces::rule::Rule;
use crate::policy::written::raw::{RawCondition, RawDropPreset, RawPolicy};

/// By path, by who asks, and by gRPC's health service; in names of semantic conventions old and new. A check that failed is kept, as every error is.
const HEALTH_CHECKS: &str = r#"root.status.code != STATUS_CODE_ERROR and (
    IsMatch(root.attributes["url.path"], "^/(healthz|readyz|livez|actuator/health)(/.*)?$")
    or IsMatch(root.attributes["http.route"], "^/(healthz|readyz|livez|actuator/health)(/.*)?$")
    or IsMatch(root.attributes["http.target"], "^/(healthz|readyz|livez|actuator/health)([/?].*)?$")
    or IsMatch(root.attributes["user_agent.original"], "^(kube-probe|ELB-HealthChecker)/")
    or IsMatch(root.attributes["http.user_agent"], "^(kube-probe|ELB-HealthChecker)/")
    or root.attributes["rpc.service"] == "grpc.health.v1.Health"
    or IsMatch(root.attributes["rpc.method"], "^grpc\\.health\\.v1\\.Health/")
    or IsMatch(root.name, "^/?grpc\\.health\\.v1\\.Health/")
)"#;

impl Compiler<'_> {
    /// A `drop` of a known kind of traces.
    pub(super) fn dropped_preset(
        &mut self,
        preset: RawDropPreset,
        beside: &[RawPolicy],
        path: &str,
    ) -> Option<Rule> {
        if !beside.is_empty() {
            let message = "contradicts `drop_sub_policy`: write two policies of type drop";
            self.problem(path, "preset", message);
        }
        let RawDropPreset::HealthChecks = preset;
        let condition = RawCondition {
            conditions: vec![HEALTH_CHECKS.to_owned()],
            ..RawCondition::default()
        };
        self.whole_trace(&condition, path)
    }
}
