//! What is behind, in Prometheus's text format, as of the scrape: so that the series of a partition go with it.

use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use runtime::names;

use super::{FRESH_FOR, Watch, lock};

impl Watch {
    /// Appends the gauges of lag, of owned partitions, and of the embedded bus.
    pub fn render(&self, out: &mut String) {
        let groups = self.groups();
        head(
            out,
            names::PARTITIONS_OWNED,
            "Partitions that this process reads.",
        );
        for group in &groups {
            line(
                out,
                names::PARTITIONS_OWNED,
                &format!("stage=\"{}\"", group.stage),
                group.owned() as f64,
            );
        }
        // What the bus said a while ago would be a lie by now.
        let fresh = (lock(&self.state).looked.as_ref())
            .is_some_and(|looked| looked.trouble.is_none() && looked.at.elapsed() < FRESH_FOR);
        if fresh {
            self.render_lags(out);
        }
        if let Some(disk) = self.bus.disk_use() {
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
    }

    fn render_lags(&self, out: &mut String) {
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
        let now = self.born.elapsed();
        let wall = SystemTime::now().duration_since(UNIX_EPOCH);
        let wall_ms = wall.map_or(0, |since| since.as_millis() as u64);
        for group in self.groups() {
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
                    && let Some(kept) = self.retention(&at.topic)
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
