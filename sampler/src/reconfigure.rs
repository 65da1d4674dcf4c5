//! Another configuration for a sampler that is running: see `Partition::reconfigure`.

use std::sync::Arc;

use crate::options::Options;
use crate::policy::Policies;

/// What can change while a sampler runs.
#[derive(Clone, Debug)]
pub struct Reconfiguration {
    pub policies: Arc<Policies>,
    /// What the bus says is in them as before: see `Config::take_over`.
    pub options: Options,
}
