//! The settings of topics that something hangs on.

use crate::kafka::connecting::properties::Properties;
use crate::kafka::connecting::topics;
use crate::{AskedTopic, Finding, Result, Timestamps};

/// What isn't as it should be with topics whose settings we may read.
pub fn examine(properties: &Properties, asked: &[&AskedTopic]) -> Result<Vec<Finding>> {
    let names: Vec<&str> = asked.iter().map(|topic| &*topic.spec.name).collect();
    let all = topics::settings(properties, &names)?;
    let mut findings = Vec::new();
    for topic in asked {
        let of = |setting: &str| {
            let found = all.iter().find(|(name, ..)| *name == *topic.spec.name);
            found.and_then(|(_, settings)| settings.get(setting).cloned())
        };
        findings.extend(timestamps(topic, of("message.timestamp.type")));
        findings.extend(retention(topic, of("retention.ms"), of("cleanup.policy")));
        findings.extend(replicas(topic, of("min.insync.replicas")));
    }
    Ok(findings)
}

fn timestamps(topic: &AskedTopic, found: Option<String>) -> Option<Finding> {
    let wanted = topic.spec.timestamps == Timestamps::LogAppend;
    let found = found.filter(|found| wanted && found != "LogAppendTime")?;
    Some(Finding::warning(format!(
        "topic `{}` has message.timestamp.type={found}: deadlines hang on the clocks of whoever writes; set LogAppendTime",
        topic.spec.name
    )))
}

fn retention(
    topic: &AskedTopic,
    found: Option<String>,
    cleanup: Option<String>,
) -> Option<Finding> {
    let wanted = topic.retention_min?;
    let deletes = cleanup.is_none_or(|policy| policy.contains("delete"));
    // -1 stands for no bound.
    let found: u64 = found.filter(|_| deletes)?.parse().ok()?;
    (u128::from(found) < wanted.as_millis()).then(|| {
        Finding::error(format!(
            "topic `{}` keeps records for {} s (retention.ms), and they are needed for {} s; raise it, or shorten the sampler's waits",
            topic.spec.name,
            found / 1000,
            wanted.as_secs()
        ))
    })
}

fn replicas(topic: &AskedTopic, found: Option<String>) -> Option<Finding> {
    let replicas = topic.replicas.filter(|replicas| *replicas >= 3)?;
    let found = found.filter(|found| found == "1")?;
    Some(Finding::warning(format!(
        "topic `{}` has min.insync.replicas={found}, though {replicas} replicas: an acknowledged record may be on one disk alone; set 2",
        topic.spec.name
    )))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::TopicSpec;

    fn topic() -> AskedTopic {
        AskedTopic {
            spec: TopicSpec {
                name: "t".into(),
                partitions: 1,
                timestamps: Timestamps::LogAppend,
                compacted: false,
                retention: None,
            },
            operations: Vec::new(),
            retention_min: Some(Duration::from_secs(60)),
            replicas: Some(3),
        }
    }

    #[track_caller]
    fn check(finding: Option<Finding>, words: Option<&str>) {
        match (finding, words) {
            (None, None) => {}
            (Some(finding), Some(words)) => assert!(finding.message.contains(words), "{finding:?}"),
            (finding, words) => panic!("{finding:?}, not {words:?}"),
        }
    }

    #[test]
    fn settings_that_something_hangs_on_are_told() {
        let some = |text: &str| Some(text.to_owned());
        check(
            timestamps(&topic(), some("CreateTime")),
            Some("set LogAppendTime"),
        );
        check(timestamps(&topic(), some("LogAppendTime")), None);
        check(timestamps(&topic(), None), None);
        let delete = || some("delete");
        check(
            retention(&topic(), some("59999"), delete()),
            Some("needed for 60 s"),
        );
        check(retention(&topic(), some("60000"), delete()), None);
        check(retention(&topic(), some("-1"), delete()), None);
        check(retention(&topic(), some("1"), some("compact")), None);
        check(replicas(&topic(), some("1")), Some("set 2"));
        check(replicas(&topic(), some("2")), None);
    }
}
