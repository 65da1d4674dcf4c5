//! Editors of whole metrics: the Collector's `processor/transformprocessor/internal/metrics`.

use super::edit::{Change, Edit, Editor};
use crate::draft::MetricChange;
use crate::expr::Place;
use crate::functions::{Args, Kind, optional, required};
use crate::paths::METRIC_DATA;

/// For the context `metric` alone.
pub(super) const EDITORS: &[Editor] = &[
    Editor {
        name: "convert_sum_to_gauge",
        parameters: &[],
        make: |_| Ok(always(MetricChange::ToGauge)),
    },
    Editor {
        name: "convert_gauge_to_sum",
        parameters: &[
            required("aggregation_temporality", Kind::LiteralText),
            required("monotonic", Kind::LiteralBool),
        ],
        make: |mut args| {
            let temporality = args.literal_text(0)?;
            let aggregation_temporality = match temporality.as_str() {
                "delta" => 1,
                "cumulative" => 2,
                _ => {
                    return Err(format!(
                        "`{temporality}` is neither `delta` nor `cumulative`"
                    ));
                }
            };
            Ok(always(MetricChange::ToSum {
                aggregation_temporality,
                is_monotonic: args.literal_bool(1)?,
            }))
        },
    },
    Editor {
        name: "scale_metric",
        parameters: &[
            required("multiplier", Kind::LiteralFloat),
            optional("unit", Kind::Text),
        ],
        make: scale_metric,
    },
];

fn metric() -> Place {
    Place {
        field: METRIC_DATA,
        keys: Vec::new(),
    }
}

fn always(change: MetricChange) -> Edit {
    Edit::changing(metric(), move |_, _| {
        Ok(Some(Change::Metric(change.clone())))
    })
}

fn scale_metric(mut args: Args) -> Result<Edit, String> {
    let (factor, unit) = (args.literal_float(0)?, args.optional_expr(1));
    Ok(Edit::changing(metric(), move |_, at| {
        let unit = match &unit {
            Some(unit) => Some(unit.text(at)?.into_owned()),
            None => None,
        };
        Ok(Some(Change::Metric(MetricChange::Scale { factor, unit })))
    }))
}
