//! What the brokers refuse us for want of a right (an ACL): said once as an error that names it, shown by readiness, and said once when it is given.
//!
//! Rights are taken and given while everything runs, so nothing ends by it: what was refused is attempted again until it is allowed. The process
//! that ended instead would come back, and be refused again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Between two attempts at something that was refused.
pub(in crate::kafka) const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Of one bus, shared by all of its clients.
#[derive(Debug, Default)]
pub(in crate::kafka) struct Refusals {
    /// The brokers' words, by what was attempted.
    refused: Mutex<BTreeMap<String, String>>,
}

impl Refusals {
    /// `attempted`: what is refused, with the name of what it is about.
    pub fn refused(&self, attempted: &str, reason: &str) {
        let said = self.all().insert(attempted.to_owned(), reason.to_owned());
        if said.is_none() {
            tracing::error!(
                attempted,
                reason,
                "kafka refuses us a right; trying again until it is given (docs/how-to/secure.md lists all rights)"
            );
        }
    }

    /// It was allowed.
    pub fn allowed(&self, attempted: &str) {
        if self.all().remove(attempted).is_some() {
            tracing::info!(attempted, "kafka has given us the right");
        }
    }

    /// It is not attempted any more.
    fn forget(&self, attempted: &str) {
        self.all().remove(attempted);
    }

    /// For people; `None` while nothing is refused.
    pub fn told(&self) -> Option<String> {
        let all = self.all();
        let lines = all
            .iter()
            .map(|(attempted, reason)| format!("{attempted}: {reason}"));
        let lines: Vec<_> = lines.collect();
        (!lines.is_empty()).then(|| format!("kafka refuses us a right: {}", lines.join("; ")))
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Something that one client attempts again and again; what is said of it goes with the client.
pub(in crate::kafka) struct Attempt {
    refusals: Arc<Refusals>,
    name: String,
}

impl Attempt {
    /// The name tells what is attempted on what: `reading for group x`.
    pub fn new(refusals: &Arc<Refusals>, name: String) -> Self {
        Self {
            refusals: refusals.clone(),
            name,
        }
    }

    pub fn refused(&self, reason: &str) {
        self.refusals.refused(&self.name, reason);
    }

    pub fn allowed(&self) {
        self.refusals.allowed(&self.name);
    }

    /// It isn't attempted for now.
    pub fn given_up(&self) {
        self.refusals.forget(&self.name);
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.given_up();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_is_told_until_it_is_allowed() {
        let refusals = Arc::new(Refusals::default());
        let [reading, joining] = ["reading topic `a`", "joining group `g`"]
            .map(|name| Attempt::new(&refusals, name.to_owned()));
        assert_eq!(refusals.told(), None);
        reading.refused("no");
        reading.refused("still no");
        joining.refused("no");
        assert_eq!(
            refusals.told().as_deref(),
            Some("kafka refuses us a right: joining group `g`: no; reading topic `a`: still no")
        );
        joining.allowed();
        drop(reading);
        assert_eq!(refusals.told(), None);
    }
}
