//! `check --connect` on a cluster that isn't as it should be: each right that is missing by its name, and topics that are otherwise.

use schemas::Signal;
use serde_json::json;
use tests::kafka::{Listener, Resource};
use tests::process::Tailwater;

use super::topics::apply;
use super::{allow_what_is_needed, principal, secured, world};

/// It ends with this code, and says all of this.
#[track_caller]
fn check(process: &Tailwater, code: i32, words: &[&str]) {
    let (found, out, said) = process.command(&["check", "--connect"]);
    println!("{said}");
    assert_eq!(found, code, "{out}{said}");
    for word in words {
        assert!(said.contains(word), "no {word:?} in {said}");
    }
}

/// Topics that aren't there yet, and nobody who may make them: told without an attempt that leaves anything behind.
#[test]
fn the_missing_right_to_create_is_named() {
    let Some(started) = secured() else { return };
    let user = principal(Listener::Plain);
    let rights = started.rights.as_ref().unwrap().of(user);
    let world = world(started, Listener::Plain);
    let process = world.process("run", "check");
    allow_what_is_needed(&rights, world.prefix());
    let topics = world.topics();
    let (raw, state) = (topics.raw(Signal::Traces), topics.sampler_state());
    for topic in [&raw, &state] {
        rights.take(Resource::Topic(topic), "Create");
    }
    let missing = |topic| format!("the right Create on topic `{topic}` is missing");
    check(&process, 1, &[&missing(&raw), &missing(&state)]);
    let (_, _, said) = process.command(&["check", "--connect"]);
    assert!(!said.contains(&*missing(&topics.decisions())), "{said}");
    for topic in [&raw, &state] {
        rights.give_back(Resource::Topic(topic), "Create");
    }
    check(&process, 0, &[]);
    let bus = world.bus();
    for spec in bus::topic_specs(&topics, 1) {
        assert!(
            bus.partition_count(&spec.name).is_err(),
            "{} was made",
            spec.name
        );
    }
}

#[test]
fn what_a_cluster_lacks_is_named() {
    let Some(started) = secured() else { return };
    let rights = started.rights.as_ref().unwrap();
    let mut world = world(started, Listener::Plain);
    world.config["bus"]["kafka"]["create_topics"] = json!(false);
    world.config["bus"]["topics"]["partitions"] = json!(2);
    let process = world.process("run", "check");
    let topics = world.topics();
    let (raw, decisions) = (topics.raw(Signal::Traces), topics.decisions());
    // Nothing is there, and nothing is allowed.
    let missing = format!("the right Describe on topic `{raw}` is missing");
    check(&process, 1, &[&missing]);
    let user = principal(Listener::Plain);
    let args = ["topics", "--format", "kafka-cli", "--principal", user];
    let (code, script, said) = process.command(&args);
    assert_eq!(code, 0, "{said}");
    let (of_topics, of_rights): (Vec<_>, Vec<_>) =
        (script.lines()).partition(|line| line.starts_with("kafka-topics.sh"));
    apply(rights, &of_rights.join("\n"));
    let missing = format!("topic `{raw}` is missing; create it");
    check(
        &process,
        1,
        &[&missing, &missing.replace(&*raw, &decisions)],
    );
    apply(rights, &of_topics.join("\n"));
    check(&process, 0, &[]);
    let rights = rights.of(user);
    let group = topics.group("sampler");
    let id = format!("{group}-check");
    for (resource, operation, what) in [
        (Resource::Topic(&raw), "Write", format!("topic `{raw}`")),
        (Resource::Topic(&raw), "Read", format!("topic `{raw}`")),
        (
            Resource::Topic(&decisions),
            "Describe",
            format!("topic `{decisions}`"),
        ),
        (Resource::Group(&group), "Read", format!("group `{group}`")),
        (
            Resource::TransactionalId(&id),
            "Write",
            format!("transactional id `{id}`"),
        ),
    ] {
        rights.take(resource, operation);
        let missing = format!("the right {operation} on {what} is missing");
        check(&process, 1, &[&missing]);
        rights.give_back(resource, operation);
    }
    rights.take(Resource::Topic(&raw), "DescribeConfigs");
    let missing = format!("warning: the right DescribeConfigs on topic `{raw}` is missing");
    check(&process, 0, &[&missing]);
    rights.give_back(Resource::Topic(&raw), "DescribeConfigs");
    world.config["bus"]["topics"]["partitions"] = json!(3);
    world.config["sampler"]["decision_wait"] = json!("30d");
    world.config["sampler"]["decision_cache_ttl"] = json!("60d");
    let process = world.process("run", "check");
    let partitions = format!("topic `{raw}` has 2 partitions where the configuration says 3");
    let retention = format!(
        "topic `{raw}` keeps records for 604800 s (retention.ms), and they are needed for 2592000 s"
    );
    check(&process, 1, &[&partitions, &retention]);
}
