//! What is appended to kept spans: the threshold in `tracestate`, and attributes where they are asked for.
//!
//! By appending, since protobuf's last value of a field holds and repeated fields accumulate. Most spans need nothing, and are not looked at.

use schemas::otlp::SpanView;
use schemas::wire::{put_fixed64, put_len, put_varint_field};

use crate::options::Stamping;
use crate::policy::tracestate::{self, Choice, Upstream};

/// Fields of a span.
const TRACE_STATE: u32 = 3;
const ATTRIBUTES: u32 = 9;

/// Appends to one span after the other.
#[derive(Debug, Default)]
pub(crate) struct Stamp {
    suffix: Vec<u8>,
    text: Vec<u8>,
}

impl Stamp {
    /// What to append to a span of a kept trace.
    #[inline]
    pub(crate) fn of(
        &mut self,
        body: &[u8],
        id: &[u8; 16],
        choice: Choice,
        policy: Option<&str>,
        stamping: Stamping,
    ) -> &[u8] {
        self.suffix.clear();
        if choice.threshold > 0 || stamping.annotate || stamping.sample_rate {
            self.look(body, id, choice, policy, stamping);
        }
        &self.suffix
    }

    fn look(
        &mut self,
        body: &[u8],
        id: &[u8; 16],
        choice: Choice,
        policy: Option<&str>,
        stamping: Stamping,
    ) {
        // Both cursors walked these bytes to their end without an error.
        let Ok(span) = SpanView::parse(body) else {
            return;
        };
        let upstream = match span.trace_state {
            [] => Upstream::default(),
            state => Upstream::read(state),
        };
        let sampled = upstream.then(choice, id);
        self.text.clear();
        if sampled.write(span.trace_state, &mut self.text) {
            put_len(&mut self.suffix, TRACE_STATE, &self.text);
        }
        if stamping.sample_rate
            && let Some(threshold) = sampled.threshold
            && threshold > 0
        {
            let count = (1.0 / tracestate::probability(threshold)).round() as u64;
            self.attribute("SampleRate", |value| put_varint_field(value, 3, count));
        }
        if stamping.annotate && span.is_root() {
            if let Some(policy) = policy {
                self.attribute("tailwater.policy", |value| {
                    put_len(value, 1, policy.as_bytes())
                });
            }
            if let Some(threshold) = sampled.threshold {
                let probability = tracestate::probability(threshold);
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
