//! gRPC's framing: five bytes before each message. Source: <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>.

use bytes::{BufMut, Bytes, BytesMut};
use hyper::body::Incoming;

use super::body::chunk;
use crate::refusal::Refusal;

/// A flag and a length of four bytes stand before each message.
const PREFIX: usize = 5;

/// Whether the message is compressed, its length, and what came of it together with the prefix.
pub async fn prefix(body: &mut Incoming) -> Result<(bool, usize, Bytes), Refusal> {
    let missing = || Refusal::Framing("no message came".into());
    let mut start = chunk(body).await?.ok_or_else(missing)?;
    while start.len() < PREFIX {
        let more = chunk(body).await?.ok_or_else(missing)?;
        start = [start, more].concat().into();
    }
    let first = start.split_off(PREFIX);
    let compressed = match start[0] {
        0 => false,
        1 => true,
        flag => {
            return Err(Refusal::Framing(format!(
                "a message has the unknown flag {flag}"
            )));
        }
    };
    let length = u32::from_be_bytes([start[1], start[2], start[3], start[4]]);
    Ok((compressed, length as usize, first))
}

/// A message behind its prefix, not compressed.
pub fn framed(message: &[u8]) -> Bytes {
    let mut data = BytesMut::with_capacity(PREFIX + message.len());
    data.put_u8(0);
    data.put_u32(message.len() as u32);
    data.put_slice(message);
    data.freeze()
}
