//! What is evaluated against: a span, an event of it or a log record, with the scope and resource it stands in.
//!
//! One subject serves a whole request: set what changes, ask all conditions, go on. Attributes are indexed at the
//! first look-up and stay so until their message changes.

use super::collection::Map;
use super::index::{Attributed, Index};
use super::trace::{RootAnswers, TraceFacts};
use schemas::otlp::{EventView, LogView, ResourceHead, ScopeHead, SpanView};

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
    pub(super) resource: Part<ResourceHead<'a>>,
    pub(super) scope: Part<ScopeHead<'a>>,
    pub(super) span: Part<SpanView<'a>>,
    pub(super) event: Part<EventView<'a>>,
    pub(super) event_index: Option<usize>,
    pub(super) log: Part<LogView<'a>>,
    pub(super) trace: Option<(TraceFacts, RootAnswers)>,
    /// The scratch map of a draft.
    pub(super) cache: Option<&'a Map<'a>>,
}

/// A message and the places of its attributes.
#[derive(Debug)]
pub(super) struct Part<V> {
    pub(super) view: Option<V>,
    pub(super) index: Index,
}

impl<V> Default for Part<V> {
    fn default() -> Self {
        Self {
            view: None,
            index: Index::default(),
        }
    }
}

impl<V> Part<V> {
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
        self.event_index = Some(index);
    }

    pub fn set_log(&mut self, resource: ResourceHead<'a>, scope: ScopeHead<'a>, log: LogView<'a>) {
        self.set_heads(resource, scope);
        self.log.set(log);
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
}

/// The same bytes at the same place: both are borrowed for as long, so nothing can have changed in between.
fn is_same(current: Option<&[u8]>, next: &[u8]) -> bool {
    current.is_some_and(|current| std::ptr::eq(current, next))
}

impl<'a> Attributed<'a> {
    pub(super) fn new(message: &'a [u8], outer: u8, field: u8) -> Self {
        Self {
            message,
            outer,
            field,
        }
    }
}
