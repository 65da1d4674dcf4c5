//! Multiplying all values of a metric, as the Collector's `scale_metric` does (`processor/transformprocessor/internal/metrics/func_scale.go`).

use std::collections::BTreeMap;

use crate::draft::Draft;
use crate::telemetry::changes::Changes;
use crate::value::{EvalError, Result};
use schemas::otlp::MetricKind;
use schemas::wire::{Field, Fields, Value as Wire, put_fixed64, put_len};

/// What in a message is a value.
#[derive(Clone, Copy)]
enum Scaled {
    /// A `double`, or many of them.
    Double,
    /// An `sfixed64`.
    Int,
    /// A message with values.
    Within(&'static [(u32, Scaled)]),
}

/// Of `NumberDataPoint`; its exemplars stay, as in the reference.
const NUMBER: &[(u32, Scaled)] = &[(4, Scaled::Double), (6, Scaled::Int)];
/// Of `HistogramDataPoint`: sum, min, max, bounds, exemplars.
const HISTOGRAM: &[(u32, Scaled)] = &[
    (5, Scaled::Double),
    (11, Scaled::Double),
    (12, Scaled::Double),
    (7, Scaled::Double),
    (8, Scaled::Within(&[(3, Scaled::Double), (6, Scaled::Int)])),
];
/// Of `SummaryDataPoint`: sum, quantiles.
const SUMMARY: &[(u32, Scaled)] = &[
    (5, Scaled::Double),
    (6, Scaled::Within(&[(2, Scaled::Double)])),
];

/// Multiplies the values of all data points.
///
/// # Errors
/// Their kind has no values that can be multiplied, or one of them can't be read; all are as they were then.
pub(super) fn points(draft: &mut Draft<'_>, kind: Option<MetricKind>, factor: f64) -> Result<()> {
    let values = match kind {
        Some(MetricKind::Gauge | MetricKind::Sum) => NUMBER,
        Some(MetricKind::Histogram) => HISTOGRAM,
        Some(MetricKind::Summary) => SUMMARY,
        Some(MetricKind::ExponentialHistogram) => {
            return Err(EvalError::new("exponential histograms can't be scaled"));
        }
        None => return Err(EvalError::new("a metric without data can't be scaled")),
    };
    let points = draft
        .subject()
        .metric()
        .view()
        .map(|metric| metric.points());
    let mut edited = draft.changed().inners.clone().into_iter().peekable();
    let mut scaled = BTreeMap::new();
    for (index, point) in points.into_iter().flatten().enumerate() {
        let point = point?;
        let changes = match edited.next_if(|(at, _)| *at == index) {
            Some((_, None)) => None,
            Some((_, Some(changes))) => Some(changes),
            None => Some(Box::default()),
        };
        let changes = match changes {
            Some(mut changes) => {
                for (number, how) in values {
                    scale(&mut changes, point.body, *number, *how, factor)?;
                }
                Some(changes)
            }
            None => None,
        };
        scaled.insert(index, changes);
    }
    draft.changed().inners = scaled;
    Ok(())
}

fn scale(changes: &mut Changes, body: &[u8], number: u32, how: Scaled, factor: f64) -> Result<()> {
    let mut scaled = Vec::new();
    for field in Fields::new(changes.fields_with(number).unwrap_or(body)) {
        let field = field?;
        if field.number == number {
            put(&field, how, factor, &mut scaled)?;
        }
    }
    if scaled.is_empty() {
        return Ok(());
    }
    changes.set_field(number, |out| out.extend_from_slice(&scaled))
}

fn put(field: &Field<'_>, how: Scaled, factor: f64, out: &mut Vec<u8>) -> Result<()> {
    let double = |bits: u64| (f64::from_bits(bits) * factor).to_bits();
    match (how, field.value) {
        (Scaled::Double, Wire::Fixed64(bits)) => put_fixed64(out, field.number, double(bits)),
        (Scaled::Double, Wire::Len(packed)) if packed.len() % 8 == 0 => {
            let chunks = packed.as_chunks::<8>().0.iter();
            let scaled = chunks.flat_map(|bits| double(u64::from_le_bytes(*bits)).to_le_bytes());
            put_len(out, field.number, &scaled.collect::<Vec<u8>>());
        }
        (Scaled::Int, Wire::Fixed64(bits)) => {
            let scaled = (bits as i64 as f64 * factor) as i64;
            put_fixed64(out, field.number, scaled as u64);
        }
        (Scaled::Within(values), Wire::Len(message)) => {
            let mut inner = Vec::with_capacity(message.len());
            for field in Fields::new(message) {
                let field = field?;
                match values.iter().find(|(number, _)| *number == field.number) {
                    Some((_, how)) => put(&field, *how, factor, &mut inner)?,
                    None => inner.extend_from_slice(field.raw),
                }
            }
            put_len(out, field.number, &inner);
        }
        _ => return Err(field.mismatch().into()),
    }
    Ok(())
}
