//! What a seed sets up, and the records it produces.

use std::sync::Arc;

use bytes::Bytes;
use fastrand::Rng;
use runtime::config::{Duration, Problems};
use sampler::options::Stamping;
use sampler::options::{BusProperties, Options};
use sampler::policy::{
    Policies, RawFloor, RawLatency, RawLatencyOutlier, RawNovelty, RawOperationRule,
    RawPerOperation, RawPolicy, RawProbabilistic, RawSpanCount, RawStatusCode,
};
use sampler::promote::{PromotedKeys, VALUE_BYTES_MAX};
use sampler::reconfigure::Reconfiguration;
use schemas::wire::{put_len, put_varint};

use crate::simulation::bus::{Attributes, Bus, Content, Record, Span};

pub const LATENCY_MS: u64 = 700;
pub const SPAN_COUNT: u32 = 9;
pub const PERCENTAGE: f64 = 25.0;
/// Of all policies that look at more than one trace.
pub const STATISTICS_MS: u64 = 2000;
pub const OUTLIER_PERCENT: usize = 80;
pub const OUTLIER_SAMPLES: usize = 4;
pub const NOVELTY: u32 = 2;
pub const FLOOR: u32 = 1;
/// Span ids that say which trace keeps the partition awake at the end.
pub const FLUSH_TRACE: u8 = 0xFF;

/// One seed's configuration.
pub struct Setup {
    pub options: Options,
    pub policies: Arc<Policies>,
    /// There are policies that look at more than one trace.
    pub statistics: bool,
    pub cache_bytes: usize,
    /// Records are stamped by producers, some of which live in the future.
    pub foreign: bool,
    pub ticks: bool,
    pub crashes: bool,
    pub truncates: bool,
    /// Every trace with an error is kept: a late error is never in vain then.
    pub keeps_errors: bool,
    /// Now and then another configuration comes while it runs.
    pub reloads: bool,
    /// The bound of what is promoted.
    pub promoted_bytes: usize,
}

impl Setup {
    pub fn random(rng: &mut Rng) -> Self {
        let wait = *rng.choice(&[50, 300, 1000]).unwrap();
        let foreign = rng.u32(0..4) == 0;
        let keeps_errors = rng.u32(0..3) != 0;
        let statistics = rng.bool();
        let policies = policies(keeps_errors, statistics);
        Self {
            options: Options {
                decision_wait_ms: wait,
                decision_wait_after_root_ms: *rng.choice(&[0, 0, 1, wait / 4]).unwrap(),
                decision_cache_ttl_ms: *rng.choice(&[0, 1, 10, wait, 2 * wait, 8 * wait]).unwrap(),
                maximum_trace_size_bytes: *rng.choice(&[0, 0, 0, 1200]).unwrap(),
                bus: BusProperties {
                    record_bytes_max: *rng.choice(&[300, 2000, 50_000]).unwrap(),
                    copy_cached: rng.bool(),
                    stamps: !foreign && rng.bool(),
                    ..BusProperties::default()
                },
                future_limit_ms: *rng.choice(&[wait / 4, wait, 1_000_000]).unwrap(),
                statistics_bytes: 1 << 20,
                statistics_reach_ms: policies.reach_ms(),
                rescue_late_errors: rng.bool(),
                keep_linked: rng.u32(0..3) == 0,
                stamping: Stamping::default(),
                promote: promote(rng),
                generation: 1,
            },
            policies,
            statistics,
            cache_bytes: *rng.choice(&[0, 1500, 6000, 1 << 20]).unwrap(),
            foreign,
            ticks: rng.bool(),
            crashes: rng.u32(0..4) != 0,
            truncates: rng.u32(0..8) == 0,
            keeps_errors,
            reloads: rng.u32(0..6) == 0,
            promoted_bytes: *rng.choice(&[usize::MAX, usize::MAX, 0, 400, 1000]).unwrap(),
        }
    }

