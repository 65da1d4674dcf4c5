//! Which letters a command is about.

use std::time::{Duration, SystemTime};

use export::letters::{Filter, LetterId};

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
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let ago = |age: Duration| now.clone().unwrap_or_default().saturating_sub(age);
        let ms = |age: Duration| ago(age).as_millis() as u64;
        Filter {
            ids: self.ids.clone(),
            backend: self.backend.clone(),
            stage: self.stage.clone(),
            tenant: self.tenant.clone(),
            reason: self.reason.clone(),
            from_ms: self.since.map(ms),
            before_ms: self.before.map(ms),
        }
    }
}

fn age(text: &str) -> Result<Duration, String> {
    let days = text
        .strip_suffix('d')
        .and_then(|days| days.parse::<u64>().ok());
    if let Some(seconds) = days.and_then(|days| days.checked_mul(24 * 3600)) {
        return Ok(Duration::from_secs(seconds));
    }
    let parsed: Result<runtime::config::Duration, _> = serde_json::from_value(text.into());
    parsed
        .map(|duration| duration.0)
        .map_err(|error| format!("{error}; e.g. 90s, 15m, 2h, 7d"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ages_are_durations_or_days() {
        let check =
            |text, seconds| assert_eq!(age(text), Ok(Duration::from_secs(seconds)), "{text}");
        check("90s", 90);
        check("2h", 7200);
        check("7d", 7 * 24 * 3600);
        for text in ["", "7", "d", "-1d", "soon", "99999999999999999999d"] {
            assert!(age(text).is_err(), "{text}");
        }
    }
}
