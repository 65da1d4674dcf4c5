//! The trace that an item belongs to.

use schemas::Signal;
use schemas::wire::{Fields, Value};

/// The trace id of a span or a log record; `None`: it has no valid one, as metrics don't.
pub fn trace_id(signal: Signal, body: &[u8]) -> Option<&[u8]> {
    let number = match signal {
        Signal::Traces => 1,
        Signal::Logs => 9,
        Signal::Metrics => return None,
    };
    let mut fields = Fields::new(body).map_while(Result::ok);
    let id = fields.find_map(|field| match field.value {
        Value::Len(id) if field.number == number => Some(id),
        _ => None,
    })?;
    (id.len() == 16 && id.iter().any(|byte| *byte != 0)).then_some(id)
}

#[cfg(test)]
mod tests {
    use schemas::wire::put_len;

    use super::*;

    #[test]
    fn spans_and_logs_have_traces() {
        let mut span = Vec::new();
        put_len(&mut span, 1, &[3; 16]);
        assert_eq!(trace_id(Signal::Traces, &span), Some(&[3; 16][..]));
        assert_eq!(trace_id(Signal::Logs, &span), None);
        assert_eq!(trace_id(Signal::Metrics, &span), None);
        let mut none = Vec::new();
        put_len(&mut none, 1, &[0; 16]);
        assert_eq!(trace_id(Signal::Traces, &none), None);
    }
}
