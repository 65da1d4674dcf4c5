//! A record's spans, read once into a reusable buffer before anything is applied: a record that is malformed at its end must not leave half of
//! itself in the window. What makes a record bad is a function of its bytes alone, never of the policies, so that both
//! cursors agree: the framing down to the spans' own fields. Malformed attributes only end the look at them.

use schemas::otlp::{AnyValue, Item, Items, SpanView};
use schemas::wire::WireError;

use crate::emit::Oddity;
use crate::names::Names;
use crate::policy::{Bits, Policies};
use crate::window::NONE;

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
    pub(crate) root: bool,
    /// The trace id can be used; otherwise the span only counts.
    pub(crate) valid: bool,
}

/// Reads all spans of a record into `out`, none when the record is bad, and says what is odd about it.
pub(crate) fn read(
    value: &[u8],
    policies: &Policies,
    names: &mut Names,
    out: &mut Vec<SpanFacts>,
) -> Option<Oddity> {
    out.clear();
    match read_all(value, policies, names, out) {
        Ok(true) => None,
        Ok(false) => Some(Oddity::Unusual),
        Err(_) => {
            out.clear();
            Some(Oddity::Bad)
        }
    }
}

/// `true`: every span begins with a valid trace id, the one that counts.
fn read_all(
    value: &[u8],
    policies: &Policies,
    names: &mut Names,
    out: &mut Vec<SpanFacts>,
) -> Result<bool, WireError> {
    let mut plain = true;
    let mut resource = Resource::none();
    for item in Items::new(value) {
        let item = item?;
        let span = SpanView::parse(item.body)?;
        if item.resource.index != resource.index {
            resource = Resource {
                index: item.resource.index,
                bits: policies.resource_bits(&item.resource),
                service: None,
            };
        }
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
        out.push(SpanFacts {
            id: id.copied().unwrap_or_default(),
            start_unix_nano: span.start_unix_nano,
            end_unix_nano: span.end_unix_nano,
            bits: resource.bits | policies.span_bits(&span),
            bytes: item.body.len() as u32,
            root_service,
            root_operation,
            root,
            valid: id.is_some(),
        });
    }
    Ok(plain)
}

/// What was found out about the resource of the current spans.
struct Resource {
    index: usize,
    bits: Bits,
    service: Option<u32>,
}

impl Resource {
    fn none() -> Self {
        Self {
            index: usize::MAX,
            bits: Bits::default(),
            service: None,
        }
    }

    /// `service.name`, looked up when the first root span of the resource comes.
    fn service(&mut self, item: &Item<'_>, names: &mut Names) -> u32 {
        *self.service.get_or_insert_with(|| {
            let name = item
                .resource
                .attributes()
                .map_while(Result::ok)
                .find(|attribute| attribute.key == b"service.name");
            match name.map(|attribute| attribute.value) {
                Some(AnyValue::String(name)) => names.intern(name),
                _ => NONE,
            }
        })
    }
}
