use std::sync::mpsc::{RecvTimeoutError, channel};

use super::*;

const BATCH_BYTES: usize = 4 << 20;
const BATCHES: u64 = 25;

/// The worker that makes tables of memtables gets nowhere for a while: what waits for it stays bounded, and nothing of it is lost.
#[test]
fn memtables_are_bounded_while_the_disk_is_slow() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, _) = Store::open(folder.path()).unwrap();
    let topic = StoredTopic {
        number: 0,
        name: "t".into(),
        partitions: 1,
        timestamps: crate::Timestamps::LogAppend,
        heads: vec![],
    };
    store.create_topic(&topic, 0).unwrap();
    let keyspace = store.topics[0][0].keyspace.clone();
    let (report, reports) = channel();
    std::thread::scope(|scope| {
        let slow = keyspace.tree.get_flush_lock();
        let store = &store;
        scope.spawn(move || {
            for offset in 0..BATCHES {
                store.make_room().unwrap();
                let mut batch = store.batch();
                store.insert_record(&mut batch, 0, 0, offset, vec![7; BATCH_BYTES]);
                batch.commit().unwrap();
                report.send(offset).unwrap();
            }
        });
        let wait = Duration::from_secs(1);
        let mut written = 0;
        while reports.recv_timeout(wait) != Err(RecvTimeoutError::Timeout) {
            written += BATCH_BYTES as u64;
            let sealed = keyspace.tree.sealed_memtable_count() as u64;
            let active = keyspace.tree.active_memtable().size();
            assert!(active < MEMTABLE_BYTES + 2 * BATCH_BYTES as u64);
            assert!(sealed <= SEALED_MEMTABLES_MAX as u64 + 1);
            assert!(written < BATCHES * BATCH_BYTES as u64, "nothing waited");
        }
        drop(slow);
    });
    assert_eq!(keyspace.len().unwrap(), BATCHES as usize);
}
