//! VictoriaMetrics answers version 2 with success and keeps nothing of it: it gets version 1, and has everything.

use schemas::Signal;
use tests::victoria::{VictoriaMetrics, binary};

use super::{deliver, now_s};
use crate::support::telemetry::gauge;
use crate::support::{PARTITIONS, dead_letters, eventually, open_bus, publish};

const SAMPLES: u64 = 100;

#[test]
fn what_is_not_said_to_be_written_is_sent_in_version_1() {
    let Ok(program) = binary() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let victoria = VictoriaMetrics::start(&program, folder.path());
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    let start = now_s() - SAMPLES;
    for partition in 0..PARTITIONS {
        let name = format!("fallback_{partition}");
        let samples = (0..SAMPLES).map(|at| gauge(&name, [(start + at) * 1_000_000_000]));
        publish(&*bus, Signal::Metrics, partition, samples);
    }
    deliver(&bus, "victoria", victoria.address, "version: auto");
    assert_eq!(dead_letters(&*bus).len(), 0);
    let all = SAMPLES as usize * PARTITIONS as usize;
    eventually("everything is there", || {
        let stored = victoria.export(r#"{__name__=~"fallback_.*"}"#);
        let series = stored.lines().map(|line| {
            let series: serde_json::Value = serde_json::from_str(line).unwrap();
            series["values"].as_array().unwrap().len()
        });
        series.sum::<usize>() == all
    });
}
