//! `lookup`: the table, and what is asked of it.

use std::sync::Arc;
use std::time::Duration;

use ottl::{Context, Expression};

use super::Compiler;
use crate::config::steps::{RawAssignment, RawLookup, RawQuery, RawTableFormat, RawTarget};
use crate::config::value::RawValue;
use crate::lookup::{Format, Source, Table, Wanted};
use crate::steps::{Assignment, Lookup, Query, QueryKey};

/// The column of a map's plain values.
const VALUE: &str = "value";
const REFRESH_MIN: Duration = Duration::from_secs(1);
const MEMORY_LIMIT: std::ops::RangeInclusive<u64> = (64 << 10)..=(1 << 30);

impl Compiler<'_> {
    /// Reads no file: that is for whoever runs the step, or checks it.
    pub(super) fn lookup(&mut self, raw: &RawLookup, at: &str) -> Lookup {
        let mut wanted = Wanted {
            key: raw.source.key.clone(),
            columns: Vec::new(),
        };
        if raw.lookups.is_empty() {
            let message = "is empty: name at least one `key`, and attributes that come of it";
            self.problems.push(format!("{at}.lookups"), message);
        }
        let mut queries = Vec::new();
        for (index, query) in raw.lookups.iter().enumerate() {
            let at = format!("{at}.lookups[{index}]");
            queries.extend(self.query(query, raw.source.kind, &mut wanted, &at));
        }
        let format = self.format(raw, at);
        // The name behind the slash, or the kind.
        let step = at.rsplit_once("].").map_or(at, |(_, step)| step);
        let name = step.split_once('/').map_or(step, |(_, name)| name);
        let source = Source {
            format,
            path: raw.source.path.clone().into(),
            wanted,
            bytes_max: raw.memory_limit.0,
            refresh: raw.source.refresh.0,
        };
        let table = Table::new(name, format!("{at}.source.path"), source);
        Lookup::new(Arc::new(table), queries)
    }

    fn format(&mut self, raw: &RawLookup, at: &str) -> Format {
        let source = &raw.source;
        if source.path.is_empty() {
            let message = "the key `path` is missing: the file with the table";
            self.problems.push(format!("{at}.source"), message);
        }
        if source.refresh.0 < REFRESH_MIN {
            let message = "too short: at least 1s; 60s is a good choice";
            self.problems.push(format!("{at}.source.refresh"), message);
        }
        if !MEMORY_LIMIT.contains(&raw.memory_limit.0) {
            let message = "out of range: from 64KiB to 1GiB; 64MiB is a good choice";
            self.problems.push(format!("{at}.memory_limit"), message);
        }
        match source.kind {
            Some(RawTableFormat::Csv) => {
                if source.key.is_empty() {
                    let message = "the key `key` is missing: the column with the keys";
                    self.problems.push(format!("{at}.source"), message);
                }
                Format::Csv
            }
            Some(RawTableFormat::Json) => Format::Json,
            Some(RawTableFormat::Yaml) => Format::Yaml,
            Some(RawTableFormat::Mmdb) => {
                if !source.key.is_empty() {
                    let message = "has no meaning here: the keys of an mmdb are addresses";
                    self.problems.push(format!("{at}.source.key"), message);
                }
                Format::Mmdb
            }
            None => {
                let message = "the key `type` is missing: csv, json, yaml or mmdb";
                self.problems.push(format!("{at}.source"), message);
                Format::Csv
            }
        }
    }

    fn query(
        &mut self,
        raw: &RawQuery,
        format: Option<RawTableFormat>,
        wanted: &mut Wanted,
        at: &str,
    ) -> Option<Query> {
        let mut on_record = Vec::new();
        let mut on_resource = Vec::new();
        if raw.attributes.is_empty() {
            let message = "is empty: name at least one attribute with `source` and `destination`";
            self.problems.push(format!("{at}.attributes"), message);
        }
        for (index, assignment) in raw.attributes.iter().enumerate() {
            let at = format!("{at}.attributes[{index}]");
            let assigned = self.assignment(assignment, format, wanted, &at);
            match assignment.context.unwrap_or(raw.context) {
                RawTarget::Record => on_record.push(assigned),
                RawTarget::Resource => on_resource.push(assigned),
            }
        }
        let key = self.key(&raw.key, &format!("{at}.key"))?;
        Some(Query::new(key, on_record, on_resource))
    }

    fn assignment(
        &mut self,
        raw: &RawAssignment,
        format: Option<RawTableFormat>,
        wanted: &mut Wanted,
        at: &str,
    ) -> Assignment {
        use RawTableFormat::{Json, Yaml};
        let mut source = &*raw.source;
        if source.is_empty() && matches!(format, Some(Json | Yaml)) {
            source = VALUE;
        }
        for (key, text, what) in [
            ("source", source, "the column to take the value from"),
            ("destination", &raw.destination, "the attribute to set"),
        ] {
            if text.is_empty() {
                let message = format!("the key `{key}` is missing: {what}");
                self.problems.push(at, message);
            }
        }
        let known = wanted.columns.iter().position(|known| known == source);
        let column = known.unwrap_or_else(|| {
            wanted.columns.push(source.to_owned());
            wanted.columns.len() - 1
        });
        Assignment {
            column,
            destination: raw.destination.clone(),
            default: raw.default.as_ref().map(RawValue::in_ottl),
        }
    }

    /// What is evaluated for spans and for log records; of a resource, once for all of them.
    fn key(&mut self, text: &str, at: &str) -> Option<QueryKey> {
        if text.trim_start().starts_with("resource.") {
            let compiled = Expression::compile(Context::Resource, text);
            let expression = self.sound(compiled.map_err(|found| vec![(0, found)]), |_| {
                at.to_owned()
            })?;
            return Some(QueryKey::OfResource(expression, self.slots.next(false)));
        }
        let span = Expression::compile(Context::Span, text);
        let log = Expression::compile(Context::Log, text);
        match (span, log) {
            (Err(found), Err(of_log)) => {
                // What is meant for log records is best told by their errors.
                let found = if text.trim_start().starts_with("log.") {
                    of_log
                } else {
                    found
                };
                self.sound::<()>(Err(vec![(0, found)]), |_| at.to_owned());
                None
            }
            (span, log) => Some(QueryKey::OfItem {
                span: span.ok(),
                log: log.ok(),
            }),
        }
    }
}
