//! Each detector: what it finds, and what looks like it and isn't.

use std::collections::BTreeSet;

use super::{all, compiled};

/// In `text`, `«` and `»` stand round what has to be found, and nothing else may be.
#[track_caller]
fn check(detector: &str, key: &str, marked: &str) {
    let (mut text, mut expected) = (String::new(), BTreeSet::new());
    let mut start = 0;
    for part in marked.split_inclusive(['«', '»']) {
        text.push_str(part.trim_end_matches(['«', '»']));
        match part.chars().last() {
            Some('«') => start = text.len(),
            Some('»') => drop(expected.insert((start, text.len()))),
            _ => {}
        }
    }
    let pii = compiled(&all());
    let found = pii.find(key.as_bytes(), text.as_bytes());
    let of_this: BTreeSet<_> = found
        .iter()
        .filter(|found| found.detector == detector)
        .map(|found| (found.place.start, found.place.end))
        .collect();
    assert_eq!(
        of_this, expected,
        "{detector} in {text:?} under {key:?}: {found:?}"
    );
}

#[track_caller]
fn cases(detector: &str, cases: &[(&str, &str)]) {
    for (key, text) in cases {
        check(detector, key, text);
    }
}

/// Numbers of the networks' own documentation for tests.
#[test]
fn cards() {
    cases(
        "pan",
        &[
            ("", "paid with «4111111111111111» today"),
            ("", "paid with «4111 1111 1111 1111»."),
            ("", "«5555-5555-5555-4444»"),
            ("", "«3782 822463 10005» and «378282246310005»"),
            ("", "{\"number\":\"«6011111111111117»\"}"),
            ("", "card=«4111111111111111»&cvv=123"),
            ("", "pan%3D«4111111111111111»"),
            ("", "line\\n«4111111111111111»\\n"),
            // A wrong check digit, mixed separators, a part of something longer.
            ("", "4111111111111112"),
            ("", "4111 1111-1111 1111"),
            ("", "x4111111111111111"),
            ("", "4111111111111111_1"),
            ("", "1.4111111111111111"),
            ("", "0.4111111111111111e5"),
            ("", "blk_-5195120009388265"),
            ("", "550e8400-e29b-41d4-a716-501800000009"),
            ("", "0000 4111 1111 1111 1111 0000"),
            // Nineteen digits are what ids have: they have to be called a card.
            ("", "4000000000000000006"),
            ("payment.card", "«4000000000000000006»"),
        ],
    );
    check("pan", "", "her card is «4000000000000000006»");
    check(
        "card_track",
        "",
        "read «%B4111111111111111^DOE/JANE^27121010000000000000?» ok",
    );
    check(
        "card_track",
        "",
        "read «;4111111111111111=27121010000000000000?» ok",
    );
    cases(
        "cvv",
        &[
            ("cvv", "«123»"),
            ("", "cvv: «1234»"),
            ("", "\"cvc\": \"«123»\""),
            ("", "status 123"),
            ("http.response.status_code", "404"),
        ],
    );
    cases(
        "card_expiry",
        &[
            ("card.expiry", "«12/27»"),
            ("", "valid thru «03/2028»"),
            ("", "12/27 items"),
        ],
    );
}

