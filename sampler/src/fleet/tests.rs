//! Two processes on one bus.

#![allow(clippy::unwrap_used)]

use schemas::Topics;

use super::*;

const DEADLINE: Duration = Duration::from_secs(30);

#[test]
fn what_one_process_counts_the_other_hears() {
    let folder = tempfile::tempdir().unwrap();
    // The host's clock is decades ahead of the bus's.
    let options = bus::embedded::Options {
        clock: Arc::new(|| 1_000_000),
        ..bus::embedded::Options::default()
    };
    let bus = bus::embedded::open(folder.path(), options).unwrap();
    let topics = Topics::new("tw");
    bus.ensure_topics(&bus::topic_specs(&topics, 4)).unwrap();
    let begin = |instance: &str| {
        let topic = topics.sampler_state();
        start(vec![77], bus.clone(), topic, instance.to_owned()).unwrap()
    };
    let (a, talk_of_a) = begin("a");
    let (b, _talk_of_b) = begin("b");
    let news = Tallied {
        rule: 0,
        interval: 5,
        key: 9,
        amount: 3,
    };
    a.exchange(&[news], 3);
    let linked = Linked {
        tenant: Box::from(*b"shop"),
        target: [1; 16],
        source: [2; 16],
    };
    a.set_follows_links(true);
    b.set_follows_links(true);
    a.exchange_links(std::slice::from_ref(&linked));
    let begun = Instant::now();
    let heard = loop {
        let (heard, partitions) = b.exchange(&[], 1);
        if !heard.is_empty() {
            assert_eq!(partitions, 3);
            break heard;
        }
        assert!(begun.elapsed() < DEADLINE, "nothing was heard");
        std::thread::sleep(Duration::from_millis(10));
    };
    assert_eq!(heard, [news]);
    while b.exchange_links(&[]) != std::slice::from_ref(&linked) {
        assert!(begun.elapsed() < DEADLINE, "no link was heard");
        std::thread::sleep(Duration::from_millis(10));
    }
    // One that comes later learns it from what is there.
    drop(talk_of_a);
    let (c, _talk_of_c) = begin("c");
    while c.exchange(&[], 1).0 != [news] {
        assert!(begun.elapsed() < DEADLINE, "nothing was found");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn tokens_go_to_the_process_that_wants_them() {
    const LIMIT: u64 = 7;
    let folder = tempfile::tempdir().unwrap();
    let bus = bus::embedded::open(folder.path(), bus::embedded::Options::default()).unwrap();
    let topics = Topics::new("tw");
    bus.ensure_topics(&bus::topic_specs(&topics, 4)).unwrap();
    let begin = |instance: &str| {
        let topic = topics.sampler_state();
        start(Vec::new(), bus.clone(), topic, instance.to_owned()).unwrap()
    };
    let (a, _talk_of_a) = begin("a");
    let (b, _talk_of_b) = begin("b");
    let begun = Instant::now();
    let (mut given, mut received) = (0.0, 0.0);
    while received < 10.0 {
        received += a.exchange_tokens(LIMIT, 0.0, 1.0);
        let spare = b.wanted_tokens(LIMIT).min(5.0);
        given += spare;
        assert_eq!(b.exchange_tokens(LIMIT, spare, 0.0), 0.0);
        assert!(received <= given, "{received} of {given}");
        assert!(begun.elapsed() < DEADLINE, "{received} of {given}");
        std::thread::sleep(Duration::from_millis(10));
    }
    // Another configuration, without the limit.
    b.set_budgets(&[]);
    assert_eq!(b.wanted_tokens(LIMIT), 0.0);
}
