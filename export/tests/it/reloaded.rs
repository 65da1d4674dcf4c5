//! Other backends while the stage runs: what changed is started anew, and nobody else notices.

use schemas::Signal;

use crate::support::backend::{Answer, Backend, http};
use crate::support::telemetry::{ids, spans};
use crate::support::{
    QUICK, Running, all_committed, config, dead_letters, eventually, metric, metric_with, open_bus,
    publish,
};

fn line(name: &str, to: &Backend, key: &str) -> String {
    format!(
        "{{name: {name}, signals: [traces], otlp_http: {{endpoint: 'http://{}', headers: {{api-key: '{key}'}}}}, {QUICK}}}",
        to.address
    )
}

fn part(running: &Running, name: &str) -> Option<Result<(), String>> {
    let mut parts = running.health.parts().into_iter();
    Some(
        parts
            .find(|part| part.name == format!("export/{name}"))?
            .state,
    )
}

#[test]
fn a_rotated_key_takes_effect_and_nothing_was_lost_meanwhile() {
    let guarded = Backend::start(|request| match request.header("api-key") {
        "new" => Answer::Accept,
        _ => http(401),
    });
    let other = Backend::start(|_| Answer::Accept);
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    publish(&*bus, Signal::Traces, 0, (0..5).map(|id| spans([id], 0)));
    let running = Running::start(
        &bus,
        &[
            line("rotated", &guarded, "old"),
            line("undisturbed", &other, "x"),
        ],
    );
    all_committed(&*bus, "undisturbed", Signal::Traces);
    eventually("the backend is held", || {
        metric("tailwater_export_breaker_state", "rotated") as u8 == 2
    });
    let denied = [("backend", "rotated"), ("answer", "denied")];
    assert!(metric_with("tailwater_export_responses_total", &denied) >= 1.0);
    let refused = guarded.received().len();
    let served = other.received().len();

    running.reload.apply(config(&[
        line("rotated", &guarded, "new"),
        line("undisturbed", &other, "x"),
    ]));
    all_committed(&*bus, "rotated", Signal::Traces);
    let accepted = &guarded.received()[refused..];
    let mut found: Vec<_> = accepted
        .iter()
        .flat_map(|request| ids(&request.body))
        .collect();
    found.sort_unstable();
    assert_eq!(found, [0, 1, 2, 3, 4]);
    assert!(dead_letters(&*bus).is_empty());
    assert_eq!(other.received().len(), served);
    eventually("it is ready", || part(&running, "rotated") == Some(Ok(())));
    running.stop();
}

#[test]
fn backends_come_and_go() {
    let [first, second] = std::array::from_fn(|_| Backend::start(|_| Answer::Accept));
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    publish(&*bus, Signal::Traces, 0, [spans([1], 0)]);
    let running = Running::start(&bus, &[line("goes", &first, "x")]);
    all_committed(&*bus, "goes", Signal::Traces);
    running.reload.apply(config(&[line("comes", &second, "x")]));
    all_committed(&*bus, "comes", Signal::Traces);
    eventually("it is gone", || part(&running, "goes").is_none());
    publish(&*bus, Signal::Traces, 0, [spans([2], 0)]);
    all_committed(&*bus, "comes", Signal::Traces);
    assert_eq!(first.received().len(), 1);

    // One that can't run is said, and the others go on.
    let missing = dir.path().join("missing").join("kept.jsonl");
    let broken = format!(
        "{{name: broken, signals: [traces], file: {{path: '{}'}}}}",
        missing.display()
    );
    std::fs::write(dir.path().join("missing"), "a file, no folder").unwrap();
    running
        .reload
        .apply(config(&[line("comes", &second, "x"), broken]));
    eventually(
        "it says so",
        || matches!(part(&running, "broken"), Some(Err(why)) if why.contains("kept.jsonl")),
    );
    publish(&*bus, Signal::Traces, 0, [spans([3], 0)]);
    all_committed(&*bus, "comes", Signal::Traces);
    // And it is mended by the next change.
    std::fs::remove_file(dir.path().join("missing")).unwrap();
    let mended = format!(
        "{{name: broken, signals: [traces], file: {{path: '{}/kept.jsonl'}}}}",
        dir.path().display()
    );
    running
        .reload
        .apply(config(&[line("comes", &second, "x"), mended]));
    all_committed(&*bus, "broken", Signal::Traces);
    running.stop();
}
