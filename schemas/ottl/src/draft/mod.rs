//! Telemetry that statements change: one item after the other of a request, each with its scope and resource.
//!
//! The request stays as it is. What is changed is kept beside it ([`Changes`]), read from there by whatever is evaluated next, and written
//! when the item is done. Resource and scope are shared by many items: their changes are handed round, see [`Draft::heads`].

mod ahead;
mod fields;
mod inner;
mod metric;
mod output;
mod packed;
mod scalars;
pub(crate) mod write;

pub(crate) use metric::MetricChange;
pub use packed::Packed;

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use self::ahead::Ahead;
use crate::paths;
use crate::telemetry::changed::Changed;
use crate::telemetry::changes::Changes;
use crate::telemetry::{Part, Subject};
use crate::value::{EvalError, Map, Result, Value};
use schemas::Signal;
use schemas::otlp::{Item, LogView, MetricView, SpanView};

/// One item at a time, with what statements have made of it so far.
#[derive(Debug)]
pub struct Draft<'a> {
    signal: Signal,
    subject: Subject<'a>,
    /// The span, log record or metric as it came.
    item: &'a [u8],
    ahead: Option<Ahead<'a>>,
}

/// What was changed of a resource or of a scope; cheap to copy, and the same as another only if it is a copy of it.
#[derive(Clone, Debug, Default)]
pub struct HeadChanges(Option<Arc<Changes>>);

impl HeadChanges {
    /// Whether one is a copy of the other.
    pub fn is_copy_of(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, None) => true,
            _ => false,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.as_ref().is_none_or(|changes| changes.is_empty())
    }
}

impl<'a> Draft<'a> {
    /// For the items of a signal; to be given one before anything else.
    pub fn new(signal: Signal) -> Self {
        let mut subject = Subject::default();
        subject.begin_changes();
        Self {
            signal,
            subject,
            item: &[],
            ahead: None,
        }
    }

    /// One item by itself.
    ///
    /// # Errors
    /// As [`Draft::enter`].
    pub fn of(signal: Signal, item: &Item<'a>) -> Result<Self> {
        let mut draft = Self::new(signal);
        draft.enter(item)?;
        Ok(draft)
    }

    /// Goes on to an item: nothing of it, its resource or its scope is changed yet, and the cache is empty.
    ///
    /// # Errors
    /// It can't be read.
    pub fn enter(&mut self, item: &Item<'a>) -> Result<()> {
        match self.signal {
            Signal::Traces => {
                let span = SpanView::parse(item.body)?;
                self.subject.set_span(item.resource, item.scope, span);
            }
            Signal::Logs => {
                let log = LogView::parse(item.body)?;
                self.subject.set_log(item.resource, item.scope, log);
            }
            Signal::Metrics => {
                let metric = MetricView::parse(item.body)?;
                self.subject.set_metric(item.resource, item.scope, metric);
            }
        }
        self.item = item.body;
        self.ahead = None;
        self.subject.clear_inner();
        let changed = self.changed();
        changed.item.clear();
        changed.inner.clear();
        changed.inners.clear();
        changed.data = None;
        changed.cache.clear();
        self.set_heads(HeadChanges::default(), HeadChanges::default());
        Ok(())
    }

    /// When the bus took the record that the items are of, in nanoseconds since 1970: for `Now()`.
    pub fn set_published(&mut self, unix_nano: u64) {
        self.subject.set_published(unix_nano);
    }

