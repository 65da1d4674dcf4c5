//! gitleaks' own examples of what its rules have to find and what they must not, for the tokens that are looked for
//! here.

use super::super::assigned::assigned;
use super::super::github::checksum;
use super::found;

/// Line by line `+` (to be found) or `-`, the detector, the text; with `!` before them where the opposite holds here.
/// `¦` is nothing: it keeps scanners from taking a line for a secret, which none of them is. `⟨base62:20⟩` stands for
/// so many random characters, as gitleaks makes them.
const EXAMPLES: &str = include_str!("gitleaks.txt");
/// How often each example is made anew.
const TIMES: u64 = 20;

#[test]
fn examples() {
    let (mut wrong, mut count) = (Vec::new(), 0);
    for line in EXAMPLES.lines().filter(|line| !line.starts_with("//")) {
        let (sign, rest) = line.split_once(' ').expect("a sign");
        let expected = matches!(sign, "+" | "!-");
        let (detector, text) = rest.split_once(' ').expect("a detector");
        count += 1;
        for seed in 0..TIMES {
            let text = made(text, &mut fastrand::Rng::with_seed(seed));
            let hit = match detector {
                "assigned" => {
                    let mut separators =
                        (0..text.len()).filter(|at| matches!(text.as_bytes()[*at], b'=' | b':'));
                    separators.any(|at| assigned(text.as_bytes(), at).is_some())
                }
                _ => found(text.as_bytes())
                    .iter()
                    .any(|(name, _)| *name == detector),
            };
            if hit != expected {
                wrong.push(format!("{sign} {detector}: {text}"));
                break;
            }
        }
    }
    assert!(count > 150, "only {count} examples");
    assert!(
        wrong.is_empty(),
        "{} of {count}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// The text that an example stands for.
fn made(example: &str, random: &mut fastrand::Rng) -> String {
    let mut text = String::new();
    let mut rest = example;
    while let Some(at) = rest.find(['¦', '⟨', '\\']) {
        text.push_str(&rest[..at]);
        let special = rest[at..].chars().next().expect("one of three");
        rest = &rest[at + special.len_utf8()..];
        match special {
            '⟨' => {
                let (kind, after) = rest.split_once('⟩').expect("an end");
                text.push_str(&random_characters(kind, random));
                rest = after;
            }
            '\\' => {
                let escaped = rest.chars().next().expect("an escaped character");
                text.push(match escaped {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    other => other,
                });
                rest = &rest[escaped.len_utf8()..];
            }
            _ => {}
        }
    }
    text.push_str(rest);
    text
}

fn random_characters(kind: &str, random: &mut fastrand::Rng) -> String {
    let (alphabet, length) = kind.split_once(':').expect("a length");
    let length: usize = length.parse().expect("a number");
    let from = |alphabet: &[u8], length: usize, random: &mut fastrand::Rng| -> String {
        (0..length)
            .map(|_| char::from(alphabet[random.usize(..alphabet.len())]))
            .collect()
    };
    const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    match alphabet {
        "base62" => from(&URL[..62], length, random),
        "url" => from(URL, length, random),
        "letters" => from(&URL[..52], length, random),
        "digits" => from(&URL[52..62], length, random),
        "hex" => from(b"0123456789abcdef", length, random),
        "base32" => from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", length, random),
        // gitleaks' have no checksum.
        "github" => {
            let body = from(&URL[..62], length - 6, random);
            format!("{body}{}", checksum(&body))
        }
        other => panic!("no alphabet {other}"),
    }
}
