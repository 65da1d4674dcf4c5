//! A request's body: chunks that are shared, not copied, and can be sent again.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::records::batch::Batch;

/// What is offered to a backend, ready for the wire. A clone shares the chunks.
#[derive(Clone, Debug, Default)]
pub struct Payload {
    chunks: std::collections::VecDeque<Bytes>,
    bytes: u64,
}

impl Payload {
    pub fn new(chunks: impl IntoIterator<Item = Bytes>) -> Self {
        let chunks: std::collections::VecDeque<_> = chunks
            .into_iter()
            .filter(|chunk| !chunk.is_empty())
            .collect();
        Self {
            bytes: chunks.iter().map(|chunk| chunk.len() as u64).sum(),
            chunks,
        }
    }

    /// The records of a batch as they are: protobuf messages of one type concatenate to one.
    pub fn of(batch: &Batch) -> Self {
        Self::new(batch.entries.iter().map(|entry| entry.record.value.clone()))
    }

    /// Puts a chunk before the others.
    pub fn prefixed(mut self, chunk: Bytes) -> Self {
        self.bytes += chunk.len() as u64;
        self.chunks.push_front(chunk);
        self
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub fn chunks(&self) -> impl Iterator<Item = &Bytes> {
        self.chunks.iter()
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let chunk = self.chunks.pop_front();
        self.bytes -= chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
        Poll::Ready(chunk.map(|chunk| Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.chunks.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes)
    }
}
