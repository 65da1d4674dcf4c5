//! What was found of dropped traces, packed as it goes out.

use bytes::Bytes;
use schemas::otlp::Item;
use schemas::pack::Packer;

use crate::memory::Hold;
use crate::options::Options;

/// What a packer takes besides what is in it, more or less.
const PACKER_BYTES: usize = 1024;

/// What was found of one trace.
#[derive(Debug, Default)]
pub(crate) struct Found {
    packers: Vec<(Option<Bytes>, Packer)>,
    finished: Vec<(Option<Bytes>, Bytes)>,
    pub(crate) spans: u64,
    /// Of the spans alone.
    pub(crate) bytes: usize,
    /// What they take here, with their resources and scopes.
    pub(super) held_bytes: usize,
    /// The memory of the process that this is in.
    hold: Option<Hold>,
    /// The trace's first record was there.
    begun: bool,
    /// A span of it is longer than a record of the bus may be.
    missing: bool,
    pub(super) too_large: bool,
}

/// What goes out when the emit cursor passes an offset.
#[derive(Debug, Default)]
pub(crate) struct Released {
    pub(crate) records: Vec<(Option<Bytes>, Bytes)>,
    pub(crate) spans: u64,
    pub(crate) bytes: usize,
    /// Traces that could not be brought back whole.
    pub(crate) incomplete: u64,
}

impl Found {
    /// Of a trace that takes more than may be held.
    pub(super) fn too_large() -> Self {
        Self {
            too_large: true,
            ..Self::default()
        }
    }

    pub(super) fn begin(&mut self, tenant: &Option<Bytes>, first: bool) {
        self.begun |= first;
        if let Some((_, packer)) = self.packers.iter_mut().find(|(owner, _)| owner == tenant) {
            packer.begin_source();
        }
    }

    /// Adds a span, with `head_bytes` around it; the bytes that it takes here.
    pub(super) fn add(
        &mut self,
        tenant: &Option<Bytes>,
        item: &Item<'_>,
        suffix: &[u8],
        head_bytes: usize,
        options: &Options,
    ) -> usize {
        let bytes = item.body.len() + suffix.len();
        if bytes + head_bytes > options.bus.record_bytes_limit {
            self.missing = true;
            return 0;
        }
        let held_before = self.held_bytes;
        let known = self.packers.iter().position(|(owner, _)| owner == tenant);
        let at = known.unwrap_or_else(|| {
            self.packers.push((tenant.clone(), Packer::new()));
            self.held_bytes += PACKER_BYTES;
            self.packers.len() - 1
        });
        let packer = &mut self.packers[at].1;
        if !packer.is_empty() && packer.bytes() + bytes + head_bytes > options.bus.record_bytes_max
        {
            self.finished.push((tenant.clone(), packer.finish()));
        }
        let before = packer.bytes();
        packer.push_with_suffix(item, suffix);
        self.held_bytes += packer.bytes() - before;
        self.spans += 1;
        self.bytes += bytes;
        self.held_bytes - held_before
    }

    /// Everything was found; of the reading's memory it goes on holding its own.
    pub(super) fn finish(&mut self, hold: &mut Hold) {
        self.hold = Some(hold.split(self.held_bytes));
        for (tenant, mut packer) in std::mem::take(&mut self.packers) {
            if !packer.is_empty() {
                self.finished.push((tenant, packer.finish()));
            }
        }
    }
}

impl Released {
    pub(super) fn add(&mut self, found: Found) {
        self.incomplete += u64::from(!found.begun || found.missing || found.too_large);
        self.spans += found.spans;
        self.bytes += found.bytes;
        self.records.extend(found.finished);
    }
}
