//! OTLP over gRPC as a kind of backend.

use runtime::config::Problems;
use schemas::Signal;

use super::client::GrpcClient;
use super::config::{GrpcConfig, RawGrpc};
use crate::backends::kind::{BackendKind, Opening};
use crate::otlp::paths::path_of_a_signal;
use crate::transport::address;
use crate::transport::auth::{self, Reached};
use crate::transport::connection::RawConnection;

impl BackendKind for GrpcConfig {
    type Section = RawGrpc;
    type Sink = GrpcClient;

    fn validate(section: &RawGrpc, _: &[Signal], at: &str, problems: &mut Problems) -> Self {
        let key = format!("{at}.endpoint");
        let endpoint = address::parse(&section.endpoint, section.tls.insecure, &key, problems);
        if let Some(path) = path_of_a_signal(&endpoint) {
            let message = format!(
                "ends in {path}, which is a path of OTLP over HTTP: gRPC calls a path of its own behind it; leave it out, or take otlp_http"
            );
            problems.warn(key, message);
        }
        let reached = Reached {
            endpoints: &[&endpoint],
            headers: &section.headers,
            signs: false,
        };
        let key = format!("{at}.auth");
        let auth = auth::validate(section.auth.as_ref(), &reached, &key, problems);
        Self {
            auth,
            connection: RawConnection {
                headers: &section.headers,
                compression: section.compression,
                tls: &section.tls,
                timeout: section.timeout,
            }
            .validate(&endpoint, at, problems),
            endpoint,
        }
    }

    fn target(section: &RawGrpc) -> Option<String> {
        Some(section.endpoint.clone())
    }

    fn by_tenant(&self) -> bool {
        self.connection.headers.by_tenant()
    }

    fn open(&self, opening: &Opening<'_>) -> anyhow::Result<GrpcClient> {
        let source = |auth| {
            let sources = opening.sources;
            sources.of(auth, &self.endpoint, opening.backend)
        };
        let auth = self.auth.as_ref().map(source).transpose()?;
        Ok(GrpcClient::new(self, auth)?)
    }
}
