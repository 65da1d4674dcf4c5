//! A system at its job: topics made and laid, started, fed, watched until nothing moves any more. What came out is left where it is.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use load::{Access, Compression, Protocol, Request, SendOptions};
use tempfile::TempDir;
use tests::kafka::Broker;
use tests::sink::Backend;

use crate::account::Usage;
use crate::kafka::{self, Offsets};
use crate::packed::{Layer, Record};
use crate::peers::{self, Job, Peer, Running, Work, tailwater};
use crate::spans::Spans;
use crate::watch::{Progress, Seen, Watch};

/// Nothing moves for so long: it is over.
const QUIET: Duration = Duration::from_secs(3);
const DEADLINE: Duration = Duration::from_secs(300);

/// What goes in.
pub enum Input<'a> {
    /// Laid on the input topic beforehand.
    Laid(&'a [Record]),
    /// Sent as fast as it is taken.
    Sent(&'a [Request], Sender),
}

/// Who sends, how, and over so many connections.
pub struct Sender {
    pub protocol: Protocol,
    pub connections: usize,
    /// The requests are divided among them; each has connections of its own, one after the other if there are more of them than connections.
    pub accesses: Vec<Access>,
}

/// A finished run.
pub struct Execution {
    pub seen: Seen,
    pub usage: Usage,
    /// Of the topic or log that it wrote.
    pub bus_bytes: Option<u64>,
    /// What the sink took.
    pub taken: Spans,
}

/// A sink with what it took.
struct Sink {
    backend: Backend,
    taken: Arc<Mutex<Spans>>,
    count: Arc<AtomicU64>,
}

impl Sink {
    fn start() -> Self {
        let taken = Arc::new(Mutex::new(Spans::default()));
        let count = Arc::new(AtomicU64::new(0));
        let (into, counter) = (taken.clone(), count.clone());
        let backend = Backend::start(move |_, request| {
            let mut taken = into.lock().unwrap();
            taken.add(request);
            counter.store(taken.len(), Ordering::Relaxed);
        });
        Self {
            backend,
            taken,
            count,
        }
    }
}

/// Runs a job once.
pub fn execute(broker: &Broker, peer: Peer, job: &Job, input: Input<'_>) -> Result<Execution> {
    let folder = folder()?;
    let sink = Sink::start();
    let job = Job {
        sink: match peer {
            Peer::Tailwater => sink.backend.endpoint(),
            Peer::Collector => sink.backend.endpoint().replace("http://", ""),
        },
        ..job.clone()
    };
    create_topics(&job)?;
    let mut expected = 0;
    if let Input::Laid(records) = input {
        expected = lay(&job, records)?;
    }
    let running = Running::start(peer, &job, folder.path());
    let watch = watch(peer, &job, &running, sink.count.clone())?;
    if let Input::Sent(requests, sender) = input {
        let to = match sender.protocol {
            Protocol::Grpc => running.grpc(),
            _ => running.http(),
        };
        send(requests, &to, &sender)?;
    }
    let seen = watch.settle(quiet(peer, &job), DEADLINE, |progress| {
        progress.read >= expected
    });
    drop(watch);
    let usage = running.usage()?;
    let bus_bytes = match (job.work, peer) {
        (Work::Everything, Peer::Tailwater) => Some(folder_bytes(&tailwater::data(folder.path()))?),
        _ => job
            .work
            .output(&job.topics())
            .and_then(|topic| broker.log_bytes(&topic)),
    };
    drop(running);
    let taken = std::mem::take(&mut *sink.taken.lock().unwrap());
    Ok(Execution {
        seen,
        usage,
        bus_bytes,
        taken,
    })
}

/// For configuration, log and embedded bus of a run.
pub fn folder() -> Result<TempDir> {
    Ok(tempfile::Builder::new()
        .prefix("tailwater-bench-")
        .tempdir()?)
}

/// How long nothing may move before all is over: where traces are decided by the wall clock, the last ones take their time.
fn quiet(peer: Peer, job: &Job) -> Duration {
    let by_wall_clock = peer == Peer::Collector || job.work.takes_otlp();
    match job.work.samples() && by_wall_clock {
        true => QUIET + Duration::from_secs(job.decision_wait_s + 2),
        false => QUIET,
    }
}

/// The topics that the job reads and writes; Tailwater makes the others that it needs.
pub fn create_topics(job: &Job) -> Result<()> {
    let topics = job.topics();
    let (input, output) = (job.work.input(&topics), job.work.output(&topics));
    let topics: Vec<_> = input.iter().chain(&output).map(String::as_str).collect();
    match topics.is_empty() {
        true => Ok(()),
        false => kafka::create(&job.brokers, &topics, job.partitions),
    }
}

/// Lays the input of a job on its topic, so old that all of it is due by the wall clock. Time on a bus is what its records say: two empty ones on each
/// partition make it due there. The number of records.
fn lay(job: &Job, records: &[Record]) -> Result<u64> {
    let input = job
        .work
        .input(&job.topics())
        .context("the job has no input topic")?;
    let length = records.last().map(|record| record.due).unwrap_or_default();
    let ago = length + Duration::from_secs(job.decision_wait_s + 10);
    let layer = Layer::new(&job.brokers, &input, &job.codec, ago)?;
    let closed = if job.work.samples() {
        job.partitions
    } else {
        0
    };
    let closing = (0..closed).flat_map(|partition| {
        let record = || Record {
            partition,
            due: ago,
            value: Bytes::new(),
        };
        [record(), record()]
    });
    let mut laid = 0;
    for record in records.iter().cloned().chain(closing) {
        layer.write(&record)?;
        laid += 1;
    }
    layer.finish()?;
    Ok(laid)
}

fn watch(peer: Peer, job: &Job, running: &Running, count: Arc<AtomicU64>) -> Result<Watch> {
    let (topics, group) = (job.topics(), peers::group(peer, job));
    let of = |topic: Option<String>| {
        topic
            .map(|topic| Offsets::of(&job.brokers, &topic, job.partitions, &group))
            .transpose()
    };
    let (input, output) = (of(job.work.input(&topics))?, of(job.work.output(&topics))?);
    let mut last = Progress::default();
    Ok(Watch::over(running.process(), move || {
        if let Some(read) = input.as_ref().and_then(Offsets::committed) {
            last.read = read;
        }
        last.written = match &output {
            Some(output) => output.end().unwrap_or(last.written),
            None => count.load(Ordering::Relaxed),
        };
        last
    }))
}

/// Sends all, each request over one of the connections, and returns when all were taken.
pub fn send(requests: &[Request], endpoint: &str, sender: &Sender) -> Result<()> {
    let options = |access: &Access, connections| SendOptions {
        endpoint: endpoint.to_owned(),
        access: access.clone(),
        protocol: sender.protocol,
        compression: Compression::None,
        connections,
        paced: false,
        connect_for: Duration::from_secs(120),
        retry_for: Duration::from_secs(120),
    };
    let tokio = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let who = sender.accesses.len();
    let at_once = sender.connections.min(who);
    let mut waiting = sender.accesses.iter().enumerate();
    let mut sending = tokio::task::JoinSet::new();
    loop {
        while sending.len() < at_once
            && let Some((at, access)) = waiting.next()
        {
            let part: Vec<_> = requests.iter().skip(at).step_by(who).cloned().collect();
            let options = options(access, sender.connections / at_once);
            sending.spawn_on(
                load::send(part.into_iter(), options, |_| ()),
                tokio.handle(),
            );
        }
        let Some(sent) = tokio.block_on(sending.join_next()) else {
            break;
        };
        let report = sent??;
        ensure!(
            report.failed_items + report.rejected_items == 0,
            "not all was taken: {report:?}"
        );
    }
    Ok(())
}

fn folder_bytes(folder: &std::path::Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += match metadata.is_dir() {
            true => folder_bytes(&entry.path())?,
            false => metadata.len(),
        };
    }
    Ok(bytes)
}
