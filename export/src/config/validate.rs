//! One backend, as it is written: what is wrong with it, and what it comes to.

use runtime::config::Problems;
use schemas::Signal;

use super::audience::Audience;
use super::backend::{Backend, RawBackend};
use super::keys::sift::RawSift;
use crate::backends::table::Kind;
use crate::quota::Rules;
use crate::records::limits::{BatchLimits, ItemLimits};

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
        let quota = self.validate_quota((&signals, once), at, problems);
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

    fn validate_quota(
        &self,
        (signals, once): (&[Signal], bool),
        at: &str,
        problems: &mut Problems,
    ) -> Option<Rules> {
        let about = (signals, once, self.standby);
        let quota = self.quota.as_ref()?;
        Some(quota.validate(about, &format!("{at}.quota"), problems))
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

/// `a, b and c`.
fn listed(names: &[&str]) -> String {
    match names {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => names.concat(),
    }
}
