//! Text to tokens.
//!
//! The rules and their order are those of the reference's lexer (`buildLexer` in `pkg/ottl/grammar.go`), peculiarities
//! included: `IsMatch` is four tokens, `0x1f` is bytes, `1.` is a float. Signs are operators, never part of a number.

use std::ops::Range;

use crate::problem::Report;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bytes,
    Float,
    Int,
    Text,
    Nil,
    Not,
    Or,
    And,
    /// `== != >= <= > <`
    Comparison,
    Arrow,
    /// `+ -`
    Sum,
    /// `* /`
    Product,
    Boolean,
    Equal,
    /// One of `( ) { } : , . [ ]`
    Punctuation,
    Uppercase,
    Lowercase,
    Underscore,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) at: Range<usize>,
}

/// All tokens of a text, or the place of the first thing that is none.
pub(crate) fn tokens(text: &str, report: &mut Report<'_>) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let blanks = rest
            .bytes()
            .take_while(|byte| b" \t\r\n\x0c".contains(byte))
            .count();
        if blanks > 0 {
            at += blanks;
            continue;
        }
        let Some((kind, length)) = token(rest) else {
            report.add(at, not_a_token(rest));
            return None;
        };
        tokens.push(Token {
            kind,
            at: at..at + length,
        });
        at += length;
    }
    Some(tokens)
}

fn not_a_token(rest: &str) -> String {
    match rest.chars().next() {
        Some('"') => "a string that doesn't end: a `\"` is missing".to_owned(),
        Some('\'') => "strings stand in double quotes".to_owned(),
        Some('&') => "write `and` for `&&`".to_owned(),
        Some('|') => "write `or` for `||`".to_owned(),
        Some('!') => "write `not` for `!`".to_owned(),
        Some(other) => format!("{other:?} has no meaning here"),
        None => "the text ends here".to_owned(),
    }
}

/// The token at the start of a text that isn't empty, and its length in bytes.
fn token(rest: &str) -> Option<(Kind, usize)> {
    let bytes = rest.as_bytes();
    let first = *bytes.first()?;
    match first {
        b'0'..=b'9' | b'.' => number(bytes).or((first == b'.').then_some((Kind::Punctuation, 1))),
        b'"' => text_length(rest).map(|length| (Kind::Text, length)),
        b'a'..=b'z' => {
            let length = word(bytes, |byte| byte.is_ascii_lowercase());
            // A keyword ends where no letter, digit or underscore follows; elsewhere it is the start of a name.
            let letters = bytes
                .iter()
                .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
                .count();
            let kind = match &rest[..letters] {
                "nil" => Kind::Nil,
                "not" => Kind::Not,
                "or" => Kind::Or,
                "and" => Kind::And,
                "true" | "false" => Kind::Boolean,
                _ => Kind::Lowercase,
            };
            Some((kind, length))
        }
        b'A'..=b'Z' => Some((
            Kind::Uppercase,
            word(bytes, |byte| byte.is_ascii_uppercase()),
        )),
        b'_' => {
            let alone = !bytes
                .get(1)
                .is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
            alone.then_some((Kind::Underscore, 1))
        }
        b'=' | b'!' | b'<' | b'>' => operator(bytes),
        b'+' | b'-' => Some((Kind::Sum, 1)),
        b'*' | b'/' => Some((Kind::Product, 1)),
        b'(' | b')' | b'{' | b'}' | b':' | b',' | b'[' | b']' => Some((Kind::Punctuation, 1)),
        _ => None,
    }
}

fn word(bytes: &[u8], letter: impl Fn(&u8) -> bool) -> usize {
    bytes
        .iter()
        .take_while(|byte| letter(byte) || byte.is_ascii_digit() || **byte == b'_')
        .count()
}

fn operator(bytes: &[u8]) -> Option<(Kind, usize)> {
    match bytes {
        [b'=' | b'!' | b'<' | b'>', b'=', ..] => Some((Kind::Comparison, 2)),
        [b'<' | b'>', ..] => Some((Kind::Comparison, 1)),
        [b'=', b'>', ..] => Some((Kind::Arrow, 2)),
        [b'=', ..] => Some((Kind::Equal, 1)),
        _ => None,
    }
}

/// `0x[a-fA-F0-9]+`, `(\d+\.\d*|\d*\.\d+)([eE][-+]?\d+)?`, `\d+`.
fn number(bytes: &[u8]) -> Option<(Kind, usize)> {
    let digits = |from: usize| {
        let rest = bytes.get(from..).unwrap_or_default();
        rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
    };
    if bytes.starts_with(b"0x") {
        let hex = bytes[2..]
            .iter()
            .take_while(|byte| byte.is_ascii_hexdigit())
            .count();
        if hex > 0 {
            return Some((Kind::Bytes, 2 + hex));
        }
    }
    let whole = digits(0);
    if bytes.get(whole) != Some(&b'.') {
        return (whole > 0).then_some((Kind::Int, whole));
    }
    let fraction = digits(whole + 1);
    if whole + fraction == 0 {
        return None;
    }
    let mut length = whole + 1 + fraction;
    if matches!(bytes.get(length), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
        let exponent = digits(length + 1 + sign);
        if exponent > 0 {
            length += 1 + sign + exponent;
        }
    }
    Some((Kind::Float, length))
}

/// `"(\\.|[^\\"])*"`
fn text_length(rest: &str) -> Option<usize> {
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, character)) = chars.next() {
        match character {
            '"' => return Some(at + 1),
            '\\' => {
                chars.next().filter(|(_, escaped)| *escaped != '\n')?;
            }
            _ => {}
        }
    }
    None
}

/// What a string token stands for: Go's escapes, `\" \\ \a \b \f \n \r \t \v \101 \x41 \u0041 \U00000041`.
///
/// As in the reference each escape is one character: `\xff` is ÿ, not a byte.
pub(crate) fn unquote(token: &str) -> Result<String, String> {
    let inner = &token[1..token.len() - 1];
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner.chars();
    while let Some(character) = rest.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        let escape = rest.next().unwrap_or('\\');
        let mut coded = |radix: u32, digits: usize, first: &str| {
            let mut code = first.to_owned();
            code.extend(rest.by_ref().take(digits));
            let complete = code.len() == first.len() + digits;
            let number = u32::from_str_radix(&code, radix)
                .ok()
                .filter(|_| complete && !code.starts_with('+'));
            number.and_then(char::from_u32)
        };
        let meant = match escape {
            'a' => Some('\x07'),
            'b' => Some('\x08'),
            'f' => Some('\x0c'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'v' => Some('\x0b'),
            '\\' | '"' => Some(escape),
            'x' => coded(16, 2, ""),
            'u' => coded(16, 4, ""),
            'U' => coded(16, 8, ""),
            '0'..='7' => {
                coded(8, 2, &escape.to_string()).filter(|character| u32::from(*character) < 256)
            }
            _ => None,
        };
        match meant {
            Some(meant) => out.push(meant),
            None => {
                return Err(format!(
                    "`\\{escape}` is no escape in a string; a backslash is written `\\\\`"
                ));
            }
        }
    }
    Ok(out)
}
