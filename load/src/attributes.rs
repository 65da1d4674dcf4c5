//! Attributes by OpenTelemetry's semantic conventions (1.30), of about the lengths seen in the wild.

use fastrand::Rng;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, InstrumentationScope, KeyValue, any_value::Value,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::Event;

use crate::shop::{Service, Work};

pub fn text(key: &str, value: impl Into<String>) -> KeyValue {
    attribute(key, Value::StringValue(value.into()))
}

pub fn number(key: &str, value: i64) -> KeyValue {
    attribute(key, Value::IntValue(value))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

/// The resource of one of a service's `instance`s.
pub fn resource(service: &Service, instance: usize) -> Resource {
    let pod = format!("{}-7d9f8b6c5-{instance:05}", service.name);
    Resource {
        attributes: vec![
            text("service.name", service.name),
            text("service.namespace", service.namespace),
            text("service.version", "2.14.3"),
            text("service.instance.id", pod.clone()),
            text("deployment.environment.name", "production"),
            text("k8s.namespace.name", service.namespace),
            text("k8s.pod.name", pod),
            text(
                "host.name",
                format!("node-{:02}.eu-west-1.compute.internal", instance % 12),
            ),
            text("telemetry.sdk.name", "opentelemetry"),
            text("telemetry.sdk.language", service.language),
        ],
        ..Resource::default()
    }
}

/// The shop's own instrumentation.
pub fn scope() -> Option<InstrumentationScope> {
    Some(InstrumentationScope {
        name: "com.example.shop".to_owned(),
        ..InstrumentationScope::default()
    })
}

/// What instrumentation puts on a span for this work, and what a team adds to each of its spans.
pub fn of(work: Work, client: bool, status_code: i64, rng: &mut Rng) -> Vec<KeyValue> {
    let mut all = by_convention(work, client, status_code, rng);
    all.push(text("session.id", format!("{:032x}", rng.u128(..))));
    all.push(text("app.tenant", format!("tenant-{:04}", rng.u16(0..800))));
    all
}

fn by_convention(work: Work, client: bool, status_code: i64, rng: &mut Rng) -> Vec<KeyValue> {
    match work {
        Work::Http(method, route) => http(method, route, client, status_code, rng),
        Work::Rpc(service, method) => rpc(service, method, status_code, rng),
        Work::Database(system, operation, table) => database(system, operation, table, rng),
        Work::Message(destination) => message(destination, client, rng),
        Work::Internal(name) => internal(name, rng),
    }
}

fn http(method: &str, route: &str, client: bool, status_code: i64, rng: &mut Rng) -> Vec<KeyValue> {
    let path = route.replace("{id}", &rng.u32(1000..9999).to_string());
    let mut all = vec![
        text("http.request.method", method),
        number("http.response.status_code", status_code),
        text("server.address", "shop.example.com"),
        text("network.protocol.version", "1.1"),
        text("user.id", format!("user-{:06}", rng.u32(0..200_000))),
    ];
    if client {
        all.push(text(
            "url.full",
            format!("http://shop.example.com{path}?session={:016x}", rng.u64(..)),
        ));
    } else {
        all.extend([
            text("http.route", route),
            text("url.path", path),
            text("url.scheme", "https"),
            text(
                "client.address",
                format!("10.{}.{}.{}", rng.u8(..), rng.u8(..), rng.u8(..)),
            ),
            text(
                "user_agent.original",
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/131.0.0.0 Safari/537.36",
            ),
        ]);
    }
    all
}

fn rpc(service: &str, method: &str, status_code: i64, rng: &mut Rng) -> Vec<KeyValue> {
    vec![
        text("rpc.system", "grpc"),
        text("rpc.service", service),
        text("rpc.method", method),
        number(
            "rpc.grpc.status_code",
            if status_code >= 500 { 13 } else { 0 },
        ),
        text(
            "server.address",
            format!("{}.svc.cluster.local", service.to_lowercase()),
        ),
        number("server.port", 8080),
        text(
            "network.peer.address",
            format!("10.0.{}.{}", rng.u8(..), rng.u8(..)),
        ),
    ]
}

fn database(system: &str, operation: &str, table: &str, rng: &mut Rng) -> Vec<KeyValue> {
    vec![
        text("db.system.name", system),
        text("db.namespace", "shop"),
        text("db.operation.name", operation),
        text("db.collection.name", table),
        text(
            "db.query.text",
            format!(
                "{operation} * FROM {table} WHERE tenant = ? AND id IN (?, ?, ?) ORDER BY updated_at DESC LIMIT 50"
            ),
        ),
        text(
            "server.address",
            format!("{system}-{}.db.internal", rng.u8(0..4)),
        ),
        number("db.response.returned_rows", i64::from(rng.u8(0..50))),
    ]
}

fn message(destination: &str, client: bool, rng: &mut Rng) -> Vec<KeyValue> {
    vec![
        text("messaging.system", "kafka"),
        text("messaging.destination.name", destination),
        text(
            "messaging.operation.type",
            if client { "send" } else { "process" },
        ),
        number("messaging.kafka.offset", rng.i64(0..10_000_000)),
        number("messaging.message.body.size", rng.i64(200..4000)),
    ]
}

fn internal(name: &str, rng: &mut Rng) -> Vec<KeyValue> {
    vec![
        text("code.function.name", name.replace(' ', "_")),
        number("thread.id", rng.i64(1..200)),
        text("thread.name", format!("worker-{}", rng.u8(0..64))),
        text(
            "app.cart.currency",
            ["EUR", "USD", "JPY", "GBP"][rng.usize(0..4)],
        ),
        number("app.items", rng.i64(0..40)),
    ]
}

/// An exception event of about 3 KB, as a Java service records it.
pub fn exception(time_unix_nano: u64, rng: &mut Rng) -> Event {
    let types = [
        "java.net.SocketTimeoutException",
        "java.lang.IllegalStateException",
        "org.postgresql.util.PSQLException",
    ];
    let kind = types[rng.usize(0..types.len())];
    let order = rng.u32(100_000..999_999);
    let message = format!(
        "order {order} of jane.doe{}@example.com could not be processed: upstream did not answer in 1500 ms",
        rng.u16(..)
    );
    let mut trace = format!("{kind}: {message}\n");
    while trace.len() < 2800 {
        let line = rng.u16(10..900);
        trace.push_str(&format!(
            "\tat com.example.shop.checkout.OrderService.process(OrderService.java:{line})\n"
        ));
    }
    Event {
        time_unix_nano,
        name: "exception".to_owned(),
        attributes: vec![
            text("exception.type", kind),
            text("exception.message", message),
            text("exception.stacktrace", trace),
        ],
        ..Event::default()
    }
}
