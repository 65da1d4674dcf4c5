//! Writes what the targets begin with, `fuzz/seeds/TARGET/…`, and the dictionary of OTTL: the same files each time.
//!
//!     cargo run --manifest-path fuzz/Cargo.toml --example seeds
//!
//! Traffic is `load`'s; odd messages are those that the property tests draw; texts are those of OTTL's tests. Files of other names stay where they
//! are: put an input that once failed beside these.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use fastrand::Rng;
use load::{Mix, Traffic};
use prost::Message;
use schemas::Signal;
use schemas::decisions::{Decision, DecisionBatch, EntryKind, Link, Rescue, Verdict};
use schemas::json::from_protobuf;
use schemas::wire::put_len;

#[allow(dead_code, unused_imports)]
#[path = "../../schemas/tests/it/generate/mod.rs"]
mod generate;
#[allow(dead_code)]
#[path = "../../enrich/redact/tests/it/generate.rs"]
mod planted;
#[allow(dead_code)]
#[path = "../../schemas/ottl/tests/it/telemetry.rs"]
mod telemetry;

/// Larger ones slow every round down.
const BYTES_MAX: usize = 3000;
/// Of each kind.
const FILES: usize = 6;

fn main() {
    let requests = requests();
    otlp(&requests);
    json(&requests);
    ottl();
    ottl_dictionary();
    decisions();
    position();
    k8s();
    redact();
    foreign();
    inflate(&requests);
    config();
    tracestate();
}

/// Replaces what an earlier run wrote for the target.
struct Seeds {
    folder: PathBuf,
    count: usize,
}

impl Seeds {
    fn of(target: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("seeds")
            .join(target);
        fs::create_dir_all(&folder).expect("a folder");
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("a file").path();
            if path
                .extension()
                .is_some_and(|extension| extension == "seed")
            {
                fs::remove_file(path).expect("a file of ours");
            }
        }
        Self { folder, count: 0 }
    }

    fn add(&mut self, name: &str, bytes: &[u8]) {
        if bytes.len() > BYTES_MAX {
            return;
        }
        self.count += 1;
        let path = self.folder.join(format!("{:02}-{name}.seed", self.count));
        fs::write(path, bytes).expect("a file");
    }
}

/// Small requests of all signals: traffic as it is, odd ones, and what no client writes.
fn requests() -> Vec<(&'static str, Signal, Vec<u8>)> {
    let mut requests = Vec::new();
    let mix = Mix {
        spans_per_request: 3,
        median_spans: 4.0,
        error: 0.5,
        signals: vec!["traces", "logs", "metrics"],
        ..Mix::default()
    };
    let small: Vec<_> = (Traffic::new(mix, 1, 400, 1_700_000_000_000_000_000))
        .filter(|request| request.bytes.len() < BYTES_MAX)
        .collect();
    for signal in Signal::ALL {
        let of_signal = small.iter().filter(|request| request.signal == signal);
        requests.extend(
            of_signal
                .take(FILES)
                .map(|request| ("shop", signal, request.bytes.to_vec())),
        );
    }
    for seed in 0..FILES as u64 {
        let mut rng = Rng::with_seed(seed);
        let rng = &mut rng;
        requests.push(("odd", Signal::Traces, generate::traces(rng).encode_to_vec()));
        requests.push(("odd", Signal::Logs, generate::logs(rng).encode_to_vec()));
        requests.push((
            "odd",
            Signal::Metrics,
            generate::metrics(rng).encode_to_vec(),
        ));
    }
    // A field in two pieces, a group, and lists in lists.
    let twice = nested(
        &[1, 2, 2],
        &[
            field(5, b"a"),
            field(15, &[0x18, 2]),
            field(5, b"b"),
            field(15, &[0x12, 1, b'm']),
        ]
        .concat(),
    );
    requests.push(("twice", Signal::Traces, twice));
    requests.push((
        "group",
        Signal::Traces,
        nested(&[1, 2, 2], &[0x9b, 6, 8, 1, 0x9c, 6]),
    ));
    let deep = (0..40).fold(field(1, b"x"), |value, _| field(5, &field(1, &value)));
    requests.push(("deep", Signal::Logs, nested(&[1, 2, 2], &field(5, &deep))));
    requests.push(("empty", Signal::Traces, Vec::new()));
    requests.retain(|(_, _, request)| request.len() < BYTES_MAX);
    requests
}

