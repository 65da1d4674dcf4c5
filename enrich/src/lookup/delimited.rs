//! CSV (RFC 4180): the first line names the columns. An empty field is no value.

use csv::{Error, ErrorKind, ReaderBuilder, StringRecord};

use super::fault::Fault;
use super::rows::{Rows, Scalar};
use super::wanted::Wanted;

pub(super) fn parse(bytes: &[u8], wanted: &Wanted, bytes_max: u64) -> Result<Rows, Fault> {
    let mut reader = ReaderBuilder::new().from_reader(bytes);
    let head = reader.headers().map_err(told)?.clone();
    let key = column(&head, &wanted.key)?;
    let columns = wanted.columns.iter();
    let columns: Vec<usize> = columns
        .map(|name| column(&head, name))
        .collect::<Result<_, _>>()?;
    let mut rows = Rows::new(columns.len(), bytes_max);
    let mut record = StringRecord::new();
    while reader.read_record(&mut record).map_err(told)? {
        let place = || {
            let line = record.position().map_or(0, csv::Position::line);
            format!("line {line}")
        };
        let key = record.get(key).unwrap_or_default();
        if key.is_empty() {
            return Err(Fault::Row {
                place: place(),
                what: format!("the column {:?} is empty: each row needs a key", wanted.key),
            });
        }
        let values = columns
            .iter()
            .map(|at| match record.get(*at).unwrap_or_default() {
                "" => Scalar::Nil,
                text => Scalar::Text(text),
            });
        if !rows.push(key, values)? {
            return Err(Fault::Duplicate {
                place: place(),
                key: key.to_owned(),
            });
        }
    }
    match rows.len() {
        0 => Err(Fault::Empty),
        _ => Ok(rows.finish()),
    }
}

fn column(head: &StringRecord, name: &str) -> Result<usize, Fault> {
    let found = head.iter().position(|known| known == name);
    found.ok_or_else(|| Fault::NoColumn {
        column: name.to_owned(),
        known: head.iter().collect::<Vec<_>>().join(", "),
    })
}

fn told(error: Error) -> Fault {
    let place = error.position().map(|at| format!("line {}", at.line()));
    let what = match error.kind() {
        ErrorKind::Utf8 { .. } => "is not UTF-8".to_owned(),
        ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!("has {len} fields, where the first line has {expected_len}"),
        _ => error.to_string(),
    };
    match place {
        Some(place) => Fault::Row { place, what },
        None => Fault::Malformed {
            format: "CSV",
            why: what,
        },
    }
}
