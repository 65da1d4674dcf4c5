//! The `tenants` section: what holds for one tenant, in all stages. Each stage is handed its own part of it, and knows nothing of the others'.

use std::collections::BTreeMap;

use runtime::config::{ByteRate, ByteSize, Problems};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// By name; [`DEFAULT`] is for tenants without a name of their own here.
pub type RawTenants = BTreeMap<String, RawTenant>;

/// The entry for every tenant that has none of its own, and for data that belongs to no named tenant.
pub const DEFAULT: &str = "default";
/// Each has a bucket, counters and perhaps policies of its own: what a process holds for them stays below 20 MiB.
const TENANTS_MAX: usize = 10_000;
/// Of a name, as of the header that carries it.
const NAME_BYTES_MAX: usize = 256;
/// A burst that isn't configured is what the rate brings in this time.
const BURST_SECONDS: u64 = 2;

/// What holds for one tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawTenant {
    /// How many bytes of telemetry ingest takes in a second, on average. Absent: as many as come.
    pub rate: Option<ByteRate>,
    /// How many bytes ingest takes at once after a pause. Absent: as much as `rate` brings in two seconds.
    pub burst: Option<ByteSize>,
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

    use crate::config::Config;

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
