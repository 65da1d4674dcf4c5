//! One request through everything that enrich does, nothing else running: what the tests in a configuration are judged by.

use std::time::SystemTime;

use bytes::Bytes;
use schemas::Signal;

use crate::Config;
use crate::pods::Pods;
use crate::steps::{Program, process};

/// What became of a request.
#[derive(Clone, Debug)]
pub struct Rehearsal {
    /// Requests that go on.
    pub clean: Vec<Bytes>,
    /// Requests that would be dead letters, and why.
    pub dead: Vec<(Bytes, String)>,
    /// Items that a step took out.
    pub dropped: usize,
    /// Spans that stay without their parent, which a step took out.
    pub orphans: usize,
}

/// Everything that a configuration wants done, ready to be applied to one request after the other.
pub struct Enricher {
    program: Program,
}

impl Enricher {
    pub fn new(config: &Config) -> Self {
        Self::with_pods(config, Pods::default())
    }

    /// The same, where these pods are known.
    pub fn with_pods(config: &Config, pods: Pods) -> Self {
        let (steps, rules) = (config.steps.clone(), config.rules.clone());
        steps.load_tables();
        let mut program = Program::new(steps, rules, config.tenants.clone(), pods);
        // There is no bus that took the request at some time, so it is taken now.
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        program.set_published(now.map_or(0, |now| now.as_nanos() as u64));
        Self { program }
    }

    /// Gives one request of a tenant (`None`: the default one) to the steps and rules. No request that comes out is larger than `bytes_max`.
    pub fn apply(
        &mut self,
        signal: Signal,
        tenant: Option<&str>,
        request: Bytes,
        bytes_max: usize,
    ) -> Rehearsal {
        let tenant = tenant.map(str::as_bytes);
        let processed = process(&mut self.program, signal, tenant, request, bytes_max);
        let dead = processed.dead.into_iter();
        Rehearsal {
            clean: processed.clean,
            dead: dead
                .map(|(letter, reason)| (letter, reason.to_string()))
                .collect(),
            dropped: processed.counts.filtered,
            orphans: processed.orphans,
        }
    }
}

/// The same for one request alone.
pub fn rehearse(
    config: &Config,
    signal: Signal,
    tenant: Option<&str>,
    request: Bytes,
    bytes_max: usize,
) -> Rehearsal {
    Enricher::new(config).apply(signal, tenant, request, bytes_max)
}
