//! `k8s_attributes`, compiled.

use k8s::Kind;
use regex::Regex;
use runtime::config::{Duration, nearest};

use super::Compiler;
use crate::config::steps::{
    RawAssociation, RawFieldSource, RawFrom, RawK8sAttributes, RawK8sSemconv, RawOperator,
    RawPodSource, RawTag,
};
use crate::steps::{
    Association, Extracted, FieldSource, K8sAttributes, K8sRules, METADATA, Operator, PodFilter,
    PodSource, Tag, TagKey,
};

/// As in the Collector.
const SOURCES_MAX: usize = 4;
/// A thread that waits reads nothing, and its membership lasts for a minute.
const WAIT_FOR_POD_MAX: Duration = Duration::from_secs(10);

impl Compiler<'_> {
    pub(super) fn k8s(&mut self, raw: &RawK8sAttributes, at: &str) -> K8sAttributes {
        if raw.wait_for_pod > WAIT_FOR_POD_MAX {
            let message =
                format!("must be at most {WAIT_FOR_POD_MAX}: nothing else goes on meanwhile");
            self.problems.push(format!("{at}.wait_for_pod"), message);
        }
        let associations =
            self.associations(&raw.pod_association, &format!("{at}.pod_association"));
        let rules = K8sRules {
            associations,
            filter: self.pod_filter(raw, at),
            extracted: self.extracted(raw, &format!("{at}.extract")),
            wait_for_metadata: raw.wait_for_metadata_timeout.0,
            wait_for_pod: raw.wait_for_pod.0,
        };
        K8sAttributes::new(rules, self.slots.next(false))
    }

    fn associations(&mut self, raw: &[RawAssociation], at: &str) -> Vec<Association> {
        if raw.is_empty() {
            let message = "is empty, so that no pod is ever found; leave it out for the default";
            self.problems.push(at, message);
        }
        let mut associations = Vec::new();
        for (index, raw) in raw.iter().enumerate() {
            let at = format!("{at}[{index}].sources");
            let mut sources = Vec::new();
            for (index, raw) in raw.sources.iter().enumerate() {
                sources.extend(self.source(raw, &format!("{at}[{index}]")));
            }
            if raw.sources.len() > SOURCES_MAX {
                let message = format!("has more than {SOURCES_MAX} sources");
                self.problems.push(at, message);
            } else if sources.len() == raw.sources.len() && !sources.iter().any(|it| it.finds()) {
                let finding = PodSource::ALL.iter().filter(|source| source.finds());
                let names: Vec<_> = finding.map(|source| source.attribute()).collect();
                let message = format!("can't find a pod; add one of {}", names.join(", "));
                self.problems.push(at, message);
            }
            associations.push(Association { sources });
        }
        associations
    }

    fn source(&mut self, raw: &RawPodSource, at: &str) -> Option<PodSource> {
        if raw.from == RawFieldSource::Connection {
            return Some(PodSource::Ip);
        }
        let found = (PodSource::ALL.into_iter()).find(|source| source.attribute() == raw.name);
        if found.is_none() {
            let known = PodSource::ALL.map(PodSource::attribute);
            let message = unknown(&raw.name, "no attribute that pods are found by", &known);
            self.problems.push(format!("{at}.name"), message);
        }
        found
    }

    fn pod_filter(&mut self, raw: &RawK8sAttributes, at: &str) -> PodFilter {
        let labels = raw.filter.labels.iter().map(|label| {
            let operator = match label.op {
                RawOperator::Equals => Operator::Equals,
                RawOperator::NotEquals => Operator::NotEquals,
                RawOperator::Exists => Operator::Exists,
                RawOperator::DoesNotExist => Operator::DoesNotExist,
            };
            (label.key.clone(), label.value.clone(), operator)
        });
        let labels = labels.collect();
        let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let mut excluded = Vec::new();
        for (index, pod) in raw.exclude.pods.iter().enumerate() {
            let at = format!("{at}.exclude.pods[{index}].name");
            if pod.name.is_empty() {
                self.problems
                    .push(at, "is empty, and would exclude all pods");
            } else {
                excluded.extend(self.regex(&pod.name, at));
            }
        }
        PodFilter {
            node: some(&raw.filter.node),
            namespace: some(&raw.filter.namespace),
            labels,
            excluded,
        }
    }

    fn extracted(&mut self, raw: &RawK8sAttributes, at: &str) -> Extracted {
        let extract = &raw.extract;
        if !extract.deployment_name_from_replicaset {
            self.problems.push(
                format!("{at}.deployment_name_from_replicaset"),
                "can't be false: replica sets aren't watched, so a deployment's name is always that of its replica set, less the hash",
            );
        }
        for (index, name) in extract.metadata.iter().enumerate() {
            if !METADATA.contains(&name.as_str()) {
                let message = unknown(name, "nothing that is known of pods", METADATA);
                self.problems
                    .push(format!("{at}.metadata[{index}]"), message);
            }
        }
        let wanted = |name: &&&str| extract.metadata.iter().any(|it| it == **name);
        let mut tags = Vec::new();
        for (list, key, source) in [
            (&extract.labels, "labels", FieldSource::Label),
            (&extract.annotations, "annotations", FieldSource::Annotation),
        ] {
            for (index, raw) in list.iter().enumerate() {
                tags.extend(self.tag(raw, source, &format!("{at}.{key}[{index}]")));
            }
        }
        Extracted {
            metadata: METADATA.iter().filter(wanted).copied().collect(),
            tags,
            otel_annotations: extract.otel_annotations,
            is_v1: raw.semconv == RawK8sSemconv::V1,
        }
    }

    fn tag(&mut self, raw: &RawTag, source: FieldSource, at: &str) -> Option<Tag> {
        let key = match (raw.key.is_empty(), raw.key_regex.is_empty()) {
            (false, true) => TagKey::One(raw.key.clone()),
            (true, false) => {
                let whole = format!("^(?:{})$", raw.key_regex);
                TagKey::Matching(self.regex(&whole, format!("{at}.key_regex"))?)
            }
            (true, true) => {
                self.problems
                    .push(at, "needs `key` or `key_regex`: whose value is to be taken");
                return None;
            }
            (false, false) => {
                let message = "`key` and `key_regex` contradict each other: leave one out";
                self.problems.push(at, message);
                return None;
            }
        };
        let of = match raw.from {
            RawFrom::Pod => Kind::Pod,
            RawFrom::Namespace => Kind::Namespace,
            RawFrom::Node => Kind::Node,
            RawFrom::Deployment => Kind::Deployment,
            RawFrom::StatefulSet => Kind::StatefulSet,
            RawFrom::DaemonSet => Kind::DaemonSet,
            RawFrom::Job => Kind::Job,
        };
        let name = Some(raw.tag_name.clone()).filter(|name| !name.is_empty());
        Some(Tag {
            source,
            of,
            name,
            key,
        })
    }

    fn regex(&mut self, pattern: &str, at: String) -> Option<Regex> {
        match Regex::new(&ottl::go_pattern::translated(pattern)) {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                let message = format!("is no regular expression: {error}");
                self.problems.push(at, message);
                None
            }
        }
    }
}

fn unknown(name: &str, what: &str, known: &[&str]) -> String {
    let help = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean {near:?}?"),
        None => format!("one of {}", known.join(", ")),
    };
    format!("{name:?} is {what}: {help}")
}
