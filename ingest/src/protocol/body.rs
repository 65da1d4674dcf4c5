//! Reading a request's body into memory that was admitted before.

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;

use crate::admission::Permit;
use crate::refusal::Refusal;

/// The next piece of the body; `None` at its end.
///
/// # Errors
/// The connection broke or the body's framing is wrong.
pub async fn chunk(body: &mut Incoming) -> Result<Option<Bytes>, Refusal> {
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|error| Refusal::Framing(format!("its body broke off: {error}")))?;
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

/// Admits a body whose length is known, before any of it is read.
///
/// # Errors
/// Longer than `limit`, or no budget left.
pub fn admit(length: usize, limit: usize, permit: &mut Permit) -> Result<(), Refusal> {
    if length > limit {
        return Err(too_large(limit));
    }
    permit.grow(length)
}

/// Reads the rest of a body that begins with `first`. The permit stands for the whole body afterwards.
///
/// Of a body whose length is `known` and admitted, exactly that much is read. Otherwise it is read to its end, and admitted as it
/// grows. A body that arrived in one piece is not copied.
///
/// # Errors
/// Longer than `limit`, not of its known length, no budget left, or broken off.
pub async fn read_rest(
    body: &mut Incoming,
    first: Bytes,
    known: Option<usize>,
    limit: usize,
    permit: &mut Permit,
) -> Result<Bytes, Refusal> {
    let mut capacity = match known {
        Some(length) => length,
        None => {
            admit(first.len(), limit, permit)?;
            first.len()
        }
    };
    if known == Some(first.len()) {
        return Ok(first);
    }
    let Some(mut next) = chunk(body).await? else {
        return whole(first, known);
    };
    let mut out = Vec::with_capacity(capacity);
    out.extend_from_slice(&first);
    loop {
        let length = out.len() + next.len();
        if length > limit {
            return Err(too_large(limit));
        }
        if length > capacity {
            let larger = length.max(2 * capacity).min(limit);
            permit.grow(larger - capacity)?;
            capacity = larger;
            out.reserve_exact(capacity - out.len());
        }
        out.extend_from_slice(&next);
        if known.is_some_and(|known| out.len() >= known) {
            break;
        }
        next = match chunk(body).await? {
            Some(next) => next,
            None => break,
        };
    }
    whole(out.into(), known)
}

fn whole(body: Bytes, known: Option<usize>) -> Result<Bytes, Refusal> {
    match known {
        Some(known) if body.len() != known => Err(Refusal::Framing(format!(
            "its body has {} bytes where {known} were announced",
            body.len()
        ))),
        _ => Ok(body),
    }
}

fn too_large(limit: usize) -> Refusal {
    Refusal::TooLarge {
        limit,
        form: "as sent",
    }
}

/// Reads and forgets up to `bytes_max` bytes: an HTTP/1.1 client that is still sending would take a closed connection for
/// a transient failure, and miss the answer that tells it what to change.
pub async fn discard(body: &mut Incoming, bytes_max: usize) {
    let mut bytes = 0;
    while bytes < bytes_max {
        match chunk(body).await {
            Ok(Some(next)) => bytes += next.len(),
            Ok(None) | Err(_) => return,
        }
    }
}
