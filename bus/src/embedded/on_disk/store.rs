//! What is on disk: one fjall database with a keyspace per segment, one for the catalogue, one for the groups.
//!
//! A topic is a row of *segments*, each a keyspace of its own with `partition u32 BE, offset u64 BE` → frame. Only
//! the last one is written to. Retention deletes whole segments, so nothing is ever rewritten to get space back, and
//! each partition stays contiguous. (fjall's FIFO compaction can't serve: it requires keys in order of time, and
//! stops the database with an assertion where partitions interleave.) Payloads above 1 KiB are separated from their
//! keys, so compaction inside a segment moves keys only.
//!
//! A segment's *bases* say for each partition at which offset it begins and the timestamp of the record before: with
//! them an offset's segment is found in memory, and no offset is given twice after everything was deleted.
//!
//! Nothing here knows of readers, groups or waiting; the caller keeps offsets and says when to roll.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use fjall::{
    AbstractTree, CompressionType, Database, Keyspace, KeyspaceCreateOptions, KvSeparationOptions,
    OwnedWriteBatch, PersistMode, config::CompressionPolicy,
};

use crate::embedded::on_disk::catalog::{self, Head, StoreResult, StoredTopic};
use crate::embedded::on_disk::torn;
use crate::{Position, TopicPartition};

/// Bounds what is in memory before it goes to a table; holds compressed records.
const MEMTABLE_BYTES: u64 = 4 << 20;
const SMALL_MEMTABLE_BYTES: u64 = 1 << 20;
/// Memtables of records that wait to be written to tables, over all topics.
const SEALED_MEMTABLES_MAX: usize = 2;
/// Between two looks at whether one was.
const SEALED_LOOK: Duration = Duration::from_millis(5);
/// Records read again from disk rarely come a third time: the tail is the cache that counts.
const BLOCK_CACHE_BYTES: u64 = 4 << 20;
/// The least that fjall takes. Bounds the time to replay at open.
const JOURNAL_BYTES_MAX: u64 = 64 << 20;
const OPEN_FILES_MAX: usize = 256;

pub(in crate::embedded) struct Store {
    db: Database,
    catalog: Keyspace,
    groups: Keyspace,
    topics: Vec<Vec<Segment>>,
}

struct Segment {
    number: u64,
    keyspace: Keyspace,
    bases: Vec<Head>,
    created_ms: u64,
    /// About what it takes on disk, once memtables are flushed.
    bytes: AtomicU64,
}

impl Segment {
    fn size(&self) -> SegmentSize {
        SegmentSize {
            bytes: self.bytes.load(Relaxed),
            begins_after_ms: self
                .bases
                .iter()
                .map(|base| base.timestamp_ms)
                .max()
                .unwrap_or(0),
            created_ms: self.created_ms,
        }
    }
}

/// What retention needs to know of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::embedded) struct SegmentSize {
    pub bytes: u64,
    /// The newest timestamp before this segment.
    pub begins_after_ms: u64,
    pub created_ms: u64,
}

impl Store {
    /// Opens or creates the database, and tells what topics there are, by number.
    pub(in crate::embedded) fn open(path: &Path) -> StoreResult<(Self, Vec<StoredTopic>)> {
        let db = torn::open(path, || {
            Database::builder(path)
                .cache_size(BLOCK_CACHE_BYTES)
                .max_journaling_size(JOURNAL_BYTES_MAX)
                .max_cached_files(Some(OPEN_FILES_MAX))
                .journal_compression(CompressionType::None)
                .manual_journal_persist(true)
                .worker_threads(1)
        })?;
        let catalog = db.keyspace("catalog", small_keyspace)?;
        let groups = db.keyspace("groups", small_keyspace)?;
        let mut store = Self {
            db,
            catalog,
            groups,
            topics: Vec::new(),
        };
        let mut topics = store.load_topics()?;
        store.delete_orphans()?;
        for (topic, stored) in topics.iter_mut().enumerate() {
            stored.heads = store.heads(topic, stored.partitions)?;
        }
        // What the journal brought back may be of topics that nobody writes to.
        store.flush()?;
        Ok((store, topics))
    }

