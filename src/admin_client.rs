//! One question to the admin endpoint of a running process.
//!
//! Blocking, by HTTP/1.0: the few lines for that are written here, since a client library needs a runtime, and both timeouts and the limit of the
//! answer around it besides.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::Context;
use runtime::config::Secret;

/// How long to wait, and for how much.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub connect: Duration,
    pub answer: Duration,
    pub answer_bytes_max: u64,
}

/// The status and the text of an answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// The first line, for messages.
    pub line: String,
    pub body: String,
}

/// `GET path` of whoever listens there; an empty token is none.
///
/// # Errors
/// Nobody listens, no answer came within the limits, or it is no HTTP.
pub fn get(
    mut address: SocketAddr,
    path: &str,
    token: &Secret,
    limits: Limits,
) -> anyhow::Result<Answer> {
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
    let mut stream =
        TcpStream::connect_timeout(&address, limits.connect).context("cannot connect")?;
    stream.set_read_timeout(Some(limits.answer))?;
    // HTTP 1.0: the answer ends with the connection, in one piece.
    let question = format!("GET {path} HTTP/1.0\r\nhost: {address}\r\n{token}\r\n");
    stream.write_all(question.as_bytes())?;
    let mut answer = String::new();
    (stream
        .take(limits.answer_bytes_max)
        .read_to_string(&mut answer))
    .context("no answer")?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .context("not an HTTP answer")?;
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Ok(Answer {
        status: status.context("not an HTTP answer")?,
        line: head.lines().next().unwrap_or_default().to_owned(),
        body: body.to_owned(),
    })
}
