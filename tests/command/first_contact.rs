//! What somebody meets who uses Tailwater for the first time: each mistake is answered at once, and nothing is left behind.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use crate::command_line::{
    FREE_PORTS, Running, TRACE_ID, answers, configure, output, send_error_trace, tailwater,
};

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&*output.stdout, &*output.stderr].concat()).into_owned()
}

/// An address that nobody listens on.
fn closed() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

#[test]
fn load_says_at_once_that_nobody_listens() {
    let dir = tempfile::tempdir().unwrap();
    for protocol in ["grpc", "http/protobuf", "http/json"] {
        let endpoint = format!("http://{}", closed());
        // Slow traffic: what is not due yet must not hold the error back.
        let args = [
            "load",
            "--endpoint",
            &endpoint,
            "--protocol",
            protocol,
            "--rate",
            "100",
        ];
        let began = Instant::now();
        let output = output(dir.path(), &args);
        let (took, said) = (began.elapsed(), said(&output));
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(took < Duration::from_secs(5), "{took:?}");
        for part in [&*endpoint, "Connection refused", "`tailwater run`"] {
            assert!(said.contains(part), "no `{part}` in {said}");
        }
    }
    // It speaks TLS too, and no other protocol.
    let https = output(dir.path(), &["load", "--endpoint", "https://127.0.0.1:1"]);
    assert!(
        said(&https).contains("Connection refused"),
        "{}",
        said(&https)
    );
    let other = output(dir.path(), &["load", "--endpoint", "127.0.0.1:1"]);
    assert!(
        said(&other).contains("write http://host:port"),
        "{}",
        said(&other)
    );
}

#[test]
fn load_says_at_once_that_its_endpoint_went_away_and_came_back() {
    let dir = tempfile::tempdir().unwrap();
    let otlp = closed();
    let more = "admin: {health: \"127.0.0.1:0\", metrics: off}\nbus: {topics: {partitions: 2}}";
    configure(dir.path(), more);
    let config = std::fs::read_to_string(dir.path().join("t.yaml")).unwrap();
    let config = config.replacen("127.0.0.1:0", &otlp, 1);
    std::fs::write(dir.path().join("t.yaml"), config).unwrap();
    let run = || {
        let mut process = Running::start(dir.path(), &["run", "--config", "t.yaml"]);
        process.says("OTLP/gRPC on ");
        process
    };
    let process = run();
    let endpoint = format!("http://{otlp}");
    let args = [
        "load",
        "--endpoint",
        &endpoint,
        "--rate",
        "2000",
        "--spans",
        "1000000",
    ];
    let mut load = Running::start(dir.path(), &args);
    load.says("seed ");
    load.says("items accepted");
    drop(process);
    load.says("takes nothing: ");
    let _process = run();
    load.says("takes requests again");
}

#[test]
fn load_has_traffic_of_its_own_unless_it_is_given_a_seed() {
    let dir = tempfile::tempdir().unwrap();
    let write = |file: &str, seed: &[&str]| {
        let args = [
            "load",
            "--spans",
            "500",
            "--start",
            "1760000000",
            "--write",
            file,
        ];
        let output = output(dir.path(), &[&args, seed].concat());
        let said = said(&output);
        assert_eq!(output.status.code(), Some(0), "{said}");
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let seed = report["seed"].as_u64().unwrap();
        (std::fs::read(dir.path().join(file)).unwrap(), seed)
    };
    let (first, seed) = write("a", &[]);
    let (second, _) = write("b", &[]);
    assert_ne!(first, second);
    let (again, _) = write("c", &["--seed", &seed.to_string()]);
    assert_eq!(first, again, "the printed seed gives the same traffic");
}

