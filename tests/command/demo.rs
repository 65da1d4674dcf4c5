//! The demo as its users meet it without a terminal: to its end, and interrupted.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

fn demo(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tailwater"));
    command.arg("demo").args(args).stdin(Stdio::null());
    command.env_remove("TAILWATER_LOG");
    command
}

/// Half a minute for people, half of that for this test; it fails by itself when an error trace is missing.
#[test]
fn it_keeps_every_error() {
    let args = ["--duration", "16s", "--rate", "2000", "--seed", "7"];
    let output = demo(&args).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let failed = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}{failed}");
    assert!(!failed.contains("ERROR"), "{failed}");
    for part in [
        "tailwater demo: OTLP/gRPC 127.0.0.1:",
        "MB on the bus",
        "kept: all of them",
        "of the bytes were kept",
        "One kept error trace",
        " ms ✗",
        "Where to go next",
    ] {
        assert!(said.contains(part), "no `{part}` in {said}");
    }
    let escape = '\u{1b}';
    assert!(!said.contains(escape), "escape sequences in a pipe: {said}");
}

#[test]
fn interrupted_it_ends_cleanly() {
    let mut command = demo(&["--keep-running"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("OTLP/gRPC"));
    assert!(lines.next().unwrap().unwrap().contains("spans/s in"));
    let kill = format!("kill -INT {}", child.id());
    Command::new("sh").args(["-c", &kill]).status().unwrap();
    let rest: Vec<_> = lines.map_while(Result::ok).collect();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{rest:?}");
    let summary = rest.join("\n");
    assert!(summary.contains("Where to go next"), "{summary}");
    assert!(!summary.contains("NOT all"), "{summary}");
}
