//! What is looked for: hashes, given as such or made of values.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};
use redact::pii::{NamedKey, hashes};
use regex::bytes::Regex;

/// Of all values together.
const VALUES_BYTES_MAX: u64 = 1 << 20;
/// Each is looked for in everything that is read.
const NEEDLES_MAX: usize = 1000;
/// Hexadecimal digits behind the id of a key.
const DIGITS: usize = 16;

/// The hashes.
#[derive(Debug)]
pub struct Needles {
    hashes: Vec<String>,
    any: Regex,
}

impl Needles {
    /// In order, each once.
    ///
    /// # Errors
    /// They are too many for one search.
    pub fn new(mut hashes: Vec<String>) -> anyhow::Result<Self> {
        hashes.sort();
        hashes.dedup();
        if hashes.len() > NEEDLES_MAX {
            bail!(
                "these are {} hashes, and no more than {NEEDLES_MAX} are looked for at a time; give fewer values",
                hashes.len()
            );
        }
        let escaped: Vec<_> = hashes.iter().map(|hash| regex::escape(hash)).collect();
        let any = Regex::new(&escaped.join("|")).context("cannot search for so many hashes")?;
        Ok(Self { hashes, any })
    }

    /// The hash with this number.
    pub fn hash(&self, number: usize) -> &str {
        &self.hashes[number]
    }

    /// The numbers of those that stand somewhere in the bytes.
    pub fn within(&self, bytes: &[u8]) -> BTreeSet<usize> {
        let found = self.any.find_iter(bytes).filter_map(|found| {
            let of = |hash: &String| hash.as_bytes().cmp(found.as_bytes());
            self.hashes.binary_search_by(of).ok()
        });
        found.collect()
    }
}

/// Where values come from.
#[derive(Clone, Copy, Debug)]
pub enum Values<'a> {
    StandardInput,
    File(&'a Path),
}

/// All that is asked for: hashes as such, and those of values under the keys. Messages name no value.
///
/// # Errors
/// It isn't a hash, there are no keys, or values can't be read.
pub fn gather(
    given: &[String],
    from: Option<Values<'_>>,
    keys: &[NamedKey],
) -> anyhow::Result<Needles> {
    let mut needles = Vec::new();
    for hash in given {
        needles.push(valid(hash)?);
    }
    if let Some(from) = from {
        if keys.is_empty() {
            bail!(
                "hashes of values need the keys that they were made with: name them in enrich.pii.keys, those that were used before too"
            );
        }
        needles.extend(of_values(&read(from)?, keys)?);
    }
    Needles::new(needles)
}

fn valid(hash: &str) -> anyhow::Result<String> {
    let parts = hash.rsplit_once(':');
    let is_valid = parts.is_some_and(|(id, digits)| {
        !id.is_empty() && digits.len() == DIGITS && digits.bytes().all(|it| it.is_ascii_hexdigit())
    });
    if !is_valid {
        // It may be a value, in the wrong place.
        bail!(
            "what --hmac is given is a hash as it stands in telemetry, such as k1:0123456789abcdef; values come by --value or --value-file"
        );
    }
    let (id, digits) = parts.unwrap_or_default();
    Ok(format!("{id}:{}", digits.to_ascii_lowercase()))
}

fn read(from: Values<'_>) -> anyhow::Result<String> {
    let mut text = String::new();
    let read = match from {
        Values::File(path) => std::fs::File::open(path)
            .and_then(|file| file.take(VALUES_BYTES_MAX + 1).read_to_string(&mut text))
            .with_context(|| format!("cannot read values from {}", path.display())),
        Values::StandardInput => (std::io::stdin().lock())
            .take(VALUES_BYTES_MAX + 1)
            .read_to_string(&mut text)
            .context("cannot read values from standard input"),
    };
    read?;
    if text.len() as u64 > VALUES_BYTES_MAX {
        bail!("the values have more than {VALUES_BYTES_MAX} bytes; give fewer");
    }
    Ok(text)
}

/// The hashes of each line that isn't empty, under each key.
fn of_values(text: &str, keys: &[NamedKey]) -> anyhow::Result<Vec<String>> {
    let lines: Vec<_> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    if lines.is_empty() {
        bail!("there are no values to look for: write one a line");
    }
    let of_line = |line: &&str| {
        let value = line.as_bytes().to_vec();
        keys.iter()
            .flat_map(move |key| hashes(key, &value))
            .collect::<Vec<_>>()
    };
    Ok(lines.iter().flat_map(of_line).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use redact::HashKey;

    use super::*;

    #[test]
    fn a_hash_looks_like_one() {
        assert_eq!(valid("k1:0123456789ABCDEF").unwrap(), "k1:0123456789abcdef");
        for text in [
            "",
            "ann@example.org",
            "aaaabbbbccccdddd",
            "k7:99",
            ":aaaabbbbccccdddd",
        ] {
            let error = valid(text).unwrap_err().to_string();
            assert!(text.is_empty() || !error.contains(text), "{error}");
        }
    }

    #[test]
    fn values_are_hashed_under_each_key() {
        let keys = ["k1", "k2"].map(|id| NamedKey {
            id: id.to_owned(),
            key: HashKey(id.repeat(10).into_bytes()),
        });
        let of = of_values(" ann@example.org \n\nbob@example.org\n", &keys).unwrap();
        let one = |key: &NamedKey, value: &[u8]| hashes(key, value);
        for key in &keys {
            for value in [&b"ann@example.org"[..], b"bob@example.org"] {
                assert!(one(key, value).iter().all(|hash| of.contains(hash)));
            }
        }
        assert!(of_values("\n \n", &keys).is_err());
    }
}
