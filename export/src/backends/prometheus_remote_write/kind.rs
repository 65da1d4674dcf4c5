//! Remote write as a kind of backend.

use std::collections::BTreeSet;

use runtime::config::Problems;
use schemas::Signal;

use super::config::RemoteWriteConfig;
use super::config::{RawCumulate, RawDelta, RawHistograms, RawRemoteWrite, RawVersion};
use super::naming::label_name;
use super::sink::RemoteWrite;
use super::translate::{Histograms, Rules};
use super::wire::Version;
use crate::backends::kind::{BackendKind, Opening};
use crate::records::limits::BatchLimits;
use crate::temporality::StreamLimits;
use crate::transport::address;
use crate::transport::auth::{self, Reached};
use crate::transport::compress::Compression;
use crate::transport::connection::RawConnection;

impl BackendKind for RemoteWriteConfig {
    type Section = RawRemoteWrite;
    type Sink = RemoteWrite;

    const SIGNALS: &'static [Signal] = &[Signal::Metrics];

    /// A request of version 1 is some 25 times as large as a histogram's bytes on the bus, and receivers bound requests by 32 MiB or so.
    const BATCH: BatchLimits = BatchLimits {
        bytes: 1 << 20,
        ..BatchLimits::USUAL
    };

    fn validate(section: &RawRemoteWrite, _: &[Signal], at: &str, problems: &mut Problems) -> Self {
        let key = format!("{at}.endpoint");
        let endpoint = address::parse(&section.endpoint, section.tls.insecure, &key, problems);
        if endpoint.path() == "/" {
            problems.warn(
                key,
                "is taken as it is, and has no path; Prometheus takes remote write at /api/v1/write",
            );
        }
        if section.version == RawVersion::One && section.histograms == RawHistograms::Nhcb {
            problems.push(
                format!("{at}.histograms"),
                "version 1 has no `nhcb`: leave out `version`, or write `classic`",
            );
        }
        let reached = Reached {
            endpoints: &[&endpoint],
            headers: &section.headers,
            signs: true,
        };
        let key = format!("{at}.auth");
        let auth = auth::validate(section.auth.as_ref(), &reached, &key, problems);
        promoted(section, at, problems);
        external(section, at, problems);
        Self {
            version: match section.version {
                RawVersion::Auto => None,
                RawVersion::One => Some(Version::V1),
                RawVersion::Two => Some(Version::V2),
            },
            rules: rules(section),
            streams: streams(section, at, problems),
            auth,
            connection: RawConnection {
                headers: &section.headers,
                // The protocol has its own.
                compression: Compression::None,
                tls: &section.tls,
                timeout: section.timeout,
            }
            .validate(&endpoint, at, problems),
            endpoint,
        }
    }

    fn target(section: &RawRemoteWrite) -> Option<String> {
        Some(section.endpoint.clone())
    }

    fn by_tenant(&self) -> bool {
        self.connection.headers.by_tenant()
    }

    /// An identical sample is no error. Not where a request is of one tenant: then it isn't of one partition.
    fn once(&self) -> bool {
        !self.by_tenant()
    }

    fn open(&self, opening: &Opening<'_>) -> anyhow::Result<RemoteWrite> {
        let source = |auth| {
            let sources = opening.sources;
            sources.of(auth, &self.endpoint, opening.backend)
        };
        let auth = self.auth.as_ref().map(source).transpose()?;
        Ok(RemoteWrite::new(self, opening.backend, auth)?)
    }
}

fn rules(section: &RawRemoteWrite) -> Rules {
    let external = section.external_labels.iter();
    Rules {
        names: section.names,
        scope_labels: section.scope_labels,
        promote: section.promote.clone(),
        histograms: match section.histograms {
            RawHistograms::Classic => Histograms::Classic,
            RawHistograms::Nhcb => Histograms::Nhcb,
        },
        cumulates: matches!(section.delta, RawDelta::Cumulate(_)),
        external_labels: external
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    }
}

fn streams(section: &RawRemoteWrite, at: &str, problems: &mut Problems) -> StreamLimits {
    let cumulate = match section.delta {
        RawDelta::Drop => RawCumulate::default(),
        RawDelta::Cumulate(cumulate) => cumulate,
    };
    let at = format!("{at}.delta.cumulate");
    if !(1..=10_000_000).contains(&cumulate.max_streams) {
        problems.push(
            format!("{at}.max_streams"),
            format!("{} is not between 1 and 10000000", cumulate.max_streams),
        );
    }
    let hours = cumulate.max_stale.0.as_secs() / 3600;
    if cumulate.max_stale.0.is_zero() || hours > 24 {
        problems.push(format!("{at}.max_stale"), "is not between 1ms and 24h");
    }
    StreamLimits {
        max_streams: cumulate.max_streams,
        max_stale_ms: cumulate.max_stale.0.as_millis() as i64,
    }
}

fn promoted(section: &RawRemoteWrite, at: &str, problems: &mut Problems) {
    let mut seen = BTreeSet::new();
    for (index, key) in section.promote.iter().enumerate() {
        let at = format!("{at}.promote[{index}]");
        if label_name(section.names, key.as_bytes()).is_none() {
            problems.push(at, format!("`{key}` can't be the name of a label"));
        } else if !seen.insert(key) {
            problems.push(at, format!("`{key}` is there already"));
        }
    }
}

fn external(section: &RawRemoteWrite, at: &str, problems: &mut Problems) {
    for (name, value) in &section.external_labels {
        let at = format!("{at}.external_labels.{name}");
        let as_label = label_name(section.names, name.as_bytes());
        if name == "__name__" || as_label.as_deref() != Some(name.as_str()) {
            problems.push(at, format!("`{name}` is not the name of a label"));
        } else if value.is_empty() {
            problems.push(at, "is empty, which is the same as no label");
        }
    }
}
