//! How numbers are written: in groups, or as digits alone.

use super::super::checks::{bank, europe, us, world};
use super::super::context::Topic;
use super::super::detector::Detector;

/// Digits in groups.
pub(super) struct Formatted {
    pub(super) detector: Detector,
    pub(super) lengths: &'static [usize],
    pub(super) separators: &'static [u8],
    /// What has to be said beside it; `None`: the groups say enough.
    pub(super) topic: Option<Topic>,
    pub(super) check: fn(&[u8]) -> bool,
}

/// Digits alone, which are something only where it is said.
pub(super) struct Bare {
    pub(super) detector: Detector,
    pub(super) topic: Topic,
    pub(super) lengths: std::ops::RangeInclusive<usize>,
    pub(super) check: fn(&[u8]) -> bool,
}

macro_rules! formatted {
    ($($detector:ident $lengths:expr, $separators:literal, $topic:expr, $check:expr;)+) => {
        &[$(Formatted {
            detector: Detector::$detector,
            lengths: &$lengths,
            separators: $separators,
            topic: $topic,
            check: $check,
        }),+]
    };
}

macro_rules! bare {
    ($($detector:ident $topic:ident $lengths:expr, $check:expr;)+) => {
        &[$(Bare {
            detector: Detector::$detector,
            topic: Topic::$topic,
            lengths: $lengths,
            check: $check,
        }),+]
    };
}

pub(super) static FORMATTED: &[Formatted] = formatted! {
    UsSsn [3, 2, 4], b"--", None, us::ssn;
    UsSsn [3, 2, 4], b"  ", Some(Topic::Ssn), us::ssn;
    UsSsn [3, 2, 4], b"..", Some(Topic::Ssn), us::ssn;
    UsItin [3, 2, 4], b"--", None, us::itin;
    UsItin [3, 2, 4], b"  ", Some(Topic::Itin), us::itin;
    UkNhs [3, 3, 4], b"  ", Some(Topic::UkNhs), europe::uk::nhs;
    UkNhs [3, 3, 4], b"--", Some(Topic::UkNhs), europe::uk::nhs;
    UsZip [5, 4], b"-", Some(Topic::Zip), us::zip;
    DeSteuerId [2, 3, 3, 3], b"   ", Some(Topic::DeSteuerId), europe::de::steuer_id;
    FrNir [1, 2, 2, 2, 3, 3, 2], b"      ", None, europe::fr::nir;
    BeNrn [2, 2, 2, 3, 2], b"..-.", None, europe::benelux::nrn;
    SePersonnummer [6, 4], b"-", Some(Topic::SePersonnummer), europe::nordic::personnummer;
    SePersonnummer [8, 4], b"-", Some(Topic::SePersonnummer), europe::nordic::personnummer;
    InAadhaar [4, 4, 4], b"  ", Some(Topic::InAadhaar), world::aadhaar;
    InAadhaar [4, 4, 4], b"--", Some(Topic::InAadhaar), world::aadhaar;
    BrCpf [3, 3, 3, 2], b"..-", None, world::cpf;
    BrCnpj [2, 3, 3, 4, 2], b"../-", None, world::cnpj;
    CaSin [3, 3, 3], b"  ", Some(Topic::CaSin), world::sin;
    CaSin [3, 3, 3], b"--", Some(Topic::CaSin), world::sin;
    AuTfn [3, 3, 3], b"  ", Some(Topic::AuTfn), world::tfn;
    AuMedicare [4, 5, 1], b"  ", Some(Topic::AuMedicare), world::medicare;
    BirthDate [4, 2, 2], b"--", Some(Topic::Birth), year_first;
    BirthDate [4, 2, 2], b"//", Some(Topic::Birth), year_first;
    BirthDate [4, 2, 2], b"..", Some(Topic::Birth), year_first;
    BirthDate [2, 2, 4], b"//", Some(Topic::Birth), year_last;
    BirthDate [2, 2, 4], b"..", Some(Topic::Birth), year_last;
    BirthDate [2, 2, 4], b"--", Some(Topic::Birth), year_last;
    BirthDate [1, 2, 4], b"//", Some(Topic::Birth), any;
    BirthDate [2, 1, 4], b"//", Some(Topic::Birth), any;
    BirthDate [1, 1, 4], b"//", Some(Topic::Birth), any;
    BirthDate [1, 1, 4], b"..", Some(Topic::Birth), any;
    BirthDate [2, 2, 2], b"//", Some(Topic::Birth), any;
    HealthDate [4, 2, 2], b"--", Some(Topic::HealthDate), year_first;
    HealthDate [4, 2, 2], b"//", Some(Topic::HealthDate), year_first;
    HealthDate [2, 2, 4], b"//", Some(Topic::HealthDate), year_last;
    HealthDate [2, 2, 4], b"..", Some(Topic::HealthDate), year_last;
    HealthDate [2, 2, 4], b"--", Some(Topic::HealthDate), year_last;
    HealthDate [1, 2, 4], b"//", Some(Topic::HealthDate), any;
    HealthDate [2, 1, 4], b"//", Some(Topic::HealthDate), any;
    HealthDate [1, 1, 4], b"//", Some(Topic::HealthDate), any;
    CardExpiry [2, 2], b"/", Some(Topic::CardExpiry), month_first;
    CardExpiry [2, 4], b"/", Some(Topic::CardExpiry), month_first;
    CardExpiry [2, 2], b"-", Some(Topic::CardExpiry), month_first;
    CardExpiry [2, 4], b"-", Some(Topic::CardExpiry), month_first;
    CardExpiry [4, 2], b"-", Some(Topic::CardExpiry), any;
};

