//! The `ot` member of a W3C `tracestate`: OpenTelemetry's consistent probability sampling, read and written.
//! Source: <https://opentelemetry.io/docs/specs/otel/trace/tracestate-handling/> and `tracestate-probability-sampling`.
//!
//! T (`th`, up to 14 hex digits, trailing zeros left out) is the rejection threshold, R (`rv`, exactly 14) the random value; both have 56 bits,
//! and a span is kept if R ≥ T. Without `rv`, R is the last seven bytes of the trace id. A kept span stands for 2^56 / (2^56 − T).
//!
//! Knows nothing of verdicts. Other members, and other sub-keys of `ot`, stay as they are.

use crate::decisions::UNKNOWN_THRESHOLD;

/// Of an `ot` value, in characters.
const OT_MAX: usize = 256;
/// Of a list.
const MEMBERS_MAX: usize = 32;
const DIGITS: usize = 14;

/// What a span says of the samplers before us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Upstream {
    pub threshold: Option<u64>,
    pub randomness: Option<u64>,
}

/// A choice by chance among traces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// [`UNKNOWN_THRESHOLD`]: nobody knows with what probability.
    pub threshold: u64,
    /// R, where it is not the span's own.
    pub randomness: Option<u64>,
}

/// How a kept span was sampled, all samplers together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampled {
    /// `None`: nobody knows.
    pub threshold: Option<u64>,
    /// R, where the span has to say it.
    randomness: Option<u64>,
}

/// The last seven bytes of a trace id.
pub fn trace_id_randomness(id: &[u8; 16]) -> u64 {
    let low = id[8..]
        .iter()
        .fold(0, |low, &byte| low << 8 | u64::from(byte));
    low & (UNKNOWN_THRESHOLD - 1)
}

/// How likely a trace is kept with threshold T.
pub fn probability(threshold: u64) -> f64 {
    (UNKNOWN_THRESHOLD - threshold) as f64 / UNKNOWN_THRESHOLD as f64
}

impl Upstream {
    /// What a `tracestate` says. What is malformed counts as absent.
    pub fn read(state: &[u8]) -> Self {
        let mut upstream = Self::default();
        for (key, value) in ot(state).into_iter().flat_map(sub_keys) {
            match key {
                b"th" => upstream.threshold = threshold(value),
                b"rv" if value.len() == DIGITS => upstream.randomness = hex(value),
                _ => {}
            }
        }
        upstream
    }

    /// Somebody sampled before us, or said by what to sample.
    pub fn sampled(&self) -> bool {
        *self != Self::default()
    }

    /// R of a span of this trace.
    pub fn randomness(&self, id: &[u8; 16]) -> u64 {
        self.randomness.unwrap_or_else(|| trace_id_randomness(id))
    }

    /// Our choice on top: the larger threshold holds. Where R contradicts it, nothing is known.
    pub fn then(&self, choice: Choice, id: &[u8; 16]) -> Sampled {
        let randomness = choice.randomness.filter(|_| !self.sampled());
        let threshold = self.threshold.unwrap_or_default().max(choice.threshold);
        let known = threshold < UNKNOWN_THRESHOLD
            && randomness.unwrap_or_else(|| self.randomness(id)) >= threshold;
        Sampled {
            threshold: known.then_some(threshold),
            randomness: randomness.filter(|_| known && threshold > 0),
        }
    }
}