    fn load_topics(&mut self) -> StoreResult<Vec<StoredTopic>> {
        let mut topics = Vec::new();
        for entry in self.catalog.prefix([catalog::TOPIC]) {
            let (key, value) = entry.into_inner()?;
            let topic = catalog::decode_topic(&key, &value).ok_or(fjall::Error::Unrecoverable)?;
            topics.push(topic);
        }
        topics.sort_by_key(|topic| topic.number);
        for (number, topic) in topics.iter().enumerate() {
            if topic.number as usize != number {
                return Err(fjall::Error::Unrecoverable);
            }
            let mut segments = Vec::new();
            for entry in self.catalog.prefix(catalog::segments_prefix(topic.number)) {
                let (key, value) = entry.into_inner()?;
                let (number, created_ms, bases) =
                    catalog::decode_segment(&key, &value).ok_or(fjall::Error::Unrecoverable)?;
                let keyspace = self
                    .db
                    .keyspace(&segment_name(topic.number, number), segment_keyspace)?;
                let bytes = keyspace.disk_space() + keyspace.tree.active_memtable().size();
                segments.push(Segment {
                    number,
                    keyspace,
                    bases,
                    created_ms,
                    bytes: bytes.into(),
                });
            }
            self.topics.push(segments);
        }
        Ok(topics)
    }

    /// Keyspaces of segments that the catalogue doesn't name: a crash fell between the two.
    fn delete_orphans(&self) -> StoreResult<()> {
        let known: std::collections::HashSet<&str> = self
            .topics
            .iter()
            .flatten()
            .map(|segment| &**segment.keyspace.name())
            .collect();
        for name in self.db.list_keyspace_names() {
            if name.starts_with("segment-") && !known.contains(&*name) {
                let keyspace = self.db.keyspace(&name, segment_keyspace)?;
                self.db.delete_keyspace(keyspace)?;
            }
        }
        Ok(())
    }

    /// The next offset and the last timestamp of each partition, from the last key of the last segment.
    fn heads(&self, topic: usize, partitions: u32) -> StoreResult<Vec<Head>> {
        let Some(segment) = self.topics[topic].last() else {
            return Ok(vec![Head::default(); partitions as usize]);
        };
        (0..partitions)
            .map(|partition| {
                let mut range = segment
                    .keyspace
                    .range(key(partition, 0)..=key(partition, u64::MAX));
                let Some(last) = range.next_back() else {
                    return Ok(segment.bases[partition as usize]);
                };
                let (key, frame) = last.into_inner()?;
                Ok(Head {
                    offset: offset_of(&key)? + 1,
                    timestamp_ms: crate::embedded::on_disk::frame::timestamp_ms(&frame)
                        .map_err(damaged)?,
                })
            })
            .collect()
    }

    pub(in crate::embedded) fn batch(&self) -> OwnedWriteBatch {
        self.db.batch().durability(Some(PersistMode::SyncData))
    }

    /// Waits until memtables have room for another batch. fjall leaves it to its one worker to close a memtable: while that worker is busy,
    /// the memtable grows without a bound, as fast as there are writes.
    ///
    /// # Errors
    /// When the worker has failed, for example since the disk is full.
    pub(in crate::embedded) fn make_room(&self) -> StoreResult<()> {
        let newest = |segments: &'_ [Segment]| segments.len().saturating_sub(2)..;
        let segments = self.topics.iter().flat_map(|of| &of[newest(of)]);
        let trees = segments.map(|segment| &segment.keyspace);
        for keyspace in trees.clone() {
            if keyspace.tree.active_memtable().size() >= MEMTABLE_BYTES {
                keyspace.rotate_memtable()?;
            }
        }
        let sealed = || {
            trees
                .clone()
                .map(|keyspace| keyspace.tree.sealed_memtable_count())
        };
        while sealed().sum::<usize>() > SEALED_MEMTABLES_MAX {
            // Fails when the worker has.
            self.db.persist(PersistMode::Buffer)?;
            std::thread::sleep(SEALED_LOOK);
        }
        Ok(())
    }

