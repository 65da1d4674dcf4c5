//! The names of topics: their prefix, and retention classes, which are prefixes of their own for telemetry that must not lie beside other telemetry.
//!
//! What lies under one prefix is one pipeline, from raw to clean, with rights of its own. Who belongs to a class is for the tenants to say, and
//! which classes are taken for ingest.

use std::collections::BTreeMap;

use runtime::config::{Problems, nearest};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The class of whatever has none of its own: its topics begin with `bus.topics.prefix`.
pub const DEFAULT_CLASS: &str = "default";
/// Groups and transactional ids of the stages begin so, behind the prefix.
const STAGES: [&str; 4] = ["-ingest", "-sampler", "-enrich", "-export"];
/// Kafka's limit for a topic's name, less the longest of our own suffixes, `.traces.sampled`.
const PREFIX_CHARS_MAX: usize = 249 - 15;
const PARTITIONS_MAX: u32 = 1024;

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawTopics {
    /// The beginning of the name of each topic and consumer group.
    #[schemars(regex(pattern = "^[A-Za-z0-9._-]+$"))]
    pub prefix: String,
    /// The number of partitions of each topic. It can't be changed later, since that would move traces between
    /// partitions.
    #[schemars(range(min = 1, max = PARTITIONS_MAX))]
    pub partitions: u32,
    /// Retention classes by name: topics under a prefix of their own, for the telemetry of tenants with that
    /// `retention_class`. Tenants without one are of the class `default`, whose prefix is the one above.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub classes: BTreeMap<String, RawClass>,
    /// The class whose topics the sampler, enrich and export of this process work on, and which `why` and
    /// `dead-letters` read. Ingest goes by `ingest.retention_classes`. Absent: `default`.
    pub class: Option<String>,
}

impl Default for RawTopics {
    fn default() -> Self {
        Self {
            prefix: "tailwater".into(),
            partitions: 16,
            classes: BTreeMap::new(),
            class: None,
        }
    }
}

/// A retention class.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawClass {
    /// The beginning of the name of each of its topics and consumer groups. Absent: `bus.topics.prefix`, `-`, and the
    /// name of the class.
    #[schemars(regex(pattern = "^[A-Za-z0-9._-]+$"))]
    pub prefix: Option<String>,
}

/// Every class with the prefix of its topics; [`DEFAULT_CLASS`] is one of them.
pub type Classes = BTreeMap<String, String>;

/// What is wrong with a name that should be that of a class; `None`: it is one.
pub fn unknown_class(name: &str, classes: &Classes) -> Option<String> {
    if classes.contains_key(name) {
        return None;
    }
    let known = classes.keys().map(String::as_str);
    let help = match nearest(name, known.clone()) {
        Some(near) => format!("did you mean {near:?}?"),
        None if classes.len() == 1 => "there are none yet; write it there".to_owned(),
        None => format!("one of {}", known.collect::<Vec<_>>().join(", ")),
    };
    Some(format!(
        "no retention class of the name {name:?} in bus.topics.classes: {help}"
    ))
}

impl RawTopics {
    pub(super) fn check(&self, path: &str, problems: &mut Problems) {
        check_prefix(&self.prefix, &format!("{path}.prefix"), problems);
        self.check_classes(path, problems);
        if !(1..=PARTITIONS_MAX).contains(&self.partitions) {
            problems.push(
                format!("{path}.partitions"),
                format!("{} is not within 1 and {PARTITIONS_MAX}; 16 suits one machine, 48 to 96 a cluster", self.partitions),
            );
        }
    }

    /// All classes.
    pub(super) fn classes(&self) -> Classes {
        let of_name = |(name, class): (&String, &RawClass)| {
            let derived = || format!("{}-{name}", self.prefix);
            let prefix = class.prefix.clone().unwrap_or_else(derived);
            (name.clone(), prefix)
        };
        let mut classes: Classes = self.classes.iter().map(of_name).collect();
        classes.insert(DEFAULT_CLASS.to_owned(), self.prefix.clone());
        classes
    }

