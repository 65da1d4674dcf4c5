//! What is evaluated against: a span, an event of it, a log record, a metric or a data point of it, with the scope and resource it stands in.
//!
//! One subject serves a whole request: set what changes, ask all conditions, go on. Attributes are indexed at the
//! first look-up and stay so until their message changes.

use super::changed::{Changed, MetricData};
use super::index::Index;
use crate::telemetry::{RootAnswers, TraceFacts};
use schemas::otlp::{EventView, LogView, MetricView, PointView, ResourceHead, ScopeHead, SpanView};

/// The telemetry that paths refer to. What was not set reads as an empty message.
///
/// ```
/// # use ottl::{Condition, Context, Subject};
/// # use schemas::otlp::{Items, SpanView};
/// # fn keep(request: &[u8]) -> Result<usize, Box<dyn std::error::Error>> {
/// let slow = Condition::compile(Context::Span, r#"attributes["http.route"] == "/pay""#)?;
/// let mut subject = Subject::default();
/// let mut matched = 0;
/// for item in Items::new(request) {
///     let item = item?;
///     subject.set_span(item.resource, item.scope, SpanView::parse(item.body)?);
///     matched += usize::from(slow.eval(&subject)?);
/// }
/// # Ok(matched) }
/// ```
#[derive(Debug, Default)]
pub struct Subject<'a> {
    resource: Indexed<ResourceHead<'a>>,
    scope: Indexed<ScopeHead<'a>>,
    span: Indexed<SpanView<'a>>,
    event: Indexed<EventView<'a>>,
    log: Indexed<LogView<'a>>,
    metric: Indexed<MetricView<'a>>,
    point: Indexed<PointView<'a>>,
    /// The number of the event within its span, or of the data point within its metric.
    inner_index: Option<usize>,
    /// When the bus took the record, in nanoseconds since 1970.
    published_unix_nano: Option<u64>,
    trace: Option<(TraceFacts, RootAnswers)>,
    /// Of a draft: what was changed beside what the views show.
    changed: Option<Box<Changed>>,
}

/// A message and the places of its attributes.
#[derive(Debug)]
pub(crate) struct Indexed<V> {
    view: Option<V>,
    index: Index,
}

impl<V> Default for Indexed<V> {
    fn default() -> Self {
        Self {
            view: None,
            index: Index::default(),
        }
    }
}

impl<V> Indexed<V> {
    #[inline]
    pub(crate) fn view(&self) -> Option<&V> {
        self.view.as_ref()
    }

    #[inline]
    pub(crate) fn index(&self) -> &Index {
        &self.index
    }

    fn set(&mut self, view: V) {
        self.view = Some(view);
        self.index.clear();
    }
}

impl<'a> Subject<'a> {
    /// A span; its events are set one by one with [`Subject::set_event`].
    pub fn set_span(
        &mut self,
        resource: ResourceHead<'a>,
        scope: ScopeHead<'a>,
        span: SpanView<'a>,
    ) {
        self.set_heads(resource, scope);
        self.span.set(span);
    }

    /// An event of the span that was set last, and its number within the span.
    pub fn set_event(&mut self, event: EventView<'a>, index: usize) {
        self.event.set(event);
        self.inner_index = Some(index);
    }

    pub fn set_log(&mut self, resource: ResourceHead<'a>, scope: ScopeHead<'a>, log: LogView<'a>) {
        self.set_heads(resource, scope);
        self.log.set(log);
    }

    /// A metric; its data points are set one by one with [`Subject::set_point`].
    pub fn set_metric(
        &mut self,
        resource: ResourceHead<'a>,
        scope: ScopeHead<'a>,
        metric: MetricView<'a>,
    ) {
        self.set_heads(resource, scope);
        self.metric.set(metric);
    }

    /// A data point of the metric that was set last, and its number within the metric.
    pub fn set_point(&mut self, point: PointView<'a>, index: usize) {
        self.point.set(point);
        self.inner_index = Some(index);
    }

    /// A resource or scope by itself, for the contexts of that name.
    pub fn set_heads(&mut self, resource: ResourceHead<'a>, scope: ScopeHead<'a>) {
        if !is_same(
            self.resource.view.map(|head| head.message()),
            resource.message(),
        ) {
            self.resource.set(resource);
        }
        if !is_same(self.scope.view.map(|head| head.message()), scope.message()) {
            self.scope.set(scope);
        }
    }

    /// The whole trace, for the context of that name: what is known of it, and what its root span answered.
    pub fn set_trace(&mut self, facts: TraceFacts, root: RootAnswers) {
        self.trace = Some((facts, root));
    }

    /// No event of the span that was set last, and no data point of the metric.
    pub(crate) fn clear_inner(&mut self) {
        self.event.view = None;
        self.point.view = None;
        self.inner_index = None;
    }

    /// From now on what is read is what the changes say, and the views where they say nothing.
    pub(crate) fn begin_changes(&mut self) -> &mut Changed {
        self.changed.get_or_insert_default()
    }

    #[inline]
    pub(crate) fn changed(&self) -> Option<&Changed> {
        self.changed.as_deref()
    }

    #[inline]
    pub(crate) fn resource(&self) -> &Indexed<ResourceHead<'a>> {
        &self.resource
    }

    #[inline]
    pub(crate) fn scope(&self) -> &Indexed<ScopeHead<'a>> {
        &self.scope
    }

    #[inline]
    pub(crate) fn span(&self) -> &Indexed<SpanView<'a>> {
        &self.span
    }

    #[inline]
    pub(crate) fn event(&self) -> &Indexed<EventView<'a>> {
        &self.event
    }

    /// The number of the event within its span, or of the data point within its metric.
    #[inline]
    pub(crate) fn inner_index(&self) -> Option<usize> {
        self.inner_index
    }

    #[inline]
    pub(crate) fn metric(&self) -> &Indexed<MetricView<'a>> {
        &self.metric
    }

    #[inline]
    pub(crate) fn point(&self) -> &Indexed<PointView<'a>> {
        &self.point
    }

    pub(crate) fn set_published(&mut self, unix_nano: u64) {
        self.published_unix_nano = Some(unix_nano);
    }

    /// When the bus took the record, in nanoseconds since 1970.
    pub(crate) fn published(&self) -> Option<u64> {
        self.published_unix_nano
    }

    /// The metric's data as it is now.
    pub(crate) fn data(&self) -> MetricData {
        let changed = self.changed().and_then(|changed| changed.data);
        changed
            .unwrap_or_else(|| (self.metric.view()).map_or(MetricData::default(), MetricData::of))
    }

    #[inline]
    pub(crate) fn log(&self) -> &Indexed<LogView<'a>> {
        &self.log
    }

    #[inline]
    pub(crate) fn trace(&self) -> Option<&(TraceFacts, RootAnswers)> {
        self.trace.as_ref()
    }
}

/// The same bytes at the same place: both are borrowed for as long, so nothing can have changed in between.
fn is_same(current: Option<&[u8]>, next: &[u8]) -> bool {
    current.is_some_and(|current| std::ptr::eq(current, next))
}
