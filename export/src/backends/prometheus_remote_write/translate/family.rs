//! The metrics of a request by name: what their series are called, and what is said of them.

use hashbrown::HashMap;
use schemas::otlp::{MetricKind, MetricView};

use super::super::naming::{MetricType, Names, metric_name, unit_name};
use super::super::wire::{Family, FamilyType, Symbol, Symbols};

/// The names of a metric's series, and their metadata.
#[derive(Clone, Copy, Debug)]
pub struct FamilyNames {
    pub family: Family,
    pub sum: Symbol,
    pub count: Symbol,
    pub bucket: Symbol,
}

type Key<'a> = (&'a [u8], &'a [u8], &'a [u8], FamilyType, MetricKind);

/// Families by what the metric says of itself, looked up once for each request.
pub struct Families<'a> {
    names: Names,
    by_metric: HashMap<Key<'a>, Option<FamilyNames>>,
}

impl<'a> Families<'a> {
    pub fn new(names: Names) -> Self {
        Self {
            names,
            by_metric: HashMap::new(),
        }
    }

    /// `None`: nothing is left of its name.
    pub fn of(
        &mut self,
        symbols: &mut Symbols,
        metric: &MetricView<'a>,
        kind: MetricKind,
    ) -> Option<FamilyNames> {
        let (family_type, metric_type) = types(metric, kind);
        let key = (
            metric.name,
            metric.unit,
            metric.description,
            family_type,
            kind,
        );
        let names = self.names;
        *(self.by_metric.entry(key))
            .or_insert_with(|| make(symbols, names, metric, family_type, metric_type))
    }
}

fn types(metric: &MetricView<'_>, kind: MetricKind) -> (FamilyType, MetricType) {
    match kind {
        MetricKind::Gauge => (FamilyType::Gauge, MetricType::Gauge),
        MetricKind::Sum if metric.is_monotonic => (FamilyType::Counter, MetricType::Counter),
        MetricKind::Sum => (FamilyType::Gauge, MetricType::UpDownCounter),
        MetricKind::Histogram | MetricKind::ExponentialHistogram => {
            (FamilyType::Histogram, MetricType::Distribution)
        }
        MetricKind::Summary => (FamilyType::Summary, MetricType::Distribution),
    }
}

fn make(
    symbols: &mut Symbols,
    names: Names,
    metric: &MetricView<'_>,
    kind: FamilyType,
    metric_type: MetricType,
) -> Option<FamilyNames> {
    let unit = String::from_utf8_lossy(metric.unit);
    let name = String::from_utf8_lossy(metric.name);
    let name = metric_name(names, &name, &unit, metric_type)?;
    let family = Family {
        name: symbols.of(&name),
        kind,
        help: symbols.of_bytes(metric.description),
        unit: symbols.of(&unit_name(&unit)),
    };
    let mut with = |suffix| match kind {
        FamilyType::Histogram | FamilyType::Summary => symbols.of(&format!("{name}{suffix}")),
        _ => family.name,
    };
    Some(FamilyNames {
        family,
        sum: with("_sum"),
        count: with("_count"),
        bucket: with("_bucket"),
    })
}
