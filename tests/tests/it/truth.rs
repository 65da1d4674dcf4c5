//! What a process says of itself: an outage shows in `/readyz` and in metrics within ten seconds, and so does its end.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::kafka::Broker;
use tests::process::Tailwater;
use tests::sending::Load;
use tests::world::World;
use tests::{wait_for, wait_until};

/// What is promised.
const TOLD_WITHIN: Duration = Duration::from_secs(10);
/// Starting again, on a busy machine.
const BACK_WITHIN: Duration = Duration::from_secs(60);
const PATIENT: Duration = Duration::from_secs(240);

fn readyz(process: &Tailwater) -> (u16, Value) {
    let (status, body) = process.get("/readyz").expect("the process answers");
    (status, serde_json::from_str(&body).expect("JSON"))
}

/// Waits until `/readyz` says no to a part, and what it then says of it.
#[track_caller]
fn not_ready(process: &Tailwater, part: &str) -> String {
    let since = Instant::now();
    let what = format!("{} to tell", process.name);
    let reason = wait_for(&what, TOLD_WITHIN, || {
        let (status, told) = readyz(process);
        let reason = told["parts"][part].as_str().unwrap_or_default().to_owned();
        (status == 503 && reason != "ready").then_some(reason)
    });
    println!("{}: {reason} ({:?})", process.name, since.elapsed());
    reason
}

#[track_caller]
fn ready_again(process: &Tailwater) {
    let since = Instant::now();
    wait_until(
        &format!("{} to be ready", process.name),
        BACK_WITHIN,
        || readyz(process).0 == 200,
    );
    println!("{}: ready again ({:?})", process.name, since.elapsed());
}

fn part_ready(process: &Tailwater, part: &str) -> f64 {
    process
        .metrics()
        .sum("tailwater_part_ready", &[("part", part)])
}

/// A broker that is killed and one that answers nothing look different to a client.
#[test]
fn each_stage_tells_that_the_brokers_are_away() {
    let Ok(broker) = Broker::start() else { return };
    let world = World::kafka(&broker);
    let mut processes = [
        world.process("ingest", "i"),
        world.process("sample", "s"),
        world.process("enrich", "n"),
        world.process("export", "x"),
    ];
    for process in &mut processes {
        process.start_and_wait();
    }
    let [away, stopped]: [fn(&Broker); 2] = [Broker::kill, Broker::pause];
    for (take, give) in [
        (away, Broker::restart as fn(&Broker)),
        (stopped, Broker::resume),
    ] {
        take(&broker);
        for process in &processes {
            assert!(!not_ready(process, "bus").is_empty());
            assert_eq!(part_ready(process, "bus"), 0.0);
            // Nobody can say how far behind it is.
            assert_eq!(process.metrics().series("tailwater_lag_records").count(), 0);
            let errors = process.metrics();
            assert!(errors.sum("tailwater_bus_errors_total", &[]) > 0.0);
        }
        give(&broker);
        processes.iter().for_each(ready_again);
    }
    // All partitions of what each reads, and of its own.
    for (process, stage) in processes
        .iter()
        .zip(["", "sampler", "enrich", "export/kept"])
    {
        let owned = || {
            process
                .metrics()
                .sum("tailwater_partitions_owned", &[("stage", stage)])
        };
        let lags = || process.metrics().series("tailwater_lag_seconds").count();
        wait_until("lag of all partitions", BACK_WITHIN, || {
            stage.is_empty() || (owned() >= 8.0 && lags() as f64 >= owned())
        });
    }
    for mut process in processes {
        assert_eq!(process.stop(), 0);
    }
}

/// A file system of its own, so small that it can be filled.
struct Small(PathBuf);

impl Small {
    fn mount(path: PathBuf) -> Option<Self> {
        std::fs::create_dir_all(&path).ok()?;
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=160m", "tmpfs"])
            .arg(&path)
            .status();
        mounted
            .is_ok_and(|status| status.success())
            .then_some(Self(path))
    }

    fn fill(&self) {
        let ballast = std::fs::File::create(self.ballast()).unwrap();
        let block = vec![0x5a; 64 << 10];
        while std::io::Write::write_all(&mut &ballast, &block).is_ok() {}
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }

