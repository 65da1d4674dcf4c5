//! What enrich's steps and the Collector's processors are measured with, in the words that both understand.

/// On every span, under conditions that hold for some, and under others that hold for none.
pub const STATEMENTS: [&str; 10] = [
    r#"set(span.attributes["deployment.environment.name"], "prod")"#,
    r#"set(span.attributes["region"], resource.attributes["cloud.region"])"#,
    r#"set(span.attributes["http.route"], "/cart") where span.attributes["url.path"] == "/cart""#,
    r#"set(span.name, span.attributes["http.route"]) where span.kind == SPAN_KIND_SERVER and span.attributes["http.route"] != nil"#,
    r#"delete_key(span.attributes, "thread.id")"#,
    r#"delete_key(span.attributes, "internal") where span.attributes["internal"] != nil"#,
    r#"replace_pattern(span.attributes["db.query.text"], "[0-9]+", "?") where span.attributes["db.query.text"] != nil"#,
    r#"set(span.status.code, STATUS_CODE_UNSET) where span.attributes["http.response.status_code"] == 404"#,
    r#"set(span.attributes["slow"], true) where span.end_time - span.start_time > Duration("2s")"#,
    r#"set(span.attributes["peer"], span.attributes["server.address"]) where span.kind == SPAN_KIND_CLIENT"#,
];

/// All of them are evaluated on nearly every span, and hold for a few: health checks, one span of five hundred.
pub const CONDITIONS: [&str; 5] = [
    r#"span.kind == SPAN_KIND_CLIENT and span.attributes["db.system.name"] == "memcached" and span.status.code != STATUS_CODE_ERROR"#,
    r#"span.attributes["url.path"] == "/healthz""#,
    r#"span.name == "ping""#,
    r#"span.attributes["internal"] == true"#,
    r#"resource.attributes["deployment.environment.name"] == "test""#,
];