impl Sampled {
    /// Writes a tracestate that says so. `false`: it says so already, or there is no room to; nothing is written then.
    pub fn write(&self, state: &[u8], out: &mut Vec<u8>) -> bool {
        let before = Upstream::read(state);
        // Certainty needs no words, but those that are there stay.
        let threshold =
            (self.threshold).filter(|&threshold| threshold > 0 || before.threshold.is_some());
        if before.threshold == threshold && self.randomness.is_none() {
            return false;
        }
        let start = out.len();
        out.extend_from_slice(b"ot=");
        let value = out.len();
        let mut put = |key: &[u8], value: &[u8]| {
            if !out.ends_with(b"=") {
                out.push(b';');
            }
            out.extend_from_slice(key);
            out.push(b':');
            out.extend_from_slice(value);
        };
        if let Some(threshold) = threshold {
            let digits = digits(threshold);
            let shown = digits.iter().rposition(|&digit| digit != b'0');
            put(b"th", &digits[..shown.unwrap_or_default() + 1]);
        }
        if let Some(randomness) = self.randomness {
            put(b"rv", &digits(randomness));
        }
        for (key, value) in ot(state).into_iter().flat_map(sub_keys) {
            let replaced = key == b"th" || (key == b"rv" && self.randomness.is_some());
            if !replaced {
                put(key, value);
            }
        }
        if out.len() == value {
            // Nothing is left to say.
            out.truncate(start);
        }
        let adds = threshold.is_some() || self.randomness.is_some();
        if adds && out.len() - start > OT_MAX + 3 {
            out.truncate(start);
            // What stands there would be wrong now, if it stands there. Without it there is less than before, however long that was.
            let nothing = Self {
                threshold: None,
                randomness: None,
            };
            return before.threshold.is_some() && nothing.write(state, out);
        }
        let others = || members(state).filter(|(key, _, _)| key != b"ot");
        if out.len() > start && others().count() >= MEMBERS_MAX {
            out.truncate(start);
            return false;
        }
        for (_, _, member) in others() {
            if out.len() > start {
                out.push(b',');
            }
            out.extend_from_slice(member);
        }
        true
    }
}

/// Key, value and whole of each member.
fn members(state: &[u8]) -> impl Iterator<Item = (&[u8], &[u8], &[u8])> {
    let members = state.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
    members.filter(|member| !member.is_empty()).map(|member| {
        let equals = member.iter().position(|&byte| byte == b'=');
        let (key, value) = match equals {
            Some(at) => (&member[..at], &member[at + 1..]),
            None => (member, &[][..]),
        };
        (key, value, member)
    })
}

fn ot(state: &[u8]) -> Option<&[u8]> {
    members(state).find_map(|(key, value, _)| (key == b"ot").then_some(value))
}

fn sub_keys(value: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    value.split(|&byte| byte == b';').filter_map(|pair| {
        let colon = pair.iter().position(|&byte| byte == b':')?;
        Some((&pair[..colon], &pair[colon + 1..]))
    })
}

/// 1 to 14 digits; those left out are zeros.
fn threshold(value: &[u8]) -> Option<u64> {
    let left_out = DIGITS.checked_sub(value.len())?;
    Some(hex(value)? << (4 * left_out))
}

fn hex(value: &[u8]) -> Option<u64> {
    if value.is_empty() {
        return None;
    }
    value.iter().try_fold(0, |number, byte| {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u64::from(digit))
    })
}

