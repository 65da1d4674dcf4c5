//! A record's spans, read once into a reusable buffer before anything is applied: a record that is malformed at its end must not leave half of
//! itself in the window. What makes a record bad is a function of its bytes alone, never of the policies, so that both
//! cursors agree: the framing down to the spans' own fields. Malformed attributes only end the look at them.

use ottl::Subject;
use schemas::headers::UnknownVersion;
use schemas::otlp::{AnyValue, Item, Items, SpanView, StatusCode};
use schemas::wire::{Fields, WireError};
use xxhash_rust::xxh3::xxh3_64;

use crate::decide::names::Names;
use crate::decide::traces::index::NONE;
use crate::policy::{Bits, Change, Failures, Reading, RuleSet};
use schemas::otlp::sampling::Upstream;

/// Field of a span.
const LINKS: u32 = 13;

/// Why the emit cursor has to look at a record a second time; all others are good and plain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Irregularity {
    /// Its version is one that this build can't read.
    Refused(UnknownVersion),
    /// It isn't OTLP.
    Bad,
    /// It is good, but some span doesn't begin with a valid trace id.
    Unusual,
}

/// What the window needs of one span.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SpanFacts {
    pub(crate) id: [u8; 16],
    pub(crate) start_unix_nano: u64,
    pub(crate) end_unix_nano: u64,
    pub(crate) bits: Bits,
    pub(crate) bytes: u32,
    pub(crate) root_service: u32,
    pub(crate) root_operation: u32,
    /// R, where the span's tracestate says that somebody sampled before us; else [`NO_RANDOMNESS`].
    pub(crate) randomness: u64,
    /// A hash of `service.name`; 0: there is none, or no policy counts services.
    pub(crate) service: u64,
    pub(crate) root: bool,
    pub(crate) error: bool,
    /// The trace id can be used; otherwise the span only counts.
    pub(crate) valid: bool,
}

/// A span's link to another trace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SpanLink {
    /// Index of the span in its record.
    pub(crate) span: u32,
    pub(crate) target: [u8; 16],
}

/// All that the window needs of one record.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) spans: Vec<SpanFacts>,
    /// Where the spans' messages begin in the record.
    pub(crate) starts: Vec<u32>,
    /// In order of spans; looked for only where linked traces are kept.
    pub(crate) links: Vec<SpanLink>,
    /// Of each span in turn, one number a column: see [`crate::policy::Marks`].
    marks: Vec<u64>,
    reading: Reading,
}

impl Facts {
    pub(crate) fn clear(&mut self) {
        self.spans.clear();
        self.starts.clear();
        self.links.clear();
        self.marks.clear();
    }

    /// Of one span.
    #[inline]
    pub(crate) fn marks_of(&self, span: usize) -> &[u64] {
        let columns = self.marks.len() / self.spans.len().max(1);
        &self.marks[span * columns..(span + 1) * columns]
    }

