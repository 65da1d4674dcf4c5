//! Bank accounts: IBAN, and the routing numbers of banks in the USA.

mod countries;

use super::checksums::{digits, mod_97, weighted};

/// International bank account number, ISO 13616, upper- or lower-case: a country of SWIFT's registry, the structure
/// of its account numbers, and check digits by ISO/IEC 7064 MOD 97-10.
///
/// Chance: of random letters and digits as good as none. An id of 16 hexadecimal digits in lower case reads as a
/// Belgian one with a chance of 1 in 18 million (`be` and 14 digits): what is written in lower case and without
/// groups needs context.
pub(crate) fn iban(alphanumeric: &[u8]) -> bool {
    let Some((&[a, b, tens, ones], account)) = alphanumeric.split_first_chunk::<4>() else {
        return false;
    };
    let country = [a.to_ascii_uppercase(), b.to_ascii_uppercase()];
    // 98 minus a remainder by 97: 00, 01 and 99 are never written.
    let check_digits = matches!(
        [tens, ones],
        [b'0', b'2'..=b'9'] | [b'1'..=b'8', b'0'..=b'9'] | [b'9', b'0'..=b'8']
    );
    check_digits
        && countries::has_account(country, account)
        && account.iter().any(|byte| *byte != b'0')
        && mod_97(account.iter().chain(&[a, b, tens, ones]).copied()) == Some(1)
}

/// ABA routing transit number: nine digits, the first two of the Federal Reserve's districts (00–12), thrift
/// institutions (21–32), electronic transactions (61–72) or traveller's cheques (80), with weights 3, 7, 1 (American
/// Bankers Association, *Routing number policy*).
///
/// Chance: 1 in 26 for nine random digits. Needs context.
pub(crate) fn aba(candidate: &[u8]) -> bool {
    let Some(digits) = digits::<9>(candidate) else {
        return false;
    };
    matches!(digits[0] * 10 + digits[1], 0..=12 | 21..=32 | 61..=72 | 80)
        && weighted(&digits, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Chance, Claim, prove};
    use super::*;

    /// The registry's own examples, as Presidio's tests have them, with its broken ones.
    #[test]
    fn ibans() {
        prove(&Claim {
            check: iban,
            valid: &[
                "AL47212110090000000235698741",
                "AD1200012030200359100100",
                "AT611904300234573201",
                "AZ21NABZ00000000137010001944",
                "BH67BMAG00001299123456",
                "BE68539007547034",
                "be71096123456769",
                "BA391290079401028494",
                "BR9700360305000010009795493P1",
                "BG80BNBG96611020345678",
                "CR05015202001026284066",
                "HR1210010051863000160",
                "CY17002001280000001200527600",
                "CZ6508000000192000145399",
                "DK5000400440116243",
                "DO28BAGR00000001212453611324",
                "TL380080012345678910157",
                "EE382200221020145685",
                "FO6264600001631634",
                "FI2112345600000785",
                "FR1420041010050500013M02606",
                "GE29NB0000000101904917",
                "DE89370400440532013000",
                "de89370400440532013000",
                "GI75NWBK000000007099453",
                "GR1601101250000000012300695",
                "GL8964710001000206",
                "GT82TRAJ01020000001210029690",
                "HU42117730161111101800000000",
                "IS140159260076545510730339",
                "GB29NWBK60161331926819",
                "VG96VPVG0000012345678901",
                "EG380019000500000000263180002",
                "UA213223130000026007233566001",
                "IQ98NBIQ850123456789012",
                "LC55HEMM000100010012001200023015",
                "SC18SSCB11010000000000001497USD",
                "LY83002048000020100120361",
                "BY13NBRB3600900000002Z00AB00",
                "MT84MALT011000012345MTLCAST001S",
                "NO9386011117947",
            ],
            broken: &[
                "AL4721211009000000023569874",
                "AL47212110090000000235698740",
                "AD12000A2030200359100100",
                "AT611904300234573202",
                "AT6119043002345732",
                "BH67BMA100001299123456",
                "BE71096123456760",
                "BEA8539007547034",
                "XX68539007547034",
                "AB150120690000003111141",
                // Check digits that are never written, though the remainder is right.
                "DE00370400440532010043",
                "DE01370400440532010025",
                "DE99370400440532010007",
                "GB29 NWBK 6016 1331 9268 19",
                "DE",
                "",
            ],
            every_wrong_digit: true,
            shapes: &[
                ("XXXXXXXXXXXXXXXXXXXXXX", Chance::Rare),
                ("hhhhhhhhhhhhhhhh", Chance::Rare),
                ("hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh", Chance::Rare),
                // With the country and the structure right, the check digits are left.
                ("DE99999999999999999999", Chance::OneIn(100.0)),
            ],
        });
    }

    /// Banks' own, as Presidio's and dd-sensitive-data-scanner's tests have them.
    #[test]
    fn routing_numbers() {
        prove(&Claim {
            check: aba,
            valid: &[
                "121000358",
                "322271627",
                "121042882",
                "071101307",
                "121000248",
                "314074269",
                "071004200",
                "275982005",
            ],
            broken: &[
                "421042111",
                "123400000",
                "123456789",
                "000000000",
                "111111111",
                "12100035",
                "1210003588",
                "12100035a",
                "131000357",
            ],
            every_wrong_digit: true,
            shapes: &[("999999999", Chance::OneIn(26.3))],
        });
    }
}
