//! Output that nobody reads: `tailwater check | head` and its like end as they would otherwise, without a panic; output that can't be written is an error.

use std::fs::OpenOptions;
use std::process::{Command, Stdio};

use tests::process::binary;

const CONFIG: &str = "bus: {kafka: {brokers: [\"127.0.0.1:1\"]}}\nsampler: {policies: default}\n";
const COLLECTOR: &str =
    "processors: {tail_sampling: {policies: [{name: all, type: always_sample}]}}\n";

/// Exit code, standard output and standard error of a command, which has these for standard output and error.
fn run(
    folder: &std::path::Path,
    args: &[&str],
    out: Stdio,
    error: Stdio,
) -> (i32, Vec<u8>, String) {
    let output = Command::new(binary())
        .args(args)
        .current_dir(folder)
        .env_remove("TAILWATER_CONFIG")
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(error)
        .spawn()
        .and_then(std::process::Child::wait_with_output)
        .expect("the binary starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().unwrap_or(-1), output.stdout, said)
}

/// A pipe whose other end is gone already.
fn broken() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

#[test]
fn a_command_whose_output_nobody_reads_ends_as_ever() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("good.yaml", CONFIG);
    write("wrong.yaml", "bus: {kafka: {}}\nsampler: {policies: []}\n");
    write("collector.yaml", COLLECTOR);
    let trace = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";
    let commands: [&[&str]; 14] = [
        &["check", "good.yaml"],
        &["check", "wrong.yaml"],
        &["check", "nowhere.yaml"],
        &["topics", "--config", "good.yaml"],
        &["schema"],
        &["plan", "--spans", "1000"],
        &["completions", "bash"],
        &["man"],
        &["import", "collector", "collector.yaml"],
        &["why", trace],
        &["dead-letters", "list"],
        &["ready", "--address", "127.0.0.1:1"],
        &["--help"],
        &["no-such-command"],
    ];
    for args in commands {
        let (code, out, said) = run(folder.path(), args, Stdio::piped(), Stdio::piped());
        assert!(!out.is_empty() || !said.is_empty(), "{args:?} says nothing");
        let (unread, _, complaint) = run(folder.path(), args, broken(), Stdio::piped());
        assert_eq!(unread, code, "{args:?}: {complaint}");
        assert_eq!(complaint, said, "{args:?}");
        let (unread, unheard, _) = run(folder.path(), args, Stdio::piped(), broken());
        assert_eq!(unread, code, "{args:?}");
        assert_eq!(unheard, out, "{args:?}");
    }
}

#[test]
fn output_that_cannot_be_written_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let full = || OpenOptions::new().write(true).open("/dev/full").unwrap();
    let (code, _, said) = run(folder.path(), &["schema"], full().into(), Stdio::piped());
    assert_eq!(code, 1, "{said}");
    assert!(
        said.starts_with("error: cannot write to standard output: No space left"),
        "{said}"
    );
}
