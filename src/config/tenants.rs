//! The `tenants` section: what holds for one tenant, in all stages. Each stage is handed its own part of it, and knows nothing of the others'.

use std::collections::BTreeMap;

use runtime::config::{ByteRate, ByteSize, Problems};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// By name; [`DEFAULT`] is for tenants without a name of their own here.
pub type RawTenants = BTreeMap<String, RawTenant>;

/// The entry for every tenant that has none of its own, and for data that belongs to no named tenant.
pub const DEFAULT: &str = "default";
/// Each has a bucket, counters and perhaps policies of its own: what a process holds for them stays below 100 MiB.
const TENANTS_MAX: usize = 10_000;
/// Of a name, as of the header that carries it.
const NAME_BYTES_MAX: usize = 256;
/// A burst that isn't configured is what the rate brings in this time.
const BURST_SECONDS: u64 = 2;

/// What holds for one tenant.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawTenant {
    /// How many bytes of telemetry ingest takes in a second, on average. Absent: as many as come.
    pub rate: Option<ByteRate>,
    /// How many bytes ingest takes at once after a pause. Absent: as much as `rate` brings in two seconds.
    pub burst: Option<ByteSize>,
    /// Which of its traces are kept, in place of `sampler.policies`. Absent: those hold for it too. Rate limits and what
    /// policies remember of other traces are the tenant's own. Elsewhere the policy `p` of the tenant `t` is called
    /// `t/p`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "sampler::RawPolicies")]
    pub policies: Option<sampler::RawPolicies>,
    /// How much of it is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<sampler::RawBudget>,
    /// What must not leave, beyond what `enrich.redact` takes away: applied to what that has left. Without a
    /// `hash.key`, it hashes with the one there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redact: Option<enrich::RawRedact>,
    /// The retention class of its telemetry, one of `bus.topics.classes`: which topics it goes to. Absent: `default`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention_class: Option<String>,
    /// The names of the backends that get its telemetry. Absent: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backends: Option<Vec<String>>,
}

/// The section, as each stage gets it.
#[derive(Clone, Debug, Default)]
pub struct Tenants {
    pub quotas: ingest::Quotas,
}

/// Checks every tenant; `path` is where the section stands, usually `tenants`.
pub fn validate(raw: &RawTenants, path: &str, problems: &mut Problems) -> Tenants {
    if raw.len() > TENANTS_MAX {
        problems.push(
            path,
            format!(
                "has {} tenants, above the limit of {TENANTS_MAX}; name those that differ from `{DEFAULT}`, which is for all others",
                raw.len()
            ),
        );
        return Tenants::default();
    }
    let mut quotas = ingest::Quotas::default();
    for (name, tenant) in raw {
        let at = format!("{path}.{name}");
        if name.is_empty()
            || name.len() > NAME_BYTES_MAX
            || !name.bytes().all(|byte| byte.is_ascii_graphic())
        {
            let fits = format!("printable ASCII without blanks, of at most {NAME_BYTES_MAX} bytes");
            problems.push(
                &at,
                format!("is not the name of a tenant; it must be {fits}"),
            );
        }
        let quota = quota(tenant, &at, problems);
        match name.as_str() {
            DEFAULT => quotas.set_default(quota),
            name => quotas.set(name, quota),
        }
    }
    Tenants { quotas }
}

