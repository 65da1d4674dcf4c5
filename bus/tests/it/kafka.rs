//! What only Kafka can do wrong: brokers that die, members that stall, transactions without an answer.
//!
//! `conformance.rs` has what every bus must do. Each test that hurts a broker starts its own. Without Java and Maven they are skipped, loudly.

mod stage;
mod went_back;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use bus::{Bus, CommitError, Delivery, Error, GroupOptions, RawKafka};
use tests::kafka::Broker;

use crate::fixture::{DEADLINE, Fixture, PLENTY, at, epoch, position, record, values};
use stage::Stage;

fn open(brokers: &str, properties: &[(&str, &str)]) -> Arc<dyn Bus> {
    let config = RawKafka {
        brokers: vec![brokers.to_owned()],
        properties: properties
            .iter()
            .map(|(key, value)| (key.to_string(), value.to_string()))
            .collect(),
        ..RawKafka::default()
    };
    bus::kafka::open(&config).unwrap()
}

/// On the broker that tests share.
fn shared(test: &str, properties: &[(&str, &str)]) -> Option<Fixture> {
    let broker = Broker::shared().ok()?;
    Some(Fixture::new(open(broker.brokers(), properties), test))
}

/// Members that die or stall are noticed within seconds.
const HASTY: &[(&str, &str)] = &[
    ("session.timeout.ms", "2000"),
    ("heartbeat.interval.ms", "300"),
    ("max.poll.interval.ms", "2500"),
];

#[test]
fn unreachable_brokers_are_named() {
    let config = RawKafka {
        brokers: vec!["127.0.0.1:1".into()],
        ..RawKafka::default()
    };
    let begin = Instant::now();
    let error = bus::kafka::open(&config)
        .err()
        .expect("no broker listens there");
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    assert!(error.to_string().contains("127.0.0.1:1"), "{error}");
    assert!(
        begin.elapsed() < Duration::from_secs(20),
        "{:?}",
        begin.elapsed()
    );
}

/// What `check --connect` asks: nothing is created for it.
#[test]
fn a_cluster_says_how_many_brokers_it_has() {
    let Ok(broker) = Broker::shared() else {
        return;
    };
    let raw = bus::RawBusConfig {
        kafka: Some(RawKafka {
            brokers: vec![broker.brokers().to_owned()],
            replication_factor: Some(2),
            ..RawKafka::default()
        }),
        ..bus::RawBusConfig::default()
    };
    let mut problems = runtime::config::Problems::new();
    let config = raw.validate("bus", &mut problems);
    let examined = config.examine(&bus::Asked::default()).unwrap();
    let (brokers, findings) = examined.expect("a cluster");
    assert_eq!(findings, []);
    assert!(brokers >= 1);
    raw.check_cluster(brokers, "bus", &mut problems);
    assert_eq!(problems.warnings().count(), usize::from(brokers == 1));
}

#[test]
fn properties_that_carry_a_guarantee_are_refused() {
    let check = |key: &str, value: &str, words: &str| {
        let config = RawKafka {
            brokers: vec!["127.0.0.1:1".into()],
            properties: BTreeMap::from([(key.to_owned(), value.to_owned())]),
            ..RawKafka::default()
        };
        let error = bus::kafka::open(&config)
            .err()
            .expect("refused")
            .to_string();
        assert!(error.contains(key) && error.contains(words), "{error}");
    };
    check("isolation.level", "read_uncommitted", "aborted epochs");
    check("enable.idempotence", "false", "twice");
    check("no.such.property", "1", "No such configuration property");
    check("linger.ms", "soon", "linger.ms");
    if !cfg!(feature = "kafka-kerberos") {
        check("sasl.mechanisms", "GSSAPI", "--features kafka-kerberos");
        check("sasl.kerberos.keytab", "/k", "--features kafka-kerberos");
    }
}

