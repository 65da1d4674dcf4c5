//! HTTP/2 in frames of its own, as no client would send them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;
pub const END_STREAM: u8 = 1;
pub const END_HEADERS: u8 = 4;

/// One frame.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

pub const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// The headers of a gRPC request, as literals that are not indexed.
pub fn grpc_headers(more: &[(&str, &str)]) -> Vec<u8> {
    grpc_headers_of(EXPORT, more)
}

/// The same of another path.
pub fn grpc_headers_of(path: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    let fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "a"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ];
    for (name, value) in fields.iter().chain(more) {
        block.push(0);
        for text in [name, value] {
            block.push(text.len() as u8);
            block.extend_from_slice(text.as_bytes());
        }
    }
    block
}

/// An HTTP/2 connection that reads what comes on a thread of its own, and forgets it.
pub struct Attacker {
    stream: TcpStream,
}

impl Attacker {
    pub fn connect(port: u16) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream
            .set_write_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        let mut reader = stream.try_clone().unwrap();
        std::thread::spawn(move || {
            let mut block = [0; 1 << 16];
            while reader.read(&mut block).is_ok_and(|count| count > 0) {}
        });
        stream.write_all(PREFACE).unwrap();
        stream.write_all(&frame(SETTINGS, 0, 0, &[])).unwrap();
        Self { stream }
    }

    /// False: the server has had enough.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }
}

/// The reader ends with it, and the connection.
impl Drop for Attacker {
    fn drop(&mut self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
    }
}

/// On four connections at once, what each begins with and what it repeats for the n-th time, until it is cut off.
pub fn flood(port: u16, rounds: u32, begin: &[u8], round: impl Fn(u32) -> Vec<u8> + Sync) {
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut attacker = Attacker::connect(port);
                let mut goes_on = attacker.send(begin);
                for number in 0..rounds {
                    goes_on = goes_on && attacker.send(&round(number));
                }
            });
        }
    });
}

/// A stream's number by the round that opens it.
pub fn stream(round: u32) -> u32 {
    2 * round + 1
}
