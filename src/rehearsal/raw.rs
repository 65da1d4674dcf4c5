//! The `tests` section as written: small traces, and the verdict that each must get.

use std::collections::BTreeMap;

use runtime::config::{Duration, Problems};

use sampler::policy::Policies;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A trace, and what the sampler must say of it; `tailwater check` runs them.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawTest {
    /// Unique among the tests.
    pub name: String,
    /// The spans. The first is the root unless it has a parent, and it is the parent of those that name none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trace: Vec<RawSpan>,
    /// A file to use instead of `trace`: one trace as an OTLP JSON request. The path is relative to the configuration's
    /// folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otlp_json: Option<String>,
    /// The tenant whose trace it is. Absent: the default tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// 32 hex digits. Absent: a trace id that depends on the name. It matters for policies that choose by trace id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    pub expect: RawExpect,
}

/// What the sampler must say, and what enrich must make of the spans.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawExpect {
    /// Whether the trace must be kept or dropped. Absent: either, if something is said of its spans.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<RawVerdict>,
    /// The policy that gives the verdict. Absent: any, or none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// What enrich makes of the first span.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span: Option<RawExpectedSpan>,
    /// What enrich makes of other spans, by their names in the test.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub spans: BTreeMap<String, RawExpectedSpan>,
    /// Enrich drops the first span.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dropped: bool,
}

/// What a span looks like after enrich; what isn't named may be anything.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawExpectedSpan {
    /// The name of the span.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The status of the span.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<RawStatus>,
    /// Values of attributes; `null`: there is none of that name.
    pub attributes: BTreeMap<String, Value>,
    /// Values of its resource's attributes; `null`: there is none of that name.
    pub resource: BTreeMap<String, Value>,
    /// A step takes it out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dropped: bool,
}

