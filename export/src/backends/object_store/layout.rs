//! Where an object stands: the folders of the layout, and its name. Pure.
//!
//! The name says which records are in it, so that whoever makes the same batch again writes the same object: `p<partition>-<first>-<last>`, offsets
//! inclusive. What is left of one record after a refusal has the numbers of its units behind it.

use std::time::{Duration, UNIX_EPOCH};

use schemas::Signal;
use xxhash_rust::xxh3::xxh3_64;

use super::objects::Key;
use crate::records::batch::Batch;

/// Longer lists of units are told by a hash: a filter may leave any number of ranges.
const UNITS_BYTES_MAX: usize = 60;

/// The folders of objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Signal,
    Date,
    Hour,
    Tenant,
}

impl Layout {
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('{') {
            let (name, after) = behind
                .split_once('}')
                .ok_or_else(|| format!("`{{{behind}` has no end"))?;
            parts.push(Part::Text(before.to_owned()));
            parts.push(match name {
                "signal" => Part::Signal,
                "date" => Part::Date,
                "hour" => Part::Hour,
                "tenant" => Part::Tenant,
                other => {
                    return Err(format!(
                        "`{{{other}}}` is none of {{signal}}, {{date}}, {{hour}} and {{tenant}}"
                    ));
                }
            });
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        parts.retain(|part| *part != Part::Text(String::new()));
        // Folders as one segment can be: neither empty nor a way out.
        let shape = Self(parts.clone()).folder(
            Signal::Traces,
            &Key {
                tenant: Some(b"t"),
                hour: 0,
            },
        );
        let is_odd = |segment: &str| {
            segment.is_empty()
                || segment == "."
                || segment == ".."
                || segment
                    .chars()
                    .any(|c| c.is_control() || "\\?#%*:\"<>|".contains(c))
        };
        if !shape.is_empty() && shape.split('/').any(is_odd) {
            return Err("is no path of folders: no empty ones, `.` or `..`, and none of \\ ? # % * : \" < > |".to_owned());
        }
        Ok(Self(parts))
    }

    pub fn has_tenant(&self) -> bool {
        self.0.contains(&Part::Tenant)
    }

    /// Objects of two hours are in two folders.
    pub fn has_time(&self) -> bool {
        self.0.contains(&Part::Date) && self.0.contains(&Part::Hour)
    }

    pub fn has_signal(&self) -> bool {
        self.0.contains(&Part::Signal)
    }

    /// Without a slash at either end.
    fn folder(&self, signal: Signal, key: &Key<'_>) -> String {
        let mut path = String::new();
        // `2026-11-30T20:00:00Z`.
        let time = UNIX_EPOCH + Duration::from_secs(key.hour * 3600);
        let time = humantime::format_rfc3339_seconds(time).to_string();
        for part in &self.0 {
            match part {
                Part::Text(text) => path.push_str(text),
                Part::Signal => path.push_str(signal.name()),
                Part::Date => path.push_str(time.get(..10).unwrap_or_default()),
                Part::Hour => path.push_str(time.get(11..13).unwrap_or_default()),
                Part::Tenant => escape(key.tenant.unwrap_or_default(), &mut path),
            }
        }
        path
    }

    /// The path of an object of a batch, below the prefix. `extension` begins with its dot.
    ///
    /// # Errors
    /// The batch has records of several partitions, which no name could tell.
    pub fn path(
        &self,
        signal: Signal,
        key: &Key<'_>,
        batch: &Batch,
        extension: &str,
    ) -> Result<String, String> {
        let folder = self.folder(signal, key);
        let name = name(batch).ok_or("records of several partitions in one batch")?;
        Ok(match folder.as_str() {
            "" => format!("{name}{extension}"),
            folder => format!("{folder}/{name}{extension}"),
        })
    }
}

