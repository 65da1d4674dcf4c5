//! Streams and frames that cost the server more than the client.

use super::check;
use super::frames::{
    CONTINUATION, DATA, END_HEADERS, HEADERS, RST_STREAM, WINDOW_UPDATE, flood, frame,
    grpc_headers, stream,
};

#[test]
#[ignore = "takes the whole machine, and others' time limits with it: .ci/full runs it"]
fn streams_that_are_reset_at_once() {
    let headers = grpc_headers(&[]);
    check(|process| {
        flood(process.grpc, 50_000, &[], |round| {
            let open = frame(HEADERS, END_HEADERS, stream(round), &headers);
            let cancel = frame(RST_STREAM, 0, stream(round), &8_u32.to_be_bytes());
            [open, cancel].concat()
        });
    });
}

#[test]
#[ignore = "takes the whole machine, and others' time limits with it: .ci/full runs it"]
fn streams_that_the_server_is_made_to_reset() {
    let headers = grpc_headers(&[]);
    check(|process| {
        flood(process.grpc, 50_000, &[], |round| {
            let open = frame(HEADERS, END_HEADERS, stream(round), &headers);
            // An increment of 0 is a stream error (RFC 9113, 6.9).
            let faulty = frame(WINDOW_UPDATE, 0, stream(round), &[0; 4]);
            [open, faulty].concat()
        });
    });
}

#[test]
#[ignore = "takes the whole machine, and others' time limits with it: .ci/full runs it"]
fn headers_without_end() {
    let begin = frame(HEADERS, 0, 1, &grpc_headers(&[]));
    let name = "x".repeat(100);
    let more = grpc_headers(&[(&name, &name)]).repeat(30);
    check(|process| {
        flood(process.grpc, 20_000, &begin, |_| {
            frame(CONTINUATION, 0, 1, &more)
        });
        flood(process.http, 20_000, &begin, |_| {
            frame(CONTINUATION, 0, 1, &more)
        });
    });
}

#[test]
#[ignore = "takes the whole machine, and others' time limits with it: .ci/full runs it"]
fn data_without_data() {
    let begin = frame(HEADERS, END_HEADERS, 1, &grpc_headers(&[]));
    let empty = frame(DATA, 0, 1, &[]).repeat(1000);
    check(|process| flood(process.grpc, 1000, &begin, |_| empty.clone()));
}
