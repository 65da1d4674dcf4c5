//! A client of a cluster's API server.

use std::time::Duration;

use anyhow::Context;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use crate::config::Auth;

const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// Longer than a watch lasts ([`super::follow`]), so that an API server that is silent because nothing happens isn't taken for one that is gone.
const READ_WITHIN: Duration = Duration::from_secs(60);

/// A client that logs in as is configured. Nothing is asked yet.
pub(super) async fn connect(auth: &Auth) -> anyhow::Result<Client> {
    let mut config = match auth {
        Auth::ServiceAccount => Config::incluster().context(
            "reading the service account of this pod; outside of a cluster, use `auth_type: kubeConfig`",
        )?,
        Auth::KubeConfig { path, context } => {
            let file = match path {
                Some(path) => Kubeconfig::read_from(path)
                    .with_context(|| format!("reading the kubeconfig {}", path.display()))?,
                None => Kubeconfig::read().context("reading the kubeconfig of this user")?,
            };
            let options = KubeConfigOptions {
                context: context.clone(),
                ..KubeConfigOptions::default()
            };
            let config = Config::from_custom_kubeconfig(file, &options).await;
            config.context("using the kubeconfig")?
        }
    };
    config.connect_timeout = Some(CONNECT_WITHIN);
    config.read_timeout = Some(READ_WITHIN);
    config.reset_reader_on_write = true;
    Client::try_from(config).context("making a client of the API server")
}
