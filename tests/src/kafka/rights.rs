//! What those may do who come to a broker: given and taken while it runs. Unless a principal is named, those who come without a login.
//!
//! Kafka's own tool does it, as the one user who may, over a listener of its own. The broker itself and its controller are that user too.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use super::listener::plain_login;
use super::process;

const ADMIN: &str = "admin";
const PASSWORD: &str = "another secret";
pub(super) const LISTENER: &str = "RIGHTS";
pub(super) const PROTOCOL: &str = "SASL_PLAINTEXT";
const NOBODY: &str = "User:ANONYMOUS";

/// What a right is about.
#[derive(Clone, Copy, Debug)]
pub enum Resource<'a> {
    Topic(&'a str),
    Group(&'a str),
    TransactionalId(&'a str),
}

/// Gives and takes rights.
#[derive(Clone)]
pub struct Rights {
    jars: PathBuf,
    brokers: String,
    folder: Arc<TempDir>,
    principal: String,
}

impl Rights {
    pub(super) fn new(jars: &Path, port: u16) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("tailwater-rights-")
            .tempdir()?;
        let rights = Self {
            jars: jars.to_owned(),
            brokers: format!("127.0.0.1:{port}"),
            folder: Arc::new(folder),
            principal: NOBODY.to_owned(),
        };
        let login = plain_login(ADMIN, PASSWORD);
        let properties = format!(
            "security.protocol={PROTOCOL}\nsasl.mechanism=PLAIN\nsasl.jaas.config={login}\n"
        );
        std::fs::write(rights.properties(), properties)?;
        Ok(rights)
    }

    /// Of this principal: `User:name`.
    pub fn of(&self, principal: &str) -> Self {
        Self {
            principal: principal.to_owned(),
            ..self.clone()
        }
    }

    /// One of Kafka's own tools, as the user who may do everything: what it prints.
    ///
    /// # Errors
    /// It failed, or says so.
    pub fn tool(&self, class: &str, args: &[&str]) -> Result<String> {
        let output = process::java(&self.jars)
            .arg(class)
            .args(["--bootstrap-server", &self.brokers, "--command-config"])
            .arg(self.properties())
            .args(args)
            .output()
            .context("running java")?;
        // The tool says on standard error what went wrong, and ends as if nothing had.
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success() && !errors.contains("Error"),
            "{args:?}: {errors}"
        );
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn properties(&self) -> PathBuf {
        self.folder.path().join("admin.properties")
    }

    /// Allows operations on everything whose name begins so.
    pub fn allow(&self, resource: Resource<'_>, operations: &[&str]) {
        let prefixed = ["--resource-pattern-type", "prefixed", "--allow-principal"];
        self.change(
            "--add",
            &[&prefixed[..], &[&*self.principal]].concat(),
            resource,
            operations,
        );
    }

    /// Denies an operation on what has just this name, whatever is allowed.
    pub fn take(&self, resource: Resource<'_>, operation: &str) {
        self.change(
            "--add",
            &["--deny-principal", &self.principal],
            resource,
            &[operation],
        );
    }

    /// Denies it no longer.
    pub fn give_back(&self, resource: Resource<'_>, operation: &str) {
        let denied = ["--force", "--deny-principal", &*self.principal];
        self.change("--remove", &denied, resource, &[operation]);
    }

    fn change(&self, change: &str, whose: &[&str], resource: Resource<'_>, operations: &[&str]) {
        let (kind, name) = match resource {
            Resource::Topic(name) => ("--topic", name),
            Resource::Group(name) => ("--group", name),
            Resource::TransactionalId(name) => ("--transactional-id", name),
        };
        let mut args = vec![change, kind, name];
        args.extend(whose);
        for operation in operations {
            args.extend(["--operation", operation]);
        }
        self.tool("org.apache.kafka.tools.AclCommand", &args)
            .expect("the rights are changed");
    }
}

/// Lines of the broker's configuration.
pub(super) fn lines() -> String {
    let login = plain_login(ADMIN, PASSWORD);
    format!(
        "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:{ADMIN}
inter.broker.listener.name={LISTENER}
sasl.mechanism.inter.broker.protocol=PLAIN
sasl.mechanism.controller.protocol=PLAIN
listener.name.rights.sasl.enabled.mechanisms=PLAIN
listener.name.rights.plain.sasl.jaas.config={login}
listener.name.controller.sasl.enabled.mechanisms=PLAIN
listener.name.controller.plain.sasl.jaas.config={login}
"
    )
}
