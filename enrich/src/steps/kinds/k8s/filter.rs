//! Which pods count.

use k8s::Pod;
use regex::Regex;

/// Pods that it doesn't take are as good as unknown.
#[derive(Debug, Default)]
pub(crate) struct PodFilter {
    pub(crate) node: Option<String>,
    pub(crate) namespace: Option<String>,
    /// By key and value.
    pub(crate) labels: Vec<(String, String, Operator)>,
    /// Names that a pod must not have.
    pub(crate) excluded: Vec<Regex>,
}

/// How a label is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Equals,
    NotEquals,
    Exists,
    DoesNotExist,
}

impl PodFilter {
    pub(super) fn takes(&self, pod: &Pod) -> bool {
        let is = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| found == Some(wanted))
        };
        let has = |(key, value, operator): &(String, String, Operator)| {
            let mut labels = pod.labels.iter();
            let found = labels.find(|(known, _)| **known == **key);
            let found = found.map(|(_, value)| &**value);
            match operator {
                Operator::Equals => found == Some(value),
                // As in Kubernetes, what lacks the label hasn't its value either.
                Operator::NotEquals => found != Some(value),
                Operator::Exists => found.is_some(),
                Operator::DoesNotExist => found.is_none(),
            }
        };
        is(&self.node, pod.node.as_deref())
            && is(&self.namespace, Some(&pod.namespace))
            && self.labels.iter().all(has)
            && !self.excluded.iter().any(|name| name.is_match(&pod.name))
    }
}
