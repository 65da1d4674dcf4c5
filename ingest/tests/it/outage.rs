//! A bus that is not there for longer than its client waits: a broker that hangs, a disk that is full.
//!
//! Senders go on all the time. They are told to come back, memory stays within its limit, nothing that was acknowledged is
//! lost, and it all goes on by itself.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use prost::Message;
use schemas::{Signal, Topics};
use tests::kafka::{Broker, unique};
use tokio::task::JoinSet;
use tonic::Code;

use crate::client::{TRACES, details, grpc};
use crate::real::{self, PARTITIONS, span_ids};
use crate::samples::{span, traces};
use crate::server::{Server, quick};

const MEMORY: u64 = 8 << 20;
const SENDERS: usize = 16;
/// Of one span's name. Sixteen of them are most of the memory.
const SPAN_BYTES: usize = 300_000;
const DEADLINE: Duration = Duration::from_secs(120);

fn config() -> ingest::Config {
    quick(|raw| {
        raw.memory_limit.0 = MEMORY;
        raw.request_bytes_max.0 = MEMORY / 4;
        raw.record_bytes_max.0 = 64 << 10;
        raw.publish_timeout = runtime::config::Duration::from_millis(1500);
    })
}

/// What the senders have seen so far.
#[derive(Default)]
struct Seen {
    next: AtomicU64,
    taken: AtomicU64,
    refused: AtomicU64,
}

/// Sends spans one after the other for ever, and notes the ids of those that were acknowledged.
async fn send(
    address: SocketAddr,
    seen: Arc<Seen>,
    taken: tokio::sync::mpsc::UnboundedSender<Vec<u8>>,
) {
    // Bytes that don't compress: a disk has to fill up.
    let noise: String = std::iter::repeat_with(|| fastrand::char(' '..='~'))
        .take(SPAN_BYTES)
        .collect();
    loop {
        let id = seen.next.fetch_add(1, Ordering::Relaxed) + 1;
        let mut span = span((id % 255) as u8 + 1, 1);
        span.span_id = id.to_be_bytes().into();
        span.name.clone_from(&noise);
        match grpc(address, TRACES, &traces(vec![span]).encode_to_vec()).await {
            Ok(_) => {
                seen.taken.fetch_add(1, Ordering::Relaxed);
                let _ = taken.send(id.to_be_bytes().into());
            }
            Err(status) => {
                assert_eq!(status.code(), Code::Unavailable, "{status:?}");
                assert_eq!(details(&status).retry_seconds(), Some(1));
                seen.refused.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

/// Waits until a counter has grown by `more`; all the while memory is within its limit.
async fn until(server: &Server<()>, counter: &AtomicU64, more: u64, what: &str) {
    let goal = counter.load(Ordering::Relaxed) + more;
    let deadline = Instant::now() + DEADLINE;
    while counter.load(Ordering::Relaxed) < goal {
        assert!(Instant::now() < deadline, "waiting for {what}");
        assert!(server.counter(ingest::names::IN_FLIGHT_BYTES, "") <= MEMORY);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Takes away what the bus stands on, for at least so long, and gives it back.
async fn check(
    bus: Arc<dyn bus::Bus>,
    topics: Topics,
    outage: Duration,
    take_away: impl FnOnce(),
    give_back: impl FnOnce(),
) {
    let server = Server::start_on((), bus.clone(), topics.clone(), config()).await;
    let seen = Arc::new(Seen::default());
    let (taken, mut acknowledged) = tokio::sync::mpsc::unbounded_channel();
    let mut senders = JoinSet::new();
    for _ in 0..SENDERS {
        senders.spawn(send(server.grpc, seen.clone(), taken.clone()));
    }
    until(&server, &seen.taken, 32, "spans to be taken before").await;
    take_away();
    until(&server, &seen.refused, 3 * SENDERS as u64, "refusals").await;
    let over = Instant::now() + outage;
    while Instant::now() < over {
        until(&server, &seen.refused, 1, "refusals during the outage").await;
    }
    let during = seen.taken.load(Ordering::Relaxed);
    give_back();
    until(&server, &seen.taken, 64, "spans to be taken after").await;
    println!(
        "{during} spans taken before the end of the outage, {} refusals",
        seen.refused.load(Ordering::Relaxed)
    );
    senders.shutdown().await;
    drop(taken);
    server.stop().await;
    let ids = tokio::task::spawn_blocking(move || span_ids(&*bus, &topics.raw(Signal::Traces)));
    let ids: std::collections::HashSet<_> = ids.await.unwrap().into_iter().collect();
    while let Some(id) = acknowledged.recv().await {
        assert!(
            ids.contains(&id),
            "span {id:x?} was acknowledged and is lost"
        );
    }
}

/// `TAILWATER_OUTAGE_SECONDS=45` for an outage above all of the client's own timeouts; by default they are short.
#[tokio::test]
async fn a_broker_that_hangs() {
    let Ok(broker) = Broker::start() else { return };
    let seconds = std::env::var("TAILWATER_OUTAGE_SECONDS").ok();
    let seconds = seconds.map(|seconds| seconds.parse::<u64>().unwrap());
    let properties: &[_] = match seconds {
        Some(_) => &[],
        None => &[
            ("message.timeout.ms", "2000"),
            ("socket.timeout.ms", "2000"),
        ],
    };
    let topics = Topics::new(&unique("outage"));
    let bus = {
        let (topics, brokers) = (topics.clone(), broker.brokers().to_owned());
        tokio::task::spawn_blocking(move || {
            let bus = real::kafka(&brokers, properties);
            bus.ensure_topics(&bus::topic_specs(&topics, PARTITIONS))
                .unwrap();
            bus
        })
    };
    let outage = Duration::from_secs(seconds.unwrap_or(5));
    let pause = || broker.pause();
    let resume = || broker.resume();
    check(bus.await.unwrap(), topics, outage, pause, resume).await;
}

/// A file system of its own, unmounted in the end.
struct Disk<'a>(&'a Path);

impl<'a> Disk<'a> {
    /// `None` where mounting is not allowed.
    fn mount(at: &'a Path, mebibytes: usize) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={mebibytes}m"), "tmpfs"])
            .arg(at)
            .output();
        mounted
            .is_ok_and(|output| output.status.success())
            .then_some(Self(at))
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        // Lazily: the bus may still have its files open when a test fails.
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[tokio::test]
async fn a_disk_that_is_full() {
    let at = tempfile::tempdir().unwrap();
    let Some(_disk) = Disk::mount(at.path(), 192) else {
        use std::io::Write;
        // Not `eprintln!`, which the test harness swallows.
        let _ = writeln!(
            std::io::stderr(),
            "\n*** skipped: mounting a tmpfs takes root ***\n"
        );
        return;
    };
    let ballast = at.path().join("ballast");
    std::fs::write(&ballast, vec![7; 64 << 20]).unwrap();
    let topics = Topics::new("tailwater");
    let dir = at.path().join("bus");
    let bus = real::embedded(&dir);
    bus.ensure_topics(&bus::topic_specs(&topics, PARTITIONS))
        .unwrap();
    let remove = || std::fs::remove_file(&ballast).unwrap();
    // Nothing is taken away: what is sent fills the disk.
    check(bus, topics, Duration::from_secs(3), || (), remove).await;
}
