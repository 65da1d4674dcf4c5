//! Object stores as a kind of backend.

use std::time::Duration;

use runtime::config::Problems;
use schemas::Signal;

use super::config::{By, Compression, Format, ObjectStoreConfig, RawObjectStore};
use super::layout::Layout;
use super::location::{Cloud, Location};
use super::sink::ObjectStoreSink;
use crate::backends::kind::{BackendKind, Opening, Order, Written};
use crate::records::limits::BatchLimits;

const ROLL_BYTES_MAX: u64 = 1 << 30;
const INTERVAL_MAX: Duration = Duration::from_secs(24 * 3600);

impl BackendKind for ObjectStoreConfig {
    type Section = RawObjectStore;
    type Sink = ObjectStoreSink;

    const OWN_LIMITS: bool = true;

    fn validate(
        section: &RawObjectStore,
        signals: &[Signal],
        at: &str,
        problems: &mut Problems,
    ) -> Self {
        let location = location(section, at, problems);
        check_login(section, &location, at, problems);
        check_form(section, at, problems);
        check_sizes(section, at, problems);
        Self {
            layout: layout(section, signals, at, problems),
            location,
            endpoint: Some(section.endpoint.clone()).filter(|endpoint| !endpoint.is_empty()),
            region: section.region.clone(),
            path_style: section.path_style,
            account: section.account.clone(),
            login: section.login.clone(),
            format: section.format,
            by: section.by,
            roll_bytes: section.roll.bytes.0 as usize,
            roll_interval: section.roll.interval.0,
            memory_limit: section.memory_limit.0 as usize,
            compression: section.compression,
            raw: section.raw,
            tls: section.tls.clone(),
            timeout: section.timeout.0,
        }
    }

    /// Two that write objects of the same names would overwrite each other's.
    fn validate_together(sections: &[Written<'_, RawObjectStore>], problems: &mut Problems) {
        let place = |raw: &RawObjectStore| {
            let url = raw.url.trim_end_matches('/').to_owned();
            (url, raw.endpoint.clone(), raw.layout.clone(), raw.format)
        };
        for (index, section) in sections.iter().enumerate() {
            let same = |other: &&Written<'_, RawObjectStore>| {
                place(other.section) == place(section.section)
            };
            if let Some(other) = sections[..index].iter().find(same) {
                problems.push(
                    format!("{}.url", section.at),
                    format!(
                        "{} writes objects of the same names there: give each a prefix of its own",
                        other.at
                    ),
                );
            }
        }
    }

    fn target(section: &RawObjectStore) -> Option<String> {
        Some(section.url.clone())
    }

    fn order(_: Signal) -> Order {
        Order::ByPartition
    }

    fn once(&self) -> bool {
        true
    }

    fn limits(&self) -> Option<BatchLimits> {
        Some(BatchLimits {
            bytes: self.roll_bytes,
            items: usize::MAX,
            timeout: self.roll_interval,
            waiting_bytes: Some(self.memory_limit),
        })
    }

    fn open(&self, _: &Opening<'_>) -> anyhow::Result<ObjectStoreSink> {
        ObjectStoreSink::open(self)
    }
}

fn location(section: &RawObjectStore, at: &str, problems: &mut Problems) -> Location {
    let location = Location::parse(&section.url).unwrap_or_else(|wrong| {
        problems.push(format!("{at}.url"), wrong);
        Location::Folder("/".into())
    });
    if matches!(location, Location::Bucket { .. }) && !cfg!(feature = "object-store") {
        problems.push(
            format!("{at}.url"),
            "this build has no clouds: it was made without the feature `object-store`",
        );
    }
    if !section.endpoint.is_empty() {
        crate::transport::address::parse(
            &section.endpoint,
            section.tls.insecure,
            &format!("{at}.endpoint"),
            problems,
        );
    }
    location
}

fn check_login(section: &RawObjectStore, location: &Location, at: &str, problems: &mut Problems) {
    let login = &section.login;
    let cloud = match location {
        Location::Bucket { cloud, .. } => Some(*cloud),
        Location::Folder(_) => None,
    };
    let keys = [
        ("access_key_id", login.access_key_id.is_empty(), Cloud::S3),
        (
            "secret_access_key",
            login.secret_access_key.0.is_empty(),
            Cloud::S3,
        ),
        ("session_token", login.session_token.0.is_empty(), Cloud::S3),
        (
            "service_account",
            login.service_account.0.is_empty(),
            Cloud::Google,
        ),
        ("account_key", login.account_key.0.is_empty(), Cloud::Azure),
    ];
    for (key, is_empty, of) in keys {
        if !is_empty && cloud != Some(of) {
            problems.push(
                format!("{at}.login.{key}"),
                format!("`{}` has no use for it", section.url),
            );
        }
    }
    if login.access_key_id.is_empty() != login.secret_access_key.0.is_empty() {
        problems.push(
            format!("{at}.login"),
            "access_key_id and secret_access_key go together",
        );
    }
}

fn check_form(section: &RawObjectStore, at: &str, problems: &mut Problems) {
    if section.format != Format::Parquet {
        if section.raw {
            problems.push(
                format!("{at}.raw"),
                "is a column of Parquet: OTLP is raw anyway",
            );
        }
        return;
    }
    if !cfg!(feature = "parquet") {
        problems.push(
            format!("{at}.format"),
            "this build has no Parquet: it was made without the feature `parquet`",
        );
    }
    if section.compression == Compression::Gzip {
        problems.push(
            format!("{at}.compression"),
            "Parquet is written with zstd or none",
        );
    }
}

fn check_sizes(section: &RawObjectStore, at: &str, problems: &mut Problems) {
    let bytes = section.roll.bytes.0;
    if !(1024..=ROLL_BYTES_MAX).contains(&bytes) {
        problems.push(
            format!("{at}.roll.bytes"),
            format!("{bytes} bytes is not between 1KiB and 1GiB"),
        );
    }
    if section.roll.interval.0.is_zero() || section.roll.interval.0 > INTERVAL_MAX {
        problems.push(format!("{at}.roll.interval"), "is not between 1ms and 24h");
    }
    if section.memory_limit.0 < bytes {
        problems.push(
            format!("{at}.memory_limit"),
            "is less than `roll.bytes`: no object would grow so large",
        );
    }
    if section.timeout.0.is_zero() {
        problems.push(format!("{at}.timeout"), "0 leaves no time for an answer");
    }
}

fn layout(
    section: &RawObjectStore,
    signals: &[Signal],
    at: &str,
    problems: &mut Problems,
) -> Layout {
    let key = format!("{at}.layout");
    let layout = match Layout::parse(&section.layout) {
        Ok(layout) => layout,
        Err(wrong) => {
            problems.push(key, format!("`{}` {wrong}", section.layout));
            return Layout::default();
        }
    };
    if signals.len() > 1 && !layout.has_signal() {
        problems.push(
            key,
            "has no `{signal}`: objects of several signals would overwrite each other",
        );
    } else if section.by == By::Item && !layout.has_time() {
        problems.push(
            key,
            "has not both `{date}` and `{hour}`: the objects that `by: item` makes of a batch would overwrite each other",
        );
    }
    layout
}
