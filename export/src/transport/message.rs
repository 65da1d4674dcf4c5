//! A request's body, with the headers that depend on whose data it holds.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::body::Payload;

/// What is sent: a body, and headers beyond those of every request.
pub struct Message {
    pub payload: Payload,
    pub of_tenant: Vec<(HeaderName, HeaderValue)>,
}

impl Message {
    /// All headers of the request; `common` are those of every one.
    pub fn headers(&self, common: &HeaderMap) -> HeaderMap {
        let mut headers = common.clone();
        headers.extend(self.of_tenant.iter().cloned());
        headers
    }
}
