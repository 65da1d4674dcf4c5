//! What an item may be like that a backend takes: its age, its size, the length of its attributes. Pure: time is given.
//!
//! A backend compares an item's own time with its clock when a request arrives, so the clock here is the wall's, when the item is read from the
//! bus. The bus's time of a record says when it was published, which may be hours ago where a backend was down. What waits for long after it was
//! read may be refused for its age all the same.

use std::borrow::Cow;

use ottl::{Draft, Part, Value};
use runtime::config::Duration;
use schemas::Signal;
use schemas::otlp::{AnyValue, Attributes, Item, KeyValue, LogView, SpanView};
use schemas::wire::Fields;

use crate::records::limits::ItemLimits;

/// `LogRecord.observed_time_unix_nano`.
const OBSERVED: u32 = 11;

/// The limits of a backend, at one time.
pub(super) struct Limited {
    limits: ItemLimits,
    signal: Signal,
    /// In nanoseconds since 1970.
    now: u64,
    /// Attributes that were cut so far.
    pub(super) clipped_attributes: u64,
}

impl Limited {
    pub(super) fn new(limits: ItemLimits, signal: Signal, now: u64) -> Self {
        Self {
            limits,
            signal,
            now,
            clipped_attributes: 0,
        }
    }

    /// Whether attributes were cut so that an item is within the limits. `entered` says whether the draft has it, and `changed` whether it has
    /// it otherwise than it came.
    ///
    /// # Errors
    /// Why it isn't within them.
    pub(super) fn check<'a>(
        &mut self,
        item: &Item<'a>,
        draft: &mut Draft<'a>,
        (entered, changed): (bool, bool),
    ) -> Result<bool, String> {
        let limits = self.limits;
        if !limits.is_any() {
            return Ok(false);
        }
        if let Some(why) = outdated(&limits, self.signal, item.body, self.now) {
            return Err(why);
        }
        let mut clipped = 0;
        if let Some(limit) = limits.attribute_bytes
            && (changed || has_long_attribute(limit, self.signal, item))
        {
            if !entered {
                draft.enter(item).map_err(|error| error.to_string())?;
            }
            clipped = clip(limit, self.signal, draft)?;
            if clipped > 0 && !limits.clip {
                return Err(format!(
                    "an attribute is longer than limits.attribute_bytes, {limit}"
                ));
            }
            self.clipped_attributes += clipped;
        }
        let changed = changed || clipped > 0;
        let bytes = match changed && limits.item_bytes.is_some() {
            true => written_bytes(draft)?,
            false => item.body.len(),
        };
        oversized(&limits, bytes).map_or(Ok(clipped > 0), Err)
    }
}

fn written_bytes(draft: &Draft<'_>) -> Result<usize, String> {
    let mut written = Vec::new();
    draft
        .write_item(&mut written)
        .map_err(|error| error.to_string())?;
    Ok(written.len())
}

/// Why a backend wouldn't take an item for its age, at this time in nanoseconds since 1970. Items without a time pass, and so do metrics: each of
/// their points has a time of its own.
fn outdated(limits: &ItemLimits, signal: Signal, body: &[u8], now: u64) -> Option<String> {
    if limits.max_age.is_none() && limits.max_future.is_none() {
        return None;
    }
    let time = time_of(signal, body)?;
    let (age, ahead) = (now.saturating_sub(time), time.saturating_sub(now));
    let beyond = |nanos: u64, limit: Option<std::time::Duration>| {
        let by = std::time::Duration::from_nanos(nanos);
        // Nobody reads fractions of a second here.
        let by_seconds = Duration::from_secs(by.as_secs());
        limit
            .filter(|limit| by > *limit)
            .map(|limit| (by_seconds, Duration(limit)))
    };
    if let Some((age, limit)) = beyond(age, limits.max_age) {
        return Some(format!("it is {age} old, and limits.max_age is {limit}"));
    }
    let (ahead, limit) = beyond(ahead, limits.max_future)?;
    Some(format!(
        "it is {ahead} ahead, and limits.max_future is {limit}"
    ))
}

/// When a span ended, or a log record was made, in nanoseconds since 1970; `None`: it doesn't say.
fn time_of(signal: Signal, body: &[u8]) -> Option<u64> {
    let time = match signal {
        Signal::Traces => SpanView::parse(body).ok()?.end_unix_nano,
        Signal::Logs => match LogView::parse(body).ok()?.time_unix_nano {
            0 => {
                let mut fields = Fields::new(body).map_while(Result::ok);
                fields
                    .find(|field| field.number == OBSERVED)?
                    .fixed64_value()
                    .ok()?
            }
            time => time,
        },
        Signal::Metrics => 0,
    };
    (time > 0).then_some(time)
}

/// Why a backend wouldn't take an item of so many bytes.
fn oversized(limits: &ItemLimits, bytes: usize) -> Option<String> {
    let limit = limits.item_bytes.filter(|limit| bytes > *limit)?;
    Some(format!(
        "it has {bytes} bytes, and limits.item_bytes is {limit}"
    ))
}

