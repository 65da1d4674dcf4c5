//! A trace's history in plain words.

use std::fmt::Write;

use super::history::{Entry, History, Kind};

/// A few lines for people.
pub fn explain(history: &History) -> String {
    let mut tenants: Vec<&Option<String>> = Vec::new();
    for entry in &history.entries {
        if !tenants.contains(&&entry.tenant) {
            tenants.push(&entry.tenant);
        }
    }
    let texts = tenants.iter().map(|tenant| {
        let its = history.entries.iter();
        let its: Vec<_> = its.filter(|entry| entry.tenant == **tenant).collect();
        let name = match (tenant, tenants.len()) {
            (Some(tenant), _) => format!(" of tenant {tenant:?}"),
            (None, 1) => String::new(),
            (None, _) => " of the default tenant".to_owned(),
        };
        explain_one(history, &name, &its)
    });
    texts.collect::<Vec<_>>().join("\n")
}

/// The trace of one tenant.
fn explain_one(history: &History, of_tenant: &str, entries: &[&Entry]) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "trace {}{of_tenant}", history.trace_id);
    for entry in entries {
        match entry.kind {
            Kind::Extended => extended(&mut text, entry),
            _ => decided(&mut text, entry),
        }
    }
    let (from, to) = (history.raw_from_offset, history.raw_to_offset);
    let partition = history.partition;
    let _ = match history.raw_is_there(entries) {
        true => writeln!(
            text,
            "its raw spans are still on the bus: partition {partition} holds offsets {from} to {to}"
        ),
        false => writeln!(
            text,
            "its raw spans, or the first of them, are no longer on the bus: partition {partition} begins at offset {from}"
        ),
    };
    text
}

fn decided(text: &mut String, entry: &Entry) {
    let verdict = if entry.keep { "kept" } else { "dropped" };
    let _ = writeln!(
        text,
        "{verdict} at {}: {}",
        time(entry.time_ms),
        reason(entry)
    );
    let others: Vec<_> = (entry.matched.iter())
        .filter(|name| Some(*name) != entry.policy.as_ref())
        .map(|name| format!("{name:?}"))
        .collect();
    if !others.is_empty() {
        let _ = writeln!(text, "  also matched: {}", others.join(", "));
    }
    if entry.keep {
        let _ = writeln!(text, "  probability: {}", chance(entry));
    }
    let _ = writeln!(
        text,
        "  seen until then: {} spans ({} with errors), {} bytes, lasting {}",
        entry.spans,
        entry.errors,
        entry.bytes,
        duration(entry.duration_us)
    );
    let _ = writeln!(text, "  root: {}", root(entry));
    if entry.keep && !entry.promoted.is_empty() {
        // As JSON, so without control characters.
        let promoted = (entry.promoted.iter()).map(|(key, value)| format!("{key} = {value}"));
        let promoted = promoted.collect::<Vec<_>>().join(", ");
        let _ = writeln!(text, "  promoted to its spans: {promoted}");
    }
    let _ = writeln!(
        text,
        "  where: offsets {} to {} of the raw traces, offset {} of the decision log{}",
        entry.first_offset,
        entry.last_offset,
        entry.log_offset,
        match &entry.generation {
            Some(generation) => format!(", configuration {generation}"),
            None => String::new(),
        }
    );
    if entry.keep
        && let Some((from, to)) = entry.rescued_offsets
    {
        let _ = writeln!(
            text,
            "  brought back: its spans from before, out of offsets {from} to {to}"
        );
    }
    if !entry.links.is_empty() {
        let _ = writeln!(text, "  links to: {}", entry.links.join(", "));
    }
}

fn root(entry: &Entry) -> String {
    match (&entry.root_service, &entry.root_operation) {
        (None, None) => "none was seen".to_owned(),
        (service, operation) => format!(
            "{} of {}",
            named(operation, "an operation without a name"),
            named(service, "a service without a name")
        ),
    }
}

fn reason(entry: &Entry) -> String {
    match (&entry.policy, entry.keep) {
        _ if entry.linked_from.is_some() => format!(
            "trace {} was kept and links to it",
            entry.linked_from.as_deref().unwrap_or_default()
        ),
        (Some(policy), true) => format!("policy {policy:?}{}", late(entry)),
        (Some(policy), false) => format!("drop policy {policy:?}{}", late(entry)),
        (None, false) if entry.is_final => {
            "it grew beyond maximum_trace_size_bytes; no policy was asked".to_owned()
        }
        (None, false) if !entry.matched.is_empty() => format!(
            "the policies that matched didn't keep it: they are in mode shadow, or the tenant's budget was used up{}",
            late(entry)
        ),
        (None, _) => format!("no policy matched{}", late(entry)),
    }
}