/// A process that comes back under its name has its partitions at once, long before its predecessor's session would have ended. If the
/// predecessor still lives, they put each other out, until one of them sees that it is two.
#[test]
fn a_restarted_instance_takes_its_partitions_back_at_once() {
    let Some(fixture) = shared("static", &[("session.timeout.ms", "45000")]) else {
        return;
    };
    let topic = fixture.topic("t", 4);
    let join = || {
        let options = GroupOptions {
            group: fixture.group(),
            topics: vec![topic.clone()],
            delivery: Delivery::ExactlyOnce,
            instance: "a name with spaces".into(),
            revoke_timeout: Duration::from_secs(5),
        };
        let told = Arc::new(crate::fixture::Told::default());
        let (member, committer) = fixture.bus.join(options, told.clone()).unwrap();
        (member, committer, told)
    };
    let poll_until_owned = |member: &mut dyn bus::Member, told: &crate::fixture::Told| {
        let begin = Instant::now();
        while told.owned().len() < 4 {
            assert!(begin.elapsed() < DEADLINE, "owns {:?}", told.owned());
            member.poll(Duration::from_millis(50), PLENTY).unwrap();
        }
        begin.elapsed()
    };
    let (mut first, _first_committer, told) = join();
    poll_until_owned(&mut *first, &told);
    // Not closed, as after `kill -9`.
    let (mut second, _second_committer, told) = join();
    let took = poll_until_owned(&mut *second, &told);
    assert!(took < Duration::from_secs(5), "{took:?}");
    let deadline = Instant::now() + DEADLINE;
    let error = loop {
        assert!(Instant::now() < deadline, "both go on");
        let both =
            [&mut first, &mut second].map(|member| member.poll(Duration::from_millis(50), PLENTY));
        if let Some(error) = both.into_iter().find_map(Result::err) {
            break error;
        }
    };
    assert!(matches!(error, Error::Fatal(_)), "{error:?}");
    assert!(error.to_string().contains("instance"), "{error}");
}

/// What a publisher was told to be durable is there once the broker is back, each record once and in order.
#[test]
fn acknowledged_records_survive_a_killed_broker() {
    let Ok(broker) = Broker::start() else { return };
    let fixture = Fixture::new(open(broker.brokers(), &[]), "survive");
    let topic = fixture.topic("t", 1);
    let publisher = fixture.bus.publisher().unwrap();
    let acked = Arc::new(Mutex::new(Vec::new()));
    let (mut next, mut restarted) = (0_u32, false);
    while next < 3000 {
        if next == 1000 && !restarted {
            broker.kill();
        }
        if next == 2000 && !restarted {
            broker.restart();
            restarted = true;
        }
        let (number, acked) = (next, acked.clone());
        let ack = Box::new(move |result: bus::Result<u64>| {
            if let Ok(offset) = result {
                acked.lock().unwrap().push((offset, number));
            }
        });
        publisher
            .publish(at(&topic, 0), record(&number.to_string()), ack)
            .unwrap();
        next += 1;
        if next % 100 == 0 && restarted {
            publisher.flush(DEADLINE).unwrap();
        }
    }
    publisher.flush(DEADLINE).unwrap();
    let mut acked = acked.lock().unwrap().clone();
    acked.sort_unstable();
    assert_eq!(
        acked.len(),
        3000,
        "the outage was shorter than the delivery timeout"
    );
    let read = fixture.read(&at(&topic, 0), 0, 3000);
    let expected: Vec<String> = (0..3000).map(|number| number.to_string()).collect();
    assert_eq!(values(&read), expected);
    for (offset, number) in acked {
        assert_eq!(values(&read)[offset as usize], number.to_string());
    }
}

/// Input is copied epoch by epoch while `disturb` hurts the broker; then the output is compared.
fn copies(
    test: &str,
    delivery: Delivery,
    properties: &[(&str, &str)],
    disturb: impl FnOnce(&Broker),
) {
    let Ok(broker) = Broker::start() else { return };
    let fixture = Fixture::new(open(broker.brokers(), properties), test);
    let (input, output) = (fixture.topic("in", 2), fixture.topic("out", 2));
    let expected: Vec<String> = (0..1000).map(|number| number.to_string()).collect();
    let all: Vec<&str> = expected.iter().map(String::as_str).collect();
    for partition in 0..2 {
        fixture.publish(&at(&input, partition), &all);
    }
    let mut stage = Stage::join(&fixture, &input, &output, delivery, "one");
    stage.copy_until(100);
    std::thread::scope(|scope| {
        let copying = scope.spawn(|| stage.copy_until(1000));
        disturb(&broker);
        copying.join().unwrap();
    });
    for partition in 0..2 {
        let from = at(&output, partition);
        match delivery {
            Delivery::ExactlyOnce => {
                assert_eq!(
                    values(&fixture.read(&from, 0, 1000)),
                    expected,
                    "partition {partition}"
                )
            }
            Delivery::AtLeastOnce => {
                // No transactions, so each offset is a record.
                let end = fixture.bus.reader().unwrap().range(&from).unwrap().end;
                let read = fixture.read(&from, 0, end as usize);
                let read: std::collections::HashSet<&str> = values(&read).into_iter().collect();
                assert!(
                    expected.iter().all(|value| read.contains(value.as_str())),
                    "partition {partition}"
                );
            }
        }
    }
}

