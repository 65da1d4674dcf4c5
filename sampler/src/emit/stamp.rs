//! What is appended to kept spans: the threshold in `tracestate`, attributes where they are asked for, and those of the trace's entry span that are promoted.
//!
//! By appending, since protobuf's last value of a field holds and repeated fields accumulate. Most spans need nothing, and are not looked at.

use schemas::decisions::promoted_attributes;
use schemas::otlp::{Attributes, SpanView};
use schemas::wire::{Fields, put_fixed64, put_len, put_varint_field};

use crate::decide::handover::Kept;
use crate::options::Stamping;
use crate::promote::KEYS_MAX;
use schemas::otlp::sampling::{self, Upstream};

/// Fields of a span.
const TRACE_STATE: u32 = 3;
const ATTRIBUTES: u32 = 9;

/// Appends to one span after the other.
#[derive(Debug, Default)]
pub(crate) struct Stamp {
    suffix: Vec<u8>,
    text: Vec<u8>,
    /// Spans that had no room for what is promoted, since the last take.
    unpromoted: u64,
}

impl Stamp {
    /// What to append to a span of a kept trace. What is promoted is left out where it would make the span longer than `bytes_max`.
    #[inline]
    pub(crate) fn of(
        &mut self,
        body: &[u8],
        id: &[u8; 16],
        kept: Kept<'_>,
        stamping: Stamping,
        bytes_max: usize,
    ) -> &[u8] {
        self.suffix.clear();
        let chosen = kept.choice.threshold > 0 || stamping.annotate || stamping.sample_rate;
        if chosen || !kept.promoted.is_empty() {
            // Both cursors walked these bytes to their end without an error.
            if let Ok(span) = SpanView::parse(body) {
                if chosen {
                    self.look(&span, id, kept, stamping);
                }
                if !kept.promoted.is_empty() {
                    self.promote(&span, kept.promoted, bytes_max);
                }
            }
        }
        &self.suffix
    }

    /// Spans that had no room for what is promoted, since the last call.
    pub(crate) fn take_unpromoted(&mut self) -> u64 {
        std::mem::take(&mut self.unpromoted)
    }

    /// A span keeps what it has, and what was appended to it just now; malformed attributes might hide what it has.
    fn promote(&mut self, span: &SpanView<'_>, list: &[u8], bytes_max: usize) {
        let own = self.suffix.len();
        let messages = Fields::new(list).map_while(|field| field.ok()?.len_value().ok());
        let keys = promoted_attributes(list).map_while(|attribute| Some(attribute.ok()?.key));
        let mut promoted = [None; KEYS_MAX];
        for (place, attribute) in promoted.iter_mut().zip(keys.zip(messages)) {
            *place = Some(attribute);
        }
        let appended = Attributes::new(&self.suffix, ATTRIBUTES);
        for attribute in span.attributes().chain(appended) {
            let Ok(attribute) = attribute else {
                return;
            };
            for place in &mut promoted {
                if place.is_some_and(|(key, _)| key == attribute.key) {
                    *place = None;
                }
            }
        }
        for (_, message) in promoted.into_iter().flatten() {
            put_len(&mut self.suffix, ATTRIBUTES, message);
        }
        if span.body.len() + self.suffix.len() > bytes_max && self.suffix.len() > own {
            self.suffix.truncate(own);
            self.unpromoted += 1;
        }
    }

    fn look(&mut self, span: &SpanView<'_>, id: &[u8; 16], kept: Kept<'_>, stamping: Stamping) {
        let upstream = match span.trace_state {
            [] => Upstream::default(),
            state => Upstream::read(state),
        };
        let sampled = upstream.then(kept.choice, id);
        self.text.clear();
        if sampled.write(span.trace_state, &mut self.text) {
            put_len(&mut self.suffix, TRACE_STATE, &self.text);
        }
        if stamping.sample_rate
            && let Some(threshold) = sampled.threshold
            && threshold > 0
        {
            let count = (1.0 / sampling::probability(threshold)).round() as u64;
            self.attribute("SampleRate", |value| put_varint_field(value, 3, count));
        }
        if stamping.annotate && span.is_root() {
            if let Some(policy) = kept.policy {
                self.attribute("tailwater.policy", |value| {
                    put_len(value, 1, policy.as_bytes())
                });
            }
            if let Some(threshold) = sampled.threshold {
                let probability = sampling::probability(threshold);
                self.attribute("tailwater.probability", |value| {
                    put_fixed64(value, 4, probability.to_bits())
                });
            }
        }
    }