    /// Adds the topic and its first segment to the store; `heads` empty.
    pub(in crate::embedded) fn create_topic(
        &mut self,
        topic: &StoredTopic,
        now_ms: u64,
    ) -> StoreResult<()> {
        let bases = vec![Head::default(); topic.partitions as usize];
        let segment = self.new_segment(topic.number, 0, bases, now_ms)?;
        let mut batch = self.batch();
        let (key, value) = catalog::encode_topic(topic);
        batch.insert(&self.catalog, key, value);
        let (key, value) = catalog::encode_segment(topic.number, 0, now_ms, &segment.bases);
        batch.insert(&self.catalog, key, value);
        batch.commit()?;
        self.topics.push(vec![segment]);
        Ok(())
    }

    fn new_segment(
        &self,
        topic: u32,
        number: u64,
        bases: Vec<Head>,
        created_ms: u64,
    ) -> StoreResult<Segment> {
        let keyspace = self
            .db
            .keyspace(&segment_name(topic, number), segment_keyspace)?;
        Ok(Segment {
            number,
            keyspace,
            bases,
            created_ms,
            bytes: 0.into(),
        })
    }

    /// Begins a new segment, whose partitions begin at `heads`.
    pub(in crate::embedded) fn roll(
        &mut self,
        topic: u32,
        heads: Vec<Head>,
        now_ms: u64,
    ) -> StoreResult<()> {
        let number = self.topics[topic as usize]
            .last()
            .map_or(0, |last| last.number + 1);
        let segment = self.new_segment(topic, number, heads, now_ms)?;
        let mut batch = self.batch();
        let (key, value) = catalog::encode_segment(topic, number, now_ms, &segment.bases);
        batch.insert(&self.catalog, key, value);
        batch.commit()?;
        // From here on the catalogue names the segment, so nothing may be written to the one before.
        let before = self.topics[topic as usize]
            .last()
            .map(|last| last.keyspace.clone());
        self.topics[topic as usize].push(segment);
        before.map_or(Ok(()), |before| before.rotate_memtable().map(|_| ()))
    }

    /// Deletes the oldest segment. The last one is never deleted.
    pub(in crate::embedded) fn drop_oldest(&mut self, topic: u32) -> StoreResult<()> {
        let segments = &mut self.topics[topic as usize];
        if segments.len() < 2 {
            return Ok(());
        }
        let mut batch = self.db.batch().durability(Some(PersistMode::SyncData));
        batch.remove(
            &self.catalog,
            catalog::segment_key(topic, segments[0].number),
        );
        batch.commit()?;
        let oldest = segments.remove(0);
        self.db.delete_keyspace(oldest.keyspace)
    }

    /// Writes what memtables hold to tables, so that nothing of it stays in memory or in the journal.
    pub(in crate::embedded) fn flush(&self) -> StoreResult<()> {
        for segment in self.topics.iter().filter_map(|segments| segments.last()) {
            segment.keyspace.rotate_memtable()?;
        }
        Ok(())
    }

    pub(in crate::embedded) fn insert_record(
        &self,
        batch: &mut OwnedWriteBatch,
        topic: u32,
        partition: u32,
        offset: u64,
        frame: Vec<u8>,
    ) {
        if let Some(segment) = self.topics[topic as usize].last() {
            segment.bytes.fetch_add(frame.len() as u64, Relaxed);
            batch.insert(&segment.keyspace, key(partition, offset), frame);
        }
    }

    pub(in crate::embedded) fn insert_position(
        &self,
        batch: &mut OwnedWriteBatch,
        group: &str,
        position: &Position,
    ) {
        batch.insert(
            &self.groups,
            catalog::position_key(group, &position.at),
            catalog::encode_position(position),
        );
    }

