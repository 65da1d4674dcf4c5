//! Every metric has its name in the `names.rs` of the crate that counts it, and a row in `docs/reference/metrics.md`, which gives it its HELP.

use std::path::{Path, PathBuf};

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
