//! Data points as documents of the Simple Schema for Observability, as the Collector's `opensearch` exporter writes them: one for each point.
//! Source: `exporter/opensearchexporter/metrics_encoder.go` of the Collector's contrib repository.
//!
//! A NaN has no form in JSON: its member is absent. Buckets are written with their bounds, which the schema has as 32-bit floats: those are held
//! within what such a float can say.

use schemas::json::token::{put_bool, put_double, put_signed, put_unsigned};
use schemas::otlp::point::{
    Buckets, ExemplarView, Exemplars, ExponentialHistogramPoint, HistogramPoint, Number,
    NumberPoint, SummaryPoint,
};
use schemas::otlp::{Attributes, MetricKind, MetricView, PointView};
use schemas::wire::{Fields, WireError};

use super::ss4o::{Ss4o, id_member, text_member};

/// The document of a data point.
///
/// # Errors
/// It is malformed, or nested too deeply.
pub fn point<'a>(
    documents: &mut Ss4o<'a>,
    metric: &MetricView<'a>,
    point: &PointView<'a>,
    out: &mut Vec<u8>,
) -> Result<(), WireError> {
    text_member(out, "{\"name\":", metric.name);
    for (member, text) in [
        (",\"description\":", metric.description),
        (",\"unit\":", metric.unit),
    ] {
        if !text.is_empty() {
            text_member(out, member, text);
        }
    }
    text_member(out, ",\"kind\":", kind(point.kind).as_bytes());
    if matches!(
        point.kind,
        MetricKind::Sum | MetricKind::Histogram | MetricKind::ExponentialHistogram
    ) {
        let temporality = temporality(metric.aggregation_temporality);
        text_member(out, ",\"aggregationTemporality\":", temporality.as_bytes());
    }
    if point.kind == MetricKind::Sum {
        out.extend_from_slice(b",\"monotonic\":");
        put_bool(out, metric.is_monotonic);
    }
    match point.kind {
        MetricKind::Gauge | MetricKind::Sum => number(documents, point.body, out),
        MetricKind::Histogram => histogram(documents, point.body, out),
        MetricKind::ExponentialHistogram => exponential(documents, point.body, out),
        MetricKind::Summary => summary(documents, point.body, out),
    }?;
    documents.write_around(out);
    out.push(b'}');
    Ok(())
}

fn kind(kind: MetricKind) -> &'static str {
    match kind {
        MetricKind::Gauge => "GAUGE",
        MetricKind::Sum => "SUM",
        MetricKind::Histogram => "HISTOGRAM",
        MetricKind::ExponentialHistogram => "EXPONENTIAL_HISTOGRAM",
        MetricKind::Summary => "SUMMARY",
    }
}

fn temporality(temporality: i32) -> &'static str {
    match temporality {
        1 => "AGGREGATION_TEMPORALITY_DELTA",
        2 => "AGGREGATION_TEMPORALITY_CUMULATIVE",
        _ => "AGGREGATION_TEMPORALITY_UNSPECIFIED",
    }
}

fn times(documents: &mut Ss4o<'_>, out: &mut Vec<u8>, start: u64, time: u64) {
    if start > 0 {
        documents.time_member(out, ",\"startTime\":", start);
    }
    documents.time_member(out, ",\"@timestamp\":", time);
}

fn number<'a>(
    documents: &mut Ss4o<'a>,
    body: &'a [u8],
    out: &mut Vec<u8>,
) -> Result<(), WireError> {
    let point = NumberPoint::parse(body)?;
    times(
        documents,
        out,
        point.start_time_unix_nano,
        point.time_unix_nano,
    );
    match point.value {
        Number::Int(value) => {
            out.extend_from_slice(b",\"value@int\":");
            put_signed(out, value);
        }
        Number::Double(value) => double(out, ",\"value@double\":", Some(value)),
        Number::Absent => {}
    }
    exemplars(documents, out, point.exemplars())?;
    attributes(documents, out, point.attributes())
}

