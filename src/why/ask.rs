//! Asks the process that holds an embedded bus, over its admin endpoint.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, bail};
use runtime::config::Secret;

use super::history::{History, hex};

const CONNECT: Duration = Duration::from_secs(2);
/// It may have to read a long decision log.
const ANSWER: Duration = Duration::from_secs(60);
/// One trace has a few entries of some hundred bytes.
const ANSWER_BYTES_MAX: u64 = 16 << 20;

/// What a running process knows of a trace.
pub fn ask(
    mut address: SocketAddr,
    token: &Secret,
    id: [u8; 16],
) -> anyhow::Result<Option<History>> {
    // Who listens everywhere listens here.
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    let token = match token.0.as_str() {
        "" => String::new(),
        token => format!("authorization: Bearer {token}\r\n"),
    };
    let mut stream = TcpStream::connect_timeout(&address, CONNECT).context("cannot connect")?;
    stream.set_read_timeout(Some(ANSWER))?;
    // HTTP 1.0: the answer ends with the connection, in one piece.
    write!(
        stream,
        "GET /why/{} HTTP/1.0\r\nhost: {address}\r\n{token}\r\n",
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
