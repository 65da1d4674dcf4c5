//! Which letters somebody is after.

use schemas::headers::DEFAULT_TENANT;

use super::letter::{Letter, LetterId};

/// Which letters.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// These and no others; empty: all.
    pub ids: Vec<LetterId>,
    pub backend: Option<String>,
    pub stage: Option<String>,
    /// Of this tenant; `default` and the empty name are the default tenant's.
    pub tenant: Option<String>,
    /// A part of the reason, in any case.
    pub reason: Option<String>,
    /// Given up at this time or later.
    pub from_ms: Option<u64>,
    /// Given up before this time.
    pub before_ms: Option<u64>,
}

impl Filter {
    pub fn takes(&self, letter: &Letter) -> bool {
        let contains = |reason: &String| {
            let whole = letter.reason.to_lowercase();
            whole.contains(&reason.to_lowercase())
        };
        let is_of = |tenant: &String| match letter.tenant() {
            Some(name) => name == *tenant,
            None => matches!(tenant.as_str(), "" | DEFAULT_TENANT),
        };
        (self.ids.is_empty() || self.ids.contains(&letter.id))
            && (self.backend.as_deref()).is_none_or(|backend| letter.backend() == Some(backend))
            && (self.stage.as_deref()).is_none_or(|stage| letter.stage == stage)
            && self.tenant.as_ref().is_none_or(is_of)
            && self.reason.as_ref().is_none_or(contains)
            && self.from_ms.is_none_or(|from| letter.time_ms >= from)
            && self.before_ms.is_none_or(|before| letter.time_ms < before)
    }

    /// Everything would match.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
            && self.backend.is_none()
            && self.stage.is_none()
            && self.tenant.is_none()
            && self.reason.is_none()
            && self.from_ms.is_none()
            && self.before_ms.is_none()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use bus::{Fetched, Header};
    use bytes::Bytes;
    use schemas::headers::TENANT;

    use super::*;

    fn letter(tenant: Option<&str>) -> Letter {
        let header = |name: &str| Header {
            name: TENANT.into(),
            value: Bytes::copy_from_slice(name.as_bytes()),
        };
        let record = Fetched {
            topic: "t".into(),
            partition: 0,
            offset: 0,
            timestamp_ms: 0,
            headers: tenant.map(header).into_iter().collect(),
            value: Bytes::new(),
        };
        Letter::of(record).unwrap()
    }

    #[test]
    fn letters_are_told_apart_by_tenant() {
        let takes = |wanted: &str| {
            let filter = Filter {
                tenant: Some(wanted.to_owned()),
                ..Filter::default()
            };
            assert!(!filter.is_empty());
            [None, Some(""), Some("default"), Some("shop")]
                .map(|tenant| filter.takes(&letter(tenant)))
        };
        assert_eq!(takes("shop"), [false, false, false, true]);
        assert_eq!(takes("default"), [true, true, true, false]);
        assert_eq!(takes(""), [true, true, true, false]);
        assert_eq!(takes("sho"), [false; 4]);
    }
}
