//! The issuer identification numbers of the card networks, with the lengths of their card numbers.

/// Account numbers whose first digits lie in a range.
struct Network {
    /// The first six digits, inclusive; what is given by fewer digits is filled with zeros and nines.
    first: (u32, u32),
    /// The fewest and the most digits.
    digits: (usize, usize),
    /// Another length, as Visa's 13: 16 and 19 are its others, and nothing in between.
    or: Option<(usize, usize)>,
}

const fn network(first: (u32, u32), digits: (usize, usize)) -> Network {
    Network {
        first,
        digits,
        or: None,
    }
}

/// By ISO/IEC 7812 and what the networks publish (collected in Wikipedia, *Payment card number*, 2026).
///
/// Not here: UATP (1, 15 digits) and GPN (1946), which epochs in µs would be mistaken for. Elo, Hipercard, Verve,
/// Troy (65), Dankort, Bankcard, InterPayment, LankaPay and UkrCard have their numbers within ranges that are here.
/// Maestro may use all of 6 with 12 to 19 digits; but outside the ranges that it is known to use, fewer than 16
/// digits that begin with 6 are far likelier to be something else.
const NETWORKS: &[Network] = &[
    // Visa
    Network {
        first: (400_000, 499_999),
        digits: (16, 16),
        or: Some((13, 13)),
    },
    network((400_000, 499_999), (19, 19)),
    // Mastercard
    network((510_000, 559_999), (16, 16)),
    network((222_100, 272_099), (16, 16)),
    // American Express
    network((340_000, 349_999), (15, 15)),
    network((370_000, 379_999), (15, 15)),
    // Diners Club
    network((300_000, 305_999), (14, 19)),
    network((309_500, 309_599), (14, 19)),
    network((360_000, 369_999), (14, 19)),
    network((380_000, 399_999), (14, 19)),
    // JCB, and its older 15 digits
    network((352_800, 358_999), (16, 19)),
    network((213_100, 213_199), (15, 15)),
    network((180_000, 180_099), (15, 15)),
    // Discover, UnionPay, RuPay, Troy, Elo, Hipercard, Maestro
    network((600_000, 699_999), (16, 19)),
    // Maestro, and Elo, Verve, RuPay (508), Dankort, Bankcard among it
    network((500_000, 509_999), (12, 19)),
    network((560_000, 589_999), (12, 19)),
    network((630_400, 630_499), (12, 19)),
    network((639_000, 639_099), (12, 19)),
    network((675_900, 675_999), (12, 19)),
    network((676_100, 676_399), (12, 19)),
    // Mir, BORICA
    network((220_000, 220_599), (16, 19)),
    // RuPay
    network((810_000, 829_999), (16, 16)),
    // UzCard, Humo
    network((860_000, 860_099), (16, 16)),
    network((986_000, 986_099), (16, 16)),
    // Troy
    network((979_200, 979_299), (16, 16)),
];

/// Whether a network issues card numbers of this length that begin so.
pub(super) fn knows(digits: &[u8]) -> bool {
    let Some(first) = digits.first_chunk::<6>() else {
        return false;
    };
    let mut number = 0;
    for digit in first {
        if !digit.is_ascii_digit() {
            return false;
        }
        number = number * 10 + u32::from(digit - b'0');
    }
    NETWORKS.iter().any(|network| {
        let within = |(fewest, most): (usize, usize)| (fewest..=most).contains(&digits.len());
        (network.first.0..=network.first.1).contains(&number)
            && (within(network.digits) || network.or.is_some_and(within))
    })
}