#[test]
fn epochs_are_exact_through_a_killed_broker() {
    copies("killed", Delivery::ExactlyOnce, &[], |broker| {
        broker.kill();
        broker.restart();
    });
}

/// Longer than a transaction and a session may take: the broker aborts it, and the producer is fenced by its own time-out. What answers nothing brings
/// no event to wait for, so both are short.
#[test]
fn epochs_are_exact_through_a_broker_that_hangs() {
    let hasty = [HASTY, &[("transaction.timeout.ms", "1000")]].concat();
    copies("hangs", Delivery::ExactlyOnce, &hasty, |broker| {
        broker.pause();
        std::thread::sleep(Duration::from_secs(3));
        broker.resume();
    });
}

/// Transactions that time out while the broker is away: it aborts them when it is back.
#[test]
fn epochs_are_exact_when_transactions_time_out() {
    let hasty = &[("transaction.timeout.ms", "1000")];
    copies("timeout", Delivery::ExactlyOnce, hasty, |broker| {
        for _ in 0..2 {
            broker.kill();
            // Longer than a transaction may take.
            std::thread::sleep(Duration::from_millis(1500));
            broker.restart();
        }
    });
}

#[test]
fn at_least_once_loses_nothing_through_a_killed_broker() {
    copies("atleast", Delivery::AtLeastOnce, &[], |broker| {
        broker.kill();
        broker.restart();
    });
}

/// A member that stalled can't commit what is somebody else's now, nothing of its attempt is seen, and it comes back.
#[test]
fn a_stalled_member_is_fenced() {
    let Some(fixture) = shared("stalled", HASTY) else {
        return;
    };
    let (input, output) = (fixture.topic("in", 2), fixture.topic("out", 1));
    fixture.publish(&at(&input, 0), &["a", "b"]);
    let mut stalled = fixture.member(&[&input]);
    stalled.poll_until_owns(2);
    stalled.poll_until_read(2);
    let mut other = fixture.member(&[&input]);
    other.poll_until_owns(2);
    // It still believes that it owns both: the group is what refuses it.
    assert_eq!(stalled.told.owned().len(), 2);
    let refused = stalled.commit(&epoch(
        &[(&at(&output, 0), "stolen")],
        &[position(&at(&input, 0), 2, "stolen")],
    ));
    assert!(
        matches!(refused, Err(CommitError::Fenced(_))),
        "{refused:?}"
    );
    other
        .commit(&epoch(
            &[(&at(&output, 0), "mine")],
            &[position(&at(&input, 0), 1, "mine")],
        ))
        .unwrap();
    assert_eq!(values(&fixture.read(&at(&output, 0), 0, 1)), ["mine"]);
    stalled.poll_until("loses both", |member| member.told.owned().is_empty());
    assert!(
        stalled.told.revoked().is_empty(),
        "it was asked to give up what was gone"
    );
    let deadline = Instant::now() + DEADLINE;
    while stalled.told.owned().len() != 1 || other.told.owned().len() != 1 {
        assert!(
            Instant::now() < deadline,
            "{:?} {:?}",
            stalled.told.owned(),
            other.told.owned()
        );
        stalled.poll();
        other.poll();
    }
    let mine = stalled.told.owned()[0].clone();
    stalled
        .commit(&epoch(
            &[(&at(&output, 0), "again")],
            &[position(&mine, 2, "")],
        ))
        .unwrap();
    assert_eq!(
        values(&fixture.read(&at(&output, 0), 0, 2)),
        ["mine", "again"]
    );
}

/// A position never goes back: an epoch that would take it there is from before the partition was somebody else's for a while.
#[test]
fn an_epoch_that_ends_before_the_committed_position_is_refused() {
    let Some(fixture) = shared("back", &[]) else {
        return;
    };
    let (input, output) = (fixture.topic("in", 1), fixture.topic("out", 1));
    let mut member = fixture.member(&[&input]);
    member.poll_until_owns(1);
    let commit = |value: &str, offset| {
        member.commit(&epoch(
            &[(&at(&output, 0), value)],
            &[position(&at(&input, 0), offset, "")],
        ))
    };
    commit("new", 5).unwrap();
    let refused = commit("stale", 3);
    assert!(
        matches!(refused, Err(CommitError::Fenced(_))),
        "{refused:?}"
    );
    commit("newer", 6).unwrap();
    assert_eq!(
        values(&fixture.read(&at(&output, 0), 0, 2)),
        ["new", "newer"]
    );
}

