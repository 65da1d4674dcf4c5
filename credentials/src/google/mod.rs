//! Google Cloud: access tokens of a service account, of a user, or of the machine, found as "application default credentials" are.
//!
//! Sources: Google Cloud, "How Application Default Credentials works"; Google Identity, "Using OAuth 2.0 for Server to Server Applications"
//! (the assertion), "Using OAuth 2.0 for Web Server Applications" (refresh tokens); Compute Engine, "View and query VM metadata" (the header
//! `Metadata-Flavor`).
//!
//! Not here: workload identity federation (`external_account`), impersonation, and tokens of identity.

mod accounts;
mod metadata;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::SystemTime;

use crate::token::Token;
use crate::variables::{Variables, of_process};

/// What is asked for where nothing is said.
pub const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// Where tokens come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// A file of credentials. Absent: where Google's libraries look for one, or else the metadata of the machine.
    pub credentials_file: Option<PathBuf>,
    /// Separated by blanks.
    pub scope: String,
}

impl Source {
    /// A token that is valid now. Blocks, for some seconds at most.
    ///
    /// # Errors
    /// Where it was looked for, what was asked, and why it failed; no secret.
    pub fn fetch(&self) -> Result<Token, String> {
        self.fetch_by(&of_process)
    }

    pub(crate) fn fetch_by(&self, variables: &Variables<'_>) -> Result<Token, String> {
        let now = SystemTime::now();
        match self.file(variables) {
            Some(file) => accounts::of_file(&file, &self.scope, now),
            None => metadata::token(&self.scope, variables, now),
        }
    }

    fn file(&self, variables: &Variables<'_>) -> Option<PathBuf> {
        let named = variables("GOOGLE_APPLICATION_CREDENTIALS").map(PathBuf::from);
        self.credentials_file.clone().or(named).or_else(|| {
            let folder = variables("CLOUDSDK_CONFIG")
                .or_else(|| variables("HOME").map(|home| format!("{home}/.config/gcloud")))?;
            let file = PathBuf::from(folder).join("application_default_credentials.json");
            file.exists().then_some(file)
        })
    }
}
