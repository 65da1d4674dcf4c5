//! From a load to what it takes: arithmetic on the [coefficients](super::coefficients), and three rules of thumb, which are no measurements.

use std::time::Duration;

use super::coefficients as cost;

/// A partition takes this much, compressed: brokers and consumers both keep up with several times as much.
const PARTITION_BYTES_PER_S: f64 = 3e6;
/// Counts that many numbers of consumers divide.
const PARTITIONS_STEP: u64 = 48;
/// What processes should use of their cores: the rest is for peaks, and for the partitions of a process that is away.
const UTILIZATION: f64 = 0.6;
/// A process beside its windows: epochs in progress, the Kafka client, code.
const PROCESS_BYTES: f64 = 256e6;
/// Below it, figures from full load are too low.
const LOW_RATE_SPANS_PER_S: f64 = 100e3;
/// Above this many brokers, one cluster is more trouble than two.
const CELL_BROKERS: u64 = 30;

/// What comes in, and what is wanted of it.
#[derive(Clone, Debug)]
pub struct Load {
    pub spans_per_s: f64,
    pub span_bytes: f64,
    pub spans_per_trace: f64,
    /// Of all spans, from 0 to 1.
    pub kept: f64,
    pub decision_wait: Duration,
    pub decision_cache_ttl: Duration,
    pub retention: Duration,
    pub backends: u64,
    pub replication: u64,
    /// What a broker writes a second, replicas of others included.
    pub broker_bytes_per_s: f64,
    pub cores_per_process: f64,
    /// `sampler.memory_limit`.
    pub record_cache_bytes: f64,
}

/// The processes of one stage.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    pub name: &'static str,
    /// Busy cores of all processes together, at least and at most.
    pub cores: (f64, f64),
    pub processes: u64,
}

#[derive(Clone, Debug)]
pub struct Plan {
    /// As clients send it, before compression.
    pub in_bytes_per_s: f64,
    /// Compressed, before replication.
    pub raw_bytes_per_s: f64,
    pub raw_retained_bytes: f64,
    pub kept_retained_bytes: f64,
    pub partitions: u64,
    pub brokers: u64,
    pub stages: Vec<Stage>,
    pub open_traces: f64,
    pub open_bytes: f64,
    pub open_bytes_resident: f64,
    pub verdicts: f64,
    pub verdict_bytes: f64,
    /// All records of `decision_wait`: what the record caches hold together if nothing is to be read twice.
    pub window_bytes: f64,
    pub sampler_process_bytes: f64,
    pub hints: Vec<String>,
}

pub fn plan(load: &Load) -> Plan {
    let scale = load.span_bytes / cost::SPAN_BYTES.value;
    let kept_per_s = load.spans_per_s * load.kept;
    let traces_per_s = load.spans_per_s / load.spans_per_trace;
    let raw_bytes_per_s = load.spans_per_s * cost::RAW_BYTES.value * scale;
    let clean = cost::SAMPLED_BYTES.value + cost::CLEAN_BYTES.value;
    let kept_bytes_per_s = kept_per_s * clean * scale;
    let replication = load.replication as f64;
    let retained = replication * load.retention.as_secs_f64();
    let written = (raw_bytes_per_s + kept_bytes_per_s) * replication;
    let brokers = (written / load.broker_bytes_per_s).ceil() as u64;
    let brokers = brokers.max(load.replication);
    let steps = raw_bytes_per_s / PARTITION_BYTES_PER_S / PARTITIONS_STEP as f64;
    let partitions = (steps.ceil() as u64).max(1) * PARTITIONS_STEP;
    let stages = stages(load, partitions);
    let open_traces = traces_per_s * load.decision_wait.as_secs_f64();
    let remembered_s = load.decision_cache_ttl.as_secs_f64() * cost::VERDICT_TTLS.value;
    let verdicts = traces_per_s * remembered_s;
    let verdict_bytes = verdicts * cost::VERDICT_BYTES.value;
    let open_bytes_resident = open_traces * cost::OPEN_TRACE_BYTES_RESIDENT.value;
    let samplers = stages[1].processes.max(1) as f64;
    let mut plan = Plan {
        in_bytes_per_s: load.spans_per_s * load.span_bytes,
        raw_bytes_per_s,
        raw_retained_bytes: raw_bytes_per_s * retained,
        kept_retained_bytes: kept_bytes_per_s * retained,
        partitions,
        brokers,
        stages,
        open_traces,
        open_bytes: open_traces * cost::OPEN_TRACE_BYTES.value,
        open_bytes_resident,
        verdicts,
        verdict_bytes,
        window_bytes: load.spans_per_s * load.span_bytes * load.decision_wait.as_secs_f64(),
        sampler_process_bytes: (open_bytes_resident + verdict_bytes) / samplers
            + load.record_cache_bytes
            + PROCESS_BYTES,
        hints: Vec::new(),
    };
    plan.hints = hints(load, &plan);
    plan
}

/// In the order in which data flows. Only the sampler's costs depend on how many partitions a process has.
fn stages(load: &Load, partitions: u64) -> Vec<Stage> {
    // Nobody has measured small spans; a larger one costs as its bytes do.
    let scale = (load.span_bytes / cost::SPAN_BYTES.value).max(1.0);
    let millions = load.spans_per_s / 1e6 * scale;
    let kept = millions * load.kept;
    let stage = |name, least: f64, most: f64, processes_max: u64| {
        let wanted = most / UTILIZATION / load.cores_per_process;
        // Two, so that one may be away.
        let processes = (wanted.ceil() as u64).max(2).min(processes_max);
        Stage {
            name,
            cores: (least, most),
            processes,
        }
    };
    let sampler = cost::SAMPLER_CPU.value * millions;
    let sampler_most = match partitions > PARTITIONS_STEP {
        true => cost::SAMPLER_CPU_MANY_PARTITIONS.value * millions,
        false => sampler,
    };
    let ingest = cost::INGEST_CPU.value * millions;
    let enrich = cost::ENRICH_CPU.value * kept;
    let export = cost::EXPORT_CPU.value * kept * load.backends as f64;
    vec![
        stage("ingest", ingest, ingest, u64::MAX),
        stage("sample", sampler, sampler_most, partitions),
        stage("enrich", enrich, enrich, partitions),
        stage("export", export, export, partitions),
    ]
}

