//! JSON and YAML: a list of maps, each of which has its key in one of its fields; or a map from keys to maps, or to plain values, which are then in
//! the column `value`.

use runtime::config::read_foreign;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::elements::Elements;
use super::fault::Fault;
use super::rows::{Rows, Scalar};
use super::wanted::Wanted;

/// The column of plain values.
const VALUE: &str = "value";

/// Rows so far.
struct Reading<'w> {
    wanted: &'w Wanted,
    rows: Rows,
    /// Which columns some row has.
    seen: Vec<bool>,
}

/// One element after the other: a document of 64 MiB would take ten times that as a tree.
pub(super) fn json(bytes: &[u8], wanted: &Wanted, bytes_max: u64) -> Result<Rows, Fault> {
    let malformed = |why: String| Fault::Malformed {
        format: "JSON",
        why,
    };
    serde_json::from_slice::<IgnoredAny>(bytes).map_err(|error| malformed(error.to_string()))?;
    let Some(elements) = Elements::of(bytes) else {
        return Err(malformed("a table is a list or a map".to_owned()));
    };
    let mut reading = Reading::new(wanted, bytes_max);
    for element in elements {
        let place = || format!("line {}", element.line);
        let key = element.key.map(serde_json::from_slice).transpose();
        let value = serde_json::from_slice(element.value);
        // The whole was JSON, so its parts are, but for text that isn't UTF-8.
        let parsed = key.and_then(|key| Ok((key, value?)));
        let (key, value) = parsed.map_err(|error| wrong(error.to_string()).at(place()))?;
        reading.add(key, value).map_err(|fault| fault.at(place()))?;
    }
    reading.finish()
}

pub(super) fn yaml(
    file: &str,
    bytes: &[u8],
    wanted: &Wanted,
    bytes_max: u64,
) -> Result<Rows, Fault> {
    let malformed = |why: String| Fault::Malformed {
        format: "YAML",
        why,
    };
    let text = std::str::from_utf8(bytes).map_err(|_| malformed("it is not UTF-8".to_owned()))?;
    let tree = read_foreign(file, text).map_err(|error| malformed(error.to_string()))?;
    let mut reading = Reading::new(wanted, bytes_max);
    let rows = match tree {
        Value::Array(rows) => {
            let rows = rows.into_iter().enumerate();
            rows.map(|(number, row)| (format!("row {}", number + 1), None, row))
                .collect()
        }
        Value::Object(rows) => {
            let rows = rows.into_iter();
            rows.map(|(key, row)| (format!("the key {key:?}"), Some(key), row))
                .collect()
        }
        Value::Null => Vec::new(),
        _ => return Err(malformed("a table is a list or a map".to_owned())),
    };
    for (place, key, row) in rows {
        let added = reading.add(key, row);
        added.map_err(|fault| fault.at(place))?;
    }
    reading.finish()
}

impl<'w> Reading<'w> {
    fn new(wanted: &'w Wanted, bytes_max: u64) -> Self {
        Self {
            wanted,
            rows: Rows::new(wanted.columns.len(), bytes_max),
            seen: vec![false; wanted.columns.len()],
        }
    }

    /// Adds a row; without a key of its own it has one in a field.
    fn add(&mut self, key: Option<String>, row: Value) -> Result<(), Fault> {
        let row = match (row, &key) {
            (Value::Object(row), _) => row,
            (plain, Some(_)) => Map::from_iter([(VALUE.to_owned(), plain)]),
            (_, None) => return Err(wrong("is no map from names to values".to_owned())),
        };
        let key = match key {
            Some(key) => key,
            None => self.key_in(&row)?,
        };
        let mut values = Vec::with_capacity(self.wanted.columns.len());
        for (name, seen) in self.wanted.columns.iter().zip(&mut self.seen) {
            let value = row.get(name);
            *seen |= value.is_some();
            values.push(scalar(name, value.unwrap_or(&Value::Null))?);
        }
        match self.rows.push(&key, values.into_iter())? {
            true => Ok(()),
            false => Err(Fault::Duplicate {
                place: String::new(),
                key,
            }),
        }
    }

    fn key_in(&self, row: &Map<String, Value>) -> Result<String, Fault> {
        let name = &self.wanted.key;
        match row.get(name) {
            Some(Value::String(key)) if !key.is_empty() => Ok(key.clone()),
            Some(Value::Number(key)) => Ok(key.to_string()),
            _ => Err(wrong(format!(
                "its {name:?} is missing, or neither text nor a number: each row needs a key"
            ))),
        }
    }

    fn finish(self) -> Result<Rows, Fault> {
        if self.rows.len() == 0 {
            return Err(Fault::Empty);
        }
        let unseen = self.seen.iter().position(|seen| !seen);
        match unseen {
            Some(at) => Err(Fault::NoColumn {
                column: self.wanted.columns[at].clone(),
                known: "it in no row".to_owned(),
            }),
            None => Ok(self.rows.finish()),
        }
    }
}

fn wrong(what: String) -> Fault {
    Fault::Row {
        place: String::new(),
        what,
    }
}

impl Fault {
    /// The same at a place, unless it isn't about one.
    fn at(self, place: String) -> Self {
        match self {
            Self::Duplicate { key, .. } => Self::Duplicate { place, key },
            Self::Row { what, .. } => Self::Row { place, what },
            other => other,
        }
    }
}

fn scalar<'v>(name: &str, value: &'v Value) -> Result<Scalar<'v>, Fault> {
    Ok(match value {
        Value::Null => Scalar::Nil,
        Value::Bool(value) => Scalar::Bool(*value),
        Value::String(text) => Scalar::Text(text),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => Scalar::Int(number),
            (None, Some(number)) => Scalar::Float(number),
            (None, None) => Scalar::Nil,
        },
        Value::Array(_) | Value::Object(_) => {
            return Err(wrong(format!(
                "its {name:?} is a list or a map; values are text, numbers, true or false"
            )));
        }
    })
}
