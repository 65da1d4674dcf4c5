//! What a port accepts TLS connections with, exchanged while it runs.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use metrics::{counter, gauge};
use rustls::ServerConfig;
use tokio_rustls::TlsAcceptor;

use super::config::Tls;
use super::read::{Contents, Usable, unix_seconds};
use crate::{Drain, names};

/// Between two looks at the files. What has changed counts when it has stood still for one look, so it takes effect within 2 s.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const RESULTS: [&str; 2] = ["ok", "failed"];

/// What a port speaks over TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alpn {
    Http2,
    /// Or HTTP/1.1.
    Http,
}

impl Alpn {
    fn names(self) -> Vec<Vec<u8>> {
        match self {
            Self::Http2 => vec![b"h2".to_vec()],
            Self::Http => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        }
    }
}

/// The TLS of one section, for all ports that have it. Clones share it.
#[derive(Clone)]
pub struct Server {
    shared: Arc<Shared>,
}

/// The same for one port.
#[derive(Clone)]
pub struct Speaking {
    server: Server,
    alpn: Alpn,
}

struct Shared {
    tls: Tls,
    now: Mutex<Now>,
}

struct Now {
    http2: Arc<ServerConfig>,
    http: Arc<ServerConfig>,
    expires: Vec<(std::path::PathBuf, i64)>,
    /// What the files held when they were last judged.
    judged: Contents,
}

impl Server {
    /// Reads the files.
    ///
    /// # Errors
    /// Which file can't be used, why, and what to do.
    pub fn new(tls: Tls) -> anyhow::Result<Self> {
        let judged = Contents::read(&tls);
        let usable = judged.usable(&tls).context("setting up TLS")?;
        register();
        let now = Mutex::new(Now::new(usable, judged));
        let server = Self {
            shared: Arc::new(Shared { tls, now }),
        };
        server.show_expiry();
        Ok(server)
    }

    /// For a port that speaks this.
    pub fn speaking(&self, alpn: Alpn) -> Speaking {
        Speaking {
            server: self.clone(),
            alpn,
        }
    }

    /// Follows the files until the drain.
    pub async fn follow(self, drain: Drain) {
        let mut before = self.now().judged.clone();
        loop {
            tokio::select! {
                () = drain.requested() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let tls = self.shared.tls.clone();
            // Files may lie on a network.
            let Ok(contents) = tokio::task::spawn_blocking(move || Contents::read(&tls)).await
            else {
                return;
            };
            if contents == before && contents != self.now().judged {
                self.exchange(contents.clone());
            }
            before = contents;
            self.show_expiry();
        }
    }

    fn exchange(&self, contents: Contents) {
        let tls = &self.shared.tls;
        match contents.usable(tls) {
            Ok(usable) => {
                *self.now() = Now::new(usable, contents);
                counter!(names::CERTIFICATE_RELOADS, "result" => "ok").increment(1);
                tracing::info!(file = %tls.cert_file.display(), "the certificate was exchanged; new connections use it");
            }
            Err(error) => {
                self.now().judged = contents;
                counter!(names::CERTIFICATE_RELOADS, "result" => "failed").increment(1);
                tracing::error!(
                    error = error.to_string(),
                    "the changed certificate can't be used; connections go on with the one from before"
                );
            }
        }
    }

    fn show_expiry(&self) {
        let now = unix_seconds();
        for (file, ends) in &self.now().expires {
            let file = file.display().to_string();
            gauge!(names::CERTIFICATE_EXPIRY, "file" => file).set((ends - now) as f64);
        }
    }

    fn now(&self) -> std::sync::MutexGuard<'_, Now> {
        let now = &self.shared.now;
        now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Speaking {
    /// For the next connection.
    pub fn acceptor(&self) -> TlsAcceptor {
        let now = self.server.now();
        TlsAcceptor::from(match self.alpn {
            Alpn::Http2 => now.http2.clone(),
            Alpn::Http => now.http.clone(),
        })
    }
}

impl Now {
    fn new(usable: Usable, judged: Contents) -> Self {
        let speaking = |alpn: Alpn| {
            let mut config = usable.config.clone();
            config.alpn_protocols = alpn.names();
            Arc::new(config)
        };
        Self {
            http2: speaking(Alpn::Http2),
            http: speaking(Alpn::Http),
            expires: usable.expires,
            judged,
        }
    }
}

fn register() {
    for result in RESULTS {
        counter!(names::CERTIFICATE_RELOADS, "result" => result).increment(0);
    }
}
