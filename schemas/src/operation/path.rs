//! Paths of URLs without what differs from request to request: `/carts/48151623/items` becomes `/carts/{id}/items`.

/// What stands for a segment that tells one thing from another of its kind.
const ID: &str = "{id}";

/// Appends a path, with `{id}` for each segment that is an id. Whether there was one.
///
/// An id is a UUID, a number, eight or more hexadecimal digits with a decimal one among them, sixteen or more characters that look like base64, a
/// date, or an e-mail address. Whatever follows `?` or `#` is no part of a path.
///
/// ```
/// let mut path = String::new();
/// assert!(schemas::operation::template("/users/ann@example.com/orders/2024-05-01?page=2", &mut path));
/// assert_eq!(path, "/users/{id}/orders/{id}");
/// ```
pub fn template(path: &str, out: &mut String) -> bool {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let mut found = false;
    for (number, segment) in path.split('/').enumerate() {
        if number > 0 {
            out.push('/');
        }
        if is_id(segment) {
            out.push_str(ID);
            found = true;
        } else {
            out.push_str(segment);
        }
    }
    found
}

fn is_id(segment: &str) -> bool {
    let text = segment.as_bytes();
    is_number(text)
        || is_hex(text)
        || is_uuid(text)
        || is_date(text)
        || is_base64(text)
        || is_email(segment)
}

/// Digits, with a sign or a decimal point.
fn is_number(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let mut points = 0;
    let is_part = |byte: &u8| match byte {
        b'.' => {
            points += 1;
            true
        }
        byte => byte.is_ascii_digit(),
    };
    let plain = digits.iter().all(is_part);
    plain
        && points <= 1
        && digits.first().is_some_and(u8::is_ascii_digit)
        && digits.last().is_some_and(u8::is_ascii_digit)
}

fn is_hex(text: &[u8]) -> bool {
    text.len() >= 8 && text.iter().all(u8::is_ascii_hexdigit) && text.iter().any(u8::is_ascii_digit)
}

fn is_uuid(text: &[u8]) -> bool {
    let is_part = |(at, byte): (usize, &u8)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    text.len() == 36 && text.iter().enumerate().all(is_part)
}

/// `2024-05-01`, and a time behind it.
fn is_date(text: &[u8]) -> bool {
    let Some((date, time)) = text.split_first_chunk::<10>() else {
        return false;
    };
    let is_part = |(at, byte): (usize, &u8)| match at {
        4 | 7 => *byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    let is_of_time = |byte: &u8| byte.is_ascii_digit() || b":.-+Zz".contains(byte);
    date.iter().enumerate().all(is_part)
        && match time {
            [] => true,
            [b'T' | b't' | b'_' | b' ', time @ ..] => time.iter().all(is_of_time),
            _ => false,
        }
}

/// Sixteen or more characters of base64 with digits in at least two places, or with the padding of base64. Words are told apart by what they are
/// made of: `product-catalog-v2` has letters with a number behind them.
fn is_base64(text: &[u8]) -> bool {
    let bare = text.trim_ascii_end();
    let unpadded = match bare {
        [rest @ .., b'=', b'='] | [rest @ .., b'='] => rest,
        rest => rest,
    };
    let is_of = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_+".contains(byte);
    if text.len() < 16 || !unpadded.iter().all(is_of) {
        return false;
    }
    if unpadded.len() < bare.len() {
        return true;
    }
    let runs = unpadded.chunk_by(|one, other| one.is_ascii_digit() == other.is_ascii_digit());
    let numbers = runs.filter(|run| run[0].is_ascii_digit()).count();
    numbers >= 2 && !unpadded.split(|byte| b"-_+".contains(byte)).all(is_word)
}

/// Letters that are written as a word is, and at most four digits behind them.
fn is_word(piece: &[u8]) -> bool {
    let letters = piece
        .iter()
        .take_while(|byte| !byte.is_ascii_digit())
        .count();
    let (letters, digits) = piece.split_at(letters);
    let as_a_word = match letters {
        [_, rest @ ..] => {
            rest.iter().all(u8::is_ascii_lowercase) || letters.iter().all(u8::is_ascii_uppercase)
        }
        [] => true,
    };
    as_a_word && digits.len() <= 4 && digits.iter().all(u8::is_ascii_digit)
}

/// `@` may be escaped.
fn is_email(segment: &str) -> bool {
    let parts = segment
        .split_once('@')
        .or_else(|| segment.split_once("%40"));
    let Some((local, domain)) = parts else {
        return false;
    };
    let is_domain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    let has_point = domain
        .split_once('.')
        .is_some_and(|(name, rest)| !name.is_empty() && !rest.is_empty());
    !local.is_empty() && has_point && domain.bytes().all(is_domain)
}
