//! What is said about texts that are wrong: where, what, and what was probably meant.

use ottl::{Condition, Context};

#[track_caller]
fn check_in(context: Context, text: &str, expected: &[&str]) {
    let problems = match Condition::compile(context, text) {
        Err(problems) => problems.to_string(),
        Ok(_) => panic!("{text} compiles"),
    };
    assert_eq!(problems.lines().collect::<Vec<_>>(), expected, "{text}");
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    check_in(Context::Span, text, expected);
}

#[test]
fn syntax_is_pointed_at() {
    check(
        r#"name = "x""#,
        &[
            "column 6: found `=` where one of these is expected: arithmetic, a comparison (== != < <= > >=)",
        ],
    );
    check(
        r#"name == 'x'"#,
        &["column 9: strings stand in double quotes"],
    );
    check(
        r#"name == "x"#,
        &["column 9: a string that doesn't end: a `\"` is missing"],
    );
    check(
        r#"name == "\d""#,
        &[r"column 9: `\d` is no escape in a string; a backslash is written `\\`"],
    );
    check(
        r#"name == "é" && true"#,
        &["column 13: write `and` for `&&`"],
    );
    check(
        "kind == ",
        &["column 9: the text ends where a value is expected"],
    );
    check(
        "kind == 08",
        &["column 9: 08 is no octal number, which a leading 0 means"],
    );
    check(
        "kind == 99999999999999999999",
        &["column 9: 99999999999999999999 is no 64-bit integer"],
    );
    check(
        "IsMatch((a) => a, 1)",
        &["column 9: lambda expressions are not supported (the Collector has them off by default)"],
    );
    let deep = format!("{}1{} == 1", "(".repeat(500), ")".repeat(500));
    check(&deep, &["column 64: nested more than 64 deep"]);
}

#[test]
fn names_get_a_suggestion_and_all_problems_are_told() {
    check(
        r#"atributes["a"] == 1 and ismatch(name, "x") and kind == SPAN_KIND_SERVR and span.nam == 1"#,
        &[
            "column 1: no path `atributes` in the context `span`; did you mean `attributes`?",
            "column 25: converters begin with an upper-case letter, `ismatch` doesn't; did you mean `IsMatch`?",
            "column 56: no enum `SPAN_KIND_SERVR` in the context `span`; did you mean `SPAN_KIND_SERVER`?",
            "column 76: no path `span.nam` in the context `span`; did you mean `span.name`?",
        ],
    );
    check("name[0] == 1", &["column 1: `name` takes no keys"]);
    check(
        "attributes[0] == 1",
        &["column 1: `attributes` is a map: its key is a string"],
    );
    check(
        r#"span.cache["a"].b == 1"#,
        &["column 1: no path `span.cache.b` in the context `span`; did you mean `span.cache`?"],
    );
    check_in(
        Context::SpanEvent,
        r#"span.cache["a"] == 1"#,
        &["column 1: the cache is reached as `spanevent.cache`"],
    );
    check_in(
        Context::SpanEvent,
        "IsRootSpan()",
        &["column 1: `IsRootSpan` is not a function of the context `spanevent`"],
    );
}

#[test]
fn arguments_are_checked_before_anything_runs() {
    check(
        r#"IsMatch(name)"#,
        &["column 1: `IsMatch` takes (target, pattern), found 1 arguments"],
    );
    check(
        r#"IsMatch(name, 1)"#,
        &["column 15: `pattern`: expected string, found int64"],
    );
    check(
        r#"IsMatch(name, patern="x")"#,
        &["column 15: `IsMatch` has no parameter `patern`; did you mean `pattern`?"],
    );
    check(
        r#"IsMatch(target=name, "x")"#,
        &["column 22: an argument without name behind one with a name"],
    );
    check_in(
        Context::Trace,
        r#"root.start_time + trace.duration > root.end_time"#,
        &[
            "column 1: `root` and `trace` in one comparison: the root span is gone when a trace is decided",
        ],
    );
}
