//! What is behind, in Prometheus's text format, as of the scrape: so that the series of a partition go with it.

use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use runtime::names;

use super::group::Group;
use crate::DiskUse;

/// Partitions that this process reads, by stage.
pub(super) fn owned(out: &mut String, groups: &[Arc<Group>]) {
    head(
        out,
        names::PARTITIONS_OWNED,
        "Partitions that this process reads.",
    );
    for group in groups {
        line(
            out,
            names::PARTITIONS_OWNED,
            &format!("stage=\"{}\"", group.stage),
            group.owned() as f64,
        );
    }
}

/// What the embedded bus takes.
pub(super) fn disk(out: &mut String, disk: DiskUse) {
    head(
        out,
        names::EMBEDDED_BYTES,
        "What the embedded bus takes on disk, its journal included.",
    );
    line(out, names::EMBEDDED_BYTES, "", disk.bytes as f64);
    head(
        out,
        names::EMBEDDED_TOPIC_BYTES,
        "About what the records of a topic take on the embedded bus.",
    );
    for (topic, bytes) in disk.topics {
        let labels = format!("topic=\"{topic}\"");
        line(out, names::EMBEDDED_TOPIC_BYTES, &labels, bytes as f64);
    }
}

/// How far behind the groups are, `now` on the watch's clock; `retention`: how long a topic's records are kept.
pub(super) fn lags(
    out: &mut String,
    groups: &[Arc<Group>],
    now: Duration,
    retention: impl Fn(&str) -> Option<Duration>,
) {
    let (mut records, mut seconds, mut margin) = Default::default();
    head(
        &mut records,
        names::LAG_RECORDS,
        "Records on the bus that the cursor has not passed.",
    );
    head(
        &mut seconds,
        names::LAG_SECONDS,
        "How long the oldest record that the cursor has not passed has been on the bus.",
    );
    head(
        &mut margin,
        names::RETENTION_MARGIN_SECONDS,
        "How long until retention deletes the oldest record that the stage still needs.",
    );
    let wall = SystemTime::now().duration_since(UNIX_EPOCH);
    let wall_ms = wall.map_or(0, |since| since.as_millis() as u64);
    for group in groups {
        for (at, cursor, lag) in group.lags(now, wall_ms) {
            let labels = format!(
                "stage=\"{}\",topic=\"{}\",partition=\"{}\",cursor=\"{cursor}\"",
                group.stage, at.topic, at.partition
            );
            line(
                &mut records,
                names::LAG_RECORDS,
                &labels,
                lag.records as f64,
            );
            line(
                &mut seconds,
                names::LAG_SECONDS,
                &labels,
                lag.age.as_secs_f64(),
            );
            if cursor == group.committed_cursor()
                && let Some(kept) = retention(&at.topic)
            {
                let labels = format!(
                    "stage=\"{}\",topic=\"{}\",partition=\"{}\"",
                    group.stage, at.topic, at.partition
                );
                let left = kept.as_secs_f64() - lag.age.as_secs_f64();
                line(&mut margin, names::RETENTION_MARGIN_SECONDS, &labels, left);
            }
        }
    }
    out.push_str(&records);
    out.push_str(&seconds);
    out.push_str(&margin);
}

fn head(out: &mut String, name: &str, help: &str) {
    // Writing to a string can't fail.
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge");
}

/// Labels are names of stages, topics and cursors: nothing in them needs to be escaped.
fn line(out: &mut String, name: &str, labels: &str, value: f64) {
    let _ = match labels.is_empty() {
        true => writeln!(out, "{name} {value}"),
        false => writeln!(out, "{name}{{{labels}}} {value}"),
    };
}
