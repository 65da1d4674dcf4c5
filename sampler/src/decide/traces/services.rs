//! Which services an open trace was seen in, kept only where a policy asks for their number: it is the one fact whose size grows with the trace.
//!
//! Services are told apart by a 64-bit hash of `service.name`. Beyond [`SERVICES_MAX`] they are not counted.

/// Services of a trace that are counted.
const SERVICES_MAX: usize = 256;

/// By slot of the window.
#[derive(Debug, Default)]
pub(crate) struct Services {
    sets: Vec<Vec<u64>>,
    bytes: usize,
}

impl Services {
    /// `service`: its hash.
    pub(crate) fn add(&mut self, slot: u32, service: u64) {
        let slot = slot as usize;
        if self.sets.len() <= slot {
            self.sets.resize_with(slot + 1, Vec::new);
        }
        let set = &mut self.sets[slot];
        if set.contains(&service) || set.len() >= SERVICES_MAX {
            return;
        }
        self.bytes -= set.capacity() * size_of::<u64>();
        set.push(service);
        self.bytes += set.capacity() * size_of::<u64>();
    }

    /// The number of services, as the trace is decided.
    pub(crate) fn take(&mut self, slot: u32) -> u64 {
        let Some(set) = self.sets.get_mut(slot as usize) else {
            return 0;
        };
        let count = set.len() as u64;
        // The slot's next trace will need about as much; an uncommon one gives its memory back.
        set.clear();
        if set.capacity() > 16 {
            self.bytes -= set.capacity() * size_of::<u64>();
            *set = Vec::new();
        }
        count
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn bytes(&self) -> usize {
        self.sets.capacity() * size_of::<Vec<u64>>() + self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_counted_once_and_bounded() {
        let mut services = Services::default();
        for service in [1, 2, 1, 3] {
            services.add(5, service);
        }
        (0..1000).for_each(|service| services.add(7, service));
        assert_eq!(services.take(5), 3);
        assert_eq!(services.take(5), 0);
        let bytes = services.bytes();
        assert_eq!(services.take(7), SERVICES_MAX as u64);
        assert!(services.bytes() < bytes);
        assert_eq!(services.take(99), 0);
    }
}