#[test]
fn who_only_looks_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let config = tempfile::tempdir().unwrap();
    let file = config.path().join("c.yaml");
    let admin = closed();
    std::fs::write(&file, format!("admin: {{listen: \"{admin}\"}}\n")).unwrap();
    let file = file.to_str().unwrap();
    let check = |args: &[&str], code: i32, parts: &[&str]| {
        let output = output(dir.path(), args);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        for part in parts {
            assert!(said.contains(part), "{args:?}: no `{part}` in {said}");
        }
        let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().flatten().collect();
        assert!(left.is_empty(), "{args:?}: {left:?}");
    };
    // It says what it looked for, and whom it asked.
    let tried = [
        "no embedded bus in ./tailwater-data",
        &*admin,
        "admin.listen",
    ];
    check(&["why", TRACE_ID, "--config", file], 4, &tried);
    let none = ["no embedded bus in ./tailwater-data"];
    check(&["dead-letters", "list", "--config", file], 4, &none);
    check(&["dead-letters", "show", "0/1", "--config", file], 4, &none);
    check(
        &["dead-letters", "purge", "0/1", "--config", file],
        4,
        &none,
    );
    check(&["check"], 0, &["./tailwater-data"]);
    check(&["schema"], 0, &["$schema"]);
}

#[test]
fn why_does_not_make_a_bus_of_a_folder_that_is_there() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("tailwater-data")).unwrap();
    std::fs::write(dir.path().join("c.yaml"), "admin: {listen: off}\n").unwrap();
    let output = output(dir.path(), &["why", TRACE_ID, "--config", "c.yaml"]);
    assert_eq!(output.status.code(), Some(4), "{}", said(&output));
    let mut left = std::fs::read_dir(dir.path().join("tailwater-data")).unwrap();
    assert!(left.next().is_none());
}

/// The bus is at its default place, the admin pages are not: the process has noted where.
#[test]
fn why_finds_the_process_that_runs_here() {
    let dir = tempfile::tempdir().unwrap();
    configure(dir.path(), FREE_PORTS);
    let mut process = Running::start(dir.path(), &["run", "--config", "t.yaml"]);
    let otlp = process.says("OTLP/HTTP on ");
    let admin = process.says("http://");
    answers(&admin, "/readyz", "\"ready\":true");
    send_error_trace(&otlp);
    let delivered = r#"tailwater_export_delivered_items_total{backend="kept",signal="traces"} 1"#;
    answers(&admin, "/metrics", delivered);
    let why = output(dir.path(), &["why", TRACE_ID]);
    assert_eq!(why.status.code(), Some(0), "{}", said(&why));
    assert!(said(&why).contains("errors"), "{}", said(&why));
}

/// Many systems allow 1024 open files unless asked for more, and ingest alone may take as many connections.
#[test]
fn the_limit_of_open_files_is_raised_to_what_is_allowed() {
    let dir = tempfile::tempdir().unwrap();
    configure(dir.path(), FREE_PORTS);
    let script = "ulimit -Sn 300 && ulimit -Hn 700 && exec \"$0\" run --config t.yaml";
    let binary = env!("CARGO_BIN_EXE_tailwater");
    let mut process = Running::start_with(dir.path(), &["-c", script, binary], "sh");
    let admin = process.says("http://");
    answers(&admin, "/metrics", "process_max_fds 700");
}

fn below(dir: &Path, found: &mut Vec<(PathBuf, bool, u32)>) {
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        // A file may go while we look.
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        let mode = metadata.permissions().mode() & 0o7777;
        found.push((entry.path(), metadata.is_dir(), mode));
        if metadata.is_dir() {
            below(&entry.path(), found);
        }
    }
}