    /// Another configuration: as the first, or with other policies and times.
    pub fn reconfiguration(&self, rng: &mut Rng) -> Reconfiguration {
        let usual = rng.bool();
        let wait_ms = self.options.decision_wait_ms;
        Reconfiguration {
            policies: match usual {
                true => self.policies.clone(),
                false => other_policies(),
            },
            options: Options {
                decision_wait_ms: if usual { wait_ms } else { wait_ms / 2 + 1 },
                generation: 2 - u64::from(usual),
                promote: promote(rng),
                ..self.options.clone()
            },
        }
    }

    pub fn describe(&self) -> String {
        format!(
            "{:?}, statistics {}, cache {}, foreign {}, ticks {}, crashes {}, truncates {}, keeps_errors {}, reloads {}, promoted_bytes {}",
            self.options,
            self.statistics,
            self.cache_bytes,
            self.foreign,
            self.ticks,
            self.crashes,
            self.truncates,
            self.keeps_errors,
            self.reloads,
            self.promoted_bytes
        )
    }

    pub fn promotes(&self, key: &str) -> bool {
        self.options.promote == PromotedKeys::new([key])
            || key != "other" && self.options.promote == PromotedKeys::new(["flag", "tenant.id"])
    }

    /// What is promoted is a function of the log, and not of the room for it as well.
    pub fn has_room(&self) -> bool {
        self.promoted_bytes == usize::MAX
    }

    /// Verdicts are a function of the log alone. Where producers stamp records, silence may settle what the log would settle
    /// later; where retention deletes, the log itself changes; a change of configuration comes at any time.
    pub fn deterministic(&self) -> bool {
        let guesses = self.ticks && !self.options.bus.stamps;
        !(self.truncates || self.reloads || guesses)
    }
}

/// What is promoted, if anything.
fn promote(rng: &mut Rng) -> PromotedKeys {
    let all: [&[&str]; 4] = [&[], &["tenant.id"], &["flag", "tenant.id"], &["flag"]];
    PromotedKeys::new(rng.choice(all).unwrap().iter().copied())
}

/// Of one span; some values are too long to be promoted.
fn attributes(rng: &mut Rng) -> Attributes {
    let keys = ["tenant.id", "other", "flag"].into_iter();
    let mut value = |_: &&str| rng.u32(0..3) == 0;
    let keys: Vec<_> = keys.filter(|key| value(key)).collect();
    let values = keys.into_iter().map(|key| {
        let value = match rng.u32(0..12) {
            0 => "x".repeat(VALUE_BYTES_MAX + 1),
            _ => format!("{key}-{}", rng.u8(0..4)),
        };
        (key.to_owned(), value)
    });
    values.collect()
}

fn policy(kind: &str) -> RawPolicy {
    RawPolicy {
        name: kind.into(),
        kind: kind.into(),
        ..RawPolicy::default()
    }
}

/// Some of the others, in another order, and one that the others don't have.
fn other_policies() -> Arc<Policies> {
    compile(&[
        policy("trace_flags"),
        RawPolicy {
            status_code: Some(RawStatusCode {
                status_codes: vec!["ERROR".into()],
            }),
            ..policy("status_code")
        },
    ])
}

fn policies(keeps_errors: bool, statistics: bool) -> Arc<Policies> {
    let mut all = vec![
        RawPolicy {
            status_code: Some(RawStatusCode {
                status_codes: vec!["ERROR".into()],
            }),
            ..policy("status_code")
        },
        RawPolicy {
            latency: Some(RawLatency {
                threshold_ms: LATENCY_MS,
                upper_threshold_ms: 0,
            }),
            ..policy("latency")
        },
        RawPolicy {
            span_count: Some(RawSpanCount {
                min_spans: SPAN_COUNT,
                max_spans: 0,
            }),
            ..policy("span_count")
        },
        RawPolicy {
            probabilistic: Some(RawProbabilistic {
                sampling_percentage: PERCENTAGE,
                ..RawProbabilistic::default()
            }),
            ..policy("probabilistic")
        },
    ];
    if statistics {
        all.extend(statistical());
    }
    compile(&all[usize::from(!keeps_errors)..])
}