fn histogram<'a>(
    documents: &mut Ss4o<'a>,
    body: &'a [u8],
    out: &mut Vec<u8>,
) -> Result<(), WireError> {
    let point = HistogramPoint::parse(body)?;
    times(
        documents,
        out,
        point.start_time_unix_nano,
        point.time_unix_nano,
    );
    count(out, ",\"count\":", point.count);
    double(out, ",\"sum\":", point.sum);
    double(out, ",\"min\":", optional(body, 11)?);
    double(out, ",\"max\":", optional(body, 12)?);
    let counts = point.bucket_counts().collect::<Result<Vec<_>, _>>()?;
    let bounds = point.explicit_bounds();
    let bounds = bounds.map(|bound| Ok(within_float(f64::from_bits(bound?))));
    let bounds = bounds.collect::<Result<Vec<f64>, WireError>>()?;
    count(out, ",\"bucketCount\":", counts.len() as u64);
    count(out, ",\"explicitBoundsCount\":", bounds.len() as u64);
    list(out, ",\"bucketCountsList\":[", &counts, |out, count| {
        put_unsigned(out, *count)
    });
    list(out, ",\"explicitBoundsList\":[", &bounds, |out, bound| {
        put_double(out, *bound)
    });
    let bound = |index: usize| bounds.get(index).copied();
    let buckets = counts.iter().enumerate().map(|(index, count)| {
        let min = index.checked_sub(1).and_then(bound);
        let max = bound(index).unwrap_or(FLOAT_MAX);
        (*count, min.unwrap_or(-FLOAT_MAX), max)
    });
    list(out, ",\"buckets\":[", &buckets.collect::<Vec<_>>(), bucket);
    exemplars(documents, out, point.exemplars())?;
    attributes(documents, out, point.attributes())
}

fn exponential<'a>(
    documents: &mut Ss4o<'a>,
    body: &'a [u8],
    out: &mut Vec<u8>,
) -> Result<(), WireError> {
    let point = ExponentialHistogramPoint::parse(body)?;
    times(
        documents,
        out,
        point.start_time_unix_nano,
        point.time_unix_nano,
    );
    count(out, ",\"count\":", point.count);
    double(out, ",\"sum\":", point.sum);
    double(out, ",\"min\":", optional(body, 12)?);
    double(out, ",\"max\":", optional(body, 13)?);
    count(out, ",\"zeroCount\":", point.zero_count);
    for (member, value) in [
        (",\"scale\":", point.scale),
        (",\"positiveOffset\":", point.positive.offset),
        (",\"negativeOffset\":", point.negative.offset),
    ] {
        out.extend_from_slice(member.as_bytes());
        put_signed(out, value.into());
    }
    let positive = buckets(point.scale, &point.positive)?;
    list(out, ",\"positiveBuckets\":[", &positive, bucket);
    let negative = buckets(point.scale, &point.negative)?;
    let mirrored = negative
        .into_iter()
        .map(|(count, min, max)| (count, -max, -min));
    list(
        out,
        ",\"negativeBuckets\":[",
        &mirrored.collect::<Vec<_>>(),
        bucket,
    );
    exemplars(documents, out, point.exemplars())?;
    attributes(documents, out, point.attributes())
}

fn summary<'a>(
    documents: &mut Ss4o<'a>,
    body: &'a [u8],
    out: &mut Vec<u8>,
) -> Result<(), WireError> {
    let point = SummaryPoint::parse(body)?;
    times(
        documents,
        out,
        point.start_time_unix_nano,
        point.time_unix_nano,
    );
    count(out, ",\"count\":", point.count);
    double(out, ",\"sum\":", Some(point.sum));
    let quantiles = point.quantiles().collect::<Result<Vec<_>, _>>()?;
    // A quantile of nothing is NaN.
    let quantiles = quantiles
        .into_iter()
        .filter(|(q, value)| !q.is_nan() && !value.is_nan());
    let quantiles: Vec<_> = quantiles.collect();
    count(out, ",\"quantileValuesCount\":", quantiles.len() as u64);
    list(
        out,
        ",\"quantiles\":[",
        &quantiles,
        |out, (quantile, value)| {
            out.extend_from_slice(b"{\"quantile\":");
            put_double(out, finite(*quantile));
            out.extend_from_slice(b",\"value\":");
            put_double(out, finite(*value));
            out.push(b'}');
        },
    );
    attributes(documents, out, point.attributes())
}

