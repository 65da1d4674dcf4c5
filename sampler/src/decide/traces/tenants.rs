//! Whose traces a partition holds. A trace is all spans of one tenant and trace id, so one id in two tenants is two traces.
//!
//! A record has one tenant, so its name is looked up once a record and is a number from there on. Numbers are counted: one that no open trace and no
//! verdict has any more is let go, so the names take no more memory than the traces they belong to. They mean nothing outside of
//! their partition; the decision log and other partitions are told names.

use bytes::Bytes;
use hashbrown::HashTable;
use schemas::headers::DEFAULT_TENANT;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::decide::traces::index::Tenant;
use crate::policy::{Policies, SetId};

/// A longer name (ingest takes none) is known by its beginning and a hash.
const NAME_BYTES_MAX: usize = 256;
const HASH_BYTES: usize = 16;

#[derive(Debug)]
struct Named {
    name: Bytes,
    /// Which policies hold for it.
    set: SetId,
    /// Traces, verdicts and records that have this number.
    references: usize,
}

/// The tenants of one partition. The default tenant has a number without being here.
#[derive(Debug, Default)]
pub(crate) struct Tenants {
    /// Which policies hold for the default tenant.
    default_set: SetId,
    /// By number less one.
    slots: Vec<Named>,
    free: Vec<u32>,
    /// Slots, by the hash of their names.
    table: HashTable<u32>,
    bytes: usize,
}

impl Tenants {
    pub(crate) fn new(policies: &Policies) -> Self {
        Self {
            default_set: policies.set_of(b""),
            ..Self::default()
        }
    }

    /// The number of the tenant that a record names, with a reference to it; an absent or empty name is the default tenant's.
    /// `set_of`: which policies hold for a tenant that isn't known here.
    pub(crate) fn enter(
        &mut self,
        name: Option<&[u8]>,
        set_of: impl FnOnce(&[u8]) -> SetId,
    ) -> Tenant {
        let Some(name) = known_as(name) else {
            return Tenant::DEFAULT;
        };
        let known = self.look_up(&name);
        let tenant = known.unwrap_or_else(|| self.insert(&name, set_of(&name)));
        self.hold(tenant);
        tenant
    }

    /// The number of a tenant that has traces here.
    pub(crate) fn find(&self, name: Option<&[u8]>) -> Option<Tenant> {
        match known_as(name) {
            None => Some(Tenant::DEFAULT),
            Some(name) => self.look_up(&name),
        }
    }

    /// Empty: the default tenant's.
    pub(crate) fn name(&self, tenant: Tenant) -> Bytes {
        let named = slot(tenant).and_then(|slot| self.slots.get(slot));
        named.map_or(Bytes::new(), |named| named.name.clone())
    }

    /// Which policies hold for a tenant.
    #[inline]
    pub(crate) fn set(&self, tenant: Tenant) -> SetId {
        let named = slot(tenant).and_then(|slot| self.slots.get(slot));
        named.map_or(self.default_set, |named| named.set)
    }

    /// Another configuration: by tenant's number, which policies held for it, and which do.
    pub(crate) fn reconfigure(&mut self, after: &Policies) -> Vec<(SetId, SetId)> {
        let default_set = after.set_of(b"");
        let default = std::mem::replace(&mut self.default_set, default_set);
        let named = self.slots.iter_mut().map(|named| {
            let set = after.set_of(&named.name);
            (std::mem::replace(&mut named.set, set), set)
        });
        std::iter::once((default, default_set))
            .chain(named)
            .collect()
    }

    /// One more has this number.
    #[inline]
    pub(crate) fn hold(&mut self, tenant: Tenant) {
        if let Some(slot) = slot(tenant) {
            self.slots[slot].references += 1;
        }
    }