pub(super) static BARE: &[Bare] = bare! {
    Cvv Cvv 3..=4, any;
    CardExpiry CardExpiry 4..=4, month_first;
    UsSsn Ssn 9..=9, us::ssn;
    UsItin Itin 9..=9, us::itin;
    UsNpi Npi 10..=10, us::npi;
    Imei Imei 15..=15, us::imei;
    BankRouting BankRouting 9..=9, bank::aba;
    UkNhs UkNhs 10..=10, europe::uk::nhs;
    DeSteuerId DeSteuerId 11..=11, europe::de::steuer_id;
    FrNir FrNir 15..=15, europe::fr::nir;
    NlBsn NlBsn 8..=9, europe::benelux::bsn;
    BeNrn BeNrn 11..=11, europe::benelux::nrn;
    PlPesel PlPesel 11..=11, europe::pl::pesel;
    SePersonnummer SePersonnummer 10..=10, europe::nordic::personnummer;
    SePersonnummer SePersonnummer 12..=12, europe::nordic::personnummer;
    InAadhaar InAadhaar 12..=12, world::aadhaar;
    BrCpf BrCpf 11..=11, world::cpf;
    BrCnpj BrCnpj 14..=14, world::cnpj;
    CaSin CaSin 9..=9, world::sin;
    AuTfn AuTfn 8..=9, world::tfn;
    AuMedicare AuMedicare 10..=11, world::medicare;
    BirthDate Birth 8..=8, year_first;
    HealthDate HealthDate 8..=8, year_first;
    Passport Passport 7..=9, any;
    MedicalRecord MedicalRecord 5..=12, any;
    HealthPlan HealthPlan 6..=15, any;
    DriverLicense DriverLicense 7..=14, any;
    BankAccount BankAccount 6..=17, any;
    UsZip Zip 5..=5, us::zip;
};

/// Nothing in the digits tells right from wrong.
fn any(_: &[u8]) -> bool {
    true
}

fn number(digits: &[u8]) -> u32 {
    digits
        .iter()
        .fold(0, |sum, digit| sum * 10 + u32::from(digit & 15))
}

fn is_year(digits: &[u8]) -> bool {
    (1850..=2150).contains(&number(digits))
}

fn is_month(digits: &[u8]) -> bool {
    (1..=12).contains(&number(digits))
}

fn is_day(digits: &[u8]) -> bool {
    (1..=31).contains(&number(digits))
}

/// `19850312`.
fn year_first(digits: &[u8]) -> bool {
    digits.len() == 8 && is_year(&digits[..4]) && is_month(&digits[4..6]) && is_day(&digits[6..])
}

/// `12031985`, with the day or the month first.
fn year_last(digits: &[u8]) -> bool {
    let (first, second) = (&digits[..2], &digits[2..4]);
    is_year(&digits[4..])
        && (is_month(first) && is_day(second) || is_day(first) && is_month(second))
}

/// `1227` or `122027`.
fn month_first(digits: &[u8]) -> bool {
    is_month(&digits[..2])
}
