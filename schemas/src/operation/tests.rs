use std::borrow::Cow;
use std::convert::Infallible;

use super::*;

struct Span<'a> {
    kind: i64,
    name: &'a str,
    attributes: &'a [(&'a str, &'a str)],
}

impl Facts for Span<'_> {
    type Error = Infallible;

    fn kind(&self) -> Result<i64, Infallible> {
        Ok(self.kind)
    }

    fn name(&self) -> Result<Cow<'_, str>, Infallible> {
        Ok(self.name.into())
    }

    fn text(&self, key: &'static str) -> Result<Option<Cow<'_, str>>, Infallible> {
        let mut known = self.attributes.iter();
        let found = known.find(|(known, _)| *known == key);
        Ok(found.map(|(_, value)| Cow::Borrowed(*value)))
    }

    fn is_true(&self, key: &'static str) -> Result<bool, Infallible> {
        self.text(key)
            .map(|value| value.is_some_and(|value| value == "true"))
    }
}

#[track_caller]
fn check(kind: i64, attributes: &[(&str, &str)], expected: (&str, bool, Option<&str>)) {
    named(kind, "as it came", attributes, expected);
}

#[track_caller]
fn named(
    kind: i64,
    name: &str,
    attributes: &[(&str, &str)],
    (expected, templated, short): (&str, bool, Option<&str>),
) {
    let span = Span {
        kind,
        name,
        attributes,
    };
    let Ok(found) = normalized(&span, true);
    assert_eq!(
        (&*found.name, found.templated, found.short.as_deref()),
        (expected, templated, short)
    );
    // What was normalized stays as it is.
    let again = Span {
        kind,
        name: &found.name,
        attributes,
    };
    let Ok(again) = normalized(&again, true);
    assert_eq!(again.name, found.name);
}

const SERVER: i64 = 2;
const CLIENT: i64 = 3;

#[test]
fn segments_are_ids_or_words() {
    let ids = [
        "1",
        "0042",
        "-7",
        "3.25",
        "123e4567-e89b-12d3-a456-426614174000",
        "507f1f77bcf86cd799439011",
        "0123abcd",
        "2024-05-01",
        "2024-05-01T10:11:12Z",
        "20240501",
        "ann@example.com",
        "ann.b%40shop.example.co",
        "dGhpcyBpcyBhIHRlc3Q=",
        "4fJ9sKq2LmZx81Vb",
        "ckopqwooh000001la8mbi2im9",
        "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "sess_9aK2mZ71pQ0x",
    ];
    for id in ids {
        let mut out = String::new();
        assert!(template(&format!("/a/{id}/b"), &mut out), "{id}");
        assert_eq!(out, "/a/{id}/b", "{id}");
    }
    let words = [
        "",
        "carts",
        "v1",
        "v2beta1",
        "1.2.3",
        "deadbeef",
        "abc123",
        "internationalization",
        "getUserByIdV2AndName",
        "product-catalog-v2-items",
        "us-east-1-node-pool-2",
        "Content_Security_Policy_2",
        "{id}",
        ":id",
        "*",
        "index.html",
        "@scope",
        "a@b",
        "2024-05",
        "grpc.health.v1.Health",
    ];
    for word in words {
        let (mut out, path) = (String::new(), format!("/a/{word}/b"));
        assert!(!template(&path, &mut out), "{word}");
        assert_eq!(out, path, "{word}");
    }
}

#[test]
fn requests_are_named_by_route_or_by_path() {
    let get = ("http.request.method", "GET");
    let route = [get, ("http.route", "/carts/:id"), ("url.path", "/carts/5")];
    check(SERVER, &route, ("GET /carts/:id", false, Some("GET")));
    let path = [get, ("url.path", "/carts/5/items")];
    check(SERVER, &path, ("GET /carts/{id}/items", true, Some("GET")));
    let old = [("http.method", "PUT"), ("http.target", "/carts/5?all=1")];
    check(SERVER, &old, ("PUT /carts/{id}", true, Some("PUT")));
    let url = [get, ("url.full", "https://shop:8080/carts/5#top")];
    check(CLIENT, &url, ("GET /carts/{id}", true, Some("GET")));
    let bare = [get, ("http.url", "https://shop?q=1")];
    check(CLIENT, &bare, ("GET /", false, Some("GET")));
    let template = [get, ("url.template", "/carts/{cart}")];
    check(CLIENT, &template, ("GET /carts/{cart}", false, Some("GET")));
    check(CLIENT, &[get], ("GET", false, Some("GET")));
}

/// Anybody can send any word as a method.
#[test]
fn methods_are_few() {
    for method in ["_OTHER", "BREW"] {
        let sent = [("http.request.method", method), ("url.path", "/a")];
        check(SERVER, &sent, ("HTTP /a", false, Some("HTTP")));
    }
}

#[test]
fn a_path_without_end_is_no_name() {
    let path = "/x".repeat(1000);
    let sent = [("http.request.method", "GET"), ("url.path", &path)];
    check(SERVER, &sent, ("GET", false, Some("GET")));
}

#[test]
fn databases_queues_and_calls_have_names_by_their_conventions() {
    let db = [
        ("db.system", "postgresql"),
        ("db.operation", "SELECT"),
        ("db.name", "shop"),
        ("db.statement", "SELECT * FROM carts WHERE id = 5"),
    ];
    check(CLIENT, &db, ("SELECT shop", false, Some("postgresql")));
    let queue = [
        ("messaging.system", "kafka"),
        ("messaging.operation.name", "publish"),
        ("messaging.destination.name", "orders"),
    ];
    check(4, &queue, ("publish orders", false, Some("kafka")));
    let call = [
        ("rpc.system", "grpc"),
        ("rpc.service", "shop.Cart"),
        ("rpc.method", "Add"),
    ];
    check(SERVER, &call, ("shop.Cart/Add", false, Some("grpc")));
    let call = [("rpc.system.name", "grpc"), ("rpc.method", "shop.Cart/Add")];
    check(CLIENT, &call, ("shop.Cart/Add", false, Some("grpc")));
}

/// Spans inside a service say nothing of conventions, and old SDKs say it in the name alone.
#[test]
fn other_names_lose_the_ids_in_their_paths() {
    named(1, "checkout 5", &[], ("checkout 5", false, None));
    named(1, "POST /a/5", &[], ("POST /a/{id}", true, Some("POST")));
    named(0, "/a/5?x=1", &[], ("/a/{id}", true, None));
    named(1, "a/b/c", &[], ("a/b/c", false, None));
}
