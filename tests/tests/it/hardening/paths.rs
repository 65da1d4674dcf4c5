//! A path without its slash, which led around the authorization of another implementation.

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use runtime::Digest;
use serde_json::json;
use tests::process::Tailwater;

use super::frames::{
    DATA, END_HEADERS, END_STREAM, EXPORT, HEADERS, PREFACE, RST_STREAM, SETTINGS, WINDOW_UPDATE,
    flood, frame, grpc_headers_of, stream,
};
use super::{Honest, check, check_with, connect, exchange};

const KEY: &str = "a-key-of-the-shop";

/// The type of the first frame that answers a whole call on stream 1.
fn answer(port: u16, path: &str, key: Option<&str>) -> u8 {
    let key = key.map(|key| ("x-api-key", key));
    let headers = grpc_headers_of(path, key.as_slice());
    let call = [
        PREFACE,
        &frame(SETTINGS, 0, 0, &[]),
        &frame(HEADERS, END_HEADERS, 1, &headers),
        // An empty request.
        &frame(DATA, END_STREAM, 1, &[0; 5]),
    ];
    let mut stream = connect(port);
    stream.write_all(&call.concat()).unwrap();
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).unwrap();
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        stream.read_exact(&mut payload).unwrap();
        if head[5..] == [0, 0, 0, 1] && head[3] != WINDOW_UPDATE {
            return head[3];
        }
    }
}

fn attack(process: &Tailwater) {
    for key in [None, Some(KEY), Some("a-wrong-key")] {
        assert_eq!(answer(process.grpc, EXPORT, key), HEADERS, "{key:?}");
        let without = answer(process.grpc, &EXPORT[1..], key);
        assert_eq!(without, RST_STREAM, "{key:?}");
    }
    let headers = grpc_headers_of(&EXPORT[1..], &[("x-api-key", KEY)]);
    flood(process.grpc, 50_000, &[], |round| {
        let open = frame(HEADERS, END_HEADERS, stream(round), &headers);
        let call = frame(DATA, END_STREAM, stream(round), &[0; 5]);
        [open, call].concat()
    });
}

#[test]
#[ignore = "takes the whole machine, and others' time limits with it: .ci/full runs it"]
fn a_path_without_its_slash() {
    check(attack);
}

#[test]
#[ignore = "takes the whole machine, and others' time limits with it: .ci/full runs it"]
fn a_path_without_its_slash_where_keys_are_asked_for() {
    check_with(
        |world, config| {
            let digest = Digest::of(KEY.as_bytes());
            let digest: String = (digest.bytes().iter())
                .map(|byte| format!("{byte:02x}"))
                .collect();
            let keys = world.path("keys.yaml");
            std::fs::write(
                &keys,
                json!([{"sha256": digest, "tenant": "shop"}]).to_string(),
            )
            .unwrap();
            config["ingest"]["auth"] = json!({"keys_file": keys});
        },
        |process| {
            let without = exchange(connect(process.http), "", &[]);
            assert!(without.starts_with("HTTP/1.1 401"), "{without}");
            Posts::start(process.http)
        },
        attack,
    );
}

/// Requests with the key, one after the other.
struct Posts {
    taken: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Posts {
    fn start(port: u16) -> Self {
        let (taken, stop) = (
            Arc::new(AtomicU64::new(0)),
            Arc::new(AtomicBool::new(false)),
        );
        let (counted, until) = (taken.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            while !until.load(Ordering::Relaxed) {
                let answer = exchange(connect(port), &format!("x-api-key: {KEY}\r\n"), &[]);
                assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
                counted.fetch_add(1, Ordering::Relaxed);
            }
        });
        Self {
            taken,
            stop,
            thread,
        }
    }
}

impl Honest for Posts {
    fn sent(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("every one was taken");
    }
}
