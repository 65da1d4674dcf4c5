//! OTTL against the Collector's own implementation: random texts on random telemetry, with the same result, or the same kind of failure.
//!
//! Each run draws the same conditions, and others with another seed: `OTTL_SEED=1 OTTL_CASES=100000 cargo test -p tailwater-tests --test it ottl` runs as
//! many as one likes; a difference prints what is needed to try it again. What differs on purpose (`docs/reference/ottl.md`) is not generated, or told apart below.

mod generate;
mod names;
mod statements;
mod why;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ottl::{Condition, Context, Subject};
use schemas::otlp::{Items, LogView, MetricView, SpanView};
use serde_json::{Value as Json, json};
use tests::{Deadline, clients};

/// What an implementation says to a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    Held(bool),
    Refused(String),
    Failed(String),
    /// Only the reference does that.
    Panicked,
}

struct Reference {
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Reference {
    fn start() -> Option<Self> {
        let program = clients::ottl_reference().ok()?;
        let mut process = Command::new(program)
            // Times without a zone are UTC here.
            .env("TZ", "UTC")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the reference starts");
        let questions = process.stdin.take().expect("piped");
        let answers = BufReader::new(process.stdout.take().expect("piped"));
        Some(Self {
            process,
            questions,
            answers,
        })
    }

    fn ask(&mut self, context: Context, condition: &str, request: &[u8]) -> Answer {
        Answer::of(&self.answer(&json!({
            "context": context.name(),
            "condition": condition,
            "request": STANDARD.encode(request),
        })))
    }

    fn answer(&mut self, question: &Json) -> Json {
        writeln!(self.questions, "{question}").expect("the reference reads");
        let mut line = String::new();
        self.answers
            .read_line(&mut line)
            .expect("the reference answers");
        serde_json::from_str(&line).expect("JSON")
    }
}

impl Answer {
    fn of(answer: &Json) -> Self {
        let text = |key: &str| answer[key].as_str().unwrap_or_default().to_owned();
        match answer["held"].as_bool() {
            Some(held) => Answer::Held(held),
            None if answer["panic"].is_string() => Answer::Panicked,
            None if text("at") == "compile" => Answer::Refused(text("error")),
            None => Answer::Failed(text("error")),
        }
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn ours(context: Context, condition: &str, request: &[u8]) -> Answer {
    let compiled = match Condition::compile(context, condition) {
        Ok(compiled) => compiled,
        Err(problems) => return Answer::Refused(problems.to_string()),
    };
    match compiled.eval(&subject(context, request)) {
        Ok(held) => Answer::Held(held),
        Err(error) => Answer::Failed(error.to_string()),
    }
}

fn subject(context: Context, request: &[u8]) -> Subject<'_> {
    let item = Items::new(request).next().expect("an item").expect("sound");
    let (resource, scope) = (item.resource, item.scope);
    let mut subject = Subject::default();
    match context {
        Context::Log => {
            subject.set_log(resource, scope, LogView::parse(item.body).expect("sound"));
        }
        Context::Metric | Context::DataPoint => {
            let metric = MetricView::parse(item.body).expect("sound");
            subject.set_metric(resource, scope, metric);
            let point = metric.points().next().expect("a data point");
            subject.set_point(point.expect("sound"), 0);
        }
        _ => {
            let span = SpanView::parse(item.body).expect("sound");
            subject.set_span(resource, scope, span);
            if let Some(event) = span.events().next() {
                subject.set_event(event.expect("sound"), 0);
            }
        }
    }
    subject
}

/// What the reference says of a pattern that is one here.
const MORE_IN_PATTERNS: [&str; 4] = [
    "error parsing regexp: invalid character class range",
    "error parsing regexp: invalid named capture",
    "error parsing regexp: invalid escape sequence: `\\u`",
    "error parsing regexp: invalid nested repetition operator",
];

fn agree(ours: &Answer, theirs: &Answer) -> bool {
    match (ours, theirs) {
        (_, Answer::Panicked) => true,
        // Rust's regular expressions know more than Go's: differences of classes (`[a--c]`), dots and brackets in names of groups, `\u003c`, `a?+`.
        (_, Answer::Refused(theirs) | Answer::Failed(theirs))
            if MORE_IN_PATTERNS.iter().any(|more| theirs.contains(more)) =>
        {
            true
        }
        (Answer::Held(a), Answer::Held(b)) => a == b,
        // What can only fail is refused when it is compiled; the reference finds out when it is evaluated.
        (Answer::Refused(reason), _)
            if reason.contains("its key is a string")
                || reason.contains("a range has an integer")
                || reason.contains("expected string in `equals`")
                || reason.contains("unknown type \"") =>
        {
            true
        }
        (Answer::Refused(ours), Answer::Refused(theirs)) => why::same_refusal(ours, theirs),
        // Text is UTF-8 here.
        (Answer::Failed(reason), _)
            if reason.contains("is not UTF-8") || reason.contains("cuts a character in two") =>
        {
            true
        }
        // There a map may hold lists and maps that are written out, but not all of those out of attributes.
        (_, Answer::Failed(reason) | Answer::Refused(reason))
            if ["Slice", "Map"]
                .iter()
                .any(|kind| reason.contains(&format!("<Invalid value type pcommon.{kind}>"))) =>
        {
            true
        }
        // There the counts and bounds of histograms are of types that no attribute and no map takes.
        (_, Answer::Failed(reason))
            if reason.contains("[]uint64") || reason.contains("[]float64") =>
        {
            true
        }
        (Answer::Failed(ours), Answer::Failed(theirs)) => why::same(ours, theirs),
        _ => false,
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|value| value.parse().ok())
        .unwrap_or(default)
}

/// Where the draws begin: the same for every change, so that a change is judged by what it does, unless `OTTL_SEED` says otherwise.
fn seed() -> u64 {
    number("OTTL_SEED", 20_261_130)
}

#[test]
fn random_conditions_have_the_reference_s_results() {
    let Some(mut reference) = Reference::start() else {
        return;
    };
    let seed = seed();
    println!("OTTL_SEED={seed}");
    let cases = number("OTTL_CASES", 4000);
    let differences_max = number("OTTL_DIFFERENCES", 1);
    let _deadline = Deadline::of_this_test();
    let mut rng = fastrand::Rng::with_seed(seed);
    let (mut held, mut failed, mut refused, mut differences) = (0, 0, 0, 0);
    for case in 0..cases {
        let context = generate::context(&mut rng);
        let request = generate::request(&mut rng, context);
        let mut condition = generate::condition(&mut rng, context);
        if rng.u8(..8) == 0 {
            generate::damage(&mut rng, &mut condition);
        }
        let theirs = reference.ask(context, &condition, &request);
        let ours = ours(context, &condition, &request);
        match &theirs {
            Answer::Held(_) => held += 1,
            Answer::Refused(_) => refused += 1,
            _ => failed += 1,
        }
        if !agree(&ours, &theirs) {
            differences += 1;
            println!(
                "case {case} of seed {seed}, {context:?}\n  {condition}\n  ours {ours:?}\n  theirs {theirs:?}"
            );
        }
        assert!(differences < differences_max, "they differ");
    }
    println!("{cases} conditions: {held} evaluated, {failed} failed, {refused} refused");
    assert!(
        held > cases / 4,
        "most conditions are worth nothing: {held} of {cases}"
    );
}