/// Policies by operation, and that look at more than one trace.
fn statistical() -> [RawPolicy; 4] {
    let interval = Duration::from_millis(STATISTICS_MS);
    let keys = vec!["root.service.name".to_owned()];
    [
        RawPolicy {
            per_operation: Some(RawPerOperation {
                rules: vec![RawOperationRule {
                    service: Some("service-1".into()),
                    percentage: Some(30.0),
                    ..RawOperationRule::default()
                }],
                default_percentage: Some(5.0),
            }),
            ..policy("per_operation")
        },
        RawPolicy {
            latency_outlier: Some(RawLatencyOutlier {
                percentile: OUTLIER_PERCENT as f64,
                min_samples: OUTLIER_SAMPLES as u32,
                interval,
                keys: keys.clone(),
                ..RawLatencyOutlier::default()
            }),
            ..policy("latency_outlier")
        },
        RawPolicy {
            novelty: Some(RawNovelty {
                first: NOVELTY,
                interval,
            }),
            ..policy("novelty")
        },
        RawPolicy {
            floor: Some(RawFloor {
                keys,
                traces: FLOOR,
                interval,
            }),
            ..policy("floor")
        },
    ]
}

fn compile(raw: &[RawPolicy]) -> Arc<Policies> {
    let mut problems = Problems::new();
    let policies = Policies::compile(raw, false, "policies", &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    Arc::new(policies)
}

/// The outside: a clock and tracers.
pub struct World {
    pub wall_ms: u64,
    /// What a sampler that starts finds.
    pub configuration: Reconfiguration,
    next_offset: u64,
    next_span: u64,
    traces: u8,
}

impl World {
    pub fn new(setup: &Setup) -> Self {
        Self {
            wall_ms: 1_000_000,
            configuration: Reconfiguration {
                policies: setup.policies.clone(),
                options: setup.options.clone(),
            },
            next_offset: 0,
            next_span: 1,
            // Few ids: they come back after they were forgotten.
            traces: if setup.options.decision_wait_ms > 500 {
                10
            } else {
                5
            },
        }
    }

    pub fn produce(&mut self, rng: &mut Rng, setup: &Setup, bus: &mut Bus) {
        let wait = setup.options.decision_wait_ms;
        self.wall_ms += match rng.u32(0..20) {
            0 => rng.u64(0..20 * wait),
            1..=4 => rng.u64(0..wait),
            _ => rng.u64(0..1 + wait / 10),
        };
        let timestamp_ms = match rng.u32(0..12) {
            0 if setup.foreign => self.wall_ms + rng.u64(0..100 * wait),
            1..=3 if setup.foreign => self.wall_ms - rng.u64(0..wait),
            _ => self.wall_ms,
        };
        if rng.u32(0..10) == 0 {
            // A transaction marker, or something aborted.
            self.next_offset += rng.u64(1..4);
        }
        let content = match rng.u32(0..30) {
            0 => Content::Bad,
            1 => Content::Spans(Vec::new()),
            2 => Content::Spans(self.spans(rng, 25)),
            _ => {
                let most = rng.usize(1..7);
                Content::Spans(self.spans(rng, most))
            }
        };
        let tenant = match rng.u32(0..6) {
            0 => Some(Bytes::from_static(b"a")),
            1 => Some(Bytes::from_static(b"b")),
            _ => None,
        };
        self.append(bus, timestamp_ms, tenant, content);
    }

    fn append(
        &mut self,
        bus: &mut Bus,
        timestamp_ms: u64,
        tenant: Option<Bytes>,
        content: Content,
    ) {
        let value = match &content {
            Content::Bad => Bytes::from(vec![0x0A, 0x7F, self.next_offset as u8, 0x01]),
            Content::Spans(spans) => encode(spans),
        };
        bus.raw.push(Record {
            offset: self.next_offset,
            timestamp_ms,
            tenant,
            value,
            content,
        });
        self.next_offset += 1;
    }

    fn spans(&mut self, rng: &mut Rng, most: usize) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::new();
        for _ in 0..most {
            let trace = match spans.last() {
                Some(span) if rng.bool() => span.trace,
                _ => rng.u8(1..=self.traces),
            };
            self.next_span += 1;
            let start_ms = self.wall_ms - rng.u64(0..500);
            let span = Span {
                trace,
                id: self.next_span,
                start_ms,
                end_ms: start_ms + rng.u64(0..400),
                error: rng.u32(0..12) == 0,
                root: rng.u32(0..6) == 0,
                valid: rng.u32(0..40) != 0,
                resource: rng.u8(0..3),
                // Fields in an order that no encoder uses.
                odd: rng.u32(0..25) == 0,
                link: (rng.u32(0..6) == 0).then(|| rng.u8(1..=self.traces)),
                attributes: attributes(rng),
            };
            let duplicated = rng.u32(0..20) == 0;
            if duplicated {
                spans.push(span.clone());
            }
            spans.push(span);
        }
        spans.sort_by_key(|span| span.resource);
        spans
    }

    /// Traffic goes on for long enough that everything before it is decided.
    pub fn flush(&mut self, bus: &mut Bus, setup: &Setup) {
        for _ in 0..4 {
            self.wall_ms += 1_000 + 3 * setup.options.decision_wait_ms;
            if setup.foreign {
                self.wall_ms += 200 * setup.options.decision_wait_ms;
            }
            for _ in 0..2 {
                self.wall_ms += 1;
                self.next_span += 1;
                let span = Span {
                    trace: FLUSH_TRACE,
                    id: self.next_span,
                    start_ms: self.wall_ms,
                    end_ms: self.wall_ms,
                    error: false,
                    root: false,
                    valid: true,
                    resource: 0,
                    odd: false,
                    link: None,
                    attributes: Attributes::new(),
                };
                self.append(bus, self.wall_ms, None, Content::Spans(vec![span]));
            }
        }
    }
}