fn field(number: u32, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_len(&mut out, number, bytes);
    out
}

/// Within messages of these fields, the outermost first.
fn nested(numbers: &[u32], bytes: &[u8]) -> Vec<u8> {
    numbers
        .iter()
        .rev()
        .fold(bytes.to_vec(), |inner, number| field(*number, &inner))
}

fn signal_byte(signal: Signal) -> u8 {
    let at = Signal::ALL.iter().position(|other| *other == signal);
    at.expect("one of all") as u8
}

fn otlp(requests: &[(&str, Signal, Vec<u8>)]) {
    let mut walked = Seeds::of("otlp");
    let mut split = Seeds::of("split");
    for (number, (name, signal, request)) in requests.iter().enumerate() {
        let name = format!("{}-{name}", signal.name());
        walked.add(&name, request);
        let limits = [(4, 255, 255), (0, 8, 255), (7, 2, 12)][number % 3];
        let head = [
            signal_byte(*signal),
            limits.0,
            limits.1,
            limits.2,
            number as u8 & 1,
        ];
        split.add(&name, &[&head[..], request].concat());
    }
}

fn json(requests: &[(&str, Signal, Vec<u8>)]) {
    let mut seeds = Seeds::of("json");
    for (name, signal, request) in requests {
        let mut text = vec![signal_byte(*signal)];
        from_protobuf(*signal, request, &mut text).unwrap_or_default();
        seeds.add(&format!("{}-{name}", signal.name()), &text);
    }
    // As protobuf, for the way out.
    for (name, signal, request) in requests.iter().step_by(4) {
        let bytes = [&[signal_byte(*signal)], &request[..]].concat();
        seeds.add(&format!("{}-{name}-protobuf", signal.name()), &bytes);
    }
    let span = |fields: &str| {
        format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{{fields}}}]}}]}}]}}"#)
    };
    for (name, text) in [
        ("half-characters", span(r#""name":"\ud83d","attributes":[{"key":"\ude00","value":{"stringValue":"\ud83d\ude00"}}]"#)),
        ("snake-case", span(r#""trace_id":"5b8efff798038103d269b633813fc60c","start_time_unix_nano":"1e3","end_time_unix_nano":5"#)),
        ("numbers", span(r#""startTimeUnixNano":18446744073709551615,"attributes":[{"key":"a","value":{"doubleValue":1e999}},{"key":"b","value":{"doubleValue":"NaN"}},{"key":"c","value":{"intValue":"-9223372036854775808"}}]"#)),
        ("wrong", span(r#""kind":"SPAN_KIND_SERVER","traceId":"oKGio6SlpqeoqaqrrK2urw==","links":[{"spanId":"abc"}]"#)),
        ("values", span(r#""attributes":[{"key":"a","value":{"arrayValue":{"values":[{},{"kvlistValue":{"values":[{"key":"a","value":{"bytesValue":"-_8"}}]}}]}}}],"status":{"code":2},"flags":257"#)),
        ("old-names", r#"{"resourceSpans":[{"instrumentationLibrarySpans":[{"instrumentationLibrary":{"name":"n"},"spans":[{"name":"s"}]}]}]}"#.to_owned()),
        ("unknown", r#"{"x":{"name":[1,{"a":null}]},"resourceSpans":[{"y":[],"scopeSpans":null},7]}"#.to_owned()),
    ] {
        seeds.add(name, &[&[0], text.as_bytes()].concat());
    }
}

/// The texts of OTTL's tests, every few of them; its dictionary has all names.
fn ottl() {
    let mut seeds = Seeds::of("ottl");
    let sources = [
        include_str!("../../schemas/ottl/tests/it/conditions.rs"),
        include_str!("../../schemas/ottl/tests/it/editors.rs"),
        include_str!("../../schemas/ottl/tests/it/functions.rs"),
        include_str!("../../schemas/ottl/tests/it/problems.rs"),
    ];
    let request = telemetry::request().encode_to_vec();
    for source in sources {
        let texts: Vec<_> = (source.split("r#\"").skip(1))
            .filter_map(|rest| rest.split("\"#").next())
            .collect();
        for text in texts.iter().step_by(texts.len().div_ceil(16)) {
            seeds.add("text", &[text.as_bytes(), &[0], &request].concat());
        }
    }
    for text in [
        r#"trace.duration > Duration("5s") and root.attributes["http.route"] == "/pay" or trace.span_count == 1"#,
        r#"attributes[attributes["which"]]["a"][1 + 2 * 3 - 4 / 5] == {"a": [nil, 0x01, 1.5, -1]}"#,
        r#"set(attributes["new"]["deep"][1], Concat([name, "!"], "")) where IsMatch(name, "^GET (/[a-z]+)$")"#,
        r#"replace_all_patterns(attributes, "value", "a(b+)c", "$1-$$", SHA256)"#,
        r#"keep_keys(attributes, ["text", "int"])"#,
        r#"severity_number >= SEVERITY_NUMBER_ERROR and body.string == "x" and IsMap(body)"#,
    ] {
        seeds.add("more", &[text.as_bytes(), &[0], &request].concat());
    }
    let log = generate::logs(&mut Rng::with_seed(3)).encode_to_vec();
    seeds.add(
        "log",
        &[br#"body == "a" or severity_text != nil"#, &[0][..], &log].concat(),
    );
    let metrics = generate::metrics(&mut Rng::with_seed(4)).encode_to_vec();
    for text in [
        r#"HasAttrOnDatapoint("a", "b") and type == METRIC_DATA_TYPE_SUM"#,
        r#"scale_metric(2.5, "ms") where unit == "s""#,
        "convert_sum_to_gauge()",
        r#"convert_gauge_to_sum("delta", true)"#,
        r#"set(attributes["a"], value_double * 2.0) where positive.offset == nil and count != 1"#,
    ] {
        seeds.add("metric", &[text.as_bytes(), &[0], &metrics].concat());
    }
}

/// The names in its tables of functions, editors and paths.
fn ottl_dictionary() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut words = BTreeSet::new();
    for folder in ["functions", "editors", "paths"] {
        names_in(&fuzz.join("../schemas/ottl/src").join(folder), &mut words);
    }
    let words: Vec<_> = words.iter().map(|word| format!("\"{word}\"\n")).collect();
    fs::write(fuzz.join("dictionaries/ottl-names.dict"), words.concat()).expect("a file");
}

fn names_in(folder: &Path, words: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("a file").path();
        if path.is_dir() {
            names_in(&path, words);
            continue;
        }
        let text = fs::read_to_string(&path).expect("a source");
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        // Every other piece between quotation marks is a literal.
        let literals = text.split('"').skip(1).step_by(2);
        let is_name = |word: &&str| {
            let of_name = |c: char| c.is_ascii_alphanumeric() || "_.".contains(c);
            (3..40).contains(&word.len()) && word.chars().all(of_name)
        };
        words.extend(literals.filter(is_name).map(str::to_owned));
    }
}

fn decisions() {
    let mut seeds = Seeds::of("decisions");
    let entry = |number: u8| Decision {
        tenant: None,
        trace_id: [number; 16],
        verdict: [Verdict::Keep, Verdict::Drop][usize::from(number % 2)],
        kind: [
            EntryKind::Decided,
            EntryKind::Extended,
            EntryKind::Reopened,
            EntryKind::Linked,
        ][usize::from(number % 4)],
        is_final: number % 3 == 0,
        policy: (number % 2 == 0).then_some(u16::from(number % 2)),
        match_set: u32::from(number % 2),
        threshold: [0, 1 << 55, 1 << 56][usize::from(number % 3)],
        randomness: (number % 3 == 1).then_some(0x9a_bcde_f012_3456),
        first_offset: 1000 + u64::from(number),
        last_offset: 1010,
        time_ms: 1_700_000_000_000,
        spans: 6,
        errors: u32::from(number),
        bytes: 5000,
        duration_us: 250_000,
        shape: u64::from(number / 2),
        root_service: (number % 2 == 0).then_some(0),
        root_operation: (number % 3 == 0).then_some(1),
        promoted: None,
    };
    for count in [1, 2, 9] {
        let mut batch = DecisionBatch {
            generation: 0x1234,
            policies: vec!["errors".into(), "slow".into()],
            strings: vec!["shop".into(), "GET /".into()],
            match_sets: vec![vec![0], vec![0, 1]],
            entries: (0..count).map(entry).collect(),
            links: vec![Link {
                entry: 0,
                trace_id: [8; 16],
            }],
            rescues: vec![Rescue {
                entry: 0,
                from_offset: 3,
                to_offset: 9,
            }],
            ..DecisionBatch::default()
        };
        seeds.add("plain", &batch.encode());
        batch.statistics = vec![0x11, 0x22];
        batch.keys = (0..u64::from(count) * 2).map(|at| at % 3).collect();
        seeds.add("statistics", &batch.encode());
        batch.tenants = vec!["shop".into(), vec![0xff].into()];
        batch.entries[0].tenant = Some(1);
        seeds.add("tenants", &batch.encode());
        // One attribute: `id` = `acme`.
        batch.promoted = vec![
            vec![
                10, 12, 10, 2, b'i', b'd', 18, 6, 10, 4, b'a', b'c', b'm', b'e',
            ]
            .into(),
        ];
        batch.entries[0].promoted = Some(0);
        seeds.add("promoted", &batch.encode());
    }
    // Of version 1: one policy, one name, one entry.
    let entry = [&[7; 16][..], &[1 | 4 | 8, 0, 0, 2, 2, 2, 3, 9, 0]].concat();
    let first = [&[1, 1, 1, b'p', 1, 1, b's', 1][..], &entry].concat();
    seeds.add("version-1", &first);
    // Noise for batches that are made up.
    for seed in 0..4 {
        let mut rng = Rng::with_seed(seed);
        let noise: Vec<u8> = (0..600).map(|_| rng.u8(..)).collect();
        seeds.add("noise", &noise);
    }
}

fn position() {
    let mut seeds = Seeds::of("position");
    for text in [
        "1;p=42;cl=1700000000000;jl=7;cp=18446744073709551615;g=feed",
        "1;p=42;cl=1700000000000;jl=7;cp=1;g=feed;d=9;l=feed00000000beef;new=x",
        "2;p=1",
        "1;p=-1;cl=0;cp=0",
        "",
    ] {
        seeds.add("text", text.as_bytes());
    }
    for fill in [0, 1, 0xff] {
        seeds.add("numbers", &[&[0], &[fill; 56][..]].concat());
    }
}

/// A pod with all that it may have, one that went, and what else is told.
fn k8s() {
    use k8s::{Deletion, Entry, Kind, Object, Pod, encode};
    let mut seeds = Seeds::of("k8s");
    let pod = |uid: &str, host_network| Entry::Pod {
        cluster: "prod".into(),
        seen_ms: 1_700_000_000_000,
        pod: Pod {
            uid: uid.into(),
            name: "cart-5d9c7b".into(),
            namespace: "shop".into(),
            node: Some("node-1".into()),
            ips: ["10.0.0.7".parse(), "fd00::7".parse()]
                .into_iter()
                .map(|ip| ip.expect("an address"))
                .collect(),
            host_network,
            created_ms: 1_699_999_990_000,
            ip_since_ms: 1_699_999_995_000,
            ended_ms: host_network.then_some(1_700_000_100_000),
            ..Pod::default()
        },
    };
    let went = Entry::Deleted {
        cluster: "prod".into(),
        kind: Kind::Pod,
        uid: "a".into(),
        deletion: Deletion {
            at_ms: 1_700_000_000_500,
            is_exact: true,
            keep_ms: 86_400_000,
        },
    };
    let object = Entry::Object {
        cluster: "prod".into(),
        seen_ms: 5,
        object: Object {
            kind: Kind::Namespace,
            uid: "n".into(),
            namespace: "".into(),
            name: "shop".into(),
            owners: Box::default(),
            labels: [("team".into(), "red".into())].into(),
            annotations: Box::default(),
        },
    };
    let listed = Entry::Listed {
        cluster: "prod".into(),
        kind: Kind::Pod,
        at_ms: 1_700_000_000_000,
    };
    seeds.add("pods", &encode(&[pod("a", false), pod("b", true)]));
    seeds.add(
        "reused",
        &encode(&[pod("a", false), went.clone(), pod("b", false)]),
    );
    seeds.add("others", &encode(&[object, listed, went]));
}

fn redact() {
    let mut seeds = Seeds::of("redact");
    for (number, signal) in Signal::ALL.into_iter().enumerate() {
        let mut kept = 0;
        for seed in 0.. {
            let mut generator = planted::Generator::new(seed);
            generator.unknown_fields = seed % 2 == 0;
            generator.hash_scalars = seed % 3 == 0;
            let request = generator.request(signal);
            if (40..BYTES_MAX).contains(&request.len()) {
                // The same signal with the highest bit: 0x81 is divisible by 3.
                let how = number as u8 + if seed % 2 == 0 { 0x81 } else { 0 };
                seeds.add(signal.name(), &[&[how], &request[..]].concat());
                kept += 1;
            }
            if kept == 2 * FILES {
                break;
            }
        }
    }
}

/// Records as their clients write them, and as little protobuf as is a span.
fn foreign() {
    let mut seeds = Seeds::of("foreign");
    let zipkin = r#"[{"traceId": "86154a4ba6e91385", "parentId": "86154a4ba6e91385", "id": "4d1e00c0db9010db", "kind": "CLIENT",
        "name": "get", "timestamp": 1472470996199000, "duration": 207000,
        "localEndpoint": {"serviceName": "frontend", "ipv6": "7::0.128.128.127"},
        "remoteEndpoint": {"serviceName": "backend", "ipv4": "192.168.99.101", "port": 9000},
        "annotations": [{"timestamp": 1472470996238000, "value": "foo"}],
        "tags": {"http.path": "/api", "error": "timeout", "otel.status_code": "ERROR", "w3c.tracestate": "a=b", "net.host.port": "80"}},
        {"traceId": "1", "id": "2", "shared": true, "debug": true, "tags": {"otlp.link.0": "86154a4ba6e913850000000000000001|4d1e00c0db9010db|a=b|{}|0"}}]"#;
    let jaeger = r#"{"traceId": "AAAAAAAAAAAAAAAAAAAAEQ==", "spanId": "AAAAAAAAABI=", "operationName": "charge",
        "references": [{"traceId": "AAAAAAAAAAAAAAAAAAAAEQ==", "spanId": "AAAAAAAAABM=", "refType": "FOLLOWS_FROM"}],
        "flags": 1, "startTime": "2026-11-30T02:15:00.250Z", "duration": "0.100s",
        "tags": [{"key": "span.kind", "vStr": "server"}, {"key": "error", "vType": "BOOL", "vBool": true},
            {"key": "retries", "vType": "INT64", "vInt64": "3"}, {"key": "share", "vType": "FLOAT64", "vFloat64": 0.5},
            {"key": "raw", "vType": "BINARY", "vBinary": "AQI="}, {"key": "http.status_code", "vStr": "500"}],
        "logs": [{"timestamp": "2026-11-30T02:15:00.300Z", "fields": [{"key": "event", "vStr": "declined"}]}],
        "process": {"serviceName": "till", "tags": [{"key": "hostname", "vStr": "h7"}]}, "warnings": ["late"]}"#;
    seeds.add("jaeger", &[&[1], jaeger.as_bytes()].concat());
    seeds.add("zipkin", &[&[3], zipkin.as_bytes()].concat());
    let endpoint = [field(1, b"till"), field(2, &[10, 0, 0, 1])].concat();
    let of_zipkin = [
        field(1, &[1; 16]),
        field(3, &[2; 8]),
        vec![0x20, 2],
        field(5, b"get"),
        field(8, &endpoint),
    ];
    let tag = |message: u32| field(message, &[field(1, b"error"), field(2, b"x")].concat());
    let zipkin = [of_zipkin.concat(), tag(11)].concat();
    seeds.add("zipkin-protobuf", &[&[2], &field(1, &zipkin)[..]].concat());
    let time = field(6, &[8, 1, 16, 2]);
    let process = field(10, &field(1, b"till"));
    let text = field(8, &[field(1, b"a"), field(3, b"b")].concat());
    let of_jaeger = [
        field(1, &[1; 16]),
        field(2, &[2; 8]),
        field(3, b"get"),
        time,
        text,
        process,
    ];
    seeds.add("jaeger-protobuf", &[&[0], &of_jaeger.concat()[..]].concat());
}

fn inflate(requests: &[(&str, Signal, Vec<u8>)]) {
    let mut seeds = Seeds::of("inflate");
    let level = flate2::Compression::default();
    let written = "to memory";
    for (name, signal, plain) in requests.iter().step_by(5) {
        let name = format!("{}-{name}", signal.name());
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), level);
        gzip.write_all(plain).expect(written);
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), level);
        zlib.write_all(plain).expect(written);
        let mut raw = flate2::write::DeflateEncoder::new(Vec::new(), level);
        raw.write_all(plain).expect(written);
        let zstd = zstd::encode_all(&plain[..], 3).expect(written);
        let bodies = [
            (1, gzip.finish().expect(written)),
            (2, zlib.finish().expect(written)),
            (2, raw.finish().expect(written)),
            (3, zstd),
        ];
        for (codec, body) in bodies {
            seeds.add(&name, &[&[codec], &body[..]].concat());
        }
        seeds.add(&format!("{name}-plain"), &[&[0x81], &plain[..]].concat());
    }
    let bomb = zstd::encode_all(&vec![0; 1 << 20][..], 3).expect(written);
    seeds.add("bomb", &[&[3], &bomb[..]].concat());
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    bomb.write_all(&vec![0; 1 << 20]).expect(written);
    seeds.add("bomb", &[&[1], &bomb.finish().expect(written)[..]].concat());
}

fn config() {
    let mut seeds = Seeds::of("config");
    for text in [
        "",
        "{}",
        "bus:\n  embedded: {dir: ./data, bytes: 10GiB, retention: 24h}\n  properties: {linger.ms: 5, enable.idempotence: true, acks: \"all\"}\n  partitions: 48\n  level: debug\nsampler:\n  decision_wait: 1m 30s\n  share: 0.5\n  policies:\n    - {name: slow, type: latency, threshold_ms: 2000}\n    - {name: all, type: always_sample}\n  targets: [one, {host: two, port: 0x10}]\ntenants:\n  shop: {rate: 50MiB/s, enabled: true}\n",
        "bus:\n  embeded: {dir: x}\n  partitions: many\nsampler:\n  decision_wait: 30\n  policies:\n    - {name: slow, type: latency, threshold_ms: -1}\n    - {name: 5, type: latencies, threshold_ms: 2, treshold: 1}\n",
        "bus:\n  partitions: ${env:A}\n  password: \"${env:NONE}\"\n  properties: {a: \"${env:NONE:-x}$$\", b: '${file:/nowhere}', c: ${env:EVIL}}\n",
        "sampler: {targets: [&a one, *a, *a]}\n",
        "x: &base {enabled: true}\ntenants:\n  a: {<<: *base, rate: 1k/s}\n  b: {<<: [*base, {rate: 2MB/s}]}\n",
        "bus:\n  embedded:\n    dir: |\n      several\n      lines\n    bytes: >-\n      10\n      KiB\n",
        "sampler:\n  num_traces: 5\n",
        "receivers: {otlp: {}}\nservice: {pipelines: {traces: {receivers: [otlp]}}}\n",
        "bus: {level: \"in\\u0066o\", level: debug}\n--- \nsecond: document\n",
        "? [a, b]\n: c\n",
        "bus:\n\tlevel: info\n",
        "tenants: {ä: {rate: 10B/s}, \"\\t\": {}, '': ~}\r\nbus: !!map {partitions: 010}\r\n",
        "sampler:\n  policies: {}\n  targets: x\n  share: .nan\nbus: []\n",
    ] {
        seeds.add("text", text.as_bytes());
    }
    for example in ["compose", "container", "kafka", "laptop"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join(format!("../deploy/examples/{example}.yaml"));
        seeds.add(example, &fs::read(path).expect("an example"));
    }
}

fn tracestate() {
    let mut seeds = Seeds::of("tracestate");
    let many: Vec<_> = (0..32).map(|n| format!("k{n}=v")).collect();
    let long = format!("ot=th:4;x:{}", "y".repeat(245));
    for state in [
        "",
        "ot=th:8",
        "ot=th:fd70a4;rv:0123456789abcd",
        "a=1, ot=rv:ffffffffffffff;x:y ,b=2",
        "dd=s:1;o:rum",
        "1x@sys=ok,a=2",
        "ot=th:,ot=th:c,OT=x",
        &long,
        &many.join(","),
        &many[..31].join(","),
    ] {
        for threshold in [0, 1 << 55, 1 << 56, 0x00fd_70a4_0000_0000_u64] {
            let head = [&threshold.to_le_bytes()[..], &[(threshold >> 55) as u8]].concat();
            seeds.add("state", &[&head, state.as_bytes()].concat());
        }
    }
}
