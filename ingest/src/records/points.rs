//! How many data points a metric has: `partial_success` counts those, not metrics.

use schemas::wire::Fields;

/// `Gauge.data_points` and its siblings.
const POINTS: u32 = 1;

/// The data points of a metric that was checked before.
pub fn data_points(metric: &[u8]) -> u64 {
    let data = fields(metric).filter(|field| matches!(field.number, 5 | 7 | 9 | 10 | 11));
    let points = |data| fields(data).filter(|field| field.number == POINTS).count() as u64;
    data.filter_map(|field| field.len_value().ok())
        .map(points)
        .sum()
}

fn fields(message: &[u8]) -> impl Iterator<Item = schemas::wire::Field<'_>> {
    Fields::new(message).map_while(Result::ok)
}