    fn attribute(&mut self, key: &str, value: impl FnOnce(&mut Vec<u8>)) {
        let mut any = std::mem::take(&mut self.text);
        any.clear();
        value(&mut any);
        let mut pair = Vec::with_capacity(key.len() + any.len() + 8);
        put_len(&mut pair, 1, key.as_bytes());
        put_len(&mut pair, 2, &any);
        put_len(&mut self.suffix, ATTRIBUTES, &pair);
        self.text = any;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::otlp::sampling::Choice;

    fn attribute(field: u32, key: &str, text: &str) -> Vec<u8> {
        let (mut any, mut pair, mut out) = (Vec::new(), Vec::new(), Vec::new());
        put_len(&mut any, 1, text.as_bytes());
        put_len(&mut pair, 1, key.as_bytes());
        put_len(&mut pair, 2, &any);
        put_len(&mut out, field, &pair);
        out
    }

    /// The keys of a span with this body, and of what is appended, when these are promoted; and how many spans had no room for it.
    fn keys(body: &[u8], promoted: &[&str], bytes_max: usize) -> (Vec<String>, u64) {
        let list: Vec<u8> = (promoted.iter())
            .flat_map(|key| attribute(1, key, "promoted"))
            .collect();
        let kept = Kept {
            choice: Choice::default(),
            policy: Some("errors"),
            promoted: &list,
        };
        let stamping = Stamping {
            annotate: true,
            sample_rate: false,
        };
        let mut stamp = Stamp::default();
        let suffix = stamp.of(body, &[1; 16], kept, stamping, bytes_max);
        let stamped = [body, suffix].concat();
        let keys = Attributes::new(&stamped, ATTRIBUTES).map_while(Result::ok);
        let keys = keys.map(|attribute| String::from_utf8_lossy(attribute.key).into_owned());
        (keys.collect(), stamp.take_unpromoted())
    }

    const OWN: [&str; 2] = ["tailwater.policy", "tailwater.probability"];

    #[test]
    fn no_key_is_there_twice() {
        let body = [attribute(9, "a", "own"), attribute(9, "b", "own")].concat();
        let promoted = ["b", "tailwater.policy", "c"];
        let expected = [&["a", "b"][..], &OWN, &["c"]].concat();
        let (found, unpromoted) = keys(&body, &promoted, usize::MAX);
        assert_eq!(
            (found, unpromoted),
            (expected.iter().map(|key| (*key).to_owned()).collect(), 0)
        );
    }

    #[test]
    fn a_span_that_would_be_too_long_goes_without_it() {
        let body = attribute(9, "a", "own");
        let (all, _) = keys(&body, &["c", "d"], usize::MAX);
        assert_eq!(all.len(), 5);
        let (found, unpromoted) = keys(&body, &["c", "d"], body.len() + 99);
        assert_eq!((&*found, unpromoted), (&all[..3], 1));
    }

    /// They might hide a key that is there.
    #[test]
    fn spans_with_malformed_attributes_get_nothing() {
        let body = [&attribute(9, "a", "own")[..], &[0x4a, 2, 0x0a, 9]].concat();
        let (found, _) = keys(&body, &["c"], usize::MAX);
        assert_eq!(found, ["a"]);
        let kept = Kept {
            choice: Choice::default(),
            policy: None,
            promoted: &attribute(1, "c", "promoted"),
        };
        let mut stamp = Stamp::default();
        assert!(
            stamp
                .of(&body, &[1; 16], kept, Stamping::default(), usize::MAX)
                .is_empty()
        );
    }
}
