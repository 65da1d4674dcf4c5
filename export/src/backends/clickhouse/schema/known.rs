//! What was learned of the server's tables, for each signal, until it turns out to be wrong.

use std::future::Future;
use std::sync::Arc;

use schemas::Signal;
use tokio::sync::Mutex;

use super::plan::{Plan, Unusable};
use crate::outcome::Failure;

/// The tables of a signal, in the order of [`TableId::of`](super::tables::TableId::of). One that can't be used is in nobody's way who has no rows for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tables(pub Vec<Result<Plan, Unusable>>);

/// Who asks first looks; others wait for it.
#[derive(Debug, Default)]
pub struct Known {
    traces: Slot,
    logs: Slot,
    metrics: Slot,
}

type Slot = Mutex<Option<Arc<Tables>>>;

impl Known {
    fn slot(&self, signal: Signal) -> &Slot {
        match signal {
            Signal::Traces => &self.traces,
            Signal::Logs => &self.logs,
            Signal::Metrics => &self.metrics,
        }
    }

    /// What is known, or else what `look` finds.
    ///
    /// # Errors
    /// Those of `look`; then nothing is known.
    pub async fn get<F: Future<Output = Result<Tables, Failure>>>(
        &self,
        signal: Signal,
        look: impl FnOnce() -> F,
    ) -> Result<Arc<Tables>, Failure> {
        let mut slot = self.slot(signal).lock().await;
        if let Some(tables) = &*slot {
            return Ok(tables.clone());
        }
        let tables = Arc::new(look().await?);
        *slot = Some(tables.clone());
        Ok(tables)
    }

    /// What was known then isn't right any more.
    pub async fn forget(&self, signal: Signal, tables: &Arc<Tables>) {
        let mut slot = self.slot(signal).lock().await;
        if slot
            .as_ref()
            .is_some_and(|known| Arc::ptr_eq(known, tables))
        {
            *slot = None;
        }
    }
}