    /// One less has this number.
    #[inline]
    pub(crate) fn release(&mut self, tenant: Tenant) {
        if let Some(slot) = slot(tenant) {
            self.slots[slot].references -= 1;
            if self.slots[slot].references == 0 {
                self.remove(slot);
            }
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Named>()
            + self.free.capacity() * size_of::<u32>()
            + self.table.allocation_size()
            + self.bytes
    }

    fn look_up(&self, name: &[u8]) -> Option<Tenant> {
        let is = |&slot: &u32| self.slots[slot as usize].name == name;
        let slot = self.table.find(xxh3_64(name), is)?;
        Some(Tenant(slot + 1))
    }

    fn insert(&mut self, name: &[u8], set: SetId) -> Tenant {
        // A copy: the bus's buffer is not to be held for the sake of a name.
        let named = Named {
            name: Bytes::copy_from_slice(name),
            set,
            references: 0,
        };
        self.bytes += name.len();
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = named;
                slot
            }
            None => {
                self.slots.push(named);
                self.slots.len() as u32 - 1
            }
        };
        let slots = &self.slots;
        let hash = |&slot: &u32| xxh3_64(&slots[slot as usize].name);
        self.table.insert_unique(xxh3_64(name), slot, hash);
        Tenant(slot + 1)
    }

    fn remove(&mut self, slot: usize) {
        let name = std::mem::take(&mut self.slots[slot].name);
        self.bytes -= name.len();
        let is = |&other: &u32| other as usize == slot;
        if let Ok(entry) = self.table.find_entry(xxh3_64(&name), is) {
            entry.remove();
        }
        self.free.push(slot as u32);
        if self.table.is_empty() {
            // Many tenants of an hour must not hold memory for ever.
            *self = Self {
                default_set: self.default_set,
                ..Self::default()
            };
        }
    }
}

fn slot(tenant: Tenant) -> Option<usize> {
    tenant.0.checked_sub(1).map(|slot| slot as usize)
}

/// The name by which a tenant is known here, in the decision log and in other partitions; `None`: it is the default tenant.
fn known_as(name: Option<&[u8]>) -> Option<std::borrow::Cow<'_, [u8]>> {
    let name = name.filter(|name| !name.is_empty() && *name != DEFAULT_TENANT.as_bytes())?;
    if name.len() <= NAME_BYTES_MAX {
        return Some(name.into());
    }
    let hash = xxh3_128(name).to_be_bytes();
    Some(
        [&name[..NAME_BYTES_MAX - HASH_BYTES], &hash]
            .concat()
            .into(),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Names of all lengths, few enough to meet again.
    fn name() -> impl Strategy<Value = Option<Vec<u8>>> {
        let length = prop::sample::select(vec![0_usize, 1, 3, 256, 257, 5000]);
        let name = (length, 0..2_u8).prop_map(|(length, last)| {
            let mut name = vec![b'x'; length];
            if let Some(byte) = name.last_mut() {
                *byte = last;
            }
            name
        });
        prop::option::of(name)
    }

    proptest! {
        /// Against the names themselves: equal numbers for equal names, as long as somebody refers to them, and nothing left behind.
        #[test]
        fn a_number_stands_for_a_name_while_it_is_held(names in prop::collection::vec((name(), any::<bool>()), 1..40)) {
            let mut tenants = Tenants::default();
            let mut held: Vec<(Vec<u8>, Tenant)> = Vec::new();
            for (name, release) in names {
                let entered = tenants.enter(name.as_deref(), |_| SetId::default());
                let name = name.unwrap_or_default();
                for (other, tenant) in &held {
                    prop_assert_eq!(*other == name, *tenant == entered);
                }
                prop_assert_eq!(tenants.find(Some(&name)), Some(entered));
                prop_assert!(name.len() > NAME_BYTES_MAX || tenants.name(entered) == name);
                // By the name that others are told, it is found as well.
                let told = tenants.name(entered);
                prop_assert_eq!(tenants.find(Some(&told)), Some(entered));
                held.push((name, entered));
                if release {
                    let (name, tenant) = held.swap_remove(held.len() / 2);
                    tenants.release(tenant);
                    let still = tenant == Tenant::DEFAULT || held.iter().any(|(_, other)| *other == tenant);
                    prop_assert_eq!(tenants.find(Some(&name)), still.then_some(tenant));
                }
            }
            held.into_iter().for_each(|(_, tenant)| tenants.release(tenant));
            prop_assert_eq!(tenants.bytes(), 0);
        }
    }

    /// Names that come and go take no more than those that are there.
    #[test]
    fn ever_new_tenants_take_no_memory() {
        let mut tenants = Tenants::default();
        let stays = tenants.enter(Some(b"stays"), |_| SetId::default());
        for at in 0..100_000_u32 {
            let tenant = tenants.enter(Some(&at.to_le_bytes().repeat(1000)), |_| SetId::default());
            tenants.release(tenant);
        }
        assert!(tenants.bytes() < 1000, "{} bytes", tenants.bytes());
        assert_eq!(tenants.name(stays), "stays");
    }
}