    /// Under another configuration.
    pub(crate) fn reconfigure(&mut self, change: &Change<'_>) {
        let mut marks = Vec::new();
        for span in 0..self.spans.len() {
            let of_span = self.marks_of(span);
            let (before, after) = (change.before.marks(), change.after.marks());
            after.carry_span(before, of_span, &mut marks);
        }
        self.marks = marks;
        for span in &mut self.spans {
            span.bits = change.bits.apply(span.bits);
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.spans.capacity() * size_of::<SpanFacts>()
            + self.starts.capacity() * size_of::<u32>()
            + self.links.capacity() * size_of::<SpanLink>()
            + self.marks.capacity() * size_of::<u64>()
    }
}

/// Nobody sampled before us.
pub(crate) const NO_RANDOMNESS: u64 = u64::MAX;

/// Reads all spans of a record into `out`, none when the record is bad, and says what is irregular about it.
pub(crate) fn read(
    value: &[u8],
    rules: &RuleSet,
    names: &mut Names,
    failures: &mut Failures,
    with_links: bool,
    out: &mut Facts,
) -> Option<Irregularity> {
    out.clear();
    match read_all(value, rules, names, failures, with_links, out) {
        Ok(true) => None,
        Ok(false) => Some(Irregularity::Unusual),
        Err(_) => {
            out.clear();
            Some(Irregularity::Bad)
        }
    }
}

/// `true`: every span begins with a valid trace id, the one that counts.
fn read_all(
    value: &[u8],
    rules: &RuleSet,
    names: &mut Names,
    failures: &mut Failures,
    with_links: bool,
    out: &mut Facts,
) -> Result<bool, WireError> {
    let mut plain = true;
    let mut resource = Resource::none();
    let mut subject = Subject::default();
    for item in Items::new(value) {
        let item = item?;
        let span = SpanView::parse(item.body)?;
        if item.resource.index != resource.index {
            resource = Resource::of(&item, rules);
            rules.marks().enter(&item.resource, &mut out.reading);
        }
        rules.marks().span(&span, &mut out.reading, &mut out.marks);
        let root = span.is_root();
        let (root_service, root_operation) = if root {
            (resource.service(&item, names), names.intern(span.name))
        } else {
            (NONE, NONE)
        };
        let id = span.valid_trace_id();
        plain &= id.is_some_and(|id| {
            item.body
                .get(2..)
                .is_some_and(|rest| std::ptr::eq(rest.as_ptr(), id.as_ptr()))
        });
        let id_bytes = id.copied().unwrap_or_default();
        if with_links {
            let span = out.spans.len() as u32;
            let links = targets(item.body).filter(|target| *target != id_bytes);
            out.links
                .extend(links.map(|target| SpanLink { span, target }));
        }
        out.starts
            .push((item.body.as_ptr() as usize - value.as_ptr() as usize) as u32);
        out.spans.push(SpanFacts {
            id: id_bytes,
            randomness: randomness(&span, &id_bytes),
            start_unix_nano: span.start_unix_nano,
            end_unix_nano: span.end_unix_nano,
            bits: resource.bits | rules.span_bits(&item, &span, &mut subject, failures),
            bytes: item.body.len() as u32,
            root_service,
            root_operation,
            service: resource.number,
            root,
            error: span.status == StatusCode::Error,
            valid: id.is_some(),
        });
    }
    Ok(plain)
}

/// Valid trace ids of a span's links.
fn targets(body: &[u8]) -> impl Iterator<Item = [u8; 16]> {
    let links = Fields::new(body).map_while(Result::ok);
    links.filter_map(|field| {
        let link = (field.number == LINKS).then(|| field.len_value().ok())??;
        let mut fields = Fields::new(link).map_while(Result::ok);
        let id = fields.find(|field| field.number == 1)?.len_value().ok()?;
        let id = <[u8; 16]>::try_from(id).ok()?;
        (id != [0; 16]).then_some(id)
    })
}

fn randomness(span: &SpanView<'_>, id: &[u8; 16]) -> u64 {
    if span.trace_state.is_empty() {
        return NO_RANDOMNESS;
    }
    let upstream = Upstream::read(span.trace_state);
    match upstream.sampled() {
        true => upstream.randomness(id),
        false => NO_RANDOMNESS,
    }
}

/// What was found out about the resource of the current spans.
struct Resource {
    index: usize,
    bits: Bits,
    service: Option<u32>,
    /// See [`SpanFacts::service`].
    number: u64,
}

impl Resource {
    fn of(item: &Item<'_>, rules: &RuleSet) -> Self {
        Self {
            index: item.resource.index,
            bits: rules.resource_bits(&item.resource),
            service: None,
            number: match rules.count_services() {
                true => service_name(item).map_or(0, |name| xxh3_64(name).max(1)),
                false => 0,
            },
        }
    }

    fn none() -> Self {
        Self {
            index: usize::MAX,
            bits: Bits::default(),
            service: None,
            number: 0,
        }
    }

    /// `service.name`, looked up when the first root span of the resource comes.
    fn service(&mut self, item: &Item<'_>, names: &mut Names) -> u32 {
        *self
            .service
            .get_or_insert_with(|| service_name(item).map_or(NONE, |name| names.intern(name)))
    }
}

fn service_name<'a>(item: &Item<'a>) -> Option<&'a [u8]> {
    let attributes = item.resource.attributes();
    let name = attributes
        .map_while(Result::ok)
        .find(|attribute| attribute.key == b"service.name")?;
    match name.value {
        AnyValue::String(name) => Some(name),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use runtime::config::Problems;
    use schemas::wire::put_len;

    use super::*;
    use crate::RawConfig;
    use crate::policy::SetId;

    fn nest(number: u32, body: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        put_len(&mut out, number, body);
        out
    }

    /// A span whose name has this length, within the field of its scope.
    fn span(name: usize) -> Vec<u8> {
        let name = nest(5, &vec![b'x'; name]);
        nest(2, &[nest(1, &[7; 16]), nest(2, &[7; 8]), name].concat())
    }

    /// A wrong place would only cost time: nothing else would show it.
    #[test]
    fn starts_are_where_the_spans_begin() {
        let scopes = [nest(2, &[span(3), span(300)].concat()), nest(2, &span(40))];
        let value = [nest(1, &scopes.concat()), nest(1, &nest(2, &span(0)))].concat();
        let config = RawConfig::default().validate("", &mut Problems::new());
        let mut facts = Facts::default();
        let mut names = Names::default();
        let mut failures = Failures::default();
        for _ in 0..2 {
            let irregularity = read(
                &value,
                config.policies.set(SetId::default()),
                &mut names,
                &mut failures,
                false,
                &mut facts,
            );
            assert!(irregularity.is_none());
            assert_eq!(facts.starts.len(), 4);
            for &start in &facts.starts {
                // The trace id's field stands first.
                let start = start as usize;
                assert_eq!(value[start..start + 18], nest(1, &[7; 16]));
            }
        }
    }
}