/// A second process of the same instance replaces the first.
#[test]
fn the_same_instance_again_fences_the_first() {
    let Some(fixture) = shared("replaced", &[]) else {
        return;
    };
    let (input, output) = (fixture.topic("in", 1), fixture.topic("out", 1));
    let join = || {
        let options = GroupOptions {
            group: fixture.group(),
            topics: vec![input.clone()],
            delivery: Delivery::ExactlyOnce,
            instance: "one".into(),
            revoke_timeout: Duration::from_secs(5),
        };
        let told = Arc::new(crate::fixture::Told::default());
        let (member, committer) = fixture.bus.join(options, told.clone()).unwrap();
        (member, committer, told)
    };
    let (mut member, mut committer, told) = join();
    let deadline = Instant::now() + DEADLINE;
    while told.owned().is_empty() {
        assert!(Instant::now() < deadline);
        member.poll(Duration::from_millis(50), PLENTY).unwrap();
    }
    let _second = join();
    let refused = committer.commit(&epoch(
        &[(&at(&output, 0), "old")],
        &[position(&at(&input, 0), 0, "old")],
    ));
    assert!(
        matches!(refused, Err(CommitError::Fenced(_))),
        "{refused:?}"
    );
    fixture.publish(&at(&output, 0), &["after"]);
    assert_eq!(values(&fixture.read(&at(&output, 0), 0, 1)), ["after"]);
}

/// Input that retention deleted before it was read is reported with its range, and reading goes on behind it.
#[test]
fn deleted_records_are_reported() {
    let Some(fixture) = shared("deleted", &[]) else {
        return;
    };
    let input = fixture.topic("in", 2);
    fixture.publish(&at(&input, 1), &["0", "1", "2", "3", "4", "5", "6", "7"]);
    let mut first = fixture.member(&[&input]);
    first.poll_until_owns(2);
    first
        .commit(&epoch(&[], &[position(&at(&input, 1), 2, "")]))
        .unwrap();
    first.member.close().unwrap();
    let brokers = Broker::shared().unwrap().brokers();
    tests::kafka::delete_records(brokers, &input, 1, 6).unwrap();
    let mut second = fixture.member(&[&input]);
    second.poll_until_owns(2);
    second.poll_until_read(2);
    assert_eq!(second.told.truncated(), [(at(&input, 1), 2, 6)]);
    assert_eq!(second.values(), ["6", "7"]);
    // A reader starts at the oldest one, silently.
    assert_eq!(values(&fixture.read(&at(&input, 1), 3, 2)), ["6", "7"]);
}

/// Records outlive their member, on any thread.
#[test]
fn held_records_outlive_their_member() {
    let Some(fixture) = shared("held", &[]) else {
        return;
    };
    let input = fixture.topic("in", 1);
    let large = "x".repeat(200_000);
    fixture.publish(&at(&input, 0), &[large.as_str(); 50]);
    let mut member = fixture.member(&[&input]);
    member.poll_until_read(50);
    let records = std::mem::take(&mut member.records);
    let (done, finished) = mpsc::channel();
    std::thread::spawn(move || {
        member.member.close().unwrap();
        drop(member.committer);
        assert!(
            records
                .iter()
                .all(|record| record.value[..] == *large.as_bytes())
        );
        drop(records);
        done.send(()).unwrap();
    });
    finished
        .recv_timeout(DEADLINE)
        .expect("nothing waits for a record");
}

/// More of one partition than the brokers take in one request, with empty records in between and more partitions beside: all there, in order.
#[test]
fn an_epoch_may_be_larger_than_a_request() {
    let Some(fixture) = shared("large-epoch", &[]) else {
        return;
    };
    let (input, output) = (fixture.topic("in", 1), fixture.topic("out", 3));
    let mut member = fixture.member(&[&input]);
    member.poll_until_owns(1);
    let contents: Vec<_> = (0..40)
        .map(|number| match number % 8 {
            7 => String::new(),
            _ => format!("{number:03}").repeat(70_000),
        })
        .collect();
    let outputs: Vec<_> = (0..3).map(|partition| at(&output, partition)).collect();
    let records: Vec<_> = contents
        .iter()
        .flat_map(|value| outputs.iter().map(move |to| (to, value.as_str())))
        .collect();
    member
        .commit(&epoch(&records, &[position(&at(&input, 0), 1, "")]))
        .unwrap();
    for to in &outputs {
        let read = fixture.read(to, 0, contents.len());
        assert!(values(&read) == contents, "{to}");
    }
}
