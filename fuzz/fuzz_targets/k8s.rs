//! Records of Kubernetes's objects: any bytes are entries or an error; entries are the same after the way there and back, and an index that was told them
//! answers.
#![no_main]

use std::net::{IpAddr, Ipv4Addr};

use k8s::{Entry, Index, Query, decode, encode};
use libfuzzer_sys::fuzz_target;

/// Of a record: one entry behaves as the others do.
const ENTRIES_MAX: usize = 64;
const TIMES: [Option<u64>; 5] = [
    None,
    Some(0),
    Some(1),
    Some(1_700_000_000_000),
    Some(u64::MAX),
];

fuzz_target!(init: tailwater_fuzz::keep_overflowing_inputs(), |bytes: &[u8]| {
    let Ok(mut entries) = decode(bytes) else {
        return;
    };
    entries.truncate(ENTRIES_MAX);
    assert_eq!(decode(&encode(&entries)).as_ref(), Ok(&entries));
    let mut index = Index::default();
    for entry in &entries {
        index.apply(entry.clone());
    }
    ask(&index, &entries);
    for now_ms in [0, 1_700_000_000_000, u64::MAX] {
        index.expire(now_ms);
        ask(&index, &entries);
    }
});

/// By everything that a pod may be found by.
fn ask(index: &Index, entries: &[Entry]) {
    for entry in entries {
        let Entry::Pod { cluster, pod, .. } = entry else {
            continue;
        };
        let ip = pod.ips.first().copied();
        let queries = [
            Query {
                uid: Some(&pod.uid),
                ..Query::default()
            },
            Query {
                ip: Some(ip.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))),
                ..Query::default()
            },
            Query {
                name: Some(&pod.name),
                namespace: Some(&pod.namespace),
                cluster: Some(cluster),
                ..Query::default()
            },
        ];
        for query in queries {
            for at_ms in TIMES {
                let _ = index.find(&query, at_ms);
            }
        }
    }
}