#[test]
fn addresses_of_people_and_machines() {
    cases(
        "email",
        &[
            ("", "to «ann@example.org», now"),
            ("", "mailto:«ann.smith+x@mail.example.co.uk»?subject=a"),
            ("", "q=«ann%40example.org»&b=1"),
            ("", "«jürgen@müller.de»"),
            ("", "a@b, @c.de, d@, x@y@"),
            ("", "user@host:22 root@localhost"),
        ],
    );
    cases(
        "phone",
        &[
            ("", "call «+1 (212) 555-0199» now"),
            ("", "«+49 30 123456»"),
            ("", "«(212) 555-0199»"),
            ("", "phone: «0171 2345678»"),
            ("user.phone", "«2125550199»"),
            ("", "212-555-0199"),
            ("", "took 1700000000 ms"),
            ("", "+1234 5"),
            ("", "PhoneStatusBar: 2227 2227 12345"),
        ],
    );
    check("fax", "", "fax «+1 212 555 0199»");
    cases(
        "ipv4",
        &[
            ("", "from «10.1.2.3»:8080"),
            ("client.address", "«192.0.2.1»"),
            ("", "Chrome/133.0.0.0 Safari/537.36"),
            ("", "v1.2.3.4 and 1.2.3.4.5 and 1.2.3"),
            ("", "256.1.1.1"),
        ],
    );
    cases(
        "ipv6",
        &[
            ("", "from [«2001:db8::1»]:80"),
            ("", "«fe80::1ff:fe23:4567:890a»"),
            ("", "std::vec::Vec and a::b"),
            ("", "12:34:56 and 2024-01-02T03:04:05"),
        ],
    );
    cases(
        "mac",
        &[
            ("", "from «00:1A:2B:3C:4D:5E»"),
            ("", "«ab-cd-ef-01-23-45»"),
            ("", "00:1A:2B:3C:4D"),
        ],
    );
    cases(
        "url",
        &[
            ("", "GET «https://ann:pw@example.org/a?b=c», then"),
            ("", "a://, b"),
        ],
    );
    cases(
        "coordinates",
        &[
            ("geo.location.lat", "«52.520008»"),
            ("gps", "«52.520008, 13.404954»"),
            ("db.lat", "12.5"),
        ],
    );
}

#[test]
fn numbers_of_the_united_states() {
    cases(
        "us_ssn",
        &[
            ("", "SSN «536-22-1234»"),
            ("", "«536-22-1234»"),
            ("user.ssn", "«536221234»"),
            ("", "{\"ssn\":«536221234»}"),
            ("", "536221234"),
            (
                "",
                "000-22-1234 666-22-1234 900-22-1234 536-00-1234 536-22-0000",
            ),
            ("", "1-536-22-1234-5"),
        ],
    );
    check("us_itin", "", "«912-70-1234»");
    cases(
        "us_npi",
        &[
            ("", "NPI «1234567893»"),
            ("", "NPI 1234567890"),
            ("", "1234567893"),
        ],
    );
    cases("us_dea", &[("", "DEA «AB1234563»"), ("", "AB1234563")]);
    cases("us_mbi", &[("", "«1EG4-TE5-MK73»"), ("", "«1EG4TE5MK73»")]);
    cases(
        "bank_routing",
        &[("", "routing number «021000021»"), ("", "021000021")],
    );
    cases(
        "vin",
        &[("", "«1M8GDM9AXKP042788»"), ("", "1M8GDM9AXKP042789")],
    );
    cases(
        "imei",
        &[
            ("device.imei", "«490154203237518»"),
            ("", "490154203237518"),
        ],
    );
    cases(
        "us_zip",
        &[
            ("", "zip «90210»"),
            ("", "zip: «90210-1234»"),
            ("", "90210"),
        ],
    );
    cases(
        "medical_record",
        &[
            ("patient.mrn", "«12345678»"),
            ("", "MRN: «A1234567»"),
            ("", "12345678"),
        ],
    );
    cases(
        "birth_date",
        &[
            ("", "born «1985-03-12»"),
            ("user.dob", "«19850312»"),
            ("", "1985-03-12"),
        ],
    );
    cases(
        "health_date",
        &[("", "discharged «03/12/2024»"), ("", "03/12/2024")],
    );
    cases(
        "bank_account",
        &[
            ("", "account number «000123456789»"),
            ("cloud.account.id", "000123456789"),
        ],
    );
}