    /// What conditions and values are evaluated on.
    pub fn subject(&self) -> &Subject<'a> {
        &self.subject
    }

    /// What was changed of resource and scope so far: by statements on them it is the same for all of their items, so that it can be
    /// computed once and be given to the others.
    pub fn heads(&self) -> (HeadChanges, HeadChanges) {
        let (resource, scope) = match self.subject.changed() {
            Some(changed) => (changed.resource.clone(), changed.scope.clone()),
            None => Default::default(),
        };
        (HeadChanges(resource), HeadChanges(scope))
    }

    pub fn set_heads(&mut self, resource: HeadChanges, scope: HeadChanges) {
        let changed = self.changed();
        changed.resource = resource.0;
        changed.scope = scope.0;
    }

    /// Whether the item itself, events and data points included, is another than it was.
    pub fn is_item_changed(&self) -> bool {
        let changed = self.subject.changed();
        changed.is_some_and(|changed| {
            !changed.item.is_empty() || !changed.inners.is_empty() || changed.data.is_some()
        })
    }

    /// An attribute as it is now; nil where there is none.
    ///
    /// # Errors
    /// The message can't be read.
    pub fn attribute(&self, part: Part, key: &str) -> Result<Value<'a>> {
        Ok(self.find(part, key)?.unwrap_or(Value::Nil))
    }

    /// Whether there is an attribute of that name, even an empty one.
    ///
    /// # Errors
    /// The message can't be read.
    pub fn has_attribute(&self, part: Part, key: &str) -> Result<bool> {
        Ok(self.find(part, key)?.is_some())
    }

    /// All attributes as they are now.
    ///
    /// # Errors
    /// The message can't be read.
    pub fn attributes(&self, part: Part) -> Result<Vec<(Cow<'a, str>, Value<'a>)>> {
        match paths::attributes(paths::attributes_of(part), &self.subject) {
            Some(attributes) => attributes.map()?.into_pairs(),
            None => Ok(Vec::new()),
        }
    }

    fn find(&self, part: Part, key: &str) -> Result<Option<Value<'a>>> {
        match paths::attributes(paths::attributes_of(part), &self.subject) {
            Some(attributes) => attributes.get(key),
            None => Ok(None),
        }
    }

    /// Sets an attribute, in the place of one of the same name.
    ///
    /// # Errors
    /// No attribute can hold the value, or there is no such message here.
    pub fn set_attribute(
        &mut self,
        part: Part,
        key: impl Into<Cow<'static, str>>,
        value: Value<'static>,
    ) -> Result<()> {
        value.check_storable()?;
        self.changes(part)?.set_attribute(key, value);
        Ok(())
    }

    /// Removes all attributes of that name.
    ///
    /// # Errors
    /// There is no such message here.
    pub fn remove_attribute(
        &mut self,
        part: Part,
        key: impl Into<Cow<'static, str>>,
    ) -> Result<()> {
        self.changes(part)?.remove_attribute(key);
        Ok(())
    }

    /// Removes all attributes of these names, however many.
    ///
    /// # Errors
    /// There is no such message here, or it can't be read.
    pub fn remove_attributes(&mut self, part: Part, keys: Vec<String>) -> Result<()> {
        /// As many are removed one by one.
        const FEW: usize = 16;
        if keys.len() <= FEW {
            return (keys.into_iter()).try_for_each(|key| self.remove_attribute(part, key));
        }
        let gone: HashSet<&str> = keys.iter().map(String::as_str).collect();
        let mut left = Vec::new();
        for (key, value) in self.attributes(part)? {
            if !gone.contains(&*key) {
                left.push((Cow::Owned(key.into_owned()), value.into_owned()?));
            }
        }
        self.changes(part)?.replace_attributes(left);
        Ok(())
    }

    /// The span, log record or metric as it came.
    pub fn item(&self) -> &'a [u8] {
        self.item
    }

    /// The changes of a message, to add to.
    pub(crate) fn changes(&mut self, part: Part) -> Result<&mut Changes> {
        let has_inner = self.subject.inner_index().is_some();
        let changed = self.changed();
        match part {
            Part::Resource => Ok(Arc::make_mut(changed.resource.get_or_insert_default())),
            Part::Scope => Ok(Arc::make_mut(changed.scope.get_or_insert_default())),
            Part::Span | Part::Log | Part::Metric => Ok(&mut changed.item),
            Part::Event | Part::DataPoint if has_inner => Ok(&mut changed.inner),
            Part::Event => Err(EvalError::new("no event is edited")),
            Part::DataPoint => Err(EvalError::new("no data point is edited")),
            Part::Trace => Err(EvalError::new("a whole trace can't be edited")),
        }
    }

    /// Forgets what statements put into the scratch map.
    pub fn clear_cache(&mut self) {
        self.changed().cache.clear();
    }

    /// Replaces the scratch map.
    pub(crate) fn set_cache(&mut self, cache: Map<'static>) -> Result<()> {
        self.changed().cache = cache.into_pairs()?;
        Ok(())
    }

    fn changed(&mut self) -> &mut Changed {
        self.subject.begin_changes()
    }
}
