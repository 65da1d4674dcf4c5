//! Tests in the configuration: small traces through the sampler's policies and enrich's steps, for people who change them and want to know before
//! production does what becomes of which trace.

mod enriched;
mod raw;
mod spans;

use std::fmt;
use std::path::Path;

use sampler::promote::PromotedKeys;
use sampler::rehearsal::{Rehearsal, rehearse};

use schemas::decisions::Verdict;

pub use raw::{RawTest, RawVerdict, validate};

/// What became of one test.
pub struct Outcome<'t> {
    test: &'t RawTest,
    /// `None`: the sampler isn't asked here.
    found: Option<Result<Rehearsal, String>>,
    /// How the spans differ from what is expected of them after enrich.
    differences: Vec<String>,
}

/// Runs all tests, as far as they are about these stages; enrich with what the sampler promotes; files are found from `folder`.
pub fn run<'t>(
    tests: &'t [RawTest],
    sampler: Option<&sampler::Config>,
    enrich: Option<(&enrich::Config, &PromotedKeys)>,
    folder: &Path,
) -> Vec<Outcome<'t>> {
    let differences = |test| match enrich {
        Some(enrich) => enriched::differences(test, enrich, folder),
        None => Ok(Vec::new()),
    };
    let outcome = |test| Outcome {
        test,
        found: sampler.map(|sampler| decided(test, sampler, folder)),
        differences: differences(test).unwrap_or_else(|error| vec![format!("{error:#}")]),
    };
    tests.iter().map(outcome).collect()
}

fn decided(test: &RawTest, sampler: &sampler::Config, folder: &Path) -> Result<Rehearsal, String> {
    let request = spans::request(test, folder).map_err(|error| format!("{error:#}"))?;
    rehearse(sampler, test.tenant.as_deref().unwrap_or(""), request)
        .ok_or_else(|| "there is no span with a valid trace id in it".to_owned())
}

/// How those that failed failed; `None`: all passed.
pub fn failures(outcomes: &[Outcome<'_>]) -> Option<String> {
    let failed = outcomes.iter().filter(|outcome| !outcome.passed());
    let failed: Vec<_> = failed.map(Outcome::to_string).collect();
    (!failed.is_empty()).then(|| failed.join("\n"))
}

impl Outcome<'_> {
    fn verdict_fits(&self) -> bool {
        let found = match &self.found {
            Some(Ok(found)) => found,
            Some(Err(_)) => return false,
            None => return true,
        };
        let expect = &self.test.expect;
        let policy_fits = expect.policy.is_none() || expect.policy == found.policy;
        let verdict_fits = expect
            .verdict
            .is_none_or(|expected| expected == verdict(found));
        policy_fits && verdict_fits
    }

    pub fn passed(&self) -> bool {
        self.verdict_fits() && self.differences.is_empty()
    }
}

/// A line when it passed; else what was expected and what was found.
impl fmt::Display for Outcome<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.test.name;
        if self.passed() {
            return write!(f, "ok      {name}");
        }
        write!(f, "FAILED  {name}")?;
        for line in &self.differences {
            write!(f, "\n  {line}")?;
        }
        let found = match &self.found {
            Some(Ok(found)) if !self.verdict_fits() => found,
            Some(Err(reason)) => return write!(f, "\n  {reason}"),
            _ => return Ok(()),
        };
        let expect = &self.test.expect;
        let expected = expect.verdict.map_or("", said);
        let decision = &found.decision;
        writeln!(f)?;
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