fn digits(value: u64) -> [u8; DIGITS] {
    std::array::from_fn(|at| b"0123456789abcdef"[(value >> (4 * (DIGITS - 1 - at)) & 15) as usize])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const ID: [u8; 16] = [0xFF; 16];
    /// 1 % as the specification writes it.
    const ONE_PERCENT: u64 = 0x00fd_70a4_0000_0000;

    /// What becomes of a tracestate; `None`: nothing.
    #[track_caller]
    fn check(state: &str, threshold: u64, randomness: Option<u64>, expected: Option<&str>) {
        let choice = Choice {
            threshold,
            randomness,
        };
        let mut out = b"before".to_vec();
        let sampled = Upstream::read(state.as_bytes()).then(choice, &ID);
        let changed = sampled.write(state.as_bytes(), &mut out);
        let written = std::str::from_utf8(&out[6..]).unwrap();
        assert_eq!(changed.then_some(written), expected, "{state:?}");
        assert!(changed || written.is_empty(), "{written}");
    }

    #[test]
    fn the_specification_s_vectors() {
        for (th, count) in [("0", 1.0), ("8", 2.0), ("c", 4.0), ("fd70a4", 100.0)] {
            let state = format!("ot=th:{th}");
            let threshold = Upstream::read(state.as_bytes()).threshold.unwrap();
            let found = 1.0 / probability(threshold);
            assert!((found - count).abs() < 1e-4, "{th}: {found}");
        }
        check("", 1 << 55, None, Some("ot=th:8"));
        check("", 0xc0_0000_0000_0000, None, Some("ot=th:c"));
        check("", ONE_PERCENT, None, Some("ot=th:fd70a4"));
        check("", 1, None, Some("ot=th:00000000000001"));
    }

    #[test]
    fn a_threshold_is_never_lowered() {
        check("ot=th:c", 1 << 55, None, None);
        check("ot=th:8", 0, None, None);
        check("ot=th:8", 1 << 55, None, None);
        check("ot=th:8", 0xc0_0000_0000_0000, None, Some("ot=th:c"));
    }

    #[test]
    fn a_sure_choice_says_nothing() {
        check("", 0, None, None);
        check("a=b", 0, Some(7), None);
        check("ot=th:0", 0, None, None);
    }

    #[test]
    fn other_sub_keys_and_members_stay() {
        check(
            "a=1, ot=rv:ffffffffffffff;x:y ,b=2",
            1 << 55,
            None,
            Some("ot=th:8;rv:ffffffffffffff;x:y,a=1,b=2"),
        );
        check(
            "ot=p:8;th:4;rv:ffffffffffffff",
            1 << 55,
            None,
            Some("ot=th:8;p:8;rv:ffffffffffffff"),
        );
        check("dd=s:1;o:rum", 1 << 55, None, Some("ot=th:8,dd=s:1;o:rum"));
        // An unusual key that ends like ours.
        check("xot=th:c", 1 << 55, None, Some("ot=th:8,xot=th:c"));
    }

    #[test]
    fn an_unknown_probability_takes_the_threshold_away() {
        let unknown = UNKNOWN_THRESHOLD;
        check("ot=th:8", unknown, None, Some(""));
        check("ot=th:8,a=b", unknown, None, Some("a=b"));
        check(
            "ot=th:8;rv:ffffffffffffff",
            unknown,
            None,
            Some("ot=rv:ffffffffffffff"),
        );
        check("ot=rv:ffffffffffffff", unknown, None, None);
        check("a=b", unknown, None, None);
        check("", unknown, Some(1), None);
    }

    #[test]
    fn randomness_that_contradicts_takes_the_threshold_away() {
        check("ot=rv:7fffffffffffff", 1 << 55, None, None);
        check(
            "ot=th:4;rv:7fffffffffffff",
            1 << 55,
            None,
            Some("ot=rv:7fffffffffffff"),
        );
        check("", 1 << 55, Some((1 << 55) - 1), None);
    }

    #[test]
    fn our_own_randomness_is_written_where_there_is_none() {
        check(
            "",
            1 << 55,
            Some(0x9a_bcde_f012_3456),
            Some("ot=th:8;rv:9abcdef0123456"),
        );
        // The span's own stands, and the trace id where it names a threshold only.
        check(
            "ot=rv:fedcba98765432",
            1 << 55,
            Some(1 << 55),
            Some("ot=th:8;rv:fedcba98765432"),
        );
        check("ot=th:4", 1 << 55, Some(1 << 55), Some("ot=th:8"));
    }

    #[test]
    fn what_is_malformed_counts_as_absent() {
        for state in [
            "ot=th:",
            "ot=th:G",
            "ot=th:123456789012345",
            "ot=th",
            "ot",
            "ot=rv:12",
        ] {
            assert_eq!(
                Upstream::read(state.as_bytes()),
                Upstream::default(),
                "{state}"
            );
        }
        check("ot=th:XYZ", 1 << 55, None, Some("ot=th:8"));
    }

    #[test]
    fn limits_hold() {
        let long = format!("ot=x:{}", "y".repeat(253));
        check(&long, 1 << 55, None, None);
        let long = format!("ot=th:4;x:{}", "y".repeat(245));
        let without = format!("ot=x:{}", "y".repeat(245));
        check(&long, ONE_PERCENT, None, Some(&without));
        // One that was too long before.
        let longer = format!("ot=th:4;x:{}", "y".repeat(300));
        let without = format!("ot=x:{}", "y".repeat(300));
        check(&longer, ONE_PERCENT, None, Some(&without));
        check(&longer, UNKNOWN_THRESHOLD, None, Some(&without));
        check(&without, ONE_PERCENT, None, None);
        let many: Vec<_> = (0..32).map(|n| format!("k{n}=v")).collect();
        check(&many.join(","), 1 << 55, None, None);
        let fewer = many[..31].join(",");
        check(&fewer, 1 << 55, None, Some(&format!("ot=th:8,{fewer}")));
    }
}
