//! What the configuration says about translating.

use super::super::naming::Names;

/// How metrics become series.
#[derive(Clone, Debug)]
pub struct Rules {
    pub names: Names,
    /// Series say which scope they are of.
    pub scope_labels: bool,
    /// Attributes of resources that become labels of each series.
    pub promote: Vec<String>,
    pub histograms: Histograms,
    /// Points of delta temporality are made cumulative; else they can't be sent.
    pub cumulates: bool,
    /// Labels of each series that has none of that name.
    pub external_labels: Vec<(String, String)>,
}

/// What histograms with explicit bounds become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Histograms {
    /// A series for each bucket.
    Classic,
    /// One series of native histograms with custom buckets.
    Nhcb,
}
