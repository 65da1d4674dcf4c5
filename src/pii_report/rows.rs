//! What was found, by service, signal, place and detector. The number of rows is bounded.

use std::collections::BTreeMap;

use schemas::Signal;

use super::example::masked;
use super::paths::Path;

/// Services that are counted apart; those beyond share one name.
const SERVICES_MAX: usize = 2_000;
/// What services are called beyond that.
const OTHERS: &str = "(other services)";

/// Which row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub service: String,
    pub signal: Signal,
    pub path: Path,
    pub detector: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub findings: u64,
    /// Items with one at least.
    pub items: u64,
    pub first_ms: u64,
    pub last_ms: u64,
    /// Masked.
    pub example: String,
    /// The number of the last item that was counted.
    last_item: u64,
}

/// One finding.
pub struct Hit<'a> {
    pub path: &'a Path,
    pub detector: &'a str,
    pub value: &'a [u8],
}

/// All rows.
#[derive(Debug)]
pub struct Rows {
    rows: BTreeMap<Key, Row>,
    rows_max: usize,
    /// Items that were looked at.
    items: BTreeMap<(String, Signal), u64>,
    /// Findings for which there was no room.
    left_out: u64,
    unreadable: u64,
    /// The number of the item that is looked at.
    item: u64,
}

impl Rows {
    pub fn new(rows_max: usize) -> Self {
        Self {
            rows: BTreeMap::new(),
            rows_max,
            items: BTreeMap::new(),
            left_out: 0,
            unreadable: 0,
            item: 0,
        }
    }

    /// Another item of a service is looked at.
    pub fn begin_item(&mut self, service: &str, signal: Signal) {
        self.item += 1;
        let service = self.counted(service, signal);
        *self.items.entry((service, signal)).or_default() += 1;
    }

    /// The name under which a service is counted.
    fn counted(&self, service: &str, signal: Signal) -> String {
        let key = (service.to_owned(), signal);
        let known = self.items.contains_key(&key) || self.items.len() < SERVICES_MAX;
        if known { key.0 } else { OTHERS.to_owned() }
    }

    /// Something was found in the item that was begun last, so many times.
    pub fn add(
        &mut self,
        service: &str,
        signal: Signal,
        time_ms: u64,
        hit: &Hit<'_>,
        findings: u64,
    ) {
        let key = Key {
            service: self.counted(service, signal),
            signal,
            path: hit.path.clone(),
            detector: hit.detector.to_owned(),
        };
        if !self.rows.contains_key(&key) && self.rows.len() >= self.rows_max {
            self.left_out += findings;
            return;
        }
        let item = self.item;
        let row = self.rows.entry(key).or_insert_with(|| Row {
            findings: 0,
            items: 0,
            first_ms: time_ms,
            last_ms: time_ms,
            example: masked(hit.value),
            last_item: 0,
        });
        row.findings += findings;
        row.items += u64::from(row.last_item != item);
        row.last_item = item;
        row.first_ms = row.first_ms.min(time_ms);
        row.last_ms = row.last_ms.max(time_ms);
    }

    pub fn add_unreadable(&mut self) {
        self.unreadable += 1;
    }

    /// In the order of services, and in each by what was found most.
    pub fn sorted(&self) -> Vec<(&Key, &Row)> {
        let mut sorted: Vec<_> = self.rows.iter().collect();
        sorted.sort_by(|(key, row), (other, other_row)| {
            let by = |key: &Key| (key.service.clone(), key.signal);
            by(key)
                .cmp(&by(other))
                .then(other_row.items.cmp(&row.items))
                .then(key.cmp(other))
        });
        sorted
    }

    /// The share of the items of its service and signal that a row is about.
    pub fn share(&self, key: &Key, row: &Row) -> f64 {
        let all = self.items.get(&(key.service.clone(), key.signal));
        row.items as f64 / all.copied().unwrap_or(1).max(1) as f64
    }

    /// Items that were looked at.
    pub fn items(&self, signal: Signal) -> u64 {
        let of = self.items.iter().filter(|((_, of), _)| *of == signal);
        of.map(|(_, items)| items).sum()
    }

    pub fn rows_max(&self) -> usize {
        self.rows_max
    }

    /// Findings in places for which there was no row left.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Records that are no OTLP.
    pub fn unreadable(&self) -> u64 {
        self.unreadable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Path {
        Path {
            text: text.to_owned(),
            attribute: None,
        }
    }

    fn add(rows: &mut Rows, path: &Path, time_ms: u64) {
        let hit = Hit {
            path,
            detector: "email",
            value: b"ann@example.org",
        };
        rows.add("shop", Signal::Logs, time_ms, &hit, 1);
    }

    #[test]
    fn items_are_counted_once() {
        let mut rows = Rows::new(10);
        rows.begin_item("shop", Signal::Logs);
        add(&mut rows, &path("body"), 20);
        add(&mut rows, &path("body"), 20);
        rows.begin_item("shop", Signal::Logs);
        add(&mut rows, &path("body"), 10);
        rows.begin_item("shop", Signal::Logs);
        rows.begin_item("shop", Signal::Logs);
        let sorted = rows.sorted();
        let [(key, row)] = &sorted[..] else {
            panic!("{sorted:?}")
        };
        assert_eq!((row.findings, row.items), (3, 2));
        assert_eq!((row.first_ms, row.last_ms), (10, 20));
        assert_eq!(row.example, "a**@*******.**g");
        assert!((rows.share(key, row) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn there_are_no_more_rows_than_asked_for() {
        let mut rows = Rows::new(3);
        for number in 0..10 {
            rows.begin_item("shop", Signal::Logs);
            add(&mut rows, &path(&format!("key {number}")), 1);
        }
        assert_eq!((rows.sorted().len(), rows.left_out()), (3, 7));
    }

    #[test]
    fn there_are_no_more_services_than_fit() {
        let mut rows = Rows::new(3);
        for number in 0..SERVICES_MAX + 50 {
            rows.begin_item(&format!("service {number}"), Signal::Logs);
        }
        assert_eq!(rows.items.len(), SERVICES_MAX + 1);
        assert_eq!(rows.items(Signal::Logs), SERVICES_MAX as u64 + 50);
    }
}