fn attributes<'a>(
    documents: &mut Ss4o<'a>,
    out: &mut Vec<u8>,
    attributes: Attributes<'a>,
) -> Result<(), WireError> {
    documents.attributes(out, &[], attributes)
}

fn exemplars<'a>(
    documents: &mut Ss4o<'a>,
    out: &mut Vec<u8>,
    exemplars: Exemplars<'a>,
) -> Result<(), WireError> {
    let exemplars = exemplars.collect::<Result<Vec<_>, _>>()?;
    if exemplars.is_empty() {
        return Ok(());
    }
    out.extend_from_slice(b",\"exemplars\":[");
    for (index, one) in exemplars.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        exemplar(documents, out, one)?;
    }
    out.push(b']');
    Ok(())
}

fn exemplar<'a>(
    documents: &mut Ss4o<'a>,
    out: &mut Vec<u8>,
    exemplar: &ExemplarView<'a>,
) -> Result<(), WireError> {
    documents.time_member(out, "{\"time\":", exemplar.time_unix_nano);
    double(out, ",\"value\":", exemplar.value.as_f64());
    for (member, id) in [
        (",\"traceId\":", exemplar.trace_id),
        (",\"spanId\":", exemplar.span_id),
    ] {
        if id.iter().any(|byte| *byte != 0) {
            id_member(out, member, id);
        }
    }
    out.extend_from_slice(b",\"attributes\":");
    documents
        .plain
        .object(out, exemplar.filtered_attributes())?;
    out.push(b'}');
    Ok(())
}

/// Count, lower and upper bound.
type Bucket = (u64, f64, f64);

fn bucket(out: &mut Vec<u8>, (count, min, max): &Bucket) {
    out.extend_from_slice(b"{\"count\":");
    put_unsigned(out, *count);
    out.extend_from_slice(b",\"min\":");
    put_double(out, *min);
    out.extend_from_slice(b",\"max\":");
    put_double(out, *max);
    out.push(b'}');
}

/// The buckets of an exponential histogram: bucket `i` reaches from `base^(offset + i)` to `base^(offset + i + 1)`, with `base = 2^(2^-scale)`.
fn buckets(scale: i32, buckets: &Buckets<'_>) -> Result<Vec<Bucket>, WireError> {
    let bound = |index: i64| {
        let exponent = index as f64 * (-f64::from(scale)).exp2();
        within_float(exponent.exp2())
    };
    let counts = buckets.counts().enumerate();
    let buckets = counts.map(|(index, count)| {
        let index = i64::from(buckets.offset) + index as i64;
        Ok((count?, bound(index), bound(index + 1)))
    });
    buckets.collect()
}

fn count(out: &mut Vec<u8>, member: &str, count: u64) {
    out.extend_from_slice(member.as_bytes());
    put_unsigned(out, count);
}

/// Absent where it is, or is NaN.
fn double(out: &mut Vec<u8>, member: &str, value: Option<f64>) {
    if let Some(value) = value.filter(|value| !value.is_nan()) {
        out.extend_from_slice(member.as_bytes());
        put_double(out, finite(value));
    }
}

/// Nothing where it is empty.
fn list<T>(out: &mut Vec<u8>, member: &str, list: &[T], write: impl Fn(&mut Vec<u8>, &T)) {
    if list.is_empty() {
        return;
    }
    out.extend_from_slice(member.as_bytes());
    for (index, element) in list.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(out, element);
    }
    out.push(b']');
}

/// A `double` field that may be absent.
fn optional(point: &[u8], number: u32) -> Result<Option<f64>, WireError> {
    let mut found = None;
    for field in Fields::new(point) {
        let field = field?;
        if field.number == number {
            found = Some(f64::from_bits(field.fixed64_value()?));
        }
    }
    Ok(found)
}

const FLOAT_MAX: f64 = f32::MAX as f64;

fn within_float(value: f64) -> f64 {
    match value.is_nan() {
        true => 0.0,
        false => value.clamp(-FLOAT_MAX, FLOAT_MAX),
    }
}

/// An infinity is as much as a 32-bit float can say: without a template, that is the type of such a field.
fn finite(value: f64) -> f64 {
    match value.is_infinite() {
        true => within_float(value),
        false => value,
    }
}
