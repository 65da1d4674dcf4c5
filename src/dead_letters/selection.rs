//! Which letters a command is about.

use std::time::Duration;

use export::letters::{Filter, LetterId};

use crate::stored::{age, since_ms};

/// Which letters.
#[derive(clap::Args)]
pub struct Selection {
    /// These letters and no others: PARTITION/OFFSET, as `list` prints them
    #[arg(value_name = "ID")]
    ids: Vec<LetterId>,
    /// Refused by this backend
    #[arg(long, value_name = "NAME")]
    pub backend: Option<String>,
    /// Given up by this stage: ingest, sampler, enrich, export/NAME
    #[arg(long, value_name = "STAGE")]
    stage: Option<String>,
    /// Of this tenant; `default` is the tenant of data that names none
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
    /// With this text in the reason
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Younger than this, e.g. 2h
    #[arg(long, value_name = "AGE", value_parser = age)]
    since: Option<Duration>,
    /// Older than this, e.g. 7d
    #[arg(long, value_name = "AGE", value_parser = age)]
    before: Option<Duration>,
    /// At most so many
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
}

impl Selection {
    pub fn filter(&self) -> Filter {
        Filter {
            ids: self.ids.clone(),
            backend: self.backend.clone(),
            stage: self.stage.clone(),
            tenant: self.tenant.clone(),
            reason: self.reason.clone(),
            from_ms: self.since.map(since_ms),
            before_ms: self.before.map(since_ms),
        }
    }
}