#[test]
fn what_is_written_is_for_owner_and_group_whatever_the_umask() {
    for umask in ["000", "077", "022"] {
        let dir = tempfile::tempdir().unwrap();
        configure(dir.path(), FREE_PORTS);
        let config = dir.path().join("t.yaml");
        let text = std::fs::read_to_string(&config).unwrap();
        std::fs::write(&config, text.replace("./kept.jsonl", "./out/of/kept.jsonl")).unwrap();
        let mut process = {
            let script = format!("umask {umask}; exec \"$0\" run --config t.yaml");
            Running::start_with(
                dir.path(),
                &["-c", &script, env!("CARGO_BIN_EXE_tailwater")],
                "sh",
            )
        };
        let otlp = process.says("OTLP/HTTP on ");
        let admin = process.says("http://");
        send_error_trace(&otlp);
        let delivered =
            r#"tailwater_export_delivered_items_total{backend="kept",signal="traces"} 1"#;
        answers(&admin, "/metrics", delivered);
        let mut found = Vec::new();
        below(&dir.path().join("tailwater-data"), &mut found);
        below(&dir.path().join("out"), &mut found);
        assert!(found.len() > 10, "{found:?}");
        for (path, is_dir, mode) in &found {
            match is_dir {
                true => assert_eq!(*mode, 0o750, "{path:?} under {umask}: {mode:o}"),
                // The store makes some of its files for their owner alone.
                false => assert!(
                    [0o640, 0o600].contains(mode),
                    "{path:?} under {umask}: {mode:o}"
                ),
            }
        }
        for (name, mode) in [
            ("tailwater-data", 0o750),
            ("out", 0o750),
            ("out/of/kept.jsonl", 0o640),
            ("tailwater-data/lock", 0o640),
        ] {
            let metadata = std::fs::metadata(dir.path().join(name)).unwrap();
            assert_eq!(
                metadata.permissions().mode() & 0o777,
                mode,
                "{name} under {umask}"
            );
        }
    }
}

#[track_caller]
fn all_json(lines: &str) {
    for line in lines.lines() {
        let value: serde_json::Value = serde_json::from_str(line)
            .unwrap_or_else(|error| panic!("{error}: {line}\nin {lines}"));
        for key in ["timestamp", "level", "message"] {
            assert!(value[key].is_string(), "{line}");
        }
    }
    assert!(!lines.is_empty());
}

#[test]
fn json_is_json_from_the_first_line_to_the_last() {
    let dir = tempfile::tempdir().unwrap();
    let check = |text: &str, code: i32, part: &str| {
        std::fs::write(dir.path().join("j.yaml"), text).unwrap();
        let output = output(dir.path(), &["run", "--config", "j.yaml"]);
        let lines = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{lines}");
        all_json(&lines);
        assert!(lines.contains(part), "{lines}");
    };
    check(
        "log: {format: json}\nsampler: {decision_wiat: 3s}\n",
        3,
        "decision_wait",
    );
    check("log:\n  format: json\n  level: loud\n", 3, "loud");
    // No YAML at all.
    check("log:\n  format: json\nbus: {kafka: [\n", 3, "j.yaml");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let admin = format!("log: {{format: json}}\nadmin: {{health: \"{address}\"}}\n");
    check(&admin, 1, "admin.health");

    // Where there is no file to ask, a variable says it.
    let mut command = tailwater(dir.path(), &["run", "--config", "none.yaml"]);
    let output = command
        .env("TAILWATER_LOG_FORMAT", "json")
        .output()
        .unwrap();
    all_json(&String::from_utf8_lossy(&output.stderr));

    configure(dir.path(), &format!("{FREE_PORTS}\nlog: {{format: json}}"));
    let mut process = Running::start(dir.path(), &["run", "--config", "t.yaml"]);
    process.says("OTLP/HTTP on ");
    process.signal("TERM");
    let (code, said) = process.ends();
    assert_eq!(code, Some(0), "{said}");
    all_json(&said);
}

#[test]
fn json_is_json_while_there_is_no_broker() {
    let dir = tempfile::tempdir().unwrap();
    let more = format!(
        "bus: {{kafka: {{brokers: [\"{}\"]}}}}\nadmin: {{health: \"127.0.0.1:0\", metrics: off}}\nlog: {{format: json, level: debug}}",
        closed()
    );
    configure(dir.path(), &more);
    let mut process = Running::start(dir.path(), &["run", "--config", "t.yaml"]);
    process.says("the bus can't be reached");
    process.signal("TERM");
    let (code, said) = process.ends();
    assert_eq!(code, Some(0), "{said}");
    all_json(&said);
}