    /// All segments of a topic, oldest first.
    pub(in crate::embedded) fn sizes(&self, topic: u32) -> Vec<SegmentSize> {
        self.topics[topic as usize]
            .iter()
            .map(Segment::size)
            .collect()
    }

    pub(in crate::embedded) fn last_size(&self, topic: u32) -> Option<SegmentSize> {
        self.topics[topic as usize].last().map(Segment::size)
    }

    /// Where the last segment begins, by partition.
    pub(in crate::embedded) fn last_bases(&self, topic: u32) -> &[Head] {
        self.topics[topic as usize]
            .last()
            .map_or(&[], |segment| &segment.bases)
    }

    /// Whether fjall still takes writes; after a failed one, or a failed flush in the background, it doesn't.
    pub(in crate::embedded) fn check(&self) -> StoreResult<()> {
        self.db.persist(PersistMode::Buffer)
    }

    /// The oldest offset of a partition that still exists (or will).
    pub(in crate::embedded) fn start(&self, topic: u32, partition: u32) -> u64 {
        self.topics[topic as usize]
            .first()
            .map_or(0, |segment| segment.bases[partition as usize].offset)
    }

    /// Hands records `from..to` of a partition to `each`, until that returns false.
    pub(in crate::embedded) fn read(
        &self,
        topic: u32,
        partition: u32,
        from: u64,
        to: u64,
        mut each: impl FnMut(u64, Bytes) -> Result<bool, fjall::Error>,
    ) -> StoreResult<()> {
        let segments = &self.topics[topic as usize];
        let first = segments
            .partition_point(|segment| segment.bases[partition as usize].offset <= from)
            .saturating_sub(1);
        for segment in &segments[first..] {
            if segment.bases[partition as usize].offset >= to {
                break;
            }
            for entry in segment
                .keyspace
                .range(key(partition, from)..key(partition, to))
            {
                let (key, frame) = entry.into_inner()?;
                if !each(offset_of(&key)?, frame.into())? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    pub(in crate::embedded) fn position(
        &self,
        group: &str,
        at: &TopicPartition,
    ) -> StoreResult<Option<Position>> {
        let Some(value) = self.groups.get(catalog::position_key(group, at))? else {
            return Ok(None);
        };
        catalog::decode_position(at, &value)
            .map(Some)
            .ok_or(fjall::Error::Unrecoverable)
    }
}

/// An error for content that passed fjall's checksums and still can't be read.
pub(in crate::embedded) fn damaged(reason: &'static str) -> fjall::Error {
    fjall::Error::Io(std::io::Error::new(std::io::ErrorKind::InvalidData, reason))
}

fn segment_name(topic: u32, number: u64) -> String {
    format!("segment-{topic}-{number}")
}

fn key(partition: u32, offset: u64) -> [u8; 12] {
    let mut key = [0; 12];
    key[..4].copy_from_slice(&partition.to_be_bytes());
    key[4..].copy_from_slice(&offset.to_be_bytes());
    key
}

fn offset_of(key: &[u8]) -> StoreResult<u64> {
    key.last_chunk::<8>()
        .map(|offset| u64::from_be_bytes(*offset))
        .ok_or(damaged("a key that is too short"))
}

fn segment_keyspace() -> KeyspaceCreateOptions {
    KeyspaceCreateOptions::default()
        .manual_journal_persist(true)
        .max_memtable_size(MEMTABLE_BYTES)
        .data_block_compression_policy(CompressionPolicy::disabled())
        .with_kv_separation(Some(
            KvSeparationOptions::default().compression(CompressionType::None),
        ))
}

fn small_keyspace() -> KeyspaceCreateOptions {
    KeyspaceCreateOptions::default()
        .manual_journal_persist(true)
        .max_memtable_size(SMALL_MEMTABLE_BYTES)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
#[path = "store_tests.rs"]
mod tests;
