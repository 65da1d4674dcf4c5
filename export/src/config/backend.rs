//! One backend: a name, one kind, and what it gets.

use runtime::config::Problems;
use schemars::JsonSchema;
use schemas::Signal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::audience::Audience;
use super::batch::RawBatch;
use super::credentials::{Credentials, RawCredentials};
use super::retry::{RawRetry, RetryPolicy};
use super::signal::RawSignal;
use crate::backends::kind::{BackendKind, Written};
use crate::backends::table::{Kind, with_kinds};
use crate::records::limits::BatchLimits;

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
            pub batch: RawBatch,
            pub retry: RawRetry,
            pub credentials: RawCredentials,
            /// The number of requests in flight, for each signal. Files and the terminal have one.
            #[schemars(range(min = 1, max = 256))]
            pub concurrency: usize,
        }

        impl Default for RawBackend {
            fn default() -> Self {
                Self {
                    name: String::new(),
                    $($key: None,)*
                    signals: None,
                    batch: RawBatch::default(),
                    retry: RawRetry::default(),
                    credentials: RawCredentials::default(),
                    concurrency: 4,
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
    pub signals: Vec<Signal>,
    /// Whose telemetry it gets.
    pub tenants: Audience,
    pub batch: BatchLimits,
    pub retry: RetryPolicy,
    pub credentials: Credentials,
    /// Requests in flight at a time, for each signal.
    pub concurrency: usize,
}

impl RawBackend {
    /// Reports everything that is wrong under `at`; `None`: it has no kind.
    pub(super) fn validate(&self, at: &str, problems: &mut Problems) -> Option<Backend> {
        self.validate_name(at, problems);
        let signals = self.validate_signals(at, problems);
        if !(1..=256).contains(&self.concurrency) {
            problems.push(
                format!("{at}.concurrency"),
                format!("{} is not between 1 and 256", self.concurrency),
            );
        }
        let mut kinds = self.kinds(&signals, at, problems);
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
        let usual = kinds
            .last()
            .map_or(BatchLimits::USUAL, |(kind, _)| kind.batch_limits());
        let batch = (self.batch).validate(usual, &format!("{at}.batch"), problems);
        let retry = self.retry.validate(&format!("{at}.retry"), problems);
        let credentials = (self.credentials).validate(&format!("{at}.credentials"), problems);
        let (kind, target) = kinds.pop()?;
        Some(Backend {
            name: self.name.clone(),
            concurrency: self.concurrency.min(kind.concurrency_max()),
            kind,
            target,
            signals,
            tenants: Audience::default(),
            batch,
            retry,
            credentials,
        })
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
    fn validate_signals(&self, at: &str, problems: &mut Problems) -> Vec<Signal> {
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
