//! The body of every response: one piece of data, or more as they come, then perhaps trailers.
//!
//! `http-body-util` has a body for each of these, and none for all of them but a boxed one, which would cost every answer an allocation.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;

/// Data and trailers.
#[derive(Default)]
pub struct Reply {
    data: Option<Bytes>,
    /// Data that isn't known yet.
    more: Option<mpsc::Receiver<Bytes>>,
    trailers: Option<HeaderMap>,
}

impl Reply {
    pub fn new(data: impl Into<Bytes>) -> Self {
        Self {
            data: Some(data.into()).filter(|data: &Bytes| !data.is_empty()),
            more: None,
            trailers: None,
        }
    }

    /// What comes through `more`, until its senders are gone.
    pub fn stream(more: mpsc::Receiver<Bytes>) -> Self {
        Self {
            more: Some(more),
            ..Self::default()
        }
    }

    pub fn with_trailers(self, trailers: HeaderMap) -> Self {
        Self {
            trailers: Some(trailers),
            ..self
        }
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(more) = &mut self.more {
            match ready!(more.poll_recv(cx)) {
                Some(data) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                None => self.more = None,
            }
        }
        let data = self.data.take().map(Frame::data);
        Poll::Ready(
            data.or_else(|| self.trailers.take().map(Frame::trailers))
                .map(Ok),
        )
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_none() && self.more.is_none() && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match self.more {
            Some(_) => SizeHint::default(),
            None => SizeHint::with_exact(self.data.as_ref().map_or(0, Bytes::len) as u64),
        }
    }
}
