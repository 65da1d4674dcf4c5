//! AWS: who this process is there, and what answers say of that.
//!
//! Not here: single sign-on, credential processes, and roles that are assumed from a profile.

mod agents;
mod answer;
mod chain;
mod host;
mod identity;
mod profile;
mod sts;
#[cfg(test)]
mod tests;

use std::time::SystemTime;

pub use answer::refusal;
pub use host::service_and_region;
pub use identity::Credentials;

use crate::variables::{Variables, of_process};

/// Where credentials come from: the process's own identity, or a role that it assumes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Whose STS is asked.
    pub region: String,
    /// The role to assume, by its ARN.
    pub role: Option<String>,
}

impl Source {
    /// Credentials that are valid now. Blocks, for some seconds at most.
    ///
    /// # Errors
    /// Where they were looked for, and why they aren't there; no secret.
    pub fn fetch(&self) -> Result<Credentials, String> {
        self.fetch_by(&of_process)
    }

    pub(crate) fn fetch_by(&self, variables: &Variables<'_>) -> Result<Credentials, String> {
        let own = chain::find(&self.region, variables)?;
        match &self.role {
            Some(role) => sts::assume_role(&self.region, role, &own, variables, SystemTime::now()),
            None => Ok(own),
        }
    }
}

/// The identity of this process. Blocks, for some seconds at most.
///
/// # Errors
/// Where it was looked for, and why it isn't there.
pub fn credentials(region: &str) -> Result<Credentials, String> {
    chain::find(region, &of_process)
}
