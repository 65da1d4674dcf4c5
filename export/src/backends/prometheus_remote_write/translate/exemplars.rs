//! The exemplars of a data point: by bucket, then by time, as receivers want them.

use schemas::otlp::point::Exemplars;
use schemas::wire::WireError;

use super::super::wire::{Label, Symbol, Writer};
use super::labels::value_text;

/// Attributes are left out where all labels together have more characters. Source: OpenMetrics 1.0, "Exemplars".
const CHARACTERS_MAX: usize = 128;
const TRACE_ID: &str = "trace_id";
const SPAN_ID: &str = "span_id";

/// Exemplars of one data point, as fields of the series they are for.
#[derive(Debug, Default)]
pub struct PointExemplars {
    /// Bucket, time, and where the field is.
    found: Vec<(usize, u64, (usize, usize))>,
    fields: Vec<u8>,
    chosen: Vec<u8>,
}

impl PointExemplars {
    /// Reads all exemplars of a point. `bounds` are those of its buckets, in order; without any, all are in bucket 0.
    ///
    /// # Errors
    /// One is malformed.
    pub fn read(
        &mut self,
        exemplars: Exemplars<'_>,
        bounds: &[f64],
        writer: &mut Writer,
    ) -> Result<(), WireError> {
        self.found.clear();
        self.fields.clear();
        for exemplar in exemplars {
            let exemplar = exemplar?;
            let Some(value) = exemplar.value.as_f64() else {
                continue;
            };
            let labels = labels(&exemplar, writer)?;
            let start = self.fields.len();
            let time_ms = (exemplar.time_unix_nano / 1_000_000) as i64;
            writer.exemplar(&labels, value, time_ms, &mut self.fields);
            let bucket = bounds.partition_point(|bound| *bound < value);
            let place = (start, self.fields.len());
            self.found.push((bucket, exemplar.time_unix_nano, place));
        }
        self.found.sort_by_key(|(bucket, time, _)| (*bucket, *time));
        Ok(())
    }

    /// Those of one bucket. That behind the last bound has their number.
    pub fn of(&mut self, bucket: usize) -> &[u8] {
        self.chosen.clear();
        let from = self.found.partition_point(|(own, ..)| *own < bucket);
        let found = self.found[from..].iter();
        for (_, _, (start, end)) in found.take_while(|(own, ..)| *own == bucket) {
            self.chosen.extend_from_slice(&self.fields[*start..*end]);
        }
        &self.chosen
    }

    /// All of them.
    pub fn all(&mut self) -> &[u8] {
        self.chosen.clear();
        self.found.sort_by_key(|(_, time, _)| *time);
        for (_, _, (start, end)) in &self.found {
            self.chosen.extend_from_slice(&self.fields[*start..*end]);
        }
        &self.chosen
    }
}

/// In the order of their names. The ids of the trace win over attributes of their names.
fn labels(
    exemplar: &schemas::otlp::point::ExemplarView<'_>,
    writer: &mut Writer,
) -> Result<Vec<Label>, WireError> {
    let symbols = &mut writer.symbols;
    let mut labels: Vec<(String, Symbol)> = Vec::new();
    let mut characters = 0;
    for (name, id) in [(TRACE_ID, exemplar.trace_id), (SPAN_ID, exemplar.span_id)] {
        if id.iter().any(|byte| *byte != 0) && id.len() <= 16 {
            let id = id.iter().map(|byte| format!("{byte:02x}"));
            let id: String = id.collect();
            characters += name.len() + id.len();
            labels.push((name.to_owned(), symbols.of(&id)));
        }
    }
    let of_trace = labels.len();
    for pair in exemplar.filtered_attributes() {
        let pair = pair?;
        let name = String::from_utf8_lossy(pair.key).into_owned();
        let value = value_text(symbols, pair.value);
        let length = String::from_utf8_lossy(symbols.text(value)).chars().count();
        characters += name.chars().count() + length;
        if value != Symbol::EMPTY && !name.is_empty() && labels.iter().all(|(own, _)| *own != name)
        {
            labels.push((name, value));
        }
        if characters > CHARACTERS_MAX {
            labels.truncate(of_trace);
            break;
        }
    }
    labels.sort();
    let labels = labels.into_iter().map(|(name, value)| Label {
        name: symbols.of(&name),
        value,
    });
    Ok(labels.collect())
}
