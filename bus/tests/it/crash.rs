//! The embedded bus under `kill -9` and torn writes: what was acknowledged is there, epochs are whole.
//!
//! The child that gets killed is this very test binary, told by an environment variable to run `child` in earnest.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::embedded::{self, Options};
use bus::{
    Assigned, Bus, Committer, Delivery, Epoch, Fetched, GroupOptions, Member, Position, Rebalance,
    Record, Timestamps, TopicPartition, TopicSpec,
};

const DIR: &str = "TAILWATER_CRASH_DIR";
const PARTITIONS: u32 = 4;

struct Quiet;

impl Rebalance for Quiet {
    fn assigned(&self, _: Vec<Assigned>) {}
    fn revoked(&self, _: Vec<TopicPartition>) {}
    fn lost(&self, _: Vec<TopicPartition>) {}
    fn truncated(&self, _: TopicPartition, _: u64, _: u64) {}
}

fn open(dir: &Path) -> Arc<dyn Bus> {
    let options = Options {
        retention_bytes: 4 << 30,
        ..Options::default()
    };
    let bus = embedded::open(dir, options).unwrap();
    let spec = |name: &str, partitions| TopicSpec {
        name: name.into(),
        partitions,
        timestamps: Timestamps::LogAppend,
        compacted: false,
        retention: None,
    };
    bus.ensure_topics(&[
        spec("raw", PARTITIONS),
        spec("in", 1),
        spec("out", PARTITIONS),
    ])
    .unwrap();
    bus
}

fn join(bus: &Arc<dyn Bus>) -> (Box<dyn Member>, Box<dyn Committer>) {
    let options = GroupOptions {
        group: "g".to_owned(),
        topics: vec!["in".into()],
        delivery: Delivery::ExactlyOnce,
        instance: "i".to_owned(),
        revoke_timeout: Duration::from_secs(1),
    };
    let (mut member, committer) = bus.join(options, Arc::new(Quiet)).unwrap();
    member.poll(Duration::ZERO, 1).unwrap();
    (member, committer)
}

/// Epoch `number`: one record on each partition of `out`, which doesn't compress, and the position.
fn epoch(number: u64) -> Epoch {
    let mut state = number + 1;
    let mut digit = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        char::from(b'!' + (state >> 58) as u8)
    };
    let value = format!(
        "{number} {}",
        (0..5000).map(|_| digit()).collect::<String>()
    );
    Epoch {
        records: (0..PARTITIONS)
            .map(|partition| (TopicPartition::new("out", partition), record(&value)))
            .collect(),
        positions: vec![Position {
            at: TopicPartition::new("in", 0),
            offset: number + 1,
            metadata: number.to_string(),
        }],
    }
}

fn record(value: &str) -> Record {
    Record {
        headers: vec![],
        value: value.to_owned().into(),
    }
}

fn read_all(bus: &Arc<dyn Bus>, topic: &str, partition: u32) -> Vec<Fetched> {
    let at = TopicPartition::new(topic, partition);
    let mut reader = bus.reader().unwrap();
    let range = reader.range(&at).unwrap();
    assert_eq!(range.start, 0);
    reader.assign(&[(at.clone(), 0)]).unwrap();
    let mut records = Vec::new();
    while (records.len() as u64) < range.end {
        records.extend(reader.poll(Duration::from_secs(10), 8 << 20).unwrap());
    }
    for (index, record) in records.iter().enumerate() {
        assert_eq!(record.offset, index as u64, "a gap on {at}");
    }
    records
}

/// Epochs in the log, all of them whole: equally many records on each partition, and the position with them.
fn whole_epochs(bus: &Arc<dyn Bus>) -> u64 {
    let outputs: Vec<_> = (0..PARTITIONS)
        .map(|partition| read_all(bus, "out", partition))
        .collect();
    let count = outputs[0].len();
    for output in &outputs {
        assert_eq!(output.len(), count, "a torn epoch");
        for (number, record) in output.iter().enumerate() {
            assert!(record.value.starts_with(format!("{number} ").as_bytes()));
        }
    }
    // Lag against an empty topic is zero, so the position itself is looked at through a member.
    struct Position0(std::sync::Mutex<Option<Position>>);
    impl Rebalance for Position0 {
        fn assigned(&self, partitions: Vec<Assigned>) {
            *self.0.lock().unwrap() = partitions[0].committed.clone();
        }
        fn revoked(&self, _: Vec<TopicPartition>) {}
        fn lost(&self, _: Vec<TopicPartition>) {}
        fn truncated(&self, _: TopicPartition, _: u64, _: u64) {}
    }
    let seen = Arc::new(Position0(std::sync::Mutex::new(None)));
    let options = GroupOptions {
        group: "g".to_owned(),
        topics: vec!["in".into()],
        delivery: Delivery::ExactlyOnce,
        instance: "j".to_owned(),
        revoke_timeout: Duration::from_secs(1),
    };
    let (mut member, _) = bus.join(options, seen.clone()).unwrap();
    member.poll(Duration::ZERO, 1).unwrap();
    let position = seen.0.lock().unwrap().take();
    assert_eq!(
        position.map_or(0, |position| position.offset),
        count as u64,
        "position and output differ"
    );
    count as u64
}

