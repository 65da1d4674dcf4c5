//! The tenants as they are in force, for the next reading of the configuration: which of their keys differ, and which are taken while stages run.
//!
//! There may be ten thousand, and nobody looks at them between two readings. So they are kept as text, in a tenth of what their types take.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::config::RawTenants;

/// What sampler and export take while they run.
const LIVE_KEYS: [&str; 3] = ["policies", "budget", "backends"];

/// By name and key, as JSON.
pub(super) struct Tenants(Box<str>);

/// A tenant's keys with their values, but for those that say nothing.
type Keys = Map<String, Value>;

impl Tenants {
    pub(super) fn new(raw: &RawTenants) -> Self {
        Self::of(&sections(raw))
    }

    fn of(sections: &Map<String, Value>) -> Self {
        // Maps of text and values can always be written.
        let text = serde_json::to_string(sections).unwrap_or_default();
        Self(text.into())
    }

    fn sections(&self) -> Map<String, Value> {
        serde_json::from_str(&self.0).unwrap_or_default()
    }

    /// Which keys of which tenants differ: those that take effect now, and those that wait for a restart.
    pub(super) fn changes(&self, next: &RawTenants) -> (Vec<String>, Vec<String>) {
        let (mut now, mut restart) = (Vec::new(), Vec::new());
        let (running, next) = (self.sections(), sections(next));
        let names: BTreeSet<_> = running.keys().chain(next.keys()).collect();
        for name in names {
            let (before, after) = (keys(&running, name), keys(&next, name));
            let all: BTreeSet<_> = before.keys().chain(after.keys()).collect();
            for key in all
                .into_iter()
                .filter(|key| before.get(*key) != after.get(*key))
            {
                let path = format!("tenants.{name}.{key}");
                match LIVE_KEYS.contains(&key.as_str()) {
                    true => now.push(path),
                    false => restart.push(path),
                }
            }
        }
        (now, restart)
    }

    /// Takes what is live of others.
    pub(super) fn take(&mut self, next: &RawTenants) {
        let (mut running, next) = (self.sections(), sections(next));
        let names: BTreeSet<_> = running.keys().chain(next.keys()).cloned().collect();
        for name in names {
            let mut own = keys(&running, &name);
            for key in LIVE_KEYS {
                match keys(&next, &name).remove(key) {
                    Some(value) => own.insert(key.to_owned(), value),
                    None => own.remove(key),
                };
            }
            running.insert(name, own.into());
        }
        *self = Self::of(&running);
    }
}

fn keys(sections: &Map<String, Value>, name: &str) -> Keys {
    sections
        .get(name)
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default()
}

fn sections(raw: &RawTenants) -> Map<String, Value> {
    let section = |(name, tenant)| {
        let mut keys = match serde_json::to_value(tenant) {
            Ok(Value::Object(keys)) => keys,
            _ => Keys::new(),
        };
        keys.retain(|_, value| !value.is_null());
        (String::clone(name), keys.into())
    };
    raw.iter().map(section).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn tenants(text: &str) -> RawTenants {
        let config = Config::parse(
            "t.yaml",
            &format!(
                "bus: {{kafka: {{brokers: [\"a:1\"]}}, topics: {{classes: {{eu: , us: }}}}}}\ntenants: {text}"
            ),
        );
        config.unwrap_or_else(|error| panic!("{error}")).raw.tenants
    }

    #[track_caller]
    fn check(running: &Tenants, next: &str, now: &[&str], restart: &[&str]) {
        let owned = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            running.changes(&tenants(next)),
            (owned(now), owned(restart))
        );
    }

    const ALL: &str = "policies: [{name: all, type: always_sample}]";

    /// A class never changes half: what a process does with a tenant's telemetry stays as it was until the restart.
    #[test]
    fn what_is_live_is_taken_and_the_rest_is_named_each_time() {
        let mut running = Tenants::new(&tenants("{shop: {rate: 1KiB/s, retention_class: eu}}"));
        check(
            &running,
            "{shop: {rate: 1KiB/s, retention_class: eu}}",
            &[],
            &[],
        );
        let next = format!(
            "{{shop: {{rate: 2KiB/s, retention_class: us, {ALL}}}, bank: {{retention_class: eu, {ALL}}}}}"
        );
        let restart = [
            "tenants.bank.retention_class",
            "tenants.shop.rate",
            "tenants.shop.retention_class",
        ];
        check(
            &running,
            &next,
            &["tenants.bank.policies", "tenants.shop.policies"],
            &restart,
        );
        running.take(&tenants(&next));
        check(&running, &next, &[], &restart);
        // Taken back: nothing waits for a restart any more.
        let back =
            format!("{{shop: {{rate: 1KiB/s, retention_class: eu, {ALL}}}, bank: {{{ALL}}}}}");
        check(&running, &back, &[], &[]);
        check(
            &running,
            "{shop: {rate: 1KiB/s, retention_class: eu}}",
            &["tenants.bank.policies", "tenants.shop.policies"],
            &[],
        );
    }
}
