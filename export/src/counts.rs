//! The counters of all backends, there from the start: what begins with its first count hides that one from whoever looks at increases.

use metrics::{counter, gauge};
use runtime::names;

use crate::Config;

/// Registers them, with 0.
pub fn register(config: &Config) {
    for backend in &config.backends {
        for signal in &backend.signals {
            let labels = [
                ("backend", backend.name.clone()),
                ("signal", signal.name().to_owned()),
            ];
            for name in [
                names::EXPORT_CONSUMED,
                names::EXPORT_DELIVERED,
                names::EXPORT_DEAD_LETTERED,
                names::EXPORT_REFUSED,
                names::EXPORT_RETRIES,
                names::EXPORT_TRUNCATED,
                names::EXPORT_DELIVERED_BYTES,
            ] {
                counter!(name, &labels).increment(0);
            }
            gauge!(names::EXPORT_PENDING, &labels).increment(0.0);
        }
    }
}
