//! Look-up tables of a stage that runs.

use std::fs;
use std::path::Path;

use enrich::Reload;
use schemas::Signal;

use crate::stage::{open, publish_spans, read, start_with, topics, wait_until};
use crate::steps::{decoded, steps};

fn config(path: &Path) -> enrich::Config {
    let yaml = format!(
        r#"
steps:
  - filter: {{trace_conditions: ['span.name == "noise"']}}
  - lookup/names:
      source: {{type: csv, path: '{}', key: id, refresh: 1s}}
      lookups:
        - key: Substring(span.name, 0, 1)
          attributes: [{{source: tier, destination: tier, default: none}}]
"#,
        path.display()
    );
    steps(&yaml).unwrap_or_else(|report| panic!("{report}"))
}

/// Before a table is there nothing is processed, and the process says why; a new file takes effect while the stage runs.
#[test]
fn enrich_waits_for_its_tables_and_follows_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    let bus = open(&folder.path().join("bus"));
    publish_spans(&bus, 0..3);
    let running = start_with(&bus, "one", config(&path), Reload::default());
    let state = || running.health.parts()[0].state.clone();
    wait_until("it says what it waits for", || {
        state().is_err_and(|why| {
            why.contains("waiting for the look-up table names")
                && why.contains("t.csv cannot be read")
        })
    });
    assert!(read(&bus, &topics().clean(Signal::Traces)).is_empty());
    fs::write(&path, "id,tier\n0,gold\n1,silver\n").unwrap();
    let tiers = || {
        let records = read(&bus, &topics().clean(Signal::Traces));
        let texts = records
            .iter()
            .map(|record| decoded(Signal::Traces, &record.value).to_string());
        let texts: Vec<String> = texts.collect();
        ["gold", "silver", "none", "bronze"].map(|tier| {
            let said = format!("\"{tier}\"");
            texts
                .iter()
                .map(|text| text.matches(&said).count())
                .sum::<usize>()
        })
    };
    wait_until("what came is processed", || tiers() == [1, 1, 1, 0]);
    assert_eq!(state(), Ok(()));
    fs::write(&path, "id,tier\n0,bronze\n").unwrap();
    wait_until("the new table is in use", || {
        // Each round brings one span that begins with 0 … and others.
        publish_spans(&bus, 0..1);
        tiers()[3] > 0
    });
    running.stop();
}
