//! Tests in the configuration: small traces through the sampler's policies, for people who change them and want to know before
//! production does what becomes of which trace.

mod raw;
mod spans;

use std::fmt;
use std::path::Path;

use sampler::rehearsal::{Rehearsal, rehearse};
use schemas::decisions::Verdict;

pub use raw::{RawTest, RawVerdict, validate};

/// What became of one test.
pub struct Outcome<'t> {
    test: &'t RawTest,
    found: Result<Rehearsal, String>,
}

/// Runs all tests; files are found from `folder`.
pub fn run<'t>(tests: &'t [RawTest], sampler: &sampler::Config, folder: &Path) -> Vec<Outcome<'t>> {
    tests
        .iter()
        .map(|test| Outcome {
            test,
            found: spans::request(test, folder)
                .map_err(|error| format!("{error:#}"))
                .and_then(|request| {
                    rehearse(sampler, test.tenant.as_deref().unwrap_or(""), request)
                        .ok_or_else(|| "there is no span with a valid trace id in it".to_owned())
                }),
        })
        .collect()
}

/// How those that failed failed; `None`: all passed.
pub fn failures(outcomes: &[Outcome<'_>]) -> Option<String> {
    let failed = outcomes.iter().filter(|outcome| !outcome.passed());
    let failed: Vec<_> = failed.map(Outcome::to_string).collect();
    (!failed.is_empty()).then(|| failed.join("\n"))
}

impl Outcome<'_> {
    pub fn passed(&self) -> bool {
        let Ok(found) = &self.found else {
            return false;
        };
        let expect = &self.test.expect;
        let policy_fits = expect.policy.is_none() || expect.policy == found.policy;
        policy_fits && expect.verdict == Some(verdict(found))
    }
}

/// A line when it passed; else what was expected and what was found.
impl fmt::Display for Outcome<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.test.name;
        let found = match &self.found {
            Ok(_) if self.passed() => return write!(f, "ok      {name}"),
            Ok(found) => found,
            Err(reason) => return write!(f, "FAILED  {name}\n  {reason}"),
        };
        let expect = &self.test.expect;
        let expected = expect.verdict.map_or("", said);
        let decision = &found.decision;
        writeln!(f, "FAILED  {name}")?;
        writeln!(
            f,
            "  - expected  {}",
            by(expected, expect.policy.as_deref())
        )?;
        writeln!(
            f,
            "  + found     {}",
            by(
                said(verdict(found)),
                Some(found.policy.as_deref().unwrap_or("none"))
            )
        )?;
        let matched = match found.matched.as_slice() {
            [] => "none".to_owned(),
            matched => matched.join(", "),
        };
        write!(
            f,
            "    policies that hold: {matched}; {} spans",
            decision.spans
        )
    }
}

fn verdict(found: &Rehearsal) -> RawVerdict {
    match found.decision.verdict {
        Verdict::Keep => RawVerdict::Keep,
        Verdict::Drop => RawVerdict::Drop,
    }
}

fn said(verdict: RawVerdict) -> &'static str {
    match verdict {
        RawVerdict::Keep => "keep",
        RawVerdict::Drop => "drop",
    }
}

fn by(verdict: &str, policy: Option<&str>) -> String {
    match policy {
        Some(policy) => format!("{verdict}, by policy {policy}"),
        None => verdict.to_owned(),
    }
}
