//! W3C `tracestate`: `key=value` entries, separated by commas, that travel with a trace through everybody's hands.
//!
//! An entry that holds what must not leave is taken out whole, as the standard allows: a replacement text might hold a
//! comma. The sampling entry `ot=th:…;rv:…` has to survive, or counts could no longer be adjusted; it holds nothing but
//! hexadecimal digits, which a pattern for numbers might well match.

/// The trace state without the entries that `secret` finds something in. `None`: nothing was found.
pub(crate) fn redact(state: &str, secret: impl Fn(&str) -> bool) -> Option<String> {
    let entries = || state.split(',');
    let found = |kept: &dyn Fn(&str) -> bool| {
        let rest: Vec<&str> = entries()
            .filter(|entry| !is_sampling(entry) && kept(entry))
            .collect();
        secret(&rest.join(","))
    };
    if !found(&|_| true) {
        return None;
    }
    let harmless = |entry: &str| !secret(entry);
    // What a pattern finds across entries can't be taken out entry by entry.
    let only_sampling = found(&harmless);
    let kept: Vec<&str> = entries()
        .filter(|entry| is_sampling(entry) || (!only_sampling && harmless(entry)))
        .collect();
    Some(kept.join(","))
}

/// `ot=` with nothing but a threshold (`th`) and randomness (`rv`), each of up to 14 hexadecimal digits.
fn is_sampling(entry: &str) -> bool {
    let Some(value) = entry.trim_matches([' ', '\t']).strip_prefix("ot=") else {
        return false;
    };
    value.split(';').all(|part| {
        part.strip_prefix("th:")
            .or_else(|| part.strip_prefix("rv:"))
            .is_some_and(|digits| {
                (1..=14).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit())
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(state: &str, expected: Option<&str>) {
        let secret = |text: &str| text.contains("12") || text.contains(",y=");
        assert_eq!(redact(state, secret).as_deref(), expected);
    }

    #[test]
    fn takes_out_entries_and_keeps_the_sampling_one() {
        check("", None);
        check("a=b,ot=th:12;rv:12345678901234", None);
        check("a=b,c=d12,ot=th:12", Some("a=b,ot=th:12"));
        check("ot=th:12;x:12,a=b", Some("a=b"));
        check("ot=rv:123456789012345", Some(""));
        check("x=1, ot=th:12,y=1", Some(" ot=th:12"));
    }
}
