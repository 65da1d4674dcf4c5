//! One backend: a name, one kind, and what it gets.

use std::time::Duration;

use runtime::config::Problems;
use schemars::JsonSchema;
use schemas::Signal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::audience::Audience;
use super::keys::batch::RawBatch;
use super::keys::credentials::{Credentials, RawCredentials};
use super::keys::failover::{Failover, FailoverTimes, RawFailover};
use super::keys::limits::RawLimits;
use super::keys::metrics::{RawMetrics, RawTemporality};
use super::keys::pace::{Concurrency, RateLimits, RawConcurrency, RawRate};
use super::keys::quota::RawQuota;
use super::keys::retry::{RawRetry, RetryPolicy};
use super::keys::sift::RawSample;
use super::keys::signal::RawSignal;
use super::keys::start::{RawStart, Start};
use crate::backends::kind::{BackendKind, Expansion, Order, Written};
use crate::backends::table::{Kind, with_kinds};
use crate::quota::Rules;
use crate::records::grouping::Grouping;
use crate::records::limits::{BatchLimits, ItemLimits};
use crate::routing::Sift;
use crate::temporality::Limits;

/// One key for each kind of the table. A macro, since serde refuses unknown keys only in a type that has all known ones as fields.
macro_rules! raw_backend {
    ($($key:ident => $variant:ident($kind:ty),)*) => {
        #[doc = concat!(
            "One backend: a name, exactly one kind of",
            $(" `", stringify!($key), "`,",)*
            " and what it gets."
        )]
        #[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
        #[serde(default, deny_unknown_fields)]
        pub struct RawBackend {
            /// Unique; letters, digits, `-`, `_` and `.`. It names the consumer group, so a backend with a new name starts at
            /// the oldest record.
            #[schemars(regex(pattern = "^[A-Za-z0-9._-]{1,100}$"))]
            pub name: String,
            $(pub $key: Option<<$kind as BackendKind>::Section>,)*
            /// The signals that it gets. Default: all that its kind takes.
            // What isn't written is the default of the kind. Where defaults are shown, they are the usual ones.
            #[serde(deserialize_with = "written", serialize_with = "usual_signals")]
            #[schemars(with = "Vec<RawSignal>", length(min = 1))]
            pub signals: Option<Vec<RawSignal>>,
            /// Conditions in OTTL: what one of them holds for is left out. One that fails doesn't hold.
            pub filter: Vec<String>,
            pub sample: RawSample,
            /// Statements in OTTL, for this backend alone. An item for which one fails goes to the dead letters.
            pub transform: Vec<String>,
            /// The temporality of the metrics that it gets.
            pub metrics: RawMetrics,
            pub limits: RawLimits,
            pub batch: RawBatch,
            pub retry: RawRetry,
            pub credentials: RawCredentials,
            /// The number of requests in flight, for each signal: a number, `auto`, or `{min: 1, max: 32}`. Files and the terminal have one.
            pub concurrency: RawConcurrency,
            pub rate: RawRate,
            /// How much of a tenant's telemetry it gets in an hour or a day.
            pub quota: Option<RawQuota>,
            /// Other backends that take its place while it is down.
            pub failover: Option<RawFailover>,
            /// It gets something only in the place of a backend whose `failover` names it.
            pub standby: bool,
            /// Where it begins when it is new: `oldest`, `latest`, or a time such as `2026-11-01T00:00:00Z`.
            pub start: RawStart,
        }

        impl Default for RawBackend {
            fn default() -> Self {
                Self {
                    name: String::new(),
                    $($key: None,)*
                    signals: None,
                    filter: Vec::new(),
                    sample: RawSample::default(),
                    transform: Vec::new(),
                    metrics: RawMetrics::default(),
                    limits: RawLimits::default(),
                    batch: RawBatch::default(),
                    retry: RawRetry::default(),
                    credentials: RawCredentials::default(),
                    concurrency: RawConcurrency::default(),
                    rate: RawRate::default(),
                    quota: None,
                    failover: None,
                    standby: false,
                    start: RawStart::default(),
                }
            }
        }

        impl RawBackend {
            /// What the first kind that is written can take.
            pub(super) fn signals_of_kind(&self) -> &'static [Signal] {
                $(if self.$key.is_some() {
                    return <$kind>::SIGNALS;
                })*
                &Signal::ALL
            }

            /// When a batch of this signal is full, as far as `batch` doesn't say it.
            pub(super) fn usual_batch(&self, signal: Signal) -> BatchLimits {
                $(if self.$key.is_some() {
                    return <$kind>::batch_limits(signal);
                })*
                BatchLimits::USUAL
            }

            /// The kind's section says when a batch is full.
            pub(super) fn has_own_limits(&self) -> bool {
                $(if self.$key.is_some() {
                    return <$kind>::OWN_LIMITS;
                })*
                false
            }

            /// What an item may be like, as far as `limits` doesn't say it.
            pub(super) fn usual_limits(&self, signal: Signal) -> ItemLimits {
                $(if self.$key.is_some() {
                    return <$kind>::item_limits(signal);
                })*
                ItemLimits::NONE
            }

            /// The temporality that its metrics get, as far as `metrics` doesn't say it.
            pub(super) fn usual_temporality(&self) -> RawTemporality {
                $(if self.$key.is_some() {
                    return match <$kind>::DELTA_ONLY {
                        true => RawTemporality::Delta,
                        false => RawTemporality::AsIs,
                    };
                })*
                RawTemporality::AsIs
            }

            /// The key of the first kind that is written, and what it stands for, if it stands for another kind.
            pub(crate) fn expansion(&self, signals: &[Signal]) -> Option<(&'static str, Expansion)> {
                $(if let Some(section) = &self.$key {
                    let expansion = <$kind>::expansion(section, signals)?;
                    return Some((stringify!($key), expansion));
                })*
                None
            }

            /// All kinds that are written, valid or not, and where each sends to.
            pub(super) fn kinds(&self, signals: &[Signal], at: &str, problems: &mut Problems) -> Vec<(Kind, Option<String>)> {
                let mut kinds = Vec::new();
                $(if let Some(section) = &self.$key {
                    let at = format!("{at}.{}", stringify!($key));
                    let kind = <$kind>::validate(section, signals, &at, problems);
                    kinds.push((Kind::$variant(kind), <$kind>::target(section)));
                })*
                kinds
            }

            /// What only the backends of one kind together can get wrong.
            pub(super) fn validate_together(backends: &[Self], path: &str, problems: &mut Problems) {
                $({
                    let sections = backends.iter().enumerate();
                    let sections = sections.filter_map(|(backend, raw)| {
                        let at = format!("{path}.backends[{backend}].{}", stringify!($key));
                        Some(Written { at, backend, section: raw.$key.as_ref()? })
                    });
                    <$kind>::validate_together(&sections.collect::<Vec<_>>(), problems);
                })*
            }
        }
    };
}

