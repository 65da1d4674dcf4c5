//! Every metric has its name in the `names.rs` of the crate that counts it, and a row in `docs/reference/metrics.md`, which gives it its HELP. Alerts and
//! dashboards name no others.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use regex::Regex;

/// Of each crate in the workspace that has metrics.
fn files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = std::fs::read_dir(root).expect("the workspace");
    let files = folders
        .flatten()
        .map(|folder| folder.path().join("src/names.rs"));
    files.filter(|file| file.exists()).collect()
}

fn names(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).expect("a file of names");
    let constants = text.split("pub const ").skip(1);
    let names = constants.map(|constant| {
        let name = constant.split('"').nth(1);
        name.unwrap_or_else(|| panic!("{}: no name in `{constant}`", file.display()))
            .to_owned()
    });
    names.collect()
}

/// The metrics that a text about alerts or dashboards names.
fn named(text: &str) -> BTreeSet<String> {
    let name = Regex::new(r"\b(?:tailwater|process)_[a-z0-9_]+").expect("a pattern");
    let of_a_histogram = |name: &str| {
        let suffixes = ["_bucket", "_sum", "_count"];
        let base = suffixes.iter().find_map(|suffix| name.strip_suffix(suffix));
        base.unwrap_or(name).to_owned()
    };
    let found = name.find_iter(text);
    found.map(|found| of_a_histogram(found.as_str())).collect()
}

/// What nobody counts can't fire, and shows an empty panel.
#[test]
fn alerts_and_dashboards_name_metrics_that_there_are() {
    let metrics = runtime::install_metrics().expect("a recorder");
    let mut known: BTreeSet<_> = files().iter().flat_map(|file| names(file)).collect();
    // The process's own figures have no constants.
    let scrape = metrics.render();
    let own = scrape.lines().filter(|line| !line.starts_with('#'));
    known.extend(own.flat_map(named));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
    for folder in ["prometheus/rules", "prometheus/tests", "grafana"] {
        let files = std::fs::read_dir(root.join(folder)).expect("a folder of deploy");
        for file in files.flatten().map(|file| file.path()) {
            let named = named(&std::fs::read_to_string(&file).expect("a file of deploy"));
            assert!(!named.is_empty(), "{}", file.display());
            let unknown: Vec<_> = named.difference(&known).collect();
            assert!(unknown.is_empty(), "{}: {unknown:?}", file.display());
        }
    }
}

/// An alert that leaves out a reason which nobody gives leaves out nothing.
#[test]
fn alerts_name_reasons_that_there_are() {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus/rules");
    let pattern =
        Regex::new(r#"refused_requests_total\{reason!?[=~]+"([^"]*)"\}"#).expect("a pattern");
    let mut found = 0;
    for file in std::fs::read_dir(rules).expect("the rules").flatten() {
        let text = std::fs::read_to_string(file.path()).expect("a file of rules");
        let reasons = pattern
            .captures_iter(&text)
            .map(|found| found[1].to_owned());
        for reason in reasons.flat_map(|all| all.split('|').map(str::to_owned).collect::<Vec<_>>())
        {
            assert!(ingest::REFUSAL_REASONS.contains(&&*reason), "{reason}");
            found += 1;
        }
    }
    assert!(found > 0);
}

/// A scrape without HELP is what promtool complains of.
#[test]
fn every_metric_is_documented_and_has_a_help() {
    let metrics = runtime::install_metrics().expect("a recorder");
    let all: Vec<_> = files().iter().flat_map(|file| names(file)).collect();
    assert!(all.len() > 60, "{}", all.len());
    for name in &all {
        metrics::gauge!(name.clone()).set(0.0);
    }
    let scrape = metrics.render();
    let has_help = |name: &str| {
        let start = format!("# HELP {name} ");
        let mut texts = scrape.lines().filter_map(|line| line.strip_prefix(&start));
        texts.any(|text| text.len() > 3)
    };
    let missing: Vec<_> = all.iter().filter(|name| !has_help(name)).collect();
    assert!(
        missing.is_empty(),
        "no row in docs/reference/metrics.md: {missing:?}"
    );
}