fn hints(load: &Load, plan: &Plan) -> Vec<String> {
    let mut hints = Vec::new();
    let shortest = (load.decision_wait * 2).max(Duration::from_secs(180));
    if plan.verdict_bytes > 1e9
        && plan.verdict_bytes > plan.open_bytes_resident
        && shortest < load.decision_cache_ttl
    {
        let left = plan.verdict_bytes * shortest.as_secs_f64();
        hints.push(format!(
            "remembered verdicts take most of the memory: with decision_cache_ttl: {} they take {:.1} GB. Spans that come later than that open a new trace",
            runtime::config::Duration(shortest),
            left / load.decision_cache_ttl.as_secs_f64() / 1e9,
        ));
    }
    let caches = load.record_cache_bytes * plan.stages[1].processes as f64;
    if plan.window_bytes > caches {
        hints.push(format!(
            "the record caches hold {:.0} % of the window; the rest is read from the bus a second time, which costs CPU and network and loses nothing",
            caches / plan.window_bytes * 100.0,
        ));
    }
    if plan.brokers > CELL_BROKERS * 3 / 4 {
        hints.push(format!(
            "near {CELL_BROKERS} brokers and above, divide by tenant into cells, each with a cluster and samplers of its own"
        ));
    }
    if load.spans_per_s < LOW_RATE_SPANS_PER_S {
        hints.push(format!(
            "at rates as low as this, a span costs up to {:.0} times as much CPU, since wake-ups and commits cost the same however little they carry",
            cost::SAMPLER_CPU_LOW_RATE.value / cost::SAMPLER_CPU.value,
        ));
    }
    if load.retention < load.decision_wait * 4 {
        hints.push("retention is hardly longer than the window: a sampler that is away for a moment loses data".to_owned());
    }
    hints
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of docs/how-to/size.md.
    fn ten_million() -> Load {
        Load {
            spans_per_s: 10e6,
            span_bytes: 422.0,
            spans_per_trace: 25.0,
            kept: 0.1,
            decision_wait: Duration::from_secs(30),
            decision_cache_ttl: Duration::from_secs(600),
            retention: Duration::from_secs(3600),
            backends: 1,
            replication: 3,
            broker_bytes_per_s: 150e6,
            cores_per_process: 4.0,
            record_cache_bytes: 512e6,
        }
    }

    #[track_caller]
    fn near(found: f64, expected: f64) {
        assert!(
            (found / expected - 1.0).abs() < 0.02,
            "{found} is not {expected}"
        );
    }

    #[test]
    fn ten_million_spans_a_second() {
        let plan = plan(&ten_million());
        near(plan.raw_bytes_per_s, 1.14e9);
        near(plan.raw_retained_bytes, 12.3e12);
        assert_eq!(plan.partitions, 384);
        assert!((24..=30).contains(&plan.brokers), "{}", plan.brokers);
        let [ingest, sample, enrich, export] = &plan.stages[..] else {
            panic!("{:?}", plan.stages)
        };
        near(ingest.cores.1, 16.1);
        near(sample.cores.0, 8.4);
        near(sample.cores.1, 24.7);
        near(enrich.cores.1, 1.46);
        near(export.cores.1, 0.57);
        assert_eq!((ingest.processes, sample.processes), (7, 11));
        assert_eq!((enrich.processes, export.processes), (2, 2));
        near(plan.open_traces, 12e6);
        near(plan.open_bytes, 2.16e9);
        near(plan.verdict_bytes, 27e9);
        assert!(
            plan.hints[0].contains("decision_cache_ttl: 3m they take 8.1 GB"),
            "{:?}",
            plan.hints
        );
        assert!(plan.hints.iter().any(|hint| hint.contains("cells")));
    }

    #[test]
    fn a_small_load_takes_what_one_may_be_away_of() {
        let small = Load {
            spans_per_s: 1000.0,
            ..ten_million()
        };
        let plan = plan(&small);
        assert_eq!((plan.partitions, plan.brokers), (48, 3));
        assert!(plan.stages.iter().all(|stage| stage.processes == 2));
        let [hint] = &plan.hints[..] else {
            panic!("{:?}", plan.hints)
        };
        assert!(hint.contains("up to 4 times as much CPU"), "{hint}");
    }

    #[test]
    fn larger_spans_take_more_and_backends_add_up() {
        let large = Load {
            span_bytes: 844.0,
            backends: 3,
            ..ten_million()
        };
        let (once, twice) = (plan(&ten_million()), plan(&large));
        near(twice.raw_bytes_per_s, 2.0 * once.raw_bytes_per_s);
        near(twice.stages[0].cores.1, 2.0 * once.stages[0].cores.1);
        near(twice.stages[3].cores.1, 6.0 * once.stages[3].cores.1);
        assert_eq!(twice.open_traces, once.open_traces);
    }

    #[test]
    fn consumers_are_no_more_than_partitions() {
        let narrow = Load {
            cores_per_process: 0.01,
            ..ten_million()
        };
        let plan = plan(&narrow);
        assert!(plan.stages[0].processes > plan.partitions);
        assert_eq!(plan.stages[1].processes, plan.partitions);
    }
}
