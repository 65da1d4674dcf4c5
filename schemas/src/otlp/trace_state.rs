//! W3C `tracestate`, read as the Collector's parser reads it: one invalid member makes the whole of it invalid.

/// Members that a list may have.
const MEMBERS_MAX: usize = 32;

/// The value of a key; `None` when it isn't there or the list is invalid.
pub fn value_of<'a>(state: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    find(state, wanted).flatten()
}

/// The value of a key if it is there; `None` when the list is invalid.
pub fn find<'a>(state: &'a [u8], wanted: &[u8]) -> Option<Option<&'a [u8]>> {
    let mut found = None;
    let mut keys: [&[u8]; MEMBERS_MAX] = [&[]; MEMBERS_MAX];
    let mut members = 0;
    for member in state.split(|&byte| byte == b',') {
        if member.is_empty() {
            continue;
        }
        let equals = member.iter().position(|&byte| byte == b'=')?;
        let key = trim_start(&member[..equals]);
        let value = trim_end(&member[equals + 1..]);
        if !is_key(key) || !is_value(value) {
            return None;
        }
        if members == MEMBERS_MAX || keys[..members].contains(&key) {
            return None;
        }
        keys[members] = key;
        members += 1;
        if key == wanted {
            found = Some(value);
        }
    }
    Some(found)
}

fn trim_start(text: &[u8]) -> &[u8] {
    let blanks = text.iter().take_while(|byte| b" \t".contains(byte)).count();
    &text[blanks..]
}

fn trim_end(text: &[u8]) -> &[u8] {
    let blanks = text
        .iter()
        .rev()
        .take_while(|byte| b" \t".contains(byte))
        .count();
    &text[..text.len() - blanks]
}

fn is_key(key: &[u8]) -> bool {
    let rest = |part: &[u8]| {
        part.iter()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/'))
    };
    let simple = |part: &[u8], rest_max: usize| match part {
        [b'a'..=b'z', tail @ ..] => tail.len() <= rest_max && rest(tail),
        _ => false,
    };
    match key.iter().position(|&byte| byte == b'@') {
        None => simple(key, 255),
        Some(at) => {
            let tenant = match &key[..at] {
                [b'a'..=b'z' | b'0'..=b'9', tail @ ..] => tail.len() <= 240 && rest(tail),
                _ => false,
            };
            tenant && simple(&key[at + 1..], 13)
        }
    }
}

fn is_value(value: &[u8]) -> bool {
    let allowed = |byte: &u8| matches!(byte, b' '..=b'~') && *byte != b',' && *byte != b'=';
    value.len() <= 256
        && value.iter().all(allowed)
        && value.last().is_some_and(|&last| last != b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(state: &str, key: &str, expected: Option<&str>) {
        let value = value_of(state.as_bytes(), key.as_bytes());
        assert_eq!(value, expected.map(str::as_bytes), "{state:?}");
    }

    #[test]
    fn values_are_found_in_valid_lists_only() {
        check("a=1,b=2", "b", Some("2"));
        check("a=1,, b=2 ,", "b", Some("2"));
        check("a=1", "b", None);
        check("", "b", None);
        check("b=2,c", "b", None);
        check("b=2,c=", "b", None);
        check("b=2,b=2", "b", None);
        check("b=2,C=1", "b", None);
        check("b=2,c=1=1", "b", None);
        check("1x@sys=ok,b=2", "1x@sys", Some("ok"));
        check("1x=no,b=2", "b", None);
        let many: Vec<_> = (0..33).map(|n| format!("k{n}=v")).collect();
        check(&many.join(","), "k0", None);
        check(&many[..32].join(","), "k0", Some("v"));
    }
}