/// Runs only as the child: publishes and commits for ever, and says what was acknowledged.
#[test]
fn child() {
    let Some(dir) = std::env::var_os(DIR) else {
        return;
    };
    let bus = open(Path::new(&dir));
    let done = whole_epochs(&bus);
    let say = |line: String| {
        let mut out = std::io::stdout().lock();
        if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
            // Nobody listens any more: the test has failed or was stopped.
            std::process::exit(1);
        }
    };
    let publisher = bus.publisher().unwrap();
    let (_member, mut committer) = join(&bus);
    std::thread::spawn(move || {
        for number in done.. {
            committer.commit(&epoch(number)).unwrap();
            say(format!("epoch {number}"));
        }
    });
    for number in 0_u64.. {
        let partition = (number % u64::from(PARTITIONS)) as u32;
        let value = format!("{number}-{}", "v".repeat((number * 7919 % 60_000) as usize));
        let ack = Box::new(move |offset: bus::Result<u64>| match offset {
            Ok(offset) => say(format!("ack {partition} {offset} {number}")),
            Err(error) => say(format!("refused: {error}")),
        });
        let at = TopicPartition::new("raw", partition);
        match publisher.publish(at, record(&value), ack) {
            Ok(()) if number % 16 != 0 => {}
            Ok(()) | Err(bus::Error::QueueFull) => {
                publisher.flush(Duration::from_secs(60)).unwrap()
            }
            Err(error) => {
                say(format!("refused: {error}"));
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

/// What the killed child had said.
#[derive(Default)]
struct Said {
    acks: Vec<(u32, u64, String)>,
    epochs: u64,
}

impl Said {
    fn hear(&mut self, line: &str) {
        // The test harness prints "test child ... " before the first line.
        let line = line.rsplit("... ").next().unwrap_or(line);
        let mut words = line.split(' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("ack"), Some(partition), Some(offset), Some(number)) => {
                self.acks.push((
                    partition.parse().unwrap(),
                    offset.parse().unwrap(),
                    format!("{number}-"),
                ));
            }
            (Some("epoch"), Some(number), None, None) => {
                self.epochs = number.parse::<u64>().unwrap() + 1
            }
            _ => {}
        }
    }

    /// Everything that was acknowledged is in the log.
    fn check(&self, bus: &Arc<dyn Bus>) {
        let raw: Vec<_> = (0..PARTITIONS)
            .map(|partition| read_all(bus, "raw", partition))
            .collect();
        for (partition, offset, prefix) in &self.acks {
            let record = &raw[*partition as usize].get(*offset as usize);
            let record =
                record.unwrap_or_else(|| panic!("acknowledged {partition}/{offset} is missing"));
            assert!(
                record.value.starts_with(prefix.as_bytes()),
                "{partition}/{offset} is another record"
            );
        }
        let whole = whole_epochs(bus);
        assert!(
            whole >= self.epochs,
            "{} epochs acknowledged, {whole} there",
            self.epochs
        );
    }
}

/// Starts `child`, with a write beyond its limit of file size an error rather than a signal.
fn start(dir: &Path) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut child = Command::new("sh")
        .args([
            "-c",
            "trap '' XFSZ; exec \"$0\" crash::child --exact --nocapture",
        ])
        .arg(std::env::current_exe().unwrap())
        .env(DIR, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

fn run_and_kill(dir: &Path, after: Duration) -> Said {
    let (mut child, mut lines) = start(dir);
    let mut said = Said::default();
    // The clock starts when it works.
    while said.acks.is_empty() && said.epochs == 0 {
        said.hear(&lines.next().expect("the child ended by itself").unwrap());
    }
    let killer = std::thread::spawn(move || {
        let start = Instant::now();
        std::thread::sleep(after.saturating_sub(start.elapsed()));
        child.kill().unwrap();
        child.wait().unwrap();
    });
    let mut rest: Vec<String> = lines.map_while(Result::ok).collect();
    killer.join().unwrap();
    // The last line may be cut anywhere.
    rest.pop();
    rest.iter().for_each(|line| said.hear(line));
    said
}

/// Killed at any moment, again and again in the same directory: nothing acknowledged is missing, no epoch is torn.
#[test]
fn kill_9_loses_nothing_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let seed = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .subsec_nanos();
    println!("seed {seed}");
    let (mut acknowledged, mut epochs) = (0, 0);
    for round in 0..8_u32 {
        let millis = (seed
            .wrapping_mul(2_654_435_761)
            .wrapping_add(round.wrapping_mul(40_503 * 65_537))
            >> 8)
            % 400;
        let said = run_and_kill(dir.path(), Duration::from_millis(u64::from(millis)));
        let start = Instant::now();
        let bus = open(dir.path());
        println!(
            "round {round}: {millis} ms, {} acks, {} epochs, open in {:?}",
            said.acks.len(),
            said.epochs,
            start.elapsed()
        );
        said.check(&bus);
        acknowledged += said.acks.len();
        epochs = said.epochs;
    }
    assert!(
        acknowledged > 0 && epochs > 0,
        "the child never got to work"
    );
}

/// The newest journal of a log.
fn journal(dir: &Path) -> PathBuf {
    let mut journals: Vec<PathBuf> = std::fs::read_dir(dir.join("log"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jnl"))
        .collect();
    journals.sort();
    journals.pop().unwrap()
}

/// Ten epochs, then the journal's last batch is damaged: nine epochs are there, and writing goes on.
fn check_damage(damage: impl Fn(&mut Vec<u8>)) {
    let dir = tempfile::tempdir().unwrap();
    let bus = open(dir.path());
    let (member, mut committer) = join(&bus);
    (0..10).for_each(|number| committer.commit(&epoch(number)).unwrap());
    drop((member, committer, bus));
    let journal = journal(dir.path());
    let mut bytes = std::fs::read(&journal).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    bytes.truncate(end);
    damage(&mut bytes);
    std::fs::write(&journal, bytes).unwrap();
    let bus = open(dir.path());
    assert_eq!(whole_epochs(&bus), 9);
    let (member, mut committer) = join(&bus);
    committer.commit(&epoch(9)).unwrap();
    drop((member, committer, bus));
    assert_eq!(whole_epochs(&open(dir.path())), 10);
}

/// A write that was cut off, after any number of bytes, is as if it had never been.
#[test]
fn torn_tail_is_dropped_whole() {
    for cut in [1, 3, 8, 20, 40, 150, 300] {
        check_damage(|bytes| bytes.truncate(bytes.len() - cut));
    }
}

/// A last write of which the disk kept the end and lost a piece in the middle, as after power loss.
#[test]
fn hole_in_the_last_write_drops_it_whole() {
    for (from, length) in [(200, 50), (4096, 4096), (15_000, 1)] {
        check_damage(|bytes| {
            let at = bytes.len() - from;
            bytes[at..at + length.min(from)]
                .iter_mut()
                .for_each(|byte| *byte ^= 0x55);
        });
    }
}

/// Damage in what was acknowledged is not passed over: opening fails, says where, and leaves the journal as it was.
#[test]
fn damage_further_back_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let bus = open(dir.path());
    let (member, mut committer) = join(&bus);
    (0..10).for_each(|number| committer.commit(&epoch(number)).unwrap());
    drop((member, committer, bus));
    let journal = journal(dir.path());
    let mut bytes = std::fs::read(&journal).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    bytes[end * 2 / 3] ^= 0x55;
    std::fs::write(&journal, &bytes).unwrap();
    let error = embedded::open(dir.path(), Options::default())
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains(&dir.path().display().to_string()), "{error}");
    assert!(
        std::fs::read(&journal).unwrap() == bytes,
        "the journal was changed"
    );
}

/// Sets how large the child's files may become: with 1 every write fails, as on a full disk.
fn limit_files(child: &Child, bytes: &str) -> bool {
    let limited = Command::new("prlimit")
        .args([
            "--pid",
            &child.id().to_string(),
            &format!("--fsize={bytes}:unlimited"),
        ])
        .status();
    limited.is_ok_and(|status| status.success())
}

/// While nothing can be written publishes are refused, saying where and what to do, and commits wait; once there is
/// space it goes on by itself. Nothing acknowledged is missing, and no epoch is torn or doubled.
#[test]
fn full_disk_is_survived() {
    let dir = tempfile::tempdir().unwrap();
    let (mut child, mut lines) = start(dir.path());
    let mut said = Said::default();
    let mut next = |said: &mut Said| {
        let line = lines.next().expect("the child ended by itself").unwrap();
        said.hear(&line);
        line
    };
    for _ in 0..2 {
        let (acks, epochs) = (said.acks.len(), said.epochs);
        while said.acks.len() < acks + 50 || said.epochs < epochs + 5 {
            next(&mut said);
        }
        if !limit_files(&child, "1") {
            println!("skipped: prlimit is missing here");
            break;
        }
        let mut refused = 0;
        while refused < 20 {
            let line = next(&mut said);
            if line.starts_with("refused: ") {
                refused += 1;
                assert!(
                    line.contains(&dir.path().display().to_string())
                        && line.contains("disk is full"),
                    "{line}"
                );
            }
        }
        assert!(limit_files(&child, "unlimited"));
    }
    let (acks, epochs) = (said.acks.len(), said.epochs);
    while said.acks.len() < acks + 50 || said.epochs < epochs + 5 {
        next(&mut said);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    said.check(&open(dir.path()));
}
