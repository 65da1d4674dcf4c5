//! What the embedded bus costs: `cargo run --release -p tailwater-bus --example embedded_log -- [DIR] [RECORDS]`.
//!
//! Publishes records of 250 KB as ingest does, with three readers at the head, then closes, opens again, and reads everything from
//! disk. Prints its conditions. The payload is like packed spans: random ids and times between repeating names.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bus::embedded::{self, Options};
use bus::{Bus, Error, Record, Timestamps, TopicPartition, TopicSpec};

const RECORD_BYTES: usize = 250_000;
const PARTITIONS: u32 = 16;
const READERS: usize = 3;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let dir = PathBuf::from(
        arguments
            .next()
            .unwrap_or_else(|| "./embedded-log".to_owned()),
    );
    let count: u64 = arguments
        .next()
        .map_or(1600, |count| count.parse().unwrap());
    let _ = std::fs::remove_dir_all(&dir);
    let payloads: Vec<bytes::Bytes> = (0..64).map(payload).collect();
    let bytes = count * RECORD_BYTES as u64;
    println!(
        "{count} records of {RECORD_BYTES} bytes ({} MB), {PARTITIONS} partitions, {READERS} readers at the head, {} cores, profile {}",
        bytes / 1_000_000,
        std::thread::available_parallelism().unwrap(),
        if cfg!(debug_assertions) {
            "dev"
        } else {
            "release"
        },
    );
    println!("before: {} MiB resident", resident_mib());

    let bus = open(&dir);
    println!("open, empty: {} MiB resident", resident_mib());
    let (cpu, start) = (cpu_seconds(), Instant::now());
    let readers: Vec<_> = (0..READERS)
        .map(|_| {
            let bus = bus.clone();
            std::thread::spawn(move || read_all(&bus, count))
        })
        .collect();
    let published = Arc::new(AtomicU64::new(0));
    let publisher = bus.publisher().unwrap();
    for index in 0..count {
        let record = Record {
            headers: vec![],
            value: payloads[index as usize % payloads.len()].clone(),
        };
        loop {
            let published = published.clone();
            let ack = Box::new(move |offset: bus::Result<u64>| {
                offset.unwrap();
                published.fetch_add(1, Ordering::Relaxed);
            });
            match publisher.publish(at(index as u32 % PARTITIONS), record.clone(), ack) {
                Ok(()) => break,
                Err(Error::QueueFull) => std::thread::sleep(Duration::from_millis(1)),
                Err(error) => panic!("{error}"),
            }
        }
    }
    publisher.flush(Duration::from_secs(600)).unwrap();
    assert_eq!(published.load(Ordering::Relaxed), count);
    report("published, synced", bytes, start, cpu);
    readers
        .into_iter()
        .for_each(|reader| reader.join().unwrap());
    report("and read at the head", bytes, start, cpu);
    println!(
        "at the end: {} MiB resident, {} MB on disk",
        resident_mib(),
        disk_bytes(&dir) / 1_000_000
    );
    drop((publisher, bus));

    let start = Instant::now();
    let bus = open(&dir);
    println!("opened again in {:?}", start.elapsed());
    let (cpu, start) = (cpu_seconds(), Instant::now());
    read_all(&bus, count);
    report("read from disk", bytes, start, cpu);
    drop(bus);
    println!("closed: {} MB on disk", disk_bytes(&dir) / 1_000_000);
}

fn open(dir: &Path) -> Arc<dyn Bus> {
    let bus = embedded::open(dir, Options::default()).unwrap();
    let spec = TopicSpec {
        name: "t".into(),
        partitions: PARTITIONS,
        timestamps: Timestamps::LogAppend,
        compacted: false,
        retention: None,
    };
    bus.ensure_topics(&[spec]).unwrap();
    bus
}

fn at(partition: u32) -> TopicPartition {
    TopicPartition::new("t", partition)
}

fn read_all(bus: &Arc<dyn Bus>, count: u64) {
    let mut reader = bus.reader().unwrap();
    let from: Vec<_> = (0..PARTITIONS)
        .map(|partition| (at(partition), 0))
        .collect();
    reader.assign(&from).unwrap();
    let mut read = 0;
    while read < count {
        read += reader.poll(Duration::from_secs(10), 4 << 20).unwrap().len() as u64;
    }
}

fn payload(seed: u64) -> bytes::Bytes {
    const NAMES: [&str; 8] = [
        "http.request.method",
        "GET",
        "url.path",
        "/api/checkout",
        "service.name",
        "frontend",
        "http.response.status_code",
        "200",
    ];
    let mut state = seed * 2 + 1;
    let mut out = Vec::with_capacity(RECORD_BYTES + 600);
    while out.len() < RECORD_BYTES {
        for _ in 0..5 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            out.extend_from_slice(&state.to_le_bytes());
        }
        for index in 0..20 {
            out.extend_from_slice(NAMES[(state >> index) as usize % NAMES.len()].as_bytes());
        }
    }
    out.truncate(RECORD_BYTES);
    out.into()
}

fn report(what: &str, bytes: u64, start: Instant, cpu: f64) {
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{what}: {seconds:.2} s, {:.0} MB/s, {:.2} CPU-seconds",
        bytes as f64 / 1e6 / seconds,
        cpu_seconds() - cpu
    );
}

/// Of the whole process, from `/proc`, in ticks of 10 ms.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    ticks as f64 / 100.0
}

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u64>()
        .unwrap()
        / 1024
}

fn disk_bytes(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => disk_bytes(&entry.path()),
            Ok(metadata) => std::os::unix::fs::MetadataExt::blocks(&metadata) * 512,
            Err(_) => 0,
        })
        .sum()
}
