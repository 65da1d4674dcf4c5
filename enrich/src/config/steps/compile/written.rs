//! Groups of texts, with the place where each of them is written.

use crate::config::steps::{RawConditionGroup, RawConditions, RawStatementGroup, RawStatements};

/// Where the texts of a group stand: its statements, then its conditions.
pub(super) struct Written {
    pub(super) group: String,
    pub(super) texts: Vec<String>,
}

impl Written {
    fn within(at: String, statements: usize, conditions: usize) -> Self {
        let of = |key: &'static str, count| (0..count).map(move |number| (key, number));
        let texts = of("statements", statements).chain(of("conditions", conditions));
        Self {
            texts: texts
                .map(|(key, number)| format!("{at}.{key}[{number}]"))
                .collect(),
            group: at,
        }
    }

    /// Of a group that isn't written as one.
    fn beside(at: &str) -> Self {
        Self {
            group: at.to_owned(),
            texts: Vec::new(),
        }
    }
}

/// Texts that stand one after the other are a group, as in the Collector.
pub(super) fn groups(list: &[RawStatements], at: &str) -> Vec<(Written, RawStatementGroup)> {
    let mut groups: Vec<(Written, RawStatementGroup)> = Vec::new();
    let mut alone = false;
    for (number, entry) in list.iter().enumerate() {
        match entry {
            RawStatements::One(text) => {
                if !alone {
                    groups.push((Written::beside(at), RawStatementGroup::default()));
                }
                if let Some((written, group)) = groups.last_mut() {
                    written.texts.push(format!("{at}[{number}]"));
                    group.statements.push(text.clone());
                }
            }
            RawStatements::Group(group) => {
                let (statements, conditions) = (group.statements.len(), group.conditions.len());
                let written = Written::within(format!("{at}[{number}]"), statements, conditions);
                groups.push((written, group.clone()));
            }
        }
        alone = matches!(entry, RawStatements::One(_));
    }
    groups
}

pub(super) fn condition_groups(
    list: &[RawConditions],
    at: &str,
) -> Vec<(Written, RawConditionGroup)> {
    let mut groups: Vec<(Written, RawConditionGroup)> = Vec::new();
    let mut alone = false;
    for (number, entry) in list.iter().enumerate() {
        match entry {
            RawConditions::One(text) => {
                if !alone {
                    groups.push((Written::beside(at), RawConditionGroup::default()));
                }
                if let Some((written, group)) = groups.last_mut() {
                    written.texts.push(format!("{at}[{number}]"));
                    group.conditions.push(text.clone());
                }
            }
            RawConditions::Group(group) => {
                let written = Written::within(format!("{at}[{number}]"), 0, group.conditions.len());
                groups.push((written, group.clone()));
            }
        }
        alone = matches!(entry, RawConditions::One(_));
    }
    groups
}
