//! Redaction by rules of tenants: one rewriter for each tenant that was met lately.

use redact::Rewriter;

use crate::config::TenantRules;

/// Rewriters that are held at once, of 60 KiB and more each.
const REWRITERS_MAX: usize = 64;

/// What a tenant wants redacted beyond everybody's rules.
pub(super) struct OwnRules {
    tenants: TenantRules,
    rewriters: Vec<Lately>,
    /// Counts records, to tell who was met last.
    now: u64,
    /// Whose records are coming.
    current: Option<usize>,
}

struct Lately {
    set: usize,
    met: u64,
    rewriter: Rewriter,
}

impl OwnRules {
    pub(super) fn new(tenants: TenantRules) -> Self {
        Self {
            tenants,
            rewriters: Vec::new(),
            now: 0,
            current: None,
        }
    }

    /// The records that follow are of this tenant. Its place among those that have rules of their own.
    pub(super) fn enter(&mut self, tenant: Option<&[u8]>) -> Option<usize> {
        self.current = self.tenants.of(tenant);
        self.current
    }

    /// The rewriter of the tenant whose records are coming, if it has rules of its own.
    pub(super) fn rewriter(&mut self) -> Option<&mut Rewriter> {
        let set = self.current?;
        self.now += 1;
        let known = self.rewriters.iter().position(|lately| lately.set == set);
        let at = known.unwrap_or_else(|| self.make(set));
        let lately = &mut self.rewriters[at];
        lately.met = self.now;
        Some(&mut lately.rewriter)
    }

    /// Changes in the last record of the tenant, by the index of its rules' counters.
    pub(super) fn redactions(&self) -> &[u64] {
        let mut rewriters = self.rewriters.iter();
        let lately = rewriters.find(|lately| Some(lately.set) == self.current);
        lately.map_or(&[], |lately| lately.rewriter.counts())
    }

    fn make(&mut self, set: usize) -> usize {
        if self.rewriters.len() >= REWRITERS_MAX {
            let oldest = (0..self.rewriters.len()).min_by_key(|&at| self.rewriters[at].met);
            oldest.map(|at| self.rewriters.swap_remove(at));
        }
        self.rewriters.push(Lately {
            set,
            met: self.now,
            rewriter: Rewriter::small(self.tenants.sets()[set].rules.clone()),
        });
        self.rewriters.len() - 1
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