    fn check_classes(&self, path: &str, problems: &mut Problems) {
        let classes = self.classes();
        for (name, class) in &self.classes {
            let at = format!("{path}.classes.{name}");
            let fits = |char: char| char.is_ascii_alphanumeric() || matches!(char, '_' | '-');
            if name == DEFAULT_CLASS {
                let message = "is the class of bus.topics.prefix, which is there already; choose another name";
                problems.push(&at, message);
                continue;
            }
            if name.is_empty() || !name.chars().all(fits) {
                let message = "is not the name of a class; use letters, digits, '_' and '-'";
                problems.push(&at, message);
            }
            let place = match class.prefix {
                Some(_) => format!("{at}.prefix"),
                None => at,
            };
            let prefix = &classes[name];
            check_prefix(prefix, &place, problems);
            let shared = classes
                .iter()
                .filter(|(other, _)| *other != name)
                .find_map(|(other, theirs)| Some((other, shared(prefix, theirs)?)));
            if let Some((other, what)) = shared {
                let message = format!(
                    "{prefix:?} {what} of the class {other:?} ({:?}), so rights on the one would be rights on the other; choose another, such as {:?}",
                    classes[other],
                    format!("{}-{name}", self.prefix)
                );
                problems.push(place, message);
            }
        }
        if let Some(class) = &self.class
            && let Some(message) = unknown_class(class, &classes)
        {
            problems.push_given(format!("{path}.classes"), format!("{path}.class"), message);
        }
    }
}

fn check_prefix(prefix: &str, path: &str, problems: &mut Problems) {
    let fits = |char: char| char.is_ascii_alphanumeric() || matches!(char, '.' | '_' | '-');
    if prefix.is_empty() || !prefix.chars().all(fits) {
        problems.push(
            path,
            format!("{prefix:?} can't begin a topic's name; use letters, digits, '.', '_' and '-'"),
        );
    } else if prefix.len() > PREFIX_CHARS_MAX {
        problems.push(
            path,
            format!(
                "longer than {PREFIX_CHARS_MAX} characters, so topic names would exceed Kafka's 249"
            ),
        );
    }
}

/// What a prefix has of another one that it must not have: names that begin with the one would begin with the other too.
fn shared(prefix: &str, other: &str) -> Option<&'static str> {
    let beyond = prefix.strip_prefix(other)?;
    if beyond.is_empty() {
        return Some("is the prefix");
    }
    if beyond.starts_with('.') {
        return Some("begins as the topics");
    }
    let as_group = STAGES.iter().any(|stage| beyond.starts_with(stage));
    as_group.then_some("begins as the consumer groups")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Topics with these classes have these problems, as `path: part of the message`.
    #[track_caller]
    fn check(classes: &[(&str, Option<&str>)], class: Option<&str>, expected: &[(&str, &str)]) {
        let raw = RawTopics {
            prefix: "tw".into(),
            classes: (classes.iter())
                .map(|(name, prefix)| {
                    let prefix = prefix.map(str::to_owned);
                    ((*name).to_owned(), RawClass { prefix })
                })
                .collect(),
            class: class.map(str::to_owned),
            ..RawTopics::default()
        };
        let mut problems = Problems::new();
        raw.check_classes("bus.topics", &mut problems);
        let found: Vec<_> = problems.iter().collect();
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (problem, (path, part)) in found.iter().zip(expected) {
            assert_eq!(problem.path, *path);
            assert!(problem.message.contains(part), "{problem:?}");
        }
    }

    #[test]
    fn classes_share_nothing() {
        check(&[("eu", Some("tw-eu")), ("us", None)], Some("us"), &[]);
        check(&[], Some("default"), &[]);
        let eu = "bus.topics.classes.eu.prefix";
        check(&[("eu", Some("tw"))], None, &[(eu, "is the prefix")]);
        check(&[("eu", Some("tw.eu"))], None, &[(eu, "as the topics")]);
        check(
            &[("eu", Some("tw-export-eu"))],
            None,
            &[(eu, "as the consumer groups")],
        );
        check(&[("eu", Some("a b"))], None, &[(eu, "can't begin")]);
        check(
            &[("eu", Some("x")), ("us", Some("x"))],
            None,
            &[
                (eu, "of the class \"us\""),
                ("bus.topics.classes.us.prefix", "of the class \"eu\""),
            ],
        );
    }

    #[test]
    fn names_are_names() {
        check(
            &[("default", None), ("e u", Some("x"))],
            None,
            &[
                ("bus.topics.classes.default", "already"),
                ("bus.topics.classes.e u", "not the name"),
            ],
        );
        check(
            &[("europe", None)],
            Some("eurpoe"),
            &[("bus.topics.class", "did you mean \"europe\"?")],
        );
        check(&[], Some("eu"), &[("bus.topics.class", "there are none")]);
    }

    #[test]
    fn each_class_has_its_prefix() {
        let eu = RawClass { prefix: None };
        let raw = RawTopics {
            classes: BTreeMap::from([("eu".to_owned(), eu)]),
            ..RawTopics::default()
        };
        let expected = [("default", "tailwater"), ("eu", "tailwater-eu")];
        let expected = expected.map(|(name, prefix)| (name.to_owned(), prefix.to_owned()));
        assert_eq!(raw.classes(), BTreeMap::from(expected));
    }
}
