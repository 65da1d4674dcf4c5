//! The walk over a batch: resource, scope, metric, point.

use schemas::otlp::{Item, Items, MetricKind, MetricView, PointView};
use schemas::wire::WireError;

use super::super::wire::{Family, FamilyType, Symbol, Version, Writer};
use super::dropped::{Dropped, Why};
use super::family::Families;
use super::labels::{Base, Keys};
use super::points::{self, Around};
use super::resource::{FixedNames, Resource, scope_base};
use super::rules::Rules;
use super::series::{Place, Series, Times};
use super::target_info::{NewTargets, Targets};
use crate::records::batch::Batch;
use crate::temporality::{Streams, Tentative};

/// `AggregationTemporality`.
const DELTA: i32 = 1;
const CUMULATIVE: i32 = 2;

/// What is remembered from request to request.
#[derive(Debug)]
pub struct Memory {
    pub targets: Targets,
    pub streams: Streams,
}

/// What a request adds to the [`Memory`] once it is accepted.
#[derive(Clone, Debug, Default)]
pub struct New {
    targets: NewTargets,
    streams: Tentative,
}

impl Memory {
    pub fn new(streams: Streams) -> Self {
        Self {
            targets: Targets::default(),
            streams,
        }
    }

    pub fn accept(&mut self, new: New) {
        self.targets.accept(&new.targets);
        self.streams.accept(new.streams);
    }
}

/// A batch as one request, not compressed.
#[derive(Debug)]
pub struct Encoded {
    pub body: Vec<u8>,
    /// Samples and native histograms in it.
    pub samples: u64,
    pub dropped: Dropped,
    pub new: New,
}

/// Encodes a batch of metrics. Series are in the order of the batch, so that the samples of a series are in the order of the log.
///
/// # Errors
/// It is no OTLP, or too large as a request; smaller batches may be neither.
pub fn encode(
    rules: &Rules,
    version: Version,
    batch: &Batch,
    memory: &Memory,
) -> Result<Encoded, String> {
    let mut writer = Writer::new(version, batch.bytes);
    let fixed = FixedNames::new(&mut writer.symbols, rules);
    let mut walk = Walk {
        rules,
        series: Series::new(writer, Keys::new(rules.names), fixed, &memory.streams),
        targets: &memory.targets,
        new_targets: NewTargets::default(),
        families: Families::new(rules.names),
        resource: Resource::default(),
        base: Base::default(),
        dropped: Dropped::default(),
        times: None,
    };
    for entry in &batch.entries {
        let place = Place {
            at: entry.at(),
            now_ms: entry.record.timestamp_ms as i64,
        };
        walk.record(&entry.record.value, &place)
            .map_err(|error| format!("not an OTLP request: {error}"))?;
    }
    let samples = walk.series.writer.samples;
    let (body, streams) = walk.series.finish()?;
    Ok(Encoded {
        body,
        samples,
        dropped: walk.dropped,
        new: New {
            targets: walk.new_targets,
            streams,
        },
    })
}

struct Walk<'a, 'r> {
    rules: &'r Rules,
    series: Series<'a, 'r>,
    targets: &'r Targets,
    new_targets: NewTargets,
    families: Families<'a>,
    resource: Resource<'a>,
    /// Labels of all series of the scope.
    base: Base,
    dropped: Dropped,
    /// Those of the first and the last point of the resource, in nanoseconds.
    times: Option<(u64, u64)>,
}

impl<'a> Walk<'a, '_> {
    fn record(&mut self, request: &'a [u8], place: &Place) -> Result<(), WireError> {
        let (mut resource, mut scope) = (None, None);
        for item in Items::new(request) {
            let item = item?;
            if resource != Some(item.resource.index) {
                self.target_info();
                let Series {
                    writer,
                    keys,
                    fixed,
                    ..
                } = &mut self.series;
                let symbols = &mut writer.symbols;
                (self.resource).read(&item.resource, self.rules, fixed, keys, symbols)?;
                resource = Some(item.resource.index);
            }
            if scope != Some(item.scope.index) {
                let Series {
                    writer,
                    keys,
                    fixed,
                    ..
                } = &mut self.series;
                let (base, symbols) = (&self.resource.base, &mut writer.symbols);
                self.base = scope_base(base, &item.scope, self.rules, fixed, keys, symbols)?;
                scope = Some(item.scope.index);
            }
            self.metric(&item, place)?;
        }
        self.target_info();
        Ok(())
    }

    fn metric(&mut self, item: &Item<'a>, place: &Place) -> Result<(), WireError> {
        let metric = MetricView::parse(item.body)?;
        let Some(kind) = metric.kind else {
            return Ok(());
        };
        let has_temporality = !matches!(kind, MetricKind::Gauge | MetricKind::Summary);
        let temporality = has_temporality.then_some(metric.aggregation_temporality);
        let symbols = &mut self.series.writer.symbols;
        let family = match temporality {
            Some(DELTA) if !self.rules.cumulates => Err(Why::Delta),
            None | Some(DELTA | CUMULATIVE) => {
                (self.families.of(symbols, &metric, kind)).ok_or(Why::Name)
            }
            Some(_) => Err(Why::Temporality),
        };
        let delta_of = (temporality == Some(DELTA)).then_some(place);
        for point in metric.points() {
            let point = point?;
            let time_ns = points::time_ns(&point)?;
            if time_ns == 0 {
                self.dropped.count(Why::Time);
                continue;
            }
            let (first, last) = self.times.unwrap_or((time_ns, time_ns));
            self.times = Some((first.min(time_ns), last.max(time_ns)));
            let outcome = match &family {
                Ok(family) => {
                    let around = Around {
                        family,
                        base: &self.base,
                        delta_of,
                        histograms: self.rules.histograms,
                    };
                    write(&mut self.series, &point, around)?
                }
                Err(why) => Err(*why),
            };
            if let Err(why) = outcome {
                self.dropped.count(why);
            }
        }
        Ok(())
    }

    /// Writes what is known of the resource whose points were walked, if that is more than its `job` and `instance`.
    fn target_info(&mut self) {
        let Some((first, last)) = self.times.take() else {
            return;
        };
        let resource = &self.resource;
        let identified = resource.job.or(resource.instance).is_some();
        if !identified || resource.describing().next().is_none() {
            return;
        }
        let symbols = &mut self.series.writer.symbols;
        let mut base = Base::default();
        self.series.fixed.identify(resource, symbols, &mut base);
        let family = Family {
            name: symbols.of("target_info"),
            kind: FamilyType::Gauge,
            help: symbols.of("Target metadata"),
            unit: Symbol::EMPTY,
        };
        self.series.begin_with(resource.describing(), &base);
        self.series.set_name(family.name);
        let key = self.series.identity();
        for time_ms in (self.new_targets).times(self.targets, key, first, last) {
            let times = Times {
                start_ns: 0,
                time_ns: time_ms as u64 * 1_000_000,
            };
            self.series.sample(&family, times, 1.0);
        }
    }
}

/// The outer error is that the bytes are malformed, the inner one that the point can't be sent.
fn write<'a>(
    series: &mut Series<'a, '_>,
    point: &PointView<'a>,
    around: Around<'_>,
) -> Result<Result<(), Why>, WireError> {
    match point.kind {
        MetricKind::Gauge | MetricKind::Sum => points::number(series, point, around),
        MetricKind::Histogram => points::histogram(series, point.body, around),
        MetricKind::ExponentialHistogram => points::exponential(series, point.body, around),
        MetricKind::Summary => points::summary(series, point.body, around),
    }
}
