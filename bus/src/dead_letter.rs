//! What can't go on, as the dead letters hold it: a record as it was, with where it stood and why it is here.

use bytes::Bytes;
use schemas::headers;

use crate::{Header, Record};

/// One record, or a part of one, that a stage gave up.
#[derive(Debug)]
pub struct DeadLetter<'a> {
    /// Who gave it up.
    pub stage: &'a str,
    pub topic: &'a str,
    pub partition: u32,
    pub offset: u64,
    pub reason: &'a str,
    pub value: Bytes,
}

impl DeadLetter<'_> {
    /// The record for the dead letters: `first` (version, tenant), then what is said here. A value that is longer than `bytes_max` is
    /// left out, since another producer's limit may be above ours: the original stays where the headers say.
    pub fn into_record(self, first: Vec<Header>, bytes_max: usize) -> Record {
        let header = |name: &str, value: String| Header {
            name: name.into(),
            value: value.into(),
        };
        let mut headers = first;
        headers.extend([
            header(headers::DEAD_STAGE, self.stage.to_owned()),
            header(headers::DEAD_TOPIC, self.topic.to_owned()),
            header(headers::DEAD_PARTITION, self.partition.to_string()),
            header(headers::DEAD_OFFSET, self.offset.to_string()),
            header(headers::DEAD_REASON, self.reason.to_owned()),
        ]);
        let fits = self.value.len() <= bytes_max;
        let value = if fits { self.value } else { Bytes::new() };
        Record { headers, value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_has_no_room_is_left_out() {
        let letter = |bytes| DeadLetter {
            stage: "ingest",
            topic: "raw",
            partition: 3,
            offset: 7,
            reason: "no reason",
            value: Bytes::from(vec![1; bytes]),
        };
        assert_eq!(letter(10).into_record(vec![], 10).value.len(), 10);
        let tenant = Header {
            name: headers::TENANT.into(),
            value: Bytes::from_static(b"a"),
        };
        let record = letter(11).into_record(vec![tenant], 10);
        assert_eq!(record.value.len(), 0);
        let headers: Vec<_> = (record.headers.iter())
            .map(|header| (&*header.name, &*header.value))
            .collect();
        let expected: [(&str, &[u8]); 6] = [
            (headers::TENANT, b"a"),
            (headers::DEAD_STAGE, b"ingest"),
            (headers::DEAD_TOPIC, b"raw"),
            (headers::DEAD_PARTITION, b"3"),
            (headers::DEAD_OFFSET, b"7"),
            (headers::DEAD_REASON, b"no reason"),
        ];
        assert_eq!(headers, expected);
    }
}
