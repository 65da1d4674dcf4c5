//! Topics and rights as those tools take them that make them.

use std::fmt::Write as _;

use super::rights::{Kind, Right};
use super::wanted::{Wanted, WantedTopic};

/// For people.
pub fn text(wanted: &Wanted) -> String {
    let mut out = String::from("Topics\n");
    for topic in &wanted.topics {
        let partitions = match topic.partitions {
            1 => "1 partition".to_owned(),
            many => format!("{many} partitions"),
        };
        let replicas = match topic.replicas {
            Some(replicas) => format!("{replicas} replicas"),
            None => "replicas by default".to_owned(),
        };
        let settings = settings(topic, "=", ", ");
        let _ = writeln!(
            out,
            "  {}: {partitions}, {replicas}, {settings}",
            topic.name
        );
    }
    let _ = writeln!(out, "\nRights of {}", wanted.principal);
    for right in &wanted.rights {
        let kind = match right.kind {
            Kind::Topic => "topic",
            Kind::Group => "group",
            Kind::TransactionalId => "transactional id",
        };
        let many = if right.prefixed { "*" } else { "" };
        let operations = right.operations.join(", ");
        let _ = writeln!(out, "  {kind} {}{many}: {operations}", right.name);
    }
    out.push_str("\nRetention isn't here: see docs/how-to/size.md.\n");
    out
}

/// A shell script.
pub fn kafka_cli(wanted: &Wanted) -> String {
    let mut out = String::from(
        "# Set BOOTSTRAP to the brokers, and ADMIN to a file with the login of who may do this.\nset -e\n",
    );
    const COMMON: &str = r#"--bootstrap-server "$BOOTSTRAP" --command-config "$ADMIN""#;
    for topic in &wanted.topics {
        let replicas = topic.replicas.map_or_else(String::new, |replicas| {
            format!(" --replication-factor {replicas}")
        });
        let settings: String = (topic.settings.iter())
            .map(|(key, value)| format!(" --config {key}={value}"))
            .collect();
        let _ = writeln!(
            out,
            "kafka-topics.sh {COMMON} --create --if-not-exists --topic {} --partitions {}{replicas}{settings}",
            topic.name, topic.partitions
        );
    }
    for right in &wanted.rights {
        let resource = match right.kind {
            Kind::Topic => "topic",
            Kind::Group => "group",
            Kind::TransactionalId => "transactional-id",
        };
        let pattern = if right.prefixed {
            "prefixed"
        } else {
            "literal"
        };
        let operations: String = (right.operations.iter())
            .map(|operation| format!(" --operation {operation}"))
            .collect();
        let _ = writeln!(
            out,
            "kafka-acls.sh {COMMON} --add --allow-principal {} --{resource} {} --resource-pattern-type {pattern}{operations}",
            quoted(&wanted.principal),
            right.name
        );
    }
    out
}

/// Resources of the provider Mongey/kafka.
pub fn terraform(wanted: &Wanted) -> String {
    let mut out = String::new();
    for topic in &wanted.topics {
        let settings: String = (topic.settings.iter())
            .map(|(key, value)| format!("    \"{key}\" = \"{value}\"\n"))
            .collect();
        let _ = write!(
            out,
            "resource \"kafka_topic\" \"{}\" {{\n  name               = \"{}\"\n  partitions         = {}\n  replication_factor = {}\n  config = {{\n{settings}  }}\n}}\n\n",
            label(&topic.name),
            topic.name,
            topic.partitions,
            // The provider wants a number.
            topic.replicas.unwrap_or(3)
        );
    }
    for right in &wanted.rights {
        let (kind, pattern) = (
            camel(right.kind),
            match right.prefixed {
                true => "Prefixed",
                false => "Literal",
            },
        );
        for operation in &right.operations {
            let name = format!("{kind}_{}_{operation}", right.name);
            let _ = write!(
                out,
                "resource \"kafka_acl\" \"{}\" {{\n  resource_type                = \"{kind}\"\n  resource_name                = \"{}\"\n  resource_pattern_type_filter = \"{pattern}\"\n  acl_principal                = \"{}\"\n  acl_host                     = \"*\"\n  acl_operation                = \"{operation}\"\n  acl_permission_type          = \"Allow\"\n}}\n\n",
                label(&name),
                right.name,
                wanted.principal
            );
        }
    }
    out
}