#[test]
fn numbers_of_other_countries() {
    cases(
        "iban",
        &[
            ("", "to «GB82WEST12345698765432»."),
            ("", "«GB82 WEST 1234 5698 7654 32»"),
            ("", "«DE89370400440532013000»"),
            ("", "iban de «de89370400440532013000»"),
            ("", "de89370400440532013000"),
            ("", "GB82WEST12345698765433"),
        ],
    );
    cases(
        "uk_nino",
        &[
            ("", "«AB123456C»"),
            ("", "«AB 12 34 56 C»"),
            ("", "ab123456c"),
            ("nino", "«ab123456c»"),
        ],
    );
    cases(
        "uk_nhs",
        &[("", "NHS number «943 476 5919»"), ("", "943 476 5919")],
    );
    cases(
        "de_steuer_id",
        &[("", "Steuer-ID «86095742719»"), ("", "86095742719")],
    );
    cases(
        "fr_nir",
        &[("", "«1 85 05 78 006 084 91»"), ("", "185057800608491")],
    );
    cases("es_dni", &[("", "«12345678Z»"), ("", "12345678A")]);
    cases("es_nie", &[("", "«X1234567L»")]);
    cases("it_codice_fiscale", &[("", "«RSSMRA85T10A562S»")]);
    cases("nl_bsn", &[("", "BSN «111222333»"), ("", "111222333")]);
    cases("be_nrn", &[("", "«85.07.30-033.28»")]);
    cases(
        "pl_pesel",
        &[("", "PESEL «44051401359»"), ("", "44051401359")],
    );
    cases(
        "se_personnummer",
        &[("", "personnummer «811218-9876»"), ("", "811218-9876")],
    );
    cases("fi_hetu", &[("", "«131052-308T»")]);
    cases("in_aadhaar", &[("", "Aadhaar «2345 6789 0124»")]);
    cases("in_pan", &[("", "«ABCPE1234F»")]);
    cases(
        "br_cpf",
        &[("", "«529.982.247-25»"), ("", "CPF «52998224725»")],
    );
    cases("br_cnpj", &[("", "«11.444.777/0001-61»")]);
    cases(
        "ca_sin",
        &[
            ("", "social insurance number «130 692 007»"),
            ("", "130 692 007"),
        ],
    );
    cases("au_tfn", &[("", "TFN «123 456 782»")]);
    cases(
        "passport",
        &[("", "passport no «C01X00T47»"), ("", "C01X00T47")],
    );
}

#[test]
fn secrets() {
    let token = |prefix: &str, length: usize| {
        let alphabet = b"aB3dE5gH7jK9mN2pQ4sT6vW8yZ1cF0";
        let body: String = (0..length)
            .map(|at| alphabet[at * 7 % 30] as char)
            .collect();
        format!("{prefix}{body}")
    };
    check(
        "aws_access_key",
        "",
        &format!("id «{}»", ["AKIA", "IOSFODNN7EXAMPLQ"].concat()),
    );
    check("gitlab_token", "", &format!("t=«{}»;", token("glpat-", 20)));
    check(
        "google_api_key",
        "",
        &format!("key «{}»", token("AIza", 35)),
    );
    check(
        "private_key",
        "",
        &format!(
            "a «-----BEGIN {0} KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ\n-----END {0} KEY-----» b",
            "PRIVATE"
        ),
    );
    check("url_password", "", "postgres://app:«hunter2»@db:5432/x");
    check(
        "bearer_token",
        "",
        &format!("Authorization: Bearer «{}»", token("", 40)),
    );
    cases(
        "password",
        &[
            ("", "login with password=«hunter22» failed"),
            ("", "{\"password\": \"«hunter22»\"}"),
            ("", "password: required"),
            ("", "password=****"),
            ("user.password", "«hunter22»"),
            ("gen_ai.usage.input_tokens", "12345678"),
        ],
    );
    check(
        "authorization",
        "http.request.header.authorization",
        "«abc»",
    );
    check(
        "aws_secret_key",
        "",
        "aws «wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzzzzzKEY»",
    );
    check(
        "aws_secret_key",
        "",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzzzzzKEY",
    );
}

#[test]
fn by_the_key_alone() {
    cases(
        "person_name",
        &[
            ("user.full_name", "«Ann Smith»"),
            ("service.name", "checkout"),
            ("user.name", "ann"),
            ("user.full_name", "****"),
        ],
    );
    cases(
        "postal_address",
        &[
            ("user.home_address", "«1 High Street»"),
            ("server.address", "db.local"),
        ],
    );
    cases("license_plate", &[("vehicle.license_plate", "«B1234»")]);
}
