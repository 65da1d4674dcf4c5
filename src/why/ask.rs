//! Asks the process that holds an embedded bus, over its admin endpoint.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, bail};

use super::history::{History, hex};

const CONNECT: Duration = Duration::from_secs(2);
/// It may have to read a long decision log.
const ANSWER: Duration = Duration::from_secs(60);
/// One trace has a few entries of some hundred bytes.
const ANSWER_BYTES_MAX: u64 = 16 << 20;

/// What a running process knows of a trace.
pub fn ask(address: SocketAddr, id: [u8; 16]) -> anyhow::Result<Option<History>> {
    let mut stream = TcpStream::connect_timeout(&address, CONNECT).context("cannot connect")?;
    stream.set_read_timeout(Some(ANSWER))?;
    // HTTP 1.0: the answer ends with the connection, in one piece.
    write!(
        stream,
        "GET /why/{} HTTP/1.0\r\nhost: {address}\r\n\r\n",
        hex(&id)
    )?;
    let mut answer = String::new();
    (stream.take(ANSWER_BYTES_MAX).read_to_string(&mut answer)).context("no answer")?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .context("not an HTTP answer")?;
    match head.split(' ').nth(1) {
        Some("200") => Ok(Some(serde_json::from_str(body).context("an odd answer")?)),
        // A page that says so, and not one that doesn't know the question.
        Some("404") if body.starts_with("nothing is known") => Ok(None),
        _ => bail!(
            "{}: {}",
            head.lines().next().unwrap_or_default(),
            body.trim()
        ),
    }
}
