//! Records that need a second look when the emit cursor comes by; all others are good and plain.

use std::collections::VecDeque;

use crate::decide::facts::Irregularity;

/// The irregular records between the cursors, in order.
#[derive(Debug, Default)]
pub(crate) struct IrregularRecords {
    records: VecDeque<(u64, Irregularity)>,
}

impl IrregularRecords {
    pub(crate) fn add(&mut self, offset: u64, irregularity: Irregularity) {
        self.records.push_back((offset, irregularity));
    }

    /// What is irregular about a record; those below it are forgotten.
    pub(crate) fn at(&mut self, offset: u64) -> Option<Irregularity> {
        while let Some((at, irregularity)) = self.records.front() {
            if *at == offset {
                return Some(irregularity.clone());
            }
            if *at > offset {
                return None;
            }
            self.records.pop_front();
        }
        None
    }
}