pub fn trace_id(trace: u8) -> [u8; 16] {
    std::array::from_fn(|at| trace.wrapping_mul(31).wrapping_add(at as u8) | 1)
}

/// One request, spans grouped by resource.
fn encode(spans: &[Span]) -> Bytes {
    let mut request = Vec::new();
    for group in spans.chunk_by(|a, b| a.resource == b.resource) {
        let mut resource = Vec::new();
        put_len(
            &mut resource,
            1,
            &attribute("service.name", &format!("service-{}", group[0].resource)),
        );
        let mut scope = Vec::new();
        for span in group {
            put_len(&mut scope, 2, &body(span));
        }
        let mut resource_spans = Vec::new();
        put_len(&mut resource_spans, 1, &resource);
        put_len(&mut resource_spans, 2, &scope);
        put_len(&mut request, 1, &resource_spans);
    }
    Bytes::from(request)
}

fn attribute(key: &str, value: &str) -> Vec<u8> {
    let (mut pair, mut any) = (Vec::new(), Vec::new());
    put_len(&mut any, 1, value.as_bytes());
    put_len(&mut pair, 1, key.as_bytes());
    put_len(&mut pair, 2, &any);
    pair
}

pub fn body(span: &Span) -> Vec<u8> {
    let mut body = Vec::new();
    let id = trace_id(span.trace);
    if span.odd {
        // The first trace id is another's: the last one counts.
        put_len(&mut body, 1, &trace_id(77));
        put_len(&mut body, 5, b"odd");
    }
    put_len(&mut body, 1, if span.valid { &id } else { &id[..7] });
    put_len(&mut body, 2, &span.id.to_be_bytes());
    if !span.root {
        put_len(&mut body, 4, &[1; 8]);
    }
    put_len(&mut body, 5, b"operation");
    for (field, time_ms) in [(7, span.start_ms), (8, span.end_ms)] {
        put_varint(&mut body, field << 3 | 1);
        body.extend_from_slice(&(time_ms * 1_000_000).to_le_bytes());
    }
    for (key, value) in &span.attributes {
        put_len(&mut body, 9, &attribute(key, value));
    }
    if let Some(link) = span.link {
        let mut target = Vec::new();
        put_len(&mut target, 1, &trace_id(link));
        put_len(&mut body, 13, &target);
    }
    if span.error {
        put_len(&mut body, 15, &[0x18, 2]);
    }
    body
}