    fn free(&self) {
        std::fs::remove_file(self.ballast()).unwrap();
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_is_told_and_nothing_that_was_sent_is_lost() {
    let mut world = World::embedded();
    let Some(disk) = Small::mount(world.path("small")) else {
        println!("skipped: nothing can be mounted here");
        return;
    };
    world.config["bus"]["embedded"]["dir"] = json!(Path::new("small").join("data"));
    let mut process = world.process("run", "all");
    process.start_and_wait();
    let bytes = process
        .metrics()
        .sum("tailwater_embedded_bus_topic_bytes", &[]);
    let load = Load::start_patient(process.grpc_endpoint(), 5, 2000.0, PATIENT);
    wait_until("some spans", BACK_WITHIN, || load.sent() > 5000);
    assert!(process.metrics().sum("tailwater_embedded_bus_bytes", &[]) > 0.0);
    for _ in 0..2 {
        disk.fill();
        wait_until("the writer to hit the end", BACK_WITHIN, || {
            process.logged("writing to the embedded bus failed") > 0 || readyz(&process).0 == 503
        });
        let reason = not_ready(&process, "bus");
        assert!(reason.contains("disk is full"), "{reason}");
        disk.free();
        ready_again(&process);
    }
    let sent = load.stop();
    let count = sent.count(schemas::Signal::Traces) as f64;
    // A request that was refused in part is sent again whole: more may be there than was sent, never less.
    let metrics = process.metrics();
    let published = metrics.sum(
        "tailwater_ingest_published_items_total",
        &[("signal", "traces")],
    );
    assert!(published >= count, "{published} published of {count} sent");
    wait_until("all spans to be read", BACK_WITHIN, || {
        let metrics = process.metrics();
        metrics.sum("tailwater_sampler_consumed_spans_total", &[]) == published
    });
    wait_until("topics to have grown", BACK_WITHIN, || {
        process
            .metrics()
            .sum("tailwater_embedded_bus_topic_bytes", &[])
            > bytes
    });
    assert_eq!(process.stop(), 0);
}

/// It takes connections and never answers, as what hangs behind a load balancer does.
#[test]
fn a_backend_that_takes_nothing_is_shown_and_the_process_stays_ready() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut world = World::embedded();
    world.set_decision_wait(500);
    let http = |address| json!({"endpoint": format!("http://{address}")});
    world.config["export"]["backends"] = json!([
        {"name": "kept", "file": {"path": "kept.jsonl"}},
        {"name": "silent", "otlp_http": http(silent.local_addr().unwrap())},
        {"name": "closed", "otlp_http": http(closed)},
    ]);
    let mut process = world.process("run", "all");
    process.start_and_wait();
    let load = Load::start(process.grpc_endpoint(), 5, 2000.0);
    let delivered = || {
        process.metrics().sum(
            "tailwater_export_delivered_items_total",
            &[("backend", "kept")],
        )
    };
    wait_until("a delivery elsewhere", BACK_WITHIN, || delivered() > 0.0);
    wait_until("both to be told", TOLD_WITHIN * 2, || {
        part_ready(&process, "export/silent") + part_ready(&process, "export/closed") == 0.0
    });
    let (status, told) = readyz(&process);
    println!("{told}");
    assert_eq!((status, &told["ready"]), (200, &json!(true)));
    let of = |backend: &str| {
        told["parts"][format!("export/{backend}")]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(of("kept"), "ready");
    assert!(of("silent").contains("no answer to traces"), "{told}");
    assert!(of("closed").contains("traces are not taken"), "{told}");
    // The one falls behind, the other doesn't.
    let lag = |backend| {
        let labels = [("stage", backend), ("topic", "tailwater.traces.clean")];
        process.metrics().sum("tailwater_lag_records", &labels)
    };
    wait_until("lag", BACK_WITHIN, || {
        lag("export/silent") > 0.0 && lag("export/closed") > 0.0
    });
    load.stop();
    wait_until("no lag elsewhere", BACK_WITHIN, || {
        lag("export/kept") == 0.0
    });
    let seconds = process.metrics().sum(
        "tailwater_export_request_seconds_count",
        &[("backend", "kept")],
    );
    assert!(seconds > 0.0);
    drop(silent);
    assert_eq!(process.stop(), 0);
}

/// The tool that Prometheus checks metrics with, where it is; and by ourselves, that each metric says what it is.
#[test]
fn metrics_are_there_from_the_start_and_say_what_they_are() {
    let world = World::embedded();
    let mut process = world.process("run", "all");
    process.start_and_wait();
    let (_, text) = process.get("/metrics").unwrap();
    let families = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    for family in families {
        let name = family.split(' ').next().unwrap();
        assert!(
            text.contains(&format!("# HELP {name} ")),
            "{name} has no HELP"
        );
    }
    let metrics = process.metrics();
    for (name, series) in [
        ("tailwater_ingest_rejected_items_total", 3),
        ("tailwater_ingest_refused_requests_total", 26),
        ("tailwater_sampler_lost_spans_total", 1),
        ("tailwater_enrich_truncated_records_total", 3),
        ("tailwater_export_dead_lettered_items_total", 3),
        ("tailwater_export_truncated_records_total", 3),
        ("tailwater_bus_errors_total", 5),
        ("tailwater_config_reload_failures_total", 1),
    ] {
        let there = metrics.series(name).count();
        assert!(there >= series, "{there} series of {name}");
        assert_eq!(metrics.sum(name, &[]), 0.0, "{name}");
    }
    assert_eq!(metrics.sum("tailwater_config_generation", &[]), 1.0);
    // What is wrong is counted, and the next reading that works says so.
    let usual = process.configuration();
    process.configure("sampler: {decision_wiat: 1s}");
    assert_eq!(process.post("/config").unwrap().0, 400);
    let last = |process: &Tailwater| {
        process
            .metrics()
            .sum("tailwater_config_last_reload_successful", &[])
    };
    assert_eq!(last(&process), 0.0);
    assert!(
        process
            .metrics()
            .sum("tailwater_config_reload_failures_total", &[])
            >= 1.0
    );
    process.configure(&format!("{usual:#}"));
    assert_eq!(process.post("/config").unwrap().0, 200);
    assert_eq!(last(&process), 1.0);
    assert_eq!(process.stop(), 0);
}
