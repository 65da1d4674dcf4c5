//! The section of the configuration that goes with what was found.

use std::collections::{BTreeMap, BTreeSet};

use redact::pii::{Pack, detectors};

use super::judge::Judge;
use super::rows::Rows;

/// Keys under which addresses are those of machines, by the semantic conventions. A trailing `.` stands for all that begin so.
const OF_MACHINES: [&str; 14] = [
    "server.address",
    "server.socket.",
    "host.",
    "k8s.",
    "container.",
    "cloud.",
    "service.",
    "network.local.",
    "net.host.",
    "net.sock.host.",
    "os.",
    "process.",
    "telemetry.",
    "db.",
];

/// Detectors of what machines have as well as people.
const OF_BOTH: [&str; 4] = ["ipv4", "ipv6", "mac", "url"];

/// What becomes of a detector's findings.
#[derive(Default)]
struct Advice<'a> {
    exclude: BTreeSet<&'a str>,
    elsewhere: bool,
}

/// `None`: nothing was found, or nothing that isn't configured already.
pub fn section(rows: &Rows, judge: &Judge) -> Option<String> {
    let sorted = rows.sorted();
    let mut advice = BTreeMap::<&str, Advice<'_>>::new();
    for (key, _) in &sorted {
        let advice = advice.entry(&key.detector).or_default();
        match key.path.attribute.as_deref() {
            Some(attribute) if is_of_machines(&key.detector, attribute) => {
                advice.exclude.insert(attribute);
            }
            _ => advice.elsewhere = true,
        }
    }
    if advice.is_empty() {
        return None;
    }
    let wanted = |pack: Pack| {
        let mut of_pack = detectors().filter(|(_, packs)| packs.contains(&pack));
        // What is on already needs no pack.
        let is_new = |name: &str| judge.now(name).is_none();
        of_pack.any(|(name, _)| {
            is_new(name) && advice.get(name).is_some_and(|advice| advice.elsewhere)
        })
    };
    let packs: Vec<_> = (Pack::ALL.into_iter())
        .filter(|pack| wanted(*pack))
        .map(Pack::name)
        .collect();
    let own: Vec<_> = (advice.iter())
        .filter_map(|(detector, advice)| detector_line(detector, advice, &packs, judge))
        .collect();
    if packs.is_empty() && own.is_empty() {
        return None;
    }
    let mut yaml = "enrich:\n  pii:\n".to_owned();
    if judge.has_section() {
        yaml += "    # beside what is there:\n";
    }
    if !packs.is_empty() {
        yaml += &format!("    packs: [{}]\n", packs.join(", "));
    }
    if !judge.has_section() {
        yaml += "    mode: report   # look at tailwater_enrich_pii_total first, and then change it to act\n";
    }
    if !own.is_empty() {
        yaml += "    detectors:\n";
        own.iter().for_each(|line| yaml += line);
    }
    Some(yaml)
}

/// What is different of a detector that one of the packs switches on.
fn detector_line(
    detector: &str,
    advice: &Advice<'_>,
    packs: &[&str],
    judge: &Judge,
) -> Option<String> {
    let (_, of) = detectors().find(|(name, _)| *name == detector)?;
    let switched_on = of.iter().any(|pack| packs.contains(&pack.name()));
    if !switched_on && judge.now(detector).is_none() {
        return None;
    }
    if !advice.elsewhere {
        return Some(format!(
            "      {detector}: {{enabled: false}}   # found under keys of machines alone\n"
        ));
    }
    let keys: Vec<_> = advice.exclude.iter().map(|key| quoted(key)).collect();
    (!keys.is_empty()).then(|| format!("      {detector}: {{exclude: [{}]}}\n", keys.join(", ")))
}

fn is_of_machines(detector: &str, key: &str) -> bool {
    let named = |known: &&str| match known.ends_with('.') {
        true => key.starts_with(*known),
        false => key == *known,
    };
    OF_BOTH.contains(&detector) && OF_MACHINES.iter().any(named)
}

/// A key as YAML takes it: a JSON string is one.
fn quoted(key: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    match key.chars().all(plain) && key.starts_with(|c: char| c.is_ascii_alphabetic()) {
        true => key.to_owned(),
        false => serde_json::Value::from(key).to_string(),
    }
}
