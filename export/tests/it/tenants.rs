//! Whose telemetry a backend gets, and how it is told.

use std::collections::BTreeSet;

use export::letters::{Filter, Letters, Sender, Sent};
use schemas::Signal;

use crate::support::backend::{Answer, Backend, Received, http};
use crate::support::telemetry::{ids, spans};
use crate::support::{
    Running, all_committed, config_with, metric, metric_with, open_bus, publish_of, topics,
};

/// Tenants by the hundreds of their spans' ids.
const TENANTS: [Option<&str>; 3] = [None, Some("a"), Some("b")];

/// Ten records of each tenant, on both partitions, one tenant after the other all the time.
fn publish_all(bus: &dyn bus::Bus) {
    for record in 0..30_u64 {
        let of = (record % 3) as usize;
        let id = of as u64 * 100 + record / 3;
        let partition = (record / 3 % 2) as u32;
        publish_of(
            bus,
            Signal::Traces,
            partition,
            TENANTS[of],
            [spans([id], 0)],
        );
    }
}

fn ids_of(requests: &[Received]) -> BTreeSet<u64> {
    let accepted = requests.iter().filter(|request| request.accepted);
    accepted.flat_map(|request| ids(&request.body)).collect()
}

/// The tenants in a request, and what it says whose it is.
fn told(request: &Received) -> (BTreeSet<&'static str>, String) {
    let ids = ids(&request.body);
    let tenants = ids
        .iter()
        .map(|id| TENANTS[(id / 100) as usize].unwrap_or("default"));
    (
        tenants.collect(),
        request.header("x-scope-orgid").to_owned(),
    )
}

#[test]
fn each_backend_gets_its_tenants_and_is_told_whose_a_request_is() {
    let [http_told, grpc_told, of_a] = std::array::from_fn(|_| Backend::start(|_| Answer::Accept));
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    // Everything is there before anybody reads, so that batches could mix.
    publish_all(&*bus);
    let backends = [
        format!(
            "{{name: told-http, signals: [traces], otlp_http: {{endpoint: 'http://{}', headers: {{x-scope-orgid: '{{tenant}}'}}}}}}",
            http_told.address
        ),
        format!(
            "{{name: told-grpc, signals: [traces], otlp_grpc: {{endpoint: 'http://{}', headers: {{x-scope-orgid: '{{tenant}}'}}}}}}",
            grpc_told.address
        ),
        format!(
            "{{name: of-a, signals: [traces], otlp_http: {{endpoint: 'http://{}'}}}}",
            of_a.address
        ),
    ];
    let tenants = [
        ("a", None),
        ("b", Some(vec!["told-http"])),
        ("default", Some(vec!["told-http", "told-grpc"])),
    ];
    let running = Running::start_with(&bus, config_with(&backends, &tenants));
    for name in ["told-http", "told-grpc", "of-a"] {
        all_committed(&*bus, name, Signal::Traces);
    }
    running.stop();

    let all = |of: &[u64]| -> BTreeSet<u64> {
        of.iter().flat_map(|of| of * 100..of * 100 + 10).collect()
    };
    assert_eq!(ids_of(&http_told.received()), all(&[0, 1, 2]));
    assert_eq!(ids_of(&grpc_told.received()), all(&[0, 1]));
    assert_eq!(ids_of(&of_a.received()), all(&[1]));
    for request in http_told.received().iter().chain(&grpc_told.received()) {
        let (tenants, told) = told(request);
        assert_eq!(tenants, BTreeSet::from([told.as_str()]), "in one request");
    }
    // Two partitions and one batch time: it is gathered by tenant, and not record by record.
    let requests = http_told.received().len();
    assert!(
        requests < 20,
        "{requests} requests for 30 records of 3 tenants"
    );

    let counted = |name: &str| {
        let of = |metric_name: &str| metric(metric_name, name) as u64;
        [
            of("tailwater_export_consumed_items_total"),
            of("tailwater_export_delivered_items_total"),
            of("tailwater_export_skipped_items_total"),
        ]
    };
    assert_eq!(counted("told-http"), [30, 30, 0]);
    assert_eq!(counted("told-grpc"), [30, 20, 10]);
    assert_eq!(counted("of-a"), [30, 10, 20]);
    let of_tenant = |tenant: &str, outcome: &str| {
        let labels = [
            ("backend", "told-grpc"),
            ("tenant", tenant),
            ("outcome", outcome),
        ];
        metric_with("tailwater_export_tenant_items_total", &labels) as u64
    };
    assert_eq!(
        ["default", "a", "b"].map(|name| of_tenant(name, "delivered")),
        [10, 10, 0]
    );
    assert_eq!(
        ["default", "a", "b"].map(|name| of_tenant(name, "skipped")),
        [0, 0, 10]
    );
}

#[test]
fn dead_letters_keep_their_tenant() {
    let refusing = Backend::start(|request| match request.header("x-scope-orgid") {
        "b" => http(400),
        _ => Answer::Accept,
    });
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    publish_all(&*bus);
    let backend = format!(
        "{{name: refusing, signals: [traces], otlp_http: {{endpoint: 'http://{}', headers: {{x-scope-orgid: '{{tenant}}'}}}}}}",
        refusing.address
    );
    let config = config_with(&[backend], &[]);
    let running = Running::start_with(&bus, config.clone());
    all_committed(&*bus, "refusing", Signal::Traces);
    running.stop();
    let letters = |tenant: &str| {
        let filter = Filter {
            tenant: Some(tenant.to_owned()),
            ..Filter::default()
        };
        let mut found = Vec::new();
        let mut letters = Letters::open(bus.clone(), &topics(), None).unwrap();
        let each = |letters: &mut Letters, letter| {
            let value = letters.value_of(&letter)?.unwrap();
            found.push((letter, value));
            Ok(true)
        };
        letters.each(&filter, each).unwrap();
        found
    };
    assert!(letters("a").is_empty() && letters("default").is_empty());
    let of_b = letters("b");
    let held: BTreeSet<u64> = of_b.iter().flat_map(|(_, value)| ids(value)).collect();
    assert_eq!(held, (200..210).collect());
    let dead = [
        ("backend", "refusing"),
        ("tenant", "b"),
        ("outcome", "dead_lettered"),
    ];
    assert_eq!(
        metric_with("tailwater_export_tenant_items_total", &dead),
        10.0
    );
    // Whoever delivers it after all says whose it is.
    let sender = Sender::new(&config.backends[0], &bus).unwrap();
    let (letter, value) = of_b.into_iter().next().unwrap();
    let sent = sender.send(Signal::Traces, &letter, value);
    assert!(matches!(sent, Sent::Refused(_)), "{sent:?}");
    assert_eq!(
        refusing.received().last().unwrap().header("x-scope-orgid"),
        "b"
    );
}
