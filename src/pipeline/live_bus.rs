//! The bus of a process as its configuration has it now: what one logs in with changes while everything runs, and while the bus is waited for.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bus::{Bus, BusConfig, BusKind};

pub struct LiveBus {
    config: Mutex<BusConfig>,
    open: OnceLock<Arc<dyn Bus>>,
}

impl LiveBus {
    pub fn new(config: BusConfig) -> Arc<Self> {
        Arc::new(Self {
            config: Mutex::new(config),
            open: OnceLock::new(),
        })
    }

    /// What to open the bus with now.
    pub fn config(&self) -> BusConfig {
        self.lock().clone()
    }

    pub fn is_open(&self, bus: Arc<dyn Bus>) {
        let _ = self.open.set(bus);
        // It may have been opened with what was changed meanwhile.
        self.hand_over();
    }

    /// Takes what one logs in with; which keys have changed.
    pub fn change(&self, next: &BusConfig) -> Vec<&'static str> {
        let changed = match (&mut self.lock().kind, &next.kind) {
            (BusKind::Kafka(running), BusKind::Kafka(next)) => running.take_secrets(next),
            _ => Vec::new(),
        };
        if !changed.is_empty() {
            self.hand_over();
        }
        changed
    }

    fn hand_over(&self) {
        let secrets = match &self.lock().kind {
            BusKind::Kafka(kafka) => kafka.secrets(),
            BusKind::Embedded(_) => return,
        };
        if let Some(bus) = self.open.get() {
            bus.change_secrets(&secrets);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BusConfig> {
        self.config.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