/// What each tenant with an entry has of its own for one stage; nothing where there are too many tenants, which is an error already.
pub fn own<'a, T>(raw: &'a RawTenants, of: impl Fn(&'a RawTenant) -> T) -> BTreeMap<&'a str, T> {
    let few = raw.len() <= TENANTS_MAX;
    let tenants = raw.iter().filter(|_| few);
    let own = tenants.map(|(name, tenant)| (name.as_str(), of(tenant)));
    own.collect()
}

/// Doubts policies and classes of tenants that no request can name. Where nothing is said of ingest, it runs elsewhere, and who knows.
pub fn doubt(raw: &RawTenants, ingest: &ingest::RawConfig, path: &str, problems: &mut Problems) {
    // By way of JSON, since there is more than one way to tell who somebody is.
    let value = |ingest| serde_json::to_value(ingest).unwrap_or_default();
    let (written, nothing) = (value(ingest), value(&ingest::RawConfig::default()));
    let ways = ["tenant_header", "auth", "kafka"];
    if written == nothing || ways.iter().any(|way| !written[way].is_null()) {
        return;
    }
    for (name, tenant) in raw {
        if tenant.policies.is_some() && name != DEFAULT {
            let message = "are never asked: no request can name this tenant, since ingest.tenant_header isn't set; set it, such as to x-scope-orgid";
            problems.warn(format!("{path}.{name}.policies"), message);
        }
        if tenant.retention_class.is_some() && name != DEFAULT {
            let message = "holds for nothing: no request can name this tenant, since neither ingest.tenant_header nor ingest.auth is set";
            problems.warn(format!("{path}.{name}.retention_class"), message);
        }
    }
}

fn quota(tenant: &RawTenant, path: &str, problems: &mut Problems) -> Option<ingest::Quota> {
    let Some(rate) = tenant.rate else {
        if tenant.burst.is_some() {
            problems.push(
                format!("{path}.burst"),
                "means nothing without `rate`; set it too",
            );
        }
        return None;
    };
    if rate.0 == 0 {
        problems.push(
            format!("{path}.rate"),
            "must be above 0B/s; to refuse a tenant, take away its credentials",
        );
    }
    let burst = tenant
        .burst
        .map_or(rate.0.saturating_mul(BURST_SECONDS), |burst| burst.0);
    if tenant.burst.is_some() && burst == 0 {
        problems.push(
            format!("{path}.burst"),
            "must be above 0B, or nothing is ever taken",
        );
    }
    Some(ingest::Quota {
        rate_bytes: rate.0.max(1),
        burst_bytes: burst.max(1),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fmt::Write;

    use runtime::config::{Problem, Problems};

    use crate::config::{Config, RawConfig};

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let report = Config::parse("t.yaml", text)
            .map(|_| ())
            .unwrap_err()
            .to_string();
        for part in expected {
            assert!(report.contains(part), "{part} in {report}");
        }
    }

    #[test]
    fn rates_and_bursts_are_handed_to_ingest() {
        let text = "tenants:\n  default: {rate: 50MiB/s, burst: 100MiB}\n  shop: {rate: 200MiB/s}\n  quiet:\n";
        let quotas = Config::parse("t.yaml", text).unwrap().ingest.quotas;
        let bytes = |name| {
            let quota = quotas.of(Some(name))?;
            Some((quota.rate_bytes >> 20, quota.burst_bytes >> 20))
        };
        assert_eq!(bytes("shop"), Some((200, 400)));
        assert_eq!(bytes("another"), Some((50, 100)));
        // Named, and without a rate: no limit.
        assert_eq!(bytes("quiet"), None);
        assert_eq!(quotas.of(None).unwrap().burst_bytes, 100 << 20);
    }

    #[test]
    fn every_mistake_is_told_by_its_place() {
        check(
            "tenants: {shop: {rate: 50MiB}}",
            &["t.yaml:1:24", "is not a rate"],
        );
        check(
            "tenants: {shop: {rat: 50MiB/s}}",
            &["unknown key `rat` in tenants.shop"],
        );
        check(
            "tenants:\n  a b: {rate: 0B/s}\n  c: {burst: 1MiB}\n  d: {rate: 1KiB/s, burst: 0}\n",
            &["t.yaml:2:3", "t.yaml:2:15", "t.yaml:3:14", "t.yaml:4:28"],
        );
    }

    /// Whether policies of a tenant that nobody can name are doubted.
    #[track_caller]
    fn check_doubt(ingest: &str, tenant: &str, doubted: bool) {
        let policies = "policies: [{name: all, type: always_sample}]";
        let text = format!("{ingest}\ntenants: {{{tenant}: {{{policies}}}}}\n");
        let mut warned = Vec::new();
        let validate = |raw: &RawConfig, problems: &mut Problems| {
            let config = Config::validate(raw, problems);
            let of_tenants = |one: &&Problem| one.path.starts_with("tenants");
            warned = problems.warnings().filter(of_tenants).cloned().collect();
            config
        };
        runtime::config::load("t.yaml", &text, &|_| None, validate).unwrap();
        assert_eq!(warned.len(), usize::from(doubted), "{warned:?}");
    }

    #[test]
    fn policies_that_no_request_can_ask_for_are_doubted() {
        check_doubt("ingest: {linger: 10ms}", "shop", true);
        check_doubt("ingest: {linger: 10ms}", "default", false);
        check_doubt("ingest: {tenant_header: x-scope-orgid}", "shop", false);
        // Ingest runs elsewhere, perhaps.
        check_doubt("", "shop", false);
    }

    #[test]
    fn policies_redaction_and_backends_are_handed_to_their_stages() {
        let text = "tenants: {shop: {policies: [{name: all, type: always_sample}], redact: {delete: [a]}, backends: [kept]}}";
        let config = Config::parse("t.yaml", text).unwrap();
        let policies: Vec<_> = config.sampler.policies.names_for("shop").collect();
        assert_eq!(policies, ["all"]);
        assert!(config.enrich.tenants.rules_of(Some(b"shop")).is_some());
        let takes = |at: usize| config.export.backends[at].tenants.takes(Some(b"shop"));
        assert_eq!((takes(0), takes(1)), (true, false));
        check(
            "tenants:\n  shop:\n    policies: [{name: a, type: lateness}]\n    redact: {mask: [{name: m, pattern: '('}]}\n    backends: [kep]\n    budget: {kept_bytes_per_day: 0}\n",
            &[
                "t.yaml:3:",
                "lateness",
                "t.yaml:4:",
                "t.yaml:5:",
                "did you mean \"kept\"",
                "t.yaml:6:",
            ],
        );
    }

    #[test]
    fn ten_thousand_tenants_are_the_most() {
        let tenants = |count| {
            let mut text = "tenants:\n".to_owned();
            for n in 0..count {
                writeln!(text, "  t{n}: {{rate: 1MiB/s}}").unwrap();
            }
            text
        };
        assert!(Config::parse("t.yaml", &tenants(10_000)).is_ok());
        check(
            &tenants(10_001),
            &["t.yaml:1:1", "10001 tenants, above the limit of 10000"],
        );
    }
}
