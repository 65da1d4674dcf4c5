//! The `file` backend from bus to disk.

use crate::support::telemetry::{count, from_json, ids, one_log, one_metric, spans};
use crate::support::{QUICK, Running, all_committed, dead_letters, metric, open_bus, publish};
use schemas::Signal;

/// Each record is one line of OTLP JSON with everything in it; a restart appends; rotation loses nothing.
#[test]
fn lines_are_otlp_json_and_complete() {
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(&dir.path().join("bus"));
    let path = dir.path().join("kept.jsonl");
    let backends = [format!(
        "{{name: kept, file: {{path: {}, rotate: {{bytes: 20KiB, keep: 9}}}}, batch: {{items: 20, timeout: 1ms}}}}",
        path.display()
    )];
    for round in 0..2 {
        for record in 0..40 {
            let first = round * 200 + record * 5;
            publish(
                &*bus,
                Signal::Traces,
                (record % 2) as u32,
                [spans(first..first + 5, 10)],
            );
        }
        publish(&*bus, Signal::Logs, 0, [one_log("payment \"failed\"\n")]);
        publish(
            &*bus,
            Signal::Metrics,
            0,
            [one_metric("http.server.duration")],
        );
        let running = Running::start(&bus, &backends);
        for signal in Signal::ALL {
            all_committed(&*bus, "kept", signal);
        }
        running.stop();
    }

    let mut lines = Vec::new();
    let mut files = 0;
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let entry = entry.unwrap();
        if entry
            .file_name()
            .to_str()
            .unwrap()
            .starts_with("kept.jsonl")
        {
            files += 1;
            assert!(entry.metadata().unwrap().len() <= 20 << 10);
            let text = std::fs::read_to_string(entry.path()).unwrap();
            assert!(text.ends_with('\n'));
            lines.extend(text.lines().map(str::to_owned));
        }
    }
    assert!(files > 1, "it was rotated");
    let of = |prefix| {
        lines
            .iter()
            .filter(move |line: &&String| line.starts_with(prefix))
    };
    let spans =
        of("{\"resourceSpans\"").flat_map(|line| ids(&from_json(Signal::Traces, line.as_bytes())));
    assert_eq!(count(spans), count(0..400));
    assert_eq!(of("{\"resourceLogs\"").count(), 2);
    assert_eq!(of("{\"resourceMetrics\"").count(), 2);
    assert_eq!(lines.len(), 84);
    let log = of("{\"resourceLogs\"").next().unwrap();
    assert_eq!(
        from_json(Signal::Logs, log.as_bytes()),
        one_log("payment \"failed\"\n")
    );
    assert_eq!(metric(export::names::DELIVERED, "kept"), 404.0);
    assert_eq!(dead_letters(&*bus).len(), 0);
}

/// A disk that can't be written to is like a backend that is down: the data stays on the bus, and comes later.
#[test]
fn a_file_that_cannot_be_written_is_retried() {
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(&dir.path().join("bus"));
    let home = dir.path().join("files");
    let path = home.join("kept.jsonl");
    let backends = [format!(
        "{{name: stuck, file: {{path: {}, rotate: {{bytes: 1, keep: 1}}}}, {QUICK}}}",
        path.display()
    )];
    publish(&*bus, Signal::Traces, 0, [spans([0], 0)]);
    let running = Running::start(&bus, &backends);
    all_committed(&*bus, "stuck", Signal::Traces);
    // In the way of the rotation: `.1` can't be replaced by a file.
    std::fs::create_dir_all(path.with_file_name("kept.jsonl.1").join("x")).unwrap();
    publish(&*bus, Signal::Traces, 0, [spans([1], 0)]);
    crate::support::eventually("writing is retried", || {
        metric(export::names::RETRIES, "stuck") > 2.0
    });
    std::fs::remove_dir_all(path.with_file_name("kept.jsonl.1")).unwrap();
    all_committed(&*bus, "stuck", Signal::Traces);
    running.stop();
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(ids(&from_json(Signal::Traces, text.trim().as_bytes())), [1]);
}
