//! Addresses cut from text, and what only looks like one.

use super::*;

/// The address in this text, given its first `@` or `%40`; as text that is marked.
#[track_caller]
fn check(text: &str, expected: Option<&str>) {
    let found = match text.find("%40") {
        Some(at) => email_encoded(text.as_bytes(), at),
        None => email(text.as_bytes(), text.find('@').unwrap_or(0)),
    };
    let found =
        found.map(|range| std::str::from_utf8(&text.as_bytes()[range]).expect("whole characters"));
    assert_eq!(found, expected, "{text}");
}

/// Presidio's tests among them.
#[test]
fn addresses_are_cut_from_what_is_around() {
    for (text, address) in [
        ("info@presidio.site", "info@presidio.site"),
        (
            "my email address is info@presidio.site, ok",
            "info@presidio.site",
        ),
        ("user@xn--80ak6aa92e.com", "user@xn--80ak6aa92e.com"),
        ("a@xn--d1acufc.xn--p1ai", "a@xn--d1acufc.xn--p1ai"),
        (
            "<ann.lee+tag@mail.example.co.uk>",
            "ann.lee+tag@mail.example.co.uk",
        ),
        (r#"{"email":"ann@example.org"}"#, "ann@example.org"),
        ("user='o'brien@example.ie'", "o'brien@example.ie"),
        ("mailto:ann@example.org?subject=x", "ann@example.org"),
        ("?email=ann@example.org&x=1", "ann@example.org"),
        ("/users/ann@example.org/orders", "ann@example.org"),
        ("Write to ann@example.org.", "ann@example.org"),
        ("ann@example.org...", "ann@example.org"),
        ("ann@example.org-", "ann@example.org"),
        ("see...ann@example.org", "ann@example.org"),
        (".ann@example.org", "ann@example.org"),
        ("ann@example.org.2024-01-01", "ann@example.org"),
        ("ann@example.org:8080", "ann@example.org"),
        ("ann@EXAMPLE.ORG", "ann@EXAMPLE.ORG"),
        ("\\nann@example.org", "ann@example.org"),
        ("\\u003cann@example.org\\u003e", "ann@example.org"),
        ("\\\"ann@example.org\\\"", "ann@example.org"),
    ] {
        check(text, Some(address));
    }
}

#[test]
fn letters_of_all_scripts() {
    for (text, address) in [
        ("jörg@müller.de", "jörg@müller.de"),
        ("“jörg@müller.de”", "jörg@müller.de"),
        ("用户@例え.テスト", "用户@例え.テスト"),
        ("请联系ann@example.org谢谢", "ann@example.org"),
        ("émile.zola@example.fr", "émile.zola@example.fr"),
        ("пишите: иван@почта.рф!", "иван@почта.рф"),
    ] {
        check(text, Some(address));
    }
}

#[test]
fn encoded_addresses() {
    check("/u?mail=ann%40example.org&y=1", Some("ann%40example.org"));
    check(
        "mail%3Dann%2Btag%40example.org",
        Some("ann%2Btag%40example.org"),
    );
    check("%40example.org", None);
    check("100%40off", None);
}

#[test]
fn what_only_looks_like_an_address_is_none() {
    for text in [
        "info@presidio.",
        "info@presidio",
        "@example.org",
        "ann.@example.org",
        "ann@",
        "ann@.example.org",
        "ann@example..",
        "ann@-example.org",
        "ann@example-.org",
        "pkg@1.2.3",
        "image@sha256:abcd",
        "logo@2x.png",
        "user@1000.service",
        "getty@tty1.service",
        "ann@example.o",
        "ann@example.c0m",
        "x@y",
        "****@example.org",
        "a b @example.org",
        "ann@example.1a",
        "@",
        "\\n@example.org",
        "",
        "Thread@6f7a",
        "ann@xn--.org-",
        "ann@[192.0.2.1]",
    ] {
        check(text, None);
    }
}

#[test]
fn nothing_is_longer_than_it_may_be() {
    let (local, label) = ("a".repeat(LOCAL_BYTES_MAX), "b".repeat(LABEL_BYTES_MAX));
    let sound = format!("{local}@{label}.org");
    check(&sound, Some(&sound));
    check(&format!("a{local}@example.org"), None);
    check(&format!("a@{label}b.org"), None);
    let labels = format!("{label}.").repeat(4);
    check(&format!("a@{labels}org"), None);
    assert_eq!(email(b"a@example.org", 400), None);
    assert_eq!(email_encoded(b"a%4", 1), None);
}

proptest::proptest! {
    #[test]
    fn nothing_panics_and_ranges_hold(text in proptest::collection::vec(proptest::prop_oneof![
        proptest::sample::select(b"ab1.-@%40'+_xn\xc3\xbc\xe4\xb8\xad ".to_vec()), proptest::prelude::any::<u8>(),
    ], 0..120), at in 0_usize..130) {
        for found in [email(&text, at), email_encoded(&text, at)].into_iter().flatten() {
            assert!(found.start < at && found.end > at && found.end <= text.len());
            assert!(found.len() <= LOCAL_BYTES_MAX + 3 + DOMAIN_BYTES_MAX);
            if let Ok(whole) = std::str::from_utf8(&text) {
                assert!(whole.get(found).is_some(), "whole characters");
            }
        }
    }

    #[test]
    fn addresses_are_found_whole(local in "[a-z0-9]{1,20}([.+_-][a-z0-9]{1,9}){0,3}", domain in "([a-z0-9]{1,20}\\.){1,3}[a-z]{2}") {
        let address = format!("{local}@{domain}");
        proptest::prop_assume!(!NO_TLD.contains(&&domain[domain.len() - 2..]));
        let text = format!("to <{address}>, at once");
        assert_eq!(email(text.as_bytes(), 4 + local.len()), Some(4..4 + address.len()));
    }
}
