//! Items that a backend doesn't get, by reason. Pure.

use std::ops::AddAssign;

/// Why a backend doesn't get an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is a tenant's that is for other backends.
    Tenant,
    /// No route leads there.
    Route,
    Filter,
    Sample,
    /// Its tenant's quota is used up.
    Quota,
}

impl Reason {
    pub const ALL: [Self; 5] = [
        Self::Tenant,
        Self::Route,
        Self::Filter,
        Self::Sample,
        Self::Quota,
    ];

    /// The value of the label `reason`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Route => "route",
            Self::Filter => "filter",
            Self::Sample => "sample",
            Self::Quota => "quota",
        }
    }
}

/// Numbers of items by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skipped([u64; Reason::ALL.len()]);

impl Skipped {
    pub fn of(reason: Reason, items: u64) -> Self {
        let mut skipped = Self::default();
        skipped.add(reason, items);
        skipped
    }

    pub fn add(&mut self, reason: Reason, items: u64) {
        self.0[reason as usize] += items;
    }

    pub fn get(&self, reason: Reason) -> u64 {
        self.0[reason as usize]
    }

    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

impl AddAssign for Skipped {
    fn add_assign(&mut self, other: Self) {
        for (all, more) in self.0.iter_mut().zip(other.0) {
            *all += more;
        }
    }
}