fn name(batch: &Batch) -> Option<String> {
    let range = batch.range()?;
    let mut name = format!("p{:04}-{}-{}", range.partition, range.first, range.last);
    // Only one record is ever cut. Of several, filters may have left a part, but the batch is the same one.
    if let [only] = &batch.entries[..]
        && let Some(units) = only.parts.written()
    {
        let units = units.replace("..", "-").replace(',', "_");
        name.push_str("-u");
        match units.len() <= UNITS_BYTES_MAX {
            true => name.push_str(&units),
            false => name.push_str(&format!("{:016x}", xxh3_64(units.as_bytes()))),
        }
    }
    Some(name)
}

/// A name as one folder: what isn't a letter, a digit, `-`, `_` or `.` in hexadecimal, behind a `%`.
fn escape(name: &[u8], path: &mut String) {
    let only_dots = name.iter().all(|byte| *byte == b'.');
    for byte in name {
        match byte {
            b'.' if only_dots => path.push_str("%2E"),
            b'.' | b'-' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                path.push(char::from(*byte));
            }
            other => path.push_str(&format!("%{other:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::single_range_in_vec_init)]
    use bus::Fetched;
    use bytes::Bytes;

    use super::*;
    use crate::records::entry::Entry;
    use crate::records::parts::Parts;

    fn entry(partition: u32, offset: u64) -> Entry {
        Entry::new(Fetched {
            topic: "t.clean".into(),
            partition,
            offset,
            timestamp_ms: 0,
            headers: vec![],
            value: Bytes::new(),
        })
    }

    #[test]
    fn an_object_is_named_by_its_records() {
        let batch = Batch::from_iter([entry(3, 7), entry(3, 9)]);
        assert_eq!(name(&batch).unwrap(), "p0003-7-9");
        assert_eq!(name(&Batch::from_iter([entry(3, 7), entry(4, 9)])), None);
    }

    /// Parts of one record are objects of their own, or one would overwrite the other.
    #[test]
    fn parts_of_a_record_are_told_apart() {
        let mut part = entry(3, 7);
        part.offer(Bytes::new(), Parts::of([0..4, 7..9]));
        assert_eq!(
            name(&Batch::from_iter([part.clone()])).unwrap(),
            "p0003-7-7-u0-4_7-9"
        );
        part.offer(
            Bytes::new(),
            Parts::of((0..99).map(|at| 2 * at..2 * at + 1)),
        );
        let long = name(&Batch::from_iter([part.clone()])).unwrap();
        part.offer(
            Bytes::new(),
            Parts::of((1..99).map(|at| 2 * at..2 * at + 1)),
        );
        let other = name(&Batch::from_iter([part])).unwrap();
        assert!(long.len() < 40 && long != other, "{long} {other}");
    }

    #[test]
    fn folders() {
        let path = |layout: &str, tenant: &'static [u8]| {
            let key = Key {
                tenant: Some(tenant),
                hour: 24 * 365 + 5,
            };
            let batch = Batch::from_iter([entry(0, 1)]);
            let layout = Layout::parse(layout).unwrap();
            layout.path(Signal::Logs, &key, &batch, ".x").unwrap()
        };
        assert_eq!(
            path("{signal}/date={date}/hour={hour}", b""),
            "logs/date=1971-01-01/hour=05/p0000-1-1.x"
        );
        assert_eq!(path("", b""), "p0000-1-1.x");
        assert_eq!(
            path("t={tenant}/{signal}", b"a/../\xff"),
            "t=a%2F..%2F%FF/logs/p0000-1-1.x"
        );
        assert_eq!(path("{tenant}/{signal}", b".."), "%2E%2E/logs/p0000-1-1.x");
    }

    #[test]
    fn layouts_that_lead_nowhere() {
        for wrong in [
            "{signal",
            "{topic}",
            "/{signal}",
            "{signal}/",
            "a//b",
            "../{signal}",
            "a?b",
        ] {
            assert!(Layout::parse(wrong).is_err(), "{wrong}");
        }
    }
}
