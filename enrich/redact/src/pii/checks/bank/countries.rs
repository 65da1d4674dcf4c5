//! The countries of the IBAN registry, with the structure of their account numbers.

/// Country, and its basic bank account number as the registry writes it: so many digits (`n`), letters (`a`), or
/// either (`c`). SWIFT, *IBAN Registry*, release 101.
#[rustfmt::skip]
const COUNTRIES: &[([u8; 2], &str)] = &[
    (*b"AD", "8n12c"), (*b"AE", "19n"), (*b"AL", "8n16c"), (*b"AT", "16n"), (*b"AZ", "4a20c"),
    (*b"BA", "16n"), (*b"BE", "12n"), (*b"BG", "4a6n8c"), (*b"BH", "4a14c"), (*b"BI", "23n"),
    (*b"BR", "23n1a1c"), (*b"BY", "4c4n16c"), (*b"CH", "5n12c"), (*b"CR", "18n"), (*b"CY", "8n16c"),
    (*b"CZ", "20n"), (*b"DE", "18n"), (*b"DJ", "23n"), (*b"DK", "14n"), (*b"DO", "4c20n"), (*b"EE", "16n"),
    (*b"EG", "25n"), (*b"ES", "20n"), (*b"FI", "14n"), (*b"FK", "2a12n"), (*b"FO", "14n"),
    (*b"FR", "10n11c2n"), (*b"GB", "4a14n"), (*b"GE", "2a16n"), (*b"GI", "4a15c"), (*b"GL", "14n"),
    (*b"GR", "7n16c"), (*b"GT", "24c"), (*b"HN", "4a20n"), (*b"HR", "17n"), (*b"HU", "24n"),
    (*b"IE", "4a14n"), (*b"IL", "19n"), (*b"IQ", "4a15n"), (*b"IS", "22n"), (*b"IT", "1a10n12c"),
    (*b"JO", "4a4n18c"), (*b"KW", "4a22c"), (*b"KZ", "3n13c"), (*b"LB", "4n20c"), (*b"LC", "4a24c"),
    (*b"LI", "5n12c"), (*b"LT", "16n"), (*b"LU", "3n13c"), (*b"LV", "4a13c"), (*b"LY", "21n"),
    (*b"MC", "10n11c2n"), (*b"MD", "20c"), (*b"ME", "18n"), (*b"MK", "3n10c2n"), (*b"MN", "16n"),
    (*b"MR", "23n"), (*b"MT", "4a5n18c"), (*b"MU", "4a19n3a"), (*b"NI", "4a20n"), (*b"NL", "4a10n"),
    (*b"NO", "11n"), (*b"OM", "3n16c"), (*b"PK", "4a16c"), (*b"PL", "24n"), (*b"PS", "4a21c"),
    (*b"PT", "21n"), (*b"QA", "4a21c"), (*b"RO", "4a16c"), (*b"RS", "18n"), (*b"RU", "14n15c"),
    (*b"SA", "2n18c"), (*b"SC", "4a20n3a"), (*b"SD", "14n"), (*b"SE", "20n"), (*b"SI", "15n"),
    (*b"SK", "20n"), (*b"SM", "1a10n12c"), (*b"SO", "19n"), (*b"ST", "21n"), (*b"SV", "4a20n"),
    (*b"TL", "19n"), (*b"TN", "20n"), (*b"TR", "6n16c"), (*b"UA", "6n19c"), (*b"VA", "18n"),
    (*b"VG", "4a16n"), (*b"XK", "16n"), (*b"YE", "4a4n18c"),
];

/// Whether this is the basic bank account number of a country that has IBANs: the length is the country's, and digits
/// and letters stand where they have to.
pub(super) fn has_account(country: [u8; 2], account: &[u8]) -> bool {
    let Ok(index) = COUNTRIES.binary_search_by_key(&country, |(code, _)| *code) else {
        return false;
    };
    let (mut rest, mut count) = (account, 0);
    for byte in COUNTRIES[index].1.bytes() {
        if byte.is_ascii_digit() {
            count = count * 10 + usize::from(byte - b'0');
            continue;
        }
        let Some((part, after)) = rest.split_at_checked(count) else {
            return false;
        };
        let right = match byte {
            b'n' => part.iter().all(u8::is_ascii_digit),
            b'a' => part.iter().all(u8::is_ascii_alphabetic),
            _ => part.iter().all(u8::is_ascii_alphanumeric),
        };
        if !right {
            return false;
        }
        (rest, count) = (after, 0);
    }
    rest.is_empty()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn countries_are_in_order() {
        assert!(COUNTRIES.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(COUNTRIES.len(), 89);
    }

    /// The lengths that the registry itself gives for some countries, all with the four characters before the account.
    #[test]
    fn lengths_are_the_registry_s() {
        for (country, length) in [
            ("NO", 15),
            ("BE", 16),
            ("DE", 22),
            ("GB", 22),
            ("FR", 27),
            ("PL", 28),
            ("MT", 31),
            ("LC", 32),
            ("RU", 33),
        ] {
            let structure = COUNTRIES
                .iter()
                .find(|(code, _)| code == country.as_bytes())
                .unwrap()
                .1;
            let parts = structure.split_terminator(char::is_alphabetic);
            assert_eq!(
                4 + parts
                    .map(|part| part.parse::<usize>().unwrap())
                    .sum::<usize>(),
                length,
                "{country}"
            );
        }
    }
}
