//! How tenants are called in metrics: by name, as long as there are not too many of them.
//!
//! Names come with the data, so their number has no bound of its own; a process keeps series for the first ones it meets.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use schemas::headers::DEFAULT_TENANT;

/// A tenant's name as the value of a label.
pub type TenantLabel = Arc<str>;

/// So many tenants have series of their own in a process.
pub const LABELS_MAX: usize = 500;
/// What the others are called together.
pub const OTHERS: &str = "other";

static LABELS: LazyLock<RwLock<Labels>> = LazyLock::new(RwLock::default);

/// The label of a tenant; `None` is the default tenant. One process calls a tenant the same in all its metrics.
pub fn tenant_label(tenant: Option<&[u8]>) -> TenantLabel {
    let labels = LABELS.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(label) = labels.known(tenant) {
        return label;
    }
    drop(labels);
    let mut labels = LABELS.write().unwrap_or_else(PoisonError::into_inner);
    labels.of(tenant)
}

struct Labels {
    names: HashSet<TenantLabel>,
    default: TenantLabel,
    others: TenantLabel,
}

impl Default for Labels {
    fn default() -> Self {
        Self {
            names: HashSet::new(),
            default: DEFAULT_TENANT.into(),
            others: OTHERS.into(),
        }
    }
}

impl Labels {
    /// `None`: it was not met yet, and there is room for it.
    fn known(&self, tenant: Option<&[u8]>) -> Option<TenantLabel> {
        let Some(name) = tenant.filter(|name| !name.is_empty()) else {
            return Some(self.default.clone());
        };
        // A name that is no text is nobody's that was configured.
        let Ok(name) = std::str::from_utf8(name) else {
            return Some(self.others.clone());
        };
        if name == DEFAULT_TENANT {
            return Some(self.default.clone());
        }
        match self.names.get(name) {
            Some(label) => Some(label.clone()),
            None if self.names.len() >= LABELS_MAX => Some(self.others.clone()),
            None => None,
        }
    }

    fn of(&mut self, tenant: Option<&[u8]>) -> TenantLabel {
        if let Some(label) = self.known(tenant) {
            return label;
        }
        let name = tenant.and_then(|name| std::str::from_utf8(name).ok());
        let label: TenantLabel = name.unwrap_or(OTHERS).into();
        self.names.insert(label.clone());
        label
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_tenants_have_labels_of_their_own() {
        let mut labels = Labels::default();
        for number in 0..LABELS_MAX {
            let name = format!("t{number}");
            assert_eq!(&*labels.of(Some(name.as_bytes())), name);
        }
        assert_eq!(&*labels.of(Some(b"one-more")), OTHERS);
        assert_eq!(&*labels.of(Some(b"t7")), "t7");
        for unnamed in [None, Some(&b""[..]), Some(b"default")] {
            assert_eq!(&*labels.of(unnamed), "default");
        }
        assert_eq!(labels.names.len(), LABELS_MAX);
    }

    #[test]
    fn what_is_no_text_has_no_label_of_its_own() {
        let mut labels = Labels::default();
        assert_eq!(&*labels.of(Some(b"\xff")), OTHERS);
        assert!(labels.names.is_empty());
    }
}
