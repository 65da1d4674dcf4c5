//! The drain signal: one per stage, given in the order in which data flows. Nothing else knows about signals.

use tokio_util::sync::CancellationToken;

/// Tells a stage to stop taking input, finish what it holds, commit, and return.
#[derive(Clone, Debug, Default)]
pub struct Drain {
    token: CancellationToken,
}

impl Drain {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn request(&self) {
        self.token.cancel();
    }

    pub fn is_requested(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Completes when draining is requested.
    pub async fn requested(&self) {
        self.token.cancelled().await;
    }
}
