//! Texts with the tenant's name in them, and which of them can be the name of a topic. Pure.

use schemas::headers::DEFAULT_TENANT;

const TENANT: &str = "{tenant}";
/// Kafka's limit.
const NAME_BYTES_MAX: usize = 249;

/// A text with places for the tenant's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(String);

impl Template {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Whether it differs by tenant.
    pub fn is_by_tenant(&self) -> bool {
        self.0.contains(TENANT)
    }

    /// The text for a tenant; `None` is the default one.
    ///
    /// # Errors
    /// The tenant's name isn't text.
    pub fn fill(&self, tenant: Option<&[u8]>) -> Result<String, String> {
        if !self.is_by_tenant() {
            return Ok(self.0.clone());
        }
        let tenant = match tenant {
            None => DEFAULT_TENANT,
            Some(tenant) => std::str::from_utf8(tenant)
                .map_err(|_| "the tenant's name isn't UTF-8".to_owned())?,
        };
        Ok(self.0.replace(TENANT, tenant))
    }

    /// The name of a topic for a tenant.
    ///
    /// # Errors
    /// There can't be such a topic.
    pub fn topic(&self, tenant: Option<&[u8]>) -> Result<String, String> {
        let name = self.fill(tenant)?;
        match is_topic(&name) {
            true => Ok(name),
            false => Err(format!("{name:?} can't be the name of a topic")),
        }
    }
}

/// Whether Kafka takes this as the name of a topic. Source: its class `org.apache.kafka.common.internals.Topic`.
pub fn is_topic(name: &str) -> bool {
    let fits = |char: char| char.is_ascii_alphanumeric() || matches!(char, '.' | '_' | '-');
    !name.is_empty()
        && name.len() <= NAME_BYTES_MAX
        && name != "."
        && name != ".."
        && name.chars().all(fits)
}