impl RawExpect {
    /// Whether anything is said of what enrich makes of the spans.
    fn is_of_spans(&self) -> bool {
        self.span.is_some() || !self.spans.is_empty() || self.dropped
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawVerdict {
    Keep,
    Drop,
}

/// A span of a test's trace. All of it is optional.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawSpan {
    /// The name of the span.
    pub name: String,
    /// The `service.name` of its resource.
    pub service: String,
    /// The kind of the span.
    pub kind: RawKind,
    /// The status of the span.
    pub status: RawStatus,
    /// The message of the status.
    pub status_message: String,
    /// When the span starts, from the beginning of the trace.
    pub start: Duration,
    /// How long the span lasts.
    pub duration: Duration,
    /// Attributes of the span: text, numbers, true or false, and lists of them.
    pub attributes: BTreeMap<String, Value>,
    /// Attributes of its resource.
    pub resource: BTreeMap<String, Value>,
    /// The events of the span.
    pub events: Vec<RawEvent>,
    /// The name of another span of the trace, or `none` for a further root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// W3C `tracestate`.
    pub trace_state: String,
    /// The W3C sampled flag.
    pub sampled: bool,
    /// How many spans like this the trace has.
    pub count: u32,
}

impl Default for RawSpan {
    fn default() -> Self {
        Self {
            name: "span".to_owned(),
            service: String::new(),
            kind: RawKind::default(),
            status: RawStatus::default(),
            status_message: String::new(),
            start: Duration::default(),
            duration: Duration::default(),
            attributes: BTreeMap::new(),
            resource: BTreeMap::new(),
            events: Vec::new(),
            parent: None,
            trace_state: String::new(),
            sampled: false,
            count: 1,
        }
    }
}

#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawEvent {
    /// The name of the event.
    pub name: String,
    /// Attributes of the event.
    pub attributes: BTreeMap<String, Value>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum RawKind {
    #[default]
    Internal,
    Server,
    Client,
    Producer,
    Consumer,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum RawStatus {
    #[default]
    Unset,
    Ok,
    Error,
}

/// The most spans of one test, `count` included.
const SPANS_MAX: u64 = 100_000;
pub(super) const NO_PARENT: &str = "none";

/// Everything that is wrong with the tests themselves; `policies` are those whose names may be expected.
pub fn validate(tests: &[RawTest], policies: &Policies, problems: &mut Problems) {
    for (index, test) in tests.iter().enumerate() {
        let path = format!("tests[{index}]");
        let mut wrong =
            |field: &str, message: String| problems.push(format!("{path}.{field}"), message);
        if test.name.trim().is_empty() {
            wrong("name", "missing: every test needs a name".to_owned());
        } else if tests[..index].iter().any(|other| other.name == test.name) {
            wrong("name", format!("a second test of the name {:?}", test.name));
        }
        match (&test.otlp_json, test.trace.is_empty()) {
            (Some(_), false) => wrong(
                "otlp_json",
                "contradicts `trace`; remove one of them".to_owned(),
            ),
            (None, true) => wrong(
                "trace",
                "missing: at least one span, or `otlp_json`".to_owned(),
            ),
            _ => {}
        }
        if let Some(id) = &test.trace_id
            && !is_trace_id(id)
        {
            wrong(
                "trace_id",
                format!("{id:?} is not a trace id: 32 hex digits, not all zero"),
            );
        }
        expectations(test, &mut wrong);
        let spans: u64 = test.trace.iter().map(|span| u64::from(span.count)).sum();
        if spans > SPANS_MAX {
            wrong(
                "trace",
                format!("{spans} spans, of which {SPANS_MAX} are the most"),
            );
        }
        for (at, span) in test.trace.iter().enumerate() {
            let known =
                |name: &str| name == NO_PARENT || test.trace.iter().any(|other| other.name == name);
            if let Some(parent) = span.parent.as_deref().filter(|name| !known(name)) {
                wrong(
                    &format!("trace[{at}].parent"),
                    format!("no span of this trace is called {parent:?}; `none` makes a root"),
                );
            }
        }
        if let Some(policy) = &test.expect.policy {
            expected(policy, test, &path, policies, problems);
        }
    }
}

/// What is wrong with what a test expects, but for the policy.
fn expectations(test: &RawTest, wrong: &mut impl FnMut(&str, String)) {
    if test.expect.verdict.is_none() && !test.expect.is_of_spans() {
        wrong("expect.verdict", "missing: keep or drop".to_owned());
    }
    if test.expect.dropped && test.expect.span.is_some() {
        wrong(
            "expect.dropped",
            "contradicts `span`; remove one of them".to_owned(),
        );
    }
    if test.expect.is_of_spans() && test.otlp_json.is_some() {
        wrong(
            "expect",
            "of spans is for tests with `trace`, whose spans have names".to_owned(),
        );
    }
    for name in test.expect.spans.keys() {
        if !test.trace.iter().any(|span| span.name == *name) {
            let message = format!("no span of this trace is called {name:?}");
            wrong(&format!("expect.spans.{name}"), message);
        }
    }
}

/// The policy that is expected is one that holds for the test's tenant.
fn expected(
    policy: &str,
    test: &RawTest,
    path: &str,
    policies: &Policies,
    problems: &mut Problems,
) {
    let names: Vec<_> = policies
        .names_for(test.tenant.as_deref().unwrap_or_default())
        .collect();
    if names.contains(&policy) {
        return;
    }
    let (written, whom) = match &test.tenant {
        Some(tenant) => ("tenants", format!(" for tenant {tenant:?}")),
        None => ("sampler.policies", String::new()),
    };
    let message = format!("there is no policy {policy:?}{whom}: {}", names.join(", "));
    problems.push_given(written, format!("{path}.expect.policy"), message);
}

fn is_trace_id(text: &str) -> bool {
    text.len() == 32
        && text.chars().all(|c| c.is_ascii_hexdigit())
        && text.chars().any(|c| c != '0')
}