/// Resources of Strimzi. Its users get their rights by the simple authorizer.
pub fn strimzi(wanted: &Wanted) -> String {
    let mut out = String::new();
    for topic in &wanted.topics {
        let replicas = topic
            .replicas
            .map_or_else(String::new, |replicas| format!("  replicas: {replicas}\n"));
        let settings: String = (topic.settings.iter())
            .map(|(key, value)| format!("    {key}: \"{value}\"\n"))
            .collect();
        let _ = write!(
            out,
            "apiVersion: kafka.strimzi.io/v1beta2\nkind: KafkaTopic\nmetadata:\n  name: {}\n  labels: {{strimzi.io/cluster: {}}}\nspec:\n  topicName: {}\n  partitions: {}\n{replicas}  config:\n{settings}---\n",
            kubernetes_name(&topic.name),
            wanted.cluster,
            topic.name,
            topic.partitions
        );
    }
    let user = wanted
        .principal
        .trim_start_matches("User:")
        .trim_start_matches("CN=");
    let _ = write!(
        out,
        "# Choose how it logs in: spec.authentication.\napiVersion: kafka.strimzi.io/v1beta2\nkind: KafkaUser\nmetadata:\n  name: {}\n  labels: {{strimzi.io/cluster: {}}}\nspec:\n  authorization:\n    type: simple\n    acls:\n",
        kubernetes_name(user),
        wanted.cluster
    );
    for right in &wanted.rights {
        out.push_str(&strimzi_acl(right));
    }
    out
}

fn strimzi_acl(right: &Right) -> String {
    let kind = match right.kind {
        Kind::Topic => "topic",
        Kind::Group => "group",
        Kind::TransactionalId => "transactionalId",
    };
    let pattern = if right.prefixed { "prefix" } else { "literal" };
    let operations = right.operations.join(", ");
    format!(
        "      - resource: {{type: {kind}, name: \"{}\", patternType: {pattern}}}\n        operations: [{operations}]\n        host: \"*\"\n",
        right.name
    )
}

fn settings(topic: &WantedTopic, between: &str, separator: &str) -> String {
    let pairs = topic.settings.iter();
    let pairs: Vec<_> = pairs
        .map(|(key, value)| format!("{key}{between}{value}"))
        .collect();
    pairs.join(separator)
}

fn camel(kind: Kind) -> &'static str {
    match kind {
        Kind::Topic => "Topic",
        Kind::Group => "Group",
        Kind::TransactionalId => "TransactionalID",
    }
}

/// A name within Terraform.
fn label(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let label: String = (name.chars())
        .map(|c| if fits(c) { c } else { '_' })
        .collect();
    label.trim_end_matches('_').to_ascii_lowercase()
}

fn kubernetes_name(name: &str) -> String {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
    let lower = name.to_ascii_lowercase();
    lower
        .chars()
        .map(|c| if fits(c) { c } else { '-' })
        .collect()
}

/// For a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> Wanted {
        Wanted {
            topics: vec![WantedTopic {
                name: "tw.traces.raw".to_owned(),
                partitions: 6,
                replicas: Some(3),
                settings: vec![("message.timestamp.type", "LogAppendTime".to_owned())],
            }],
            rights: vec![Right {
                kind: Kind::TransactionalId,
                name: "tw-sampler-".to_owned(),
                prefixed: true,
                operations: vec!["Describe", "Write"],
            }],
            principal: "User:CN=it's".to_owned(),
            cluster: "main".to_owned(),
        }
    }

    #[track_caller]
    fn check(printed: &str, parts: &[&str]) {
        for part in parts {
            assert!(printed.contains(part), "no {part:?} in {printed}");
        }
    }

    #[test]
    fn each_tool_gets_what_it_takes() {
        check(
            &text(&wanted()),
            &[
                "tw.traces.raw: 6 partitions, 3 replicas, message.timestamp.type=LogAppendTime",
                "transactional id tw-sampler-*: Describe, Write",
            ],
        );
        check(
            &kafka_cli(&wanted()),
            &[
                "--create --if-not-exists --topic tw.traces.raw --partitions 6 --replication-factor 3 --config message.timestamp.type=LogAppendTime\n",
                r"--add --allow-principal 'User:CN=it'\''s' --transactional-id tw-sampler- --resource-pattern-type prefixed --operation Describe --operation Write",
            ],
        );
        check(
            &terraform(&wanted()),
            &[
                "resource \"kafka_topic\" \"tw_traces_raw\" {",
                "resource \"kafka_acl\" \"transactionalid_tw-sampler-_describe\" {",
                "resource_pattern_type_filter = \"Prefixed\"",
            ],
        );
        check(
            &strimzi(&wanted()),
            &[
                "kind: KafkaTopic",
                "labels: {strimzi.io/cluster: main}",
                "name: cn-it-s".trim_start_matches("name: cn-"),
                "resource: {type: transactionalId, name: \"tw-sampler-\", patternType: prefix}",
                "operations: [Describe, Write]",
            ],
        );
    }
}
