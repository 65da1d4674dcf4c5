//! What was counted, by tenant and window. Pure; bounded.

use std::collections::HashMap;

/// Tenants that are counted by themselves. All others share one quota.
pub const TENANTS_MAX: usize = 10_000;
/// Windows of a tenant, the newest.
pub const WINDOWS_MAX: usize = 4;
/// The name under which all further tenants are counted.
const OTHERS: &[u8] = b"";

/// How much it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// Of payload, before compression.
    pub bytes: u64,
    pub items: u64,
}

impl Amount {
    pub fn add(&mut self, more: Self) {
        self.bytes += more.bytes;
        self.items += more.items;
    }

    fn remove(&mut self, less: Self) {
        self.bytes = self.bytes.saturating_sub(less.bytes);
        self.items = self.items.saturating_sub(less.items);
    }
}

/// Of one tenant, in one window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    pub amount: Amount,
    /// The first record of the partition that was over the quota, by its offset.
    pub over_from: Option<u64>,
}

/// Counts by tenant and window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table(HashMap<Box<[u8]>, Vec<(u64, Counted)>>);

impl Table {
    pub fn get(&self, tenant: &[u8], window: u64) -> Counted {
        let windows = self.0.get(self.known(tenant));
        let found = windows.and_then(|all| all.iter().find(|(number, _)| *number == window));
        found.map(|(_, counted)| *counted).unwrap_or_default()
    }

    pub fn add(&mut self, tenant: &[u8], window: u64, amount: Amount) {
        if let Some(counted) = self.entry(tenant, window) {
            counted.amount.add(amount);
        }
    }

    /// A record at this offset is over the quota.
    pub fn set_over(&mut self, tenant: &[u8], window: u64, offset: u64) {
        if let Some(counted) = self.entry(tenant, window) {
            counted.over_from.get_or_insert(offset);
        }
    }

    /// What somebody else counted.
    pub fn put(&mut self, tenant: &[u8], window: u64, counted: Counted) {
        if let Some(entry) = self.entry(tenant, window) {
            *entry = counted;
        }
    }

    /// Adds all of another one.
    pub fn add_all(&mut self, other: &Self) {
        for (tenant, window, counted) in other.iter() {
            if let Some(own) = self.entry(tenant, window) {
                own.amount.add(counted.amount);
                own.over_from = match (own.over_from, counted.over_from) {
                    (Some(one), Some(other)) => Some(one.min(other)),
                    (one, other) => one.or(other),
                };
            }
        }
    }

    /// Takes away the amounts of another one.
    pub fn remove_all(&mut self, other: &Self) {
        for (tenant, window, counted) in other.iter() {
            let known = self.known(tenant).to_vec();
            let windows = self.0.get_mut(known.as_slice());
            let found = windows.and_then(|all| all.iter_mut().find(|(one, _)| *one == window));
            if let Some((_, own)) = found {
                own.amount.remove(counted.amount);
            }
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (&[u8], u64, Counted)> {
        let tenants = self.0.iter();
        tenants.flat_map(|(tenant, windows)| {
            let windows = windows.iter();
            windows.map(move |(window, counted)| (&**tenant, *window, *counted))
        })
    }

    /// The name under which a tenant is counted.
    fn known<'a>(&self, tenant: &'a [u8]) -> &'a [u8] {
        match self.0.len() < TENANTS_MAX || self.0.contains_key(tenant) {
            true => tenant,
            false => OTHERS,
        }
    }

    /// `None`: it is older than the windows that are kept.
    fn entry(&mut self, tenant: &[u8], window: u64) -> Option<&mut Counted> {
        let tenant = self.known(tenant);
        if !self.0.contains_key(tenant) {
            self.0.insert(tenant.into(), Vec::new());
        }
        let windows = self.0.get_mut(tenant)?;
        if !windows.iter().any(|(number, _)| *number == window) {
            let oldest = (0..windows.len()).min_by_key(|index| windows[*index].0);
            if let Some(oldest) = oldest.filter(|_| windows.len() >= WINDOWS_MAX) {
                if windows[oldest].0 > window {
                    return None;
                }
                windows.swap_remove(oldest);
            }
            windows.push((window, Counted::default()));
        }
        let mut windows = windows.iter_mut();
        windows
            .find(|(number, _)| *number == window)
            .map(|(_, counted)| counted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Amount = Amount {
        bytes: 10,
        items: 1,
    };

    #[test]
    fn what_is_added_is_there_until_it_is_removed() {
        let (mut all, mut one) = (Table::default(), Table::default());
        one.add(b"a", 7, ONE);
        one.set_over(b"a", 7, 40);
        one.set_over(b"a", 7, 90);
        all.add(b"a", 7, ONE);
        all.add_all(&one);
        let (bytes, items) = (20, 2);
        assert_eq!(all.get(b"a", 7).amount, Amount { bytes, items });
        assert_eq!(all.get(b"a", 7).over_from, Some(40));
        all.remove_all(&one);
        assert_eq!(all.get(b"a", 7).amount, ONE);
        assert_eq!(all.get(b"a", 8), Counted::default());
        assert_eq!(all.get(b"b", 7), Counted::default());
    }

    #[test]
    fn the_newest_windows_stay() {
        let mut table = Table::default();
        for window in 10..20 {
            table.add(b"a", window, ONE);
        }
        table.add(b"a", 3, ONE);
        let mut left: Vec<_> = table.iter().map(|(_, window, _)| window).collect();
        left.sort_unstable();
        assert_eq!(left, [16, 17, 18, 19]);
    }

    #[test]
    fn tenants_beyond_the_bound_share_one_quota() {
        let mut table = Table::default();
        let name = |number: usize| number.to_string().into_bytes();
        for number in 0..TENANTS_MAX + 5 {
            table.add(&name(number), 1, ONE);
        }
        assert_eq!(table.get(&name(0), 1).amount, ONE);
        assert_eq!(table.get(&name(TENANTS_MAX + 3), 1).amount.items, 5);
        assert_eq!(table.0.len(), TENANTS_MAX + 1);
    }
}
