//! What `tailwater topics` prints is enough: applied to a broker by Kafka's own tools, each stage runs as a user of its own, and creates nothing.

use std::time::Duration;

use serde_json::json;
use tests::kafka::{Listener, Rights};
use tests::process::Tailwater;
use tests::sending::Load;
use tests::wait_until;

use super::{WITHIN, delivered, secured, world, write_token};

/// Runs the commands of a printed script, as the user who may do everything.
pub fn apply(rights: &Rights, script: &str) {
    let mut applied = 0;
    for line in script.lines() {
        let class = match line.split(' ').next() {
            Some("kafka-topics.sh") => "org.apache.kafka.tools.TopicCommand",
            Some("kafka-acls.sh") => "org.apache.kafka.tools.AclCommand",
            _ => continue,
        };
        let common = "--bootstrap-server \"$BOOTSTRAP\" --command-config \"$ADMIN\" ";
        let (_, arguments) = line.split_once(common).expect("all commands begin alike");
        let arguments = arguments.replace('\'', "");
        let arguments: Vec<_> = arguments.split(' ').collect();
        rights.tool(class, &arguments).unwrap();
        applied += 1;
    }
    assert!(applied > 0, "{script}");
}

#[test]
fn what_is_printed_is_enough_for_stages_with_users_of_their_own() {
    let Some(started) = secured() else { return };
    let rights = started.rights.as_ref().unwrap();
    let mut world = world(started, Listener::OauthTls);
    world.config["bus"]["kafka"]["create_topics"] = json!(false);
    world.config["bus"]["topics"]["partitions"] = json!(2);
    let stages = ["ingest", "sample", "enrich", "export"];
    let mut processes: Vec<Tailwater> = Vec::new();
    for stage in stages {
        let token = world.path(&format!("{stage}-token"));
        let user = format!("only-{stage}");
        write_token(&token, &user, Duration::from_secs(3600));
        world.config["bus"]["kafka"]["sasl"]["oauth"] = json!({"token_file": token});
        let process = world.process(stage, stage);
        let principal = format!("User:{user}");
        let (code, script, said) = process.command(&[
            "topics",
            "--format",
            "kafka-cli",
            "--stage",
            stage,
            "--principal",
            &principal,
        ]);
        assert_eq!(code, 0, "{said}");
        // The topics are the same for each.
        let lines = script
            .lines()
            .filter(|line| stage == "ingest" || !line.starts_with("kafka-topics.sh"));
        let script: Vec<_> = lines.collect();
        apply(rights, &script.join("\n"));
        processes.push(process);
    }
    for process in &mut processes {
        process.start();
    }
    for process in &mut processes {
        process.wait_ready();
    }
    let load = Load::start(processes[0].grpc_endpoint(), 5, 300.0);
    wait_until("spans to be delivered", WITHIN, || {
        delivered(&processes[3]) > 50.0
    });
    load.stop();
    for process in &mut processes {
        let log = process.log_text();
        assert!(
            !log.contains("authorization failed"),
            "{}: {log}",
            process.name
        );
        assert_eq!(process.stop(), 0);
    }
}
