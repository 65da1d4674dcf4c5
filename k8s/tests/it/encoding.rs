//! What is written is read as it was, and foreign bytes are an error at worst.

use k8s::{DecodeError, Entry, Kind, Pod, decode, encode};
use proptest::prelude::*;

use super::{deletion, live, namespace, pod};

fn entries() -> Vec<Entry> {
    let bare = Pod {
        uid: "u".into(),
        ips: ["::1".parse().unwrap()].into(),
        host_network: true,
        ended_ms: Some(7),
        ..Pod::default()
    };
    vec![
        live(pod(7)),
        live(bare),
        Entry::Object {
            cluster: "prod".into(),
            seen_ms: 5,
            object: namespace("shop"),
        },
        Entry::Deleted {
            cluster: "prod".into(),
            kind: Kind::Pod,
            uid: "u".into(),
            deletion: deletion(9),
        },
        Entry::Listed {
            cluster: "prod".into(),
            kind: Kind::Job,
            at_ms: 11,
        },
    ]
}

#[test]
fn what_is_written_is_read() {
    assert_eq!(decode(&encode(&entries())).unwrap(), entries());
    assert_eq!(decode(&[]).unwrap(), []);
}

/// As protobuf has it: whoever else writes records may write them so.
#[test]
fn what_is_empty_isn_t_there() {
    let mut bare = encode(&[live(Pod {
        uid: "u".into(),
        ..Pod::default()
    })]);
    let expected = decode(&bare).unwrap();
    // Node, start and end, behind the pod's only field, the uid; three lengths grow.
    let empty = [0x2a, 0, 0x40, 0, 0x50, 0];
    let uid = [0x0a, 1, b'u'];
    let at = bare.windows(3).position(|bytes| bytes == uid).unwrap();
    bare.splice(at + 3..at + 3, empty);
    bare[at - 1] += empty.len() as u8;
    let entry = bare.iter().position(|byte| *byte == 0x12).unwrap();
    bare[entry + 1] += empty.len() as u8;
    assert_eq!(decode(&bare).unwrap(), expected);
}

#[test]
fn a_pod_is_small_on_the_bus() {
    let bytes = encode(&[live(pod(1))]).len();
    assert!(bytes < 1_500, "{bytes} bytes");
}

/// A later version may mean something else by the same bytes.
#[test]
fn a_later_version_is_refused() {
    let mut value = encode(&entries());
    value[1] = 2;
    assert_eq!(decode(&value), Err(DecodeError::Version(2)));
}

/// A later build may tell of more.
#[test]
fn what_is_unknown_is_passed_over() {
    let mut value = encode(&entries());
    // Field 9, and an entry of field 15 alone.
    value.extend([0x4a, 1, b'x', 0x12, 3, 0x7a, 1, b'y']);
    assert_eq!(decode(&value).unwrap(), entries());
}

proptest! {
    #[test]
    fn foreign_bytes_are_an_error_at_worst(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(&bytes);
    }

    #[test]
    fn a_byte_that_was_changed_is_an_error_at_worst(at in any::<proptest::sample::Index>(), byte in any::<u8>()) {
        let mut value = encode(&entries());
        let at = at.index(value.len());
        value[at] = byte;
        if let Ok(read) = decode(&value) {
            let mut index = k8s::Index::new();
            for entry in read {
                index.apply(entry);
            }
        }
    }
}