fn late(entry: &Entry) -> &'static str {
    match entry.kind {
        Kind::Reopened => ", after a late error had reopened it",
        _ => "",
    }
}

fn extended(text: &mut String, entry: &Entry) {
    let _ = writeln!(
        text,
        "late spans came until {}, up to offset {}, and were {} as well",
        time(entry.time_ms),
        entry.last_offset,
        if entry.keep { "kept" } else { "dropped" }
    );
}

fn chance(entry: &Entry) -> String {
    let Some(probability) = entry.probability else {
        return "not known (a rate limit, or another trace, decided)".to_owned();
    };
    if probability >= 1.0 {
        return "certain".to_owned();
    }
    let mut text = format!(
        "{} %: it stands for {} traces",
        round(probability * 100.0),
        round(1.0 / probability)
    );
    if let Some(threshold) = &entry.threshold {
        let _ = write!(text, "; threshold {threshold}");
    }
    if let Some(randomness) = &entry.randomness {
        let _ = write!(text, ", its random value {randomness}");
    }
    text
}

/// Four significant digits.
fn round(value: f64) -> String {
    let digits = 3 - value.abs().log10().floor() as i32;
    let text = format!("{:.*}", digits.clamp(0, 12) as usize, value);
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

fn named(name: &Option<String>, otherwise: &str) -> String {
    match name {
        Some(name) => format!("{name:?}"),
        None => otherwise.to_owned(),
    }
}

fn duration(us: u64) -> String {
    match us {
        0..=999 => format!("{us} µs"),
        1_000..=9_999_999 => format!("{} ms", round(us as f64 / 1e3)),
        _ => format!("{} s", round(us as f64 / 1e6)),
    }
}

/// UTC, as RFC 3339 writes it, which ends with the year 9999.
fn time(ms: u64) -> String {
    let at = std::time::UNIX_EPOCH + std::time::Duration::from_millis(ms);
    let mut text = String::new();
    let _ = write!(text, "{}", humantime::format_rfc3339_millis(at));
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn entry(kind: Kind) -> Entry {
        Entry {
            tenant: None,
            kind,
            keep: true,
            policy: Some("some".to_owned()),
            matched: vec!["some".to_owned(), "slow".to_owned()],
            probability: Some(0.1),
            threshold: Some("e6666666666666".to_owned()),
            randomness: Some("f0000000000000".to_owned()),
            generation: Some("00000000000000ab".to_owned()),
            time_ms: 1_780_000_000_123,
            first_offset: 40,
            last_offset: 43,
            spans: 12,
            errors: 0,
            bytes: 5000,
            duration_us: 2_345_678,
            root_service: Some("shop".to_owned()),
            root_operation: Some("GET /".to_owned()),
            promoted: BTreeMap::new(),
            is_final: false,
            links: Vec::new(),
            linked_from: None,
            rescued_offsets: None,
            log_offset: 7,
        }
    }

    #[track_caller]
    fn check(entries: Vec<Entry>, expected: &[&str]) {
        let history = History {
            trace_id: "4bf92f3577b34da6a3ce929d0e0e4736".to_owned(),
            partition: 3,
            raw_from_offset: 41,
            raw_to_offset: 99,
            entries,
        };
        let text = explain(&history);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines, expected);
    }

    const GONE: &str = "its raw spans, or the first of them, are no longer on the bus: partition 3 begins at offset 41";

    #[test]
    fn a_kept_trace_and_its_late_spans() {
        let late = Entry {
            time_ms: 1_780_000_400_000,
            last_offset: 60,
            ..entry(Kind::Extended)
        };
        check(
            vec![entry(Kind::Decided), late],
            &[
                "trace 4bf92f3577b34da6a3ce929d0e0e4736",
                "kept at 2026-05-28T20:26:40.123Z: policy \"some\"",
                "  also matched: \"slow\"",
                "  probability: 10 %: it stands for 10 traces; threshold e6666666666666, its random value f0000000000000",
                "  seen until then: 12 spans (0 with errors), 5000 bytes, lasting 2346 ms",
                "  root: \"GET /\" of \"shop\"",
                "  where: offsets 40 to 43 of the raw traces, offset 7 of the decision log, configuration 00000000000000ab",
                "late spans came until 2026-05-28T20:33:20.000Z, up to offset 60, and were kept as well",
                GONE,
            ],
        );
    }

    #[test]
    fn one_id_in_two_tenants_is_explained_twice() {
        let of = |tenant: Option<&str>, first_offset| Entry {
            tenant: tenant.map(str::to_owned),
            keep: false,
            policy: None,
            matched: Vec::new(),
            first_offset,
            ..entry(Kind::Decided)
        };
        let late = Entry {
            kind: Kind::Extended,
            ..of(None, 41)
        };
        let history = History {
            trace_id: "4bf92f3577b34da6a3ce929d0e0e4736".to_owned(),
            partition: 3,
            raw_from_offset: 41,
            raw_to_offset: 99,
            entries: vec![of(None, 41), of(Some("shop"), 40), late],
        };
        let text = explain(&history);
        let heads: Vec<_> = (text.lines())
            .filter(|line| !line.starts_with("  "))
            .collect();
        assert_eq!(
            heads,
            [
                "trace 4bf92f3577b34da6a3ce929d0e0e4736 of the default tenant",
                "dropped at 2026-05-28T20:26:40.123Z: no policy matched",
                "late spans came until 2026-05-28T20:26:40.123Z, up to offset 43, and were dropped as well",
                "its raw spans are still on the bus: partition 3 holds offsets 41 to 99",
                "",
                "trace 4bf92f3577b34da6a3ce929d0e0e4736 of tenant \"shop\"",
                "dropped at 2026-05-28T20:26:40.123Z: no policy matched",
                GONE,
            ]
        );
        let shop = history
            .clone()
            .of_tenant("shop")
            .map(|history| explain(&history));
        assert!(shop.is_some_and(|text| {
            text.starts_with("trace 4bf92f3577b34da6a3ce929d0e0e4736 of tenant \"shop\"\n")
        }));
        let default = history
            .clone()
            .of_tenant("")
            .map(|history| history.entries.len());
        assert_eq!((default, history.of_tenant("b")), (Some(2), None));
    }

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (10.0, "10"),
            (2340.0, "2340"),
            (0.01, "0.01"),
            (33.333, "33.33"),
            (1.0, "1"),
        ] {
            assert_eq!(round(value), text);
        }
        assert_eq!(duration(999), "999 µs");
        assert_eq!(duration(1500), "1.5 ms");
        assert_eq!(duration(12_000_000), "12 s");
        assert_eq!(time(u64::MAX), "");
    }

    #[test]
    fn dropped_then_reopened() {
        let dropped = Entry {
            keep: false,
            policy: None,
            matched: Vec::new(),
            probability: None,
            threshold: None,
            root_service: None,
            root_operation: None,
            generation: None,
            ..entry(Kind::Decided)
        };
        let reopened = Entry {
            matched: vec!["some".to_owned()],
            probability: Some(1.0),
            rescued_offsets: Some((40, 43)),
            links: vec!["aa".to_owned()],
            promoted: [
                ("tenant.id".to_owned(), "ac\nme".into()),
                ("beta".to_owned(), true.into()),
            ]
            .into(),
            ..entry(Kind::Reopened)
        };
        check(
            vec![dropped, reopened],
            &[
                "trace 4bf92f3577b34da6a3ce929d0e0e4736",
                "dropped at 2026-05-28T20:26:40.123Z: no policy matched",
                "  seen until then: 12 spans (0 with errors), 5000 bytes, lasting 2346 ms",
                "  root: none was seen",
                "  where: offsets 40 to 43 of the raw traces, offset 7 of the decision log",
                "kept at 2026-05-28T20:26:40.123Z: policy \"some\", after a late error had reopened it",
                "  probability: certain",
                "  seen until then: 12 spans (0 with errors), 5000 bytes, lasting 2346 ms",
                "  root: \"GET /\" of \"shop\"",
                "  promoted to its spans: beta = true, tenant.id = \"ac\\nme\"",
                "  where: offsets 40 to 43 of the raw traces, offset 7 of the decision log, configuration 00000000000000ab",
                "  brought back: its spans from before, out of offsets 40 to 43",
                "  links to: aa",
                GONE,
            ],
        );
    }
}
