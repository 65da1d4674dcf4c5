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
use super::keys::sift::{RawSample, RawSift};
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
            fn signals_of_kind(&self) -> &'static [Signal] {
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
            fn usual_limits(&self, signal: Signal) -> ItemLimits {
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
            fn kinds(&self, signals: &[Signal], at: &str, problems: &mut Problems) -> Vec<(Kind, Option<String>)> {
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

impl RawBackend {
    /// Reports everything that is wrong under `at`; `None`: it has no kind.
    pub(super) fn validate(&self, at: &str, problems: &mut Problems) -> Option<Backend> {
        self.validate_name(at, problems);
        let signals = self.validate_signals(at, problems);
        let concurrency = self
            .concurrency
            .validate(&format!("{at}.concurrency"), problems);
        let rate = self.rate.validate(&format!("{at}.rate"), problems);
        let start = self.start.validate(&format!("{at}.start"), problems);
        let mut kinds = self.kinds(&signals, at, problems);
        check_kinds(&kinds, at, problems);
        let batches = self.validate_batch(kinds.last().map(|(kind, _)| kind), at, problems);
        let retry = self.retry.validate(&format!("{at}.retry"), problems);
        let credentials = (self.credentials).validate(&format!("{at}.credentials"), problems);
        let sift = RawSift {
            filter: &self.filter,
            sample: self.sample,
            transform: &self.transform,
        };
        let mut sift = sift.validate(&signals, at, problems);
        let once = kinds.iter().any(|(kind, _)| kind.once());
        let quota = self.quota.as_ref().map(|quota| {
            let about = (&signals[..], once, self.standby);
            quota.validate(about, &format!("{at}.quota"), problems)
        });
        (self.limits).validate(once, &format!("{at}.limits"), problems);
        let temporality = (self.metrics).validate(
            self.usual_temporality(),
            (&signals, once),
            &format!("{at}.metrics"),
            problems,
        );
        sift.limits = Signal::ALL.map(|signal| self.item_limits(signal));
        let (kind, target) = kinds.pop()?;
        Some(Backend {
            name: self.name.clone(),
            concurrency: concurrency.at_most(kind.concurrency_max()),
            rate,
            quota,
            failover: None,
            start,
            kind,
            target,
            fingerprint: 0,
            signals,
            tenants: Audience::default(),
            sift,
            temporality,
            batches,
            retry,
            credentials,
        })
    }

    /// When a batch is full, in the order of [`Signal::ALL`].
    fn validate_batch(
        &self,
        kind: Option<&Kind>,
        at: &str,
        problems: &mut Problems,
    ) -> [BatchLimits; 3] {
        self.batch.validate(&format!("{at}.batch"), problems);
        if self.has_own_limits() && self.batch.is_written() {
            problems.push(
                format!("{at}.batch"),
                "this kind says in its own section when a batch is full: leave the key out",
            );
        }
        let usual = |signal: Signal| match kind {
            Some(kind) => kind.limits().unwrap_or_else(|| kind.batch_limits(signal)),
            None => BatchLimits::USUAL,
        };
        Signal::ALL.map(|signal| self.batch.limits(usual(signal)))
    }

    /// What an item may be like.
    pub(super) fn item_limits(&self, signal: Signal) -> ItemLimits {
        self.limits.over(self.usual_limits(signal))
    }

    /// The backends that may take its place.
    pub(super) fn standbys(&self) -> &[String] {
        self.failover.as_ref().map_or(&[], |failover| &failover.to)
    }

    fn validate_name(&self, at: &str, problems: &mut Problems) {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if self.name.is_empty() || self.name.len() > 100 || !self.name.chars().all(allowed) {
            problems.push(
                format!("{at}.name"),
                format!(
                    "`{}` is not 1 to 100 letters, digits, `-`, `_` or `.`",
                    self.name
                ),
            );
        }
    }

    /// Each once, in the order in which they are written.
    pub(super) fn validate_signals(&self, at: &str, problems: &mut Problems) -> Vec<Signal> {
        let all = self.signals_of_kind();
        let Some(written) = &self.signals else {
            return all.to_vec();
        };
        let mut signals = Vec::new();
        for signal in written {
            let signal = Signal::from(*signal);
            if !signals.contains(&signal) {
                signals.push(signal);
            }
        }
        let names = |signals: &[Signal]| {
            let names: Vec<_> = signals.iter().map(|signal| signal.name()).collect();
            listed(&names)
        };
        if signals.is_empty() {
            problems.push(
                format!("{at}.signals"),
                "no signal: name at least one of traces, logs, metrics, or leave the key out for all",
            );
        }
        let mut others = signals.clone();
        others.retain(|signal| !all.contains(signal));
        if !others.is_empty() {
            let message = format!(
                "this kind takes {} only, no {}: leave the key out",
                names(all),
                names(&others)
            );
            problems.push(format!("{at}.signals"), message);
        }
        signals
    }
}

/// A backend has one.
fn check_kinds(kinds: &[(Kind, Option<String>)], at: &str, problems: &mut Problems) {
    if kinds.len() != 1 {
        let written: Vec<_> = kinds.iter().map(|(kind, _)| kind.name()).collect();
        let written = if written.is_empty() {
            "none".to_owned()
        } else {
            written.join(" and ")
        };
        let all = listed(Kind::NAMES);
        problems.push(
            at,
            format!("a backend is exactly one of {all}, this one is {written}"),
        );
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

/// `a, b and c`.
fn listed(names: &[&str]) -> String {
    match names {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => names.concat(),
    }
}
