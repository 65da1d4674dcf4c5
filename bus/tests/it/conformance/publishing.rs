//! Publishing: durable before acknowledged, in order, with headers and the bus's timestamps.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{SystemTime, UNIX_EPOCH};

use bus::{Error, Header, Record, Timestamps};
use bytes::Bytes;

use crate::fixture::{DEADLINE, Fixture, at, record, values};

/// Records of a partition get consecutive offsets in order of publishing, each acknowledged once.
pub fn acknowledged_in_order_with_offsets(fixture: &Fixture) {
    let topic = fixture.topic("t", 2);
    let texts: Vec<String> = (0..500).map(|index| format!("value {index}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let offsets = fixture.publish(&at(&topic, 1), &texts);
    assert_eq!(offsets, (0..500).collect::<Vec<u64>>());
    assert_eq!(values(&fixture.read(&at(&topic, 1), 0, 500)), texts);
    assert_eq!(fixture.publish(&at(&topic, 0), &["other"]), [0]);
}

/// Whoever has the acknowledgement can read the record.
pub fn acknowledged_records_can_be_read_at_once(fixture: &Fixture) {
    let topic = fixture.topic("t", 1);
    let mut reader = fixture.bus.reader().unwrap();
    for round in 0..20_u64 {
        let offset = fixture.publish(&at(&topic, 0), &["x"])[0];
        assert_eq!(offset, round);
        assert_eq!(reader.range(&at(&topic, 0)).unwrap(), 0..round + 1);
    }
}

/// Headers keep their order, values their bytes: empty, binary, compressible and large.
pub fn headers_and_values_come_back(fixture: &Fixture) {
    let topic = fixture.topic("t", 1);
    let header = |name: &str, value: &'static [u8]| Header {
        name: name.into(),
        value: Bytes::from_static(value),
    };
    let noise = |length: u32| -> Bytes {
        (0..length)
            .map(|index| (index.wrapping_mul(2_654_435_761) >> 13) as u8)
            .collect()
    };
    let records = [
        Record {
            headers: vec![],
            value: Bytes::new(),
        },
        Record {
            headers: vec![header("b", b"1"), header("a", b"two"), header("empty", b"")],
            value: Bytes::from_static(&[0, 255, 1, 254]),
        },
        Record {
            headers: vec![header("t", b"x")],
            value: Bytes::from(vec![b'z'; 300_000]),
        },
        Record {
            headers: vec![],
            value: noise(300_000),
        },
    ];
    let publisher = fixture.bus.publisher().unwrap();
    let (acks, acked) = mpsc::channel();
    for record in &records {
        let acks = acks.clone();
        publisher
            .publish(
                at(&topic, 0),
                record.clone(),
                Box::new(move |result| acks.send(result).unwrap()),
            )
            .unwrap();
    }
    publisher.flush(DEADLINE).unwrap();
    for _ in &records {
        acked
            .try_recv()
            .expect("flush waits for acknowledgements")
            .unwrap();
    }
    let read = fixture.read(&at(&topic, 0), 0, records.len());
    for (fetched, record) in read.iter().zip(&records) {
        assert_eq!(fetched.headers, record.headers);
        assert!(
            fetched.value == record.value,
            "value of {} bytes differs",
            record.value.len()
        );
    }
}

/// Timestamps are the time of writing, and never fall.
pub fn timestamps_are_the_bus_clock(fixture: &Fixture) {
    let now = || {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_millis() as u64
    };
    let topic = fixture.topic("t", 1);
    let whose = fixture.bus.timestamps(&topic).unwrap();
    assert_eq!(whose, Timestamps::LogAppend);
    let before = now();
    for _ in 0..5 {
        fixture.publish(&at(&topic, 0), &["x", "y"]);
    }
    let after = now();
    let times: Vec<u64> = fixture
        .read(&at(&topic, 0), 0, 10)
        .iter()
        .map(|record| record.timestamp_ms)
        .collect();
    assert!(times.is_sorted(), "{times:?}");
    assert!(
        before <= times[0] && times[9] <= after,
        "{before} {times:?} {after}"
    );
}

/// A record above the limit fails by itself, at once or in its acknowledgement; the next one is taken.
pub fn too_large_is_refused_alone(fixture: &Fixture) {
    let topic = fixture.topic("t", 1);
    let publisher = fixture.bus.publisher().unwrap();
    let (acks, acked) = mpsc::channel();
    let large = Record {
        headers: vec![],
        value: Bytes::from(vec![7; fixture.bus.record_bytes_max() + 1]),
    };
    let ack = acks.clone();
    let refused = publisher.publish(
        at(&topic, 0),
        large,
        Box::new(move |result| ack.send(result).unwrap()),
    );
    let refused = match refused {
        Err(error) => error,
        Ok(()) => acked.recv_timeout(DEADLINE).unwrap().unwrap_err(),
    };
    assert!(
        matches!(refused, Error::RecordTooLarge { .. }),
        "{refused:?}"
    );
    let exact = Record {
        headers: vec![],
        value: Bytes::from(vec![7; fixture.bus.record_bytes_max()]),
    };
    for record in [exact, record("small")] {
        let ack = acks.clone();
        publisher
            .publish(
                at(&topic, 0),
                record,
                Box::new(move |result| ack.send(result).unwrap()),
            )
            .unwrap();
    }
    assert_eq!(acked.recv_timeout(DEADLINE).unwrap().unwrap(), 0);
    assert_eq!(acked.recv_timeout(DEADLINE).unwrap().unwrap(), 1);
    publisher.flush(DEADLINE).unwrap();
}

/// A flush waits for what was published before it, however much is published meanwhile.
pub fn a_flush_ends_while_others_publish(fixture: &Fixture) {
    let topic = fixture.topic("t", 1);
    let publisher = fixture.bus.publisher().unwrap();
    let (done, published) = (AtomicBool::new(false), AtomicU64::new(0));
    let settled = Arc::new(AtomicU64::new(0));
    std::thread::scope(|scope| {
        let flushed = scope.spawn(|| {
            while published.load(Ordering::Relaxed) < 100 {
                std::thread::yield_now();
            }
            let flushed = publisher.flush(DEADLINE / 2);
            done.store(true, Ordering::Relaxed);
            flushed
        });
        // Something is always on its way, and never much.
        while !done.load(Ordering::Relaxed) {
            if published.load(Ordering::Relaxed) - settled.load(Ordering::Relaxed) > 64 {
                std::thread::yield_now();
                continue;
            }
            let settled = settled.clone();
            let ack = move |_: bus::Result<u64>| {
                settled.fetch_add(1, Ordering::Relaxed);
            };
            publisher
                .publish(at(&topic, 0), record("x"), Box::new(ack))
                .unwrap();
            published.fetch_add(1, Ordering::Relaxed);
        }
        flushed.join().unwrap().unwrap();
    });
    publisher.flush(DEADLINE).unwrap();
}