/// Four stages share a file, and often a host. What it doesn't name gets out of the way; an address that it names is where somebody asks.
#[test]
fn stages_that_run_alone_get_out_of_each_other_s_way() {
    let dir = tempfile::tempdir().unwrap();
    let bus = format!("bus: {{kafka: {{brokers: [\"{}\"]}}}}\n", closed());
    configure(dir.path(), &bus);
    let mut found = std::collections::HashSet::new();
    let mut running = Vec::new();
    for stage in ["ingest", "sample", "enrich", "export", "sample"] {
        let mut process = Running::start(dir.path(), &[stage, "--config", "t.yaml"]);
        let quoted = |text: String| text.trim_matches('"').to_owned();
        let health = quoted(process.says("up health="));
        answers(&health, "/healthz", "ok");
        let metrics = quoted(process.says(" metrics="));
        answers(&metrics, "/metrics", "tailwater_");
        let pages = quoted(process.says(" listen="));
        assert!(
            found.insert(health) && found.insert(metrics) && found.insert(pages),
            "{found:?}"
        );
        running.push(process);
    }
    for (key, others) in [
        ("health", "metrics: off, listen: off"),
        ("metrics", "health: off, listen: off"),
        ("listen", "health: off, metrics: off"),
    ] {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let named = format!("{bus}admin: {{{others}, {key}: \"{address}\"}}");
        configure(dir.path(), &named);
        for command in ["sample", "run"] {
            let output = output(dir.path(), &[command, "--config", "t.yaml"]);
            let said = said(&output);
            assert_eq!(output.status.code(), Some(1), "{said}");
            for part in [&*format!("admin.{key}"), "another process", "leaves"] {
                assert!(said.contains(part), "no `{part}` in {said}");
            }
        }
    }
}

#[test]
fn stages_that_run_alone_on_an_embedded_bus_are_told_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    configure(dir.path(), FREE_PORTS);
    let mut first = Running::start(dir.path(), &["ingest", "--config", "t.yaml"]);
    first.says("runs alone");
    first.says("OTLP/HTTP on ");
    let output = tailwater(dir.path(), &["sample", "--config", "t.yaml"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("bus.kafka") && said.contains("`tailwater run`"),
        "{said}"
    );
}

/// Attempts go on every few seconds; the person on call hears of the first.
#[test]
fn brokers_that_are_not_there_are_told_once_and_soon() {
    let dir = tempfile::tempdir().unwrap();
    let broker = closed();
    let more = format!(
        "bus: {{kafka: {{brokers: [\"{broker}\"]}}}}\nadmin: {{health: \"127.0.0.1:0\", metrics: off}}\nlog: {{level: \"info,tailwater=debug\"}}"
    );
    configure(dir.path(), &more);
    let mut process = Running::start(dir.path(), &["run", "--config", "t.yaml"]);
    process.says("admin pages are up");
    let began = Instant::now();
    process.says("the bus can't be reached");
    assert!(
        began.elapsed() < Duration::from_secs(9),
        "{:?}",
        began.elapsed()
    );
    // Of two more attempts; what is below WARN is not what a person on call sees.
    process.says_times("the Kafka brokers", 3);
    process.signal("TERM");
    let (code, said) = process.ends();
    assert_eq!(code, Some(0), "{said}");
    let told: Vec<_> = said
        .lines()
        .filter(|line| line.contains(" WARN "))
        .collect();
    assert_eq!(told.len(), 1, "{said}");
    for part in [&*broker, "Connection refused", "start the brokers"] {
        assert!(told[0].contains(part), "no `{part}` in {}", told[0]);
    }
}

/// As a port does that speaks TLS, or wants a login first.
#[test]
fn a_broker_that_hangs_up_at_once_is_told_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let broker = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = std::io::Read::read(&mut stream, &mut [0; 64]);
        }
    });
    let more = format!(
        "bus: {{kafka: {{brokers: [\"{broker}\"]}}}}\nadmin: {{health: \"127.0.0.1:0\", metrics: off}}"
    );
    configure(dir.path(), &more);
    let mut process = Running::start(dir.path(), &["run", "--config", "t.yaml"]);
    process.says("hung up at our first words");
    process.says("set bus.kafka.tls or bus.kafka.sasl");
}
