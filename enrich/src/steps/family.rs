//! Who is whose parent among the spans of a record, where spans may be taken out: one that stays without its parent is worth counting.

use std::collections::HashSet;

use schemas::otlp::{Item, SpanView};

/// The spans of one record that were taken out, and the parents of the others.
#[derive(Debug, Default)]
pub(super) struct Family {
    is_watched: bool,
    dropped: HashSet<([u8; 16], [u8; 8])>,
    /// Trace and parent of each span that stays.
    parents: Vec<([u8; 16], [u8; 8])>,
}

impl Family {
    pub(super) fn begin(&mut self, is_watched: bool) {
        self.is_watched = is_watched;
        self.dropped.clear();
        self.parents.clear();
    }

    pub(super) fn note(&mut self, item: &Item<'_>, dropped: bool) {
        if !self.is_watched {
            return;
        }
        let Ok(span) = SpanView::parse(item.body) else {
            return;
        };
        let id = if dropped {
            span.span_id
        } else {
            span.parent_span_id
        };
        if let (Ok(trace), Ok(id)) = (span.trace_id.try_into(), id.try_into()) {
            match dropped {
                true => drop(self.dropped.insert((trace, id))),
                false => self.parents.push((trace, id)),
            }
        }
    }

    pub(super) fn orphans(&self) -> usize {
        if self.dropped.is_empty() {
            return 0;
        }
        let parents = self.parents.iter();
        parents
            .filter(|parent| self.dropped.contains(*parent))
            .count()
    }
}
