//! Connections that hold what they were given, and bring nothing.

use std::io::Write;
use std::process::Command;
use std::time::Instant;

use serde_json::json;
use tests::process::Tailwater;
use tests::sending::Load;
use tests::wait_until;

use super::{SERVED_WITHIN, busy, check, check_with, connect, post};

/// Four times as many as there are slots, on both ports, half of them with half a request.
#[test]
#[ignore = "takes the whole machine, and others' time limits with it: .ci/full runs it"]
fn sockets_that_say_nothing() {
    check(|process| {
        let mut silent = Vec::new();
        for number in 0..1024 {
            let port = [process.grpc, process.http][number % 2];
            let mut stream = connect(port);
            if number % 4 < 2 {
                let _ = stream.write_all(b"POST /v1/traces HTTP/1.1\r\nhost");
            }
            silent.push(stream);
        }
        let begun = Instant::now();
        let answer = post(process.http, "identity", &[]);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(begun.elapsed() < SERVED_WITHIN, "{:?}", begun.elapsed());
    });
}

/// How many files the process may have open from now on.
fn limit_files(process: &Tailwater, files: usize) {
    let id = process.id().unwrap().to_string();
    let limit = format!("--nofile={files}:");
    let done = Command::new("prlimit")
        .args(["--pid", &id, &limit])
        .status();
    assert!(done.expect("prlimit").success());
}

/// Accept fails for want of files: what is silent makes room for who isn't, and nothing spins meanwhile.
#[test]
#[ignore = "takes the whole machine, and others' time limits with it: .ci/full runs it"]
fn files_that_run_out() {
    const SPARE: usize = 32;
    check_with(
        // Silent ones are closed after a quarter of it, and a second: twice, before the last of them has had its turn.
        |_, config| config["ingest"]["first_byte_timeout"] = json!("4s"),
        |process| Load::start(process.grpc_endpoint(), 1, 1000.0),
        |process| {
            let files = format!("/proc/{}/fd", process.id().unwrap());
            let open = std::fs::read_dir(files).unwrap().count();
            limit_files(process, open + SPARE);
            let silent: Vec<_> = (0..2 * SPARE)
                .map(|number| [process.grpc, process.http][number % 2])
                .map(connect)
                .collect();
            let refused = "connections are not accepted";
            wait_until("accept to fail", SERVED_WITHIN, || {
                process.logged(refused) > 0
            });
            // Beside the honest load, which takes some per cent.
            let busy = busy(process);
            assert!(busy < 0.6, "{busy:.1} cores while accept fails");
            let begun = Instant::now();
            let answer = post(process.http, "identity", &[]);
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            assert!(begun.elapsed() < SERVED_WITHIN, "{:?}", begun.elapsed());
            // A line a minute and port: a line each time would fill a disk.
            let lines = process.logged(refused);
            assert!(lines <= 8, "{lines} lines");
            silent
        },
    );
}
