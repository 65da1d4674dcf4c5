//! What became of spans, by tenant.
//!
//! Records are of one tenant each, so this costs a look-up a record. It is emptied with each epoch, and holds no more names than an
//! epoch has records.

use bytes::Bytes;
use hashbrown::HashMap;

/// Spans of one tenant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spans {
    pub consumed: u64,
    pub consumed_bytes: u64,
    pub kept: u64,
    pub kept_bytes: u64,
    pub dropped: u64,
    pub dead_lettered: u64,
}

/// Spans by the tenant that their record names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TenantSpans {
    by_name: HashMap<Option<Bytes>, Spans>,
}

impl TenantSpans {
    /// Those of the tenant that a record names.
    pub(crate) fn of(&mut self, tenant: &Option<Bytes>) -> &mut Spans {
        self.by_name.entry_ref(tenant).or_default()
    }

    /// Each with the name of its tenant, if it has one.
    pub fn iter(&self) -> impl Iterator<Item = (Option<&[u8]>, &Spans)> {
        let all = self.by_name.iter();
        all.map(|(tenant, spans)| (tenant.as_deref(), spans))
    }
}
