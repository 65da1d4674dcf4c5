//! Which class each tenant is of, and which classes ingest takes: the tenants' `retention_class` and `ingest.retention_classes`, held against `bus.topics.classes`.

use std::sync::Arc;

use bus::{BusConfig, BusKind, Classes, DEFAULT_CLASS, RawTopics, unknown_class};
use ingest::{Class, Residency};
use runtime::config::Problems;
use schemas::Topics;

use super::tenants::{DEFAULT, RawTenants, own};

/// Where each tenant's telemetry goes. `taken`: the classes that ingest takes, if it is said; `raw` is the section that became `bus`.
pub fn validate(
    tenants: &RawTenants,
    taken: Option<&[String]>,
    raw: &RawTopics,
    bus: &BusConfig,
    problems: &mut Problems,
) -> Residency {
    let taken = self::taken(taken, &bus.classes, problems);
    check(tenants, &bus.classes, problems);
    if let BusKind::Embedded(_) = bus.kind {
        doubt_embedded(raw, &taken, problems);
    }
    let topics = taken.iter().filter_map(|class| bus.classes.get(*class));
    let topics = topics.map(|prefix| Topics::new(prefix)).collect();
    let class = |name: Option<&str>| {
        let name = name.unwrap_or(DEFAULT_CLASS);
        let number = taken.iter().position(|class| *class == name);
        number.map_or_else(|| Class::Elsewhere(Arc::from(name)), Class::Taken)
    };
    let mut classes = own(tenants, |tenant| tenant.retention_class.as_deref());
    let by_default = class(classes.remove(DEFAULT).flatten());
    let base = Topics::new(&raw.prefix);
    let mut residency = Residency::new(base, topics, by_default);
    for (tenant, name) in classes {
        residency.set(tenant, class(name));
    }
    residency
}

/// The classes that ingest takes, of those that there are.
fn taken<'a>(
    names: Option<&'a [String]>,
    classes: &'a Classes,
    problems: &mut Problems,
) -> Vec<&'a str> {
    let path = "ingest.retention_classes";
    let Some(names) = names else {
        return classes.keys().map(String::as_str).collect();
    };
    if names.is_empty() {
        let message =
            "empty: nothing would be taken; name at least one class, or leave the key out for all";
        problems.push(path, message);
    }
    let mut taken = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let at = format!("{path}[{index}]");
        match unknown_class(name, classes) {
            Some(message) => problems.push_given("bus.topics.classes", at, message),
            None if taken.contains(&name.as_str()) => problems.push(at, "is named twice"),
            None => taken.push(name.as_str()),
        }
    }
    taken
}

fn check(raw: &RawTenants, classes: &Classes, problems: &mut Problems) {
    for (tenant, name) in own(raw, |tenant| tenant.retention_class.as_deref()) {
        if let Some(message) = name.and_then(|name| unknown_class(name, classes)) {
            let path = format!("tenants.{tenant}.retention_class");
            problems.push_given("bus.topics.classes", path, message);
        }
    }
}

/// On an embedded bus nobody else can read what this process takes and doesn't process.
fn doubt_embedded(raw: &RawTopics, taken: &[&str], problems: &mut Problems) {
    let own = raw.class.as_deref().unwrap_or(DEFAULT_CLASS);
    let unread: Vec<_> = taken.iter().filter(|class| **class != own).collect();
    if let Some(class) = unread.first() {
        let message = format!(
            "telemetry of the class {class:?} is taken and goes nowhere: on an embedded bus the stages of this process read it or nobody does, and they work on {own:?}; use Kafka, with stages for each class, or write `ingest.retention_classes: [{own}]`"
        );
        problems.warn("bus.topics.classes", message);
    }
}

#[cfg(test)]
mod tests {
    use runtime::config::{Problem, Problems};

    use crate::config::{Config, RawConfig};

    const KAFKA: &str =
        "bus: {kafka: {brokers: [\"a:1\"]}, topics: {classes: {eu: {prefix: tw-eu}, us: }}}\n";

    /// The prefix that each tenant's telemetry goes to, or the class that isn't taken.
    fn of(text: &str, tenant: Option<&str>) -> String {
        let config = Config::parse("t.yaml", &format!("{KAFKA}{text}"));
        let residency = config.unwrap_or_else(|error| panic!("{error}")).residency;
        match residency.of(tenant.map(str::as_bytes)) {
            Ok(class) => residency.taken()[class].group("x"),
            Err(class) => format!("not {class}"),
        }
    }

    #[test]
    fn each_tenant_goes_to_its_class() {
        let text = "tenants: {shop: {retention_class: eu}, bank: , mill: {retention_class: default}, default: {retention_class: us}}\n";
        assert_eq!(of(text, Some("shop")), "tw-eu-x");
        // An entry takes nothing from `default`.
        assert_eq!(of(text, Some("bank")), "tailwater-x");
        assert_eq!(of(text, Some("mill")), "tailwater-x");
        assert_eq!(of(text, Some("who")), "tailwater-us-x");
        assert_eq!(of(text, None), "tailwater-us-x");
        let text = format!("{text}ingest: {{retention_classes: [us, eu]}}\n");
        assert_eq!(of(&text, Some("shop")), "tw-eu-x");
        assert_eq!(of(&text, Some("bank")), "not default");
        assert_eq!(of("", None), "tailwater-x");
    }

    #[test]
    fn classes_that_are_not_there_are_told_by_their_place() {
        let text = format!(
            "{KAFKA}tenants:\n  shop: {{retention_class: ue}}\n  bank: {{retention_class: eu}}\ningest: {{retention_classes: [eu, eu, su]}}\n"
        );
        let report = Config::parse("t.yaml", &text).map(drop).expect_err("wrong");
        let report = report.to_string();
        for part in [
            "t.yaml:3:",
            "no retention class of the name \"ue\"",
            "did you mean \"eu\"?",
            "named twice",
            "no retention class of the name \"su\"",
        ] {
            assert!(report.contains(part), "{part} in {report}");
        }
        let none = "tenants: {shop: {retention_class: eu}}\n";
        let report = Config::parse("t.yaml", none).map(drop).expect_err("wrong");
        assert!(report.to_string().contains("there are none"), "{report}");
    }

    /// Whether data that nobody reads is doubted.
    #[track_caller]
    fn check_doubt(text: &str, doubted: bool) {
        let mut warned = Vec::new();
        let validate = |raw: &RawConfig, problems: &mut Problems| {
            let config = Config::validate(raw, problems);
            let of_bus = |one: &&Problem| one.path.starts_with("bus.topics");
            warned = problems.warnings().filter(of_bus).cloned().collect();
            config
        };
        let loaded = runtime::config::load("t.yaml", text, &|_| None, validate);
        loaded.map(drop).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(warned.len(), usize::from(doubted), "{warned:?}");
    }

    #[test]
    fn what_nobody_would_read_is_doubted() {
        let eu = "bus: {topics: {classes: {eu: }}}\n";
        check_doubt(eu, true);
        check_doubt(
            &format!("{eu}ingest: {{retention_classes: [default]}}"),
            false,
        );
        let of_eu = "bus: {topics: {classes: {eu: }, class: eu}}\n";
        check_doubt(of_eu, true);
        check_doubt(
            &format!("{of_eu}ingest: {{retention_classes: [eu]}}"),
            false,
        );
        check_doubt(KAFKA, false);
    }
}
