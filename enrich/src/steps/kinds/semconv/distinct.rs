//! How many names each service has: so many it may have, and no more.
//!
//! What is kept of a name is its hash. All services together have a bound too; where it is reached, services that were not seen for longest
//! make room. What counts is the order of spans and no clock, so the same spans in the same order are admitted again.

use std::collections::{HashMap, HashSet};

use xxhash_rust::xxh3::xxh3_64;

/// Of all services together: about 5 MiB with what the tables take.
const NAMES_MAX: usize = 1 << 17;
const SERVICES_MAX: usize = 1 << 14;
/// Room is made once in so many questions at most: it takes a look at every service.
const SWEEP_EVERY: u64 = 1 << 16;

/// The names that were admitted.
#[derive(Debug)]
pub(super) struct Distinct {
    limit: usize,
    services: HashMap<u64, Service>,
    /// Of all services together.
    names: usize,
    asked: u64,
    swept: u64,
}

#[derive(Debug, Default)]
struct Service {
    names: HashSet<u64>,
    /// Since room was made last.
    seen: bool,
}

impl Distinct {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            services: HashMap::new(),
            names: 0,
            asked: 0,
            swept: 0,
        }
    }

    /// Whether a service may use the name.
    pub(super) fn admits(&mut self, service: &str, name: &str) -> bool {
        self.asked += 1;
        let (service, name) = (xxh3_64(service.as_bytes()), xxh3_64(name.as_bytes()));
        if let Some(known) = self.services.get_mut(&service) {
            known.seen = true;
            if known.names.contains(&name) {
                return true;
            }
            if known.names.len() >= self.limit {
                return false;
            }
        }
        let is_new = !self.services.contains_key(&service);
        if self.is_full(is_new) {
            self.sweep();
            if self.is_full(is_new) {
                return false;
            }
        }
        let known = self.services.entry(service).or_default();
        known.seen = true;
        known.names.insert(name);
        self.names += 1;
        true
    }

    fn is_full(&self, is_new: bool) -> bool {
        self.names >= NAMES_MAX || is_new && self.services.len() >= SERVICES_MAX
    }

    /// Forgets services that were not seen since the last time.
    fn sweep(&mut self) {
        if self.swept != 0 && self.asked - self.swept < SWEEP_EVERY {
            return;
        }
        self.swept = self.asked;
        self.services
            .retain(|_, service| std::mem::take(&mut service.seen));
        self.names = self
            .services
            .values()
            .map(|service| service.names.len())
            .sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_service_has_so_many_names() {
        let mut names = Distinct::new(2);
        let mut asked = |service, name| names.admits(service, name);
        assert!(asked("a", "1") && asked("a", "2") && !asked("a", "3"));
        assert!(asked("b", "3") && asked("a", "1") && asked("a", "2") && !asked("a", "3"));
    }

    #[test]
    fn services_that_went_make_room_and_memory_is_bounded() {
        let mut names = Distinct::new(100_000);
        for n in 0..NAMES_MAX {
            assert!(names.admits(&format!("old {}", n % 100), &n.to_string()));
        }
        // All were seen since the start: the first sweep gives each another chance.
        assert!(!names.admits("new", "1"));
        let mut admitted = 0;
        for n in 0..3 * SWEEP_EVERY {
            admitted += usize::from(names.admits("new", &n.to_string()));
        }
        assert!(admitted > 0 && names.names <= NAMES_MAX, "{admitted}");
        assert!(names.services.len() <= 101);
        // Services alone are bounded too.
        let mut names = Distinct::new(1);
        let admitted = (0..2 * SERVICES_MAX).filter(|n| names.admits(&n.to_string(), ""));
        assert_eq!(admitted.count(), SERVICES_MAX);
    }
}