with_kinds!(raw_backend);

/// One backend: where to, what of, and how.
#[derive(Clone, Debug)]
pub struct Backend {
    /// Unique; names the consumer group, and the label `backend` on metrics.
    pub name: String,
    pub kind: Kind,
    /// Where it sends to, as written: an address or a path.
    pub target: Option<String>,
    /// Of everything that is written about it, and of the files that it names: another one means that it has to be started anew.
    pub fingerprint: u64,
    pub signals: Vec<Signal>,
    /// Whose telemetry it gets.
    pub tenants: Audience,
    /// What of it, and in which form.
    pub sift: Sift,
    /// How its metrics are converted; `None`: they stay as they are.
    pub temporality: Option<Limits>,
    /// In the order of [`Signal::ALL`]; see [`Self::batch`].
    pub(super) batches: [BatchLimits; 3],
    pub retry: RetryPolicy,
    pub credentials: Credentials,
    /// Requests in flight at a time, for each signal.
    pub concurrency: Concurrency,
    /// Limits a second, over all signals.
    pub rate: RateLimits,
    pub quota: Option<Rules>,
    pub failover: Option<Failover>,
    /// Where its group begins that has committed nothing.
    pub start: Start,
}

impl Backend {
    /// It and its standbys.
    fn kinds(&self) -> impl Iterator<Item = &Kind> {
        let standbys = self.failover.iter().flat_map(|failover| &failover.to);
        std::iter::once(&self.kind).chain(standbys.map(|(_, kind)| kind))
    }

    /// When a batch of this signal is full.
    pub fn batch(&self, signal: Signal) -> BatchLimits {
        match signal {
            Signal::Traces => self.batches[0],
            Signal::Logs => self.batches[1],
            Signal::Metrics => self.batches[2],
        }
    }

    /// In which order its batches are sent.
    pub fn order(&self, signal: Signal) -> Order {
        let by_partition = |kind: &Kind| kind.once() || kind.order(signal) == Order::ByPartition;
        match self.kinds().any(by_partition) {
            true => Order::ByPartition,
            false => Order::None,
        }
    }

    /// What the records of a batch have in common.
    pub fn grouping(&self) -> Grouping {
        if self.kinds().any(Kind::once) {
            return Grouping::Partition;
        }
        match self.kinds().any(Kind::by_tenant) {
            true => Grouping::Tenant,
            false => Grouping::None,
        }
    }

    /// Whether what it sends is committed in one epoch with positions.
    pub fn is_transactional(&self) -> bool {
        self.kinds().any(Kind::transactional)
    }

    /// When it gives way to a standby.
    pub fn failover_times(&self) -> FailoverTimes {
        let never = FailoverTimes {
            after: Duration::MAX,
            back_after: Duration::MAX,
        };
        self.failover
            .as_ref()
            .map_or(never, |failover| failover.times)
    }
}

/// A key that is there has a value.
fn written<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<RawSignal>>, D::Error> {
    Vec::deserialize(from).map(Some)
}

fn usual_signals<S: Serializer>(
    signals: &Option<Vec<RawSignal>>,
    to: S,
) -> Result<S::Ok, S::Error> {
    let usual = [RawSignal::Traces, RawSignal::Logs, RawSignal::Metrics];
    signals.as_deref().unwrap_or(&usual).serialize(to)
}