/// Whether an attribute of the item, or of its resource, is longer than it may be. As it came.
fn has_long_attribute(limit: usize, signal: Signal, item: &Item<'_>) -> bool {
    let own = match signal {
        Signal::Traces => SpanView::parse(item.body)
            .map(|span| span.attributes())
            .ok(),
        Signal::Logs => LogView::parse(item.body).map(|log| log.attributes()).ok(),
        // Labels of series aren't cut: two could become one.
        Signal::Metrics => return false,
    };
    let is_long = |attributes: Attributes<'_>| {
        let mut attributes = attributes.map_while(Result::ok);
        attributes.any(
            |KeyValue { value, .. }| matches!(value, AnyValue::String(text) if text.len() > limit),
        )
    };
    own.is_some_and(is_long) || is_long(item.resource.attributes())
}

/// Cuts the texts of the item's and the resource's attributes that are longer than they may be, each at the end of a character; how many.
///
/// # Errors
/// The item can't be read.
fn clip(limit: usize, signal: Signal, draft: &mut Draft<'_>) -> Result<u64, String> {
    let own = match signal {
        Signal::Traces => Part::Span,
        Signal::Logs => Part::Log,
        Signal::Metrics => return Ok(0),
    };
    let mut clipped = 0;
    for part in [own, Part::Resource] {
        let attributes = draft.attributes(part).map_err(|error| error.to_string())?;
        for (key, value) in attributes {
            let Value::Text(text) = value else { continue };
            if text.len() <= limit {
                continue;
            }
            let cut = text[..text.floor_char_boundary(limit)].to_owned();
            draft
                .set_attribute(part, key.into_owned(), Value::Text(Cow::Owned(cut)))
                .map_err(|error| error.to_string())?;
            clipped += 1;
        }
    }
    Ok(clipped)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time;

    use schemas::wire::put_len;

    use super::*;

    const HOUR: u64 = 3_600_000_000_000;
    const NOW: u64 = 500_000 * HOUR;

    /// A log record with `time_unix_nano` and `observed_time_unix_nano`.
    fn log(time: u64, observed: u64) -> Vec<u8> {
        let mut body = vec![1 << 3 | 1];
        body.extend(time.to_le_bytes());
        body.push(11 << 3 | 1);
        body.extend(observed.to_le_bytes());
        body
    }

    #[test]
    fn the_reason_names_the_limit_and_the_value() {
        let limits = ItemLimits {
            max_age: Some(time::Duration::from_secs(3600)),
            max_future: Some(time::Duration::from_secs(600)),
            item_bytes: Some(10),
            ..ItemLimits::NONE
        };
        let check = |time: u64, observed: u64, expected: Option<&str>| {
            let found = outdated(&limits, Signal::Logs, &log(time, observed), NOW);
            assert_eq!(found.as_deref(), expected);
        };
        check(NOW, 0, None);
        check(NOW - HOUR, 0, None);
        check(
            NOW - 3 * HOUR,
            0,
            Some("it is 3h old, and limits.max_age is 1h"),
        );
        check(
            NOW + HOUR,
            0,
            Some("it is 1h ahead, and limits.max_future is 10m"),
        );
        check(
            0,
            NOW - 2 * HOUR,
            Some("it is 2h old, and limits.max_age is 1h"),
        );
        check(0, 0, None);
        check(
            u64::MAX,
            0,
            Some("it is 4624095h 34m 33s ahead, and limits.max_future is 10m"),
        );
        assert_eq!(outdated(&limits, Signal::Metrics, &log(1, 1), NOW), None);
        assert_eq!(outdated(&limits, Signal::Logs, &[0xff], NOW), None);
        let oversized = oversized(&limits, 11);
        assert_eq!(
            oversized.as_deref(),
            Some("it has 11 bytes, and limits.item_bytes is 10")
        );
    }

    /// A request with one log record, which has one attribute, and so has its resource.
    fn request(value: &str) -> Vec<u8> {
        let message = |number: u32, content: &[u8]| {
            let mut out = Vec::new();
            put_len(&mut out, number, content);
            out
        };
        let text = message(2, &message(1, value.as_bytes()));
        let pair = [message(1, b"k"), text].concat();
        let resource = message(1, &message(1, &pair));
        let scope = message(2, &message(2, &message(6, &pair)));
        message(1, &[resource, scope].concat())
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let check = |limit: usize, value: &str, expected: &str| {
            let request = request(value);
            let item = schemas::otlp::Items::new(&request).next().unwrap().unwrap();
            let is_long = value.len() > limit;
            assert_eq!(has_long_attribute(limit, Signal::Logs, &item), is_long);
            let mut draft = Draft::of(Signal::Logs, &item).unwrap();
            let clipped = clip(limit, Signal::Logs, &mut draft).unwrap();
            assert_eq!(clipped, if is_long { 2 } else { 0 });
            for part in [Part::Log, Part::Resource] {
                let Value::Text(text) = draft.attribute(part, "k").unwrap() else {
                    panic!("no text")
                };
                assert_eq!(text, expected);
            }
        };
        check(3, "abc", "abc");
        check(3, "abcd", "abc");
        check(3, "aßßß", "aß");
        check(2, "a€", "a");
        check(0, "€", "");
    }
}
