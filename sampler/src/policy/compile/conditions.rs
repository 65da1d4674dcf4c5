//! Policies in OTTL: `ottl_condition` and `condition`.

use std::sync::Arc;

use ottl::{Context, ErrorMode, Subject};

use super::Compiler;
use crate::policy::on_spans::conditions::{Joined, SpanConditions, TraceCondition};
use crate::policy::on_traces::rule::Rule;
use crate::policy::written::raw::{RawCondition, RawErrorMode, RawOttlCondition, RawScope};

impl Compiler<'_> {
    pub(super) fn ottl_condition(
        &mut self,
        section: &RawOttlCondition,
        path: &str,
    ) -> Option<Rule> {
        if section.span.is_empty() && section.spanevent.is_empty() {
            self.problems.push(
                path,
                "empty: name at least one condition on spans (span) or their events (spanevent)",
            );
        }
        let mut compile = |context, texts: &[String], field| -> Option<Vec<_>> {
            let conditions = texts.iter().enumerate().map(|(index, text)| {
                let path = format!("{path}.{field}[{index}]");
                match ottl::Condition::compile(context, text) {
                    Ok(condition) => {
                        self.constant(&condition, &path);
                        Some(condition)
                    }
                    Err(problems) => {
                        self.ottl_problems(&problems, &path);
                        None
                    }
                }
            });
            conditions.collect::<Vec<_>>().into_iter().collect()
        };
        let on_span = compile(Context::Span, &section.span, "span");
        let on_events = compile(Context::SpanEvent, &section.spanevent, "spanevent");
        let (on_span, on_events) = (on_span?, on_events?);
        Some(self.span_conditions(SpanConditions {
            on_span,
            on_events,
            joined: Joined::Any,
            root_only: false,
            error_mode: section.error_mode.into(),
            policy: self.policy,
            hit: 0,
            failed: None,
        }))
    }

    pub(super) fn whole_trace(&mut self, section: &RawCondition, path: &str) -> Option<Rule> {
        if section.conditions.is_empty() {
            self.problem(path, "conditions", "empty: name at least one condition");
        }
        let error_mode = section.error_mode.into();
        let (mut on_spans, mut on_trace) = (Vec::new(), Vec::new());
        for (index, text) in section.conditions.iter().enumerate() {
            let path = format!("{path}.conditions[{index}]");
            match either(text) {
                Ok(condition) => {
                    self.constant(&condition, &path);
                    match condition.context() {
                        Context::Trace => on_trace.push(condition),
                        _ => on_spans.push(condition),
                    }
                }
                Err(problems) => self.ottl_problems(&problems, &path),
            }
        }
        if on_spans.len() + on_trace.len() < section.conditions.len() {
            return None;
        }
        let mut rules: Vec<_> = on_trace
            .into_iter()
            .map(|condition| self.trace_condition(condition, error_mode))
            .collect();
        // On any spans: each condition finds its own. Otherwise one span satisfies them all.
        let groups: Vec<Vec<_>> = match section.scope {
            RawScope::Trace => on_spans.into_iter().map(|one| vec![one]).collect(),
            RawScope::Span | RawScope::Root if on_spans.is_empty() => Vec::new(),
            RawScope::Span | RawScope::Root => vec![on_spans],
        };
        for on_span in groups {
            rules.push(self.span_conditions(SpanConditions {
                on_span,
                on_events: Vec::new(),
                joined: Joined::All,
                root_only: section.scope == RawScope::Root,
                error_mode,
                policy: self.policy,
                hit: 0,
                failed: None,
            }));
        }
        Some(Rule::All(rules))
    }

    /// Gives conditions on spans their bits. The same ones in several policies are asked once, on behalf of the first.
    fn span_conditions(&mut self, mut conditions: SpanConditions) -> Rule {
        let meaning = conditions.meaning();
        let (hit, new) = self.bit(("holds", &meaning));
        let failed = (conditions.error_mode == ErrorMode::Propagate)
            .then(|| self.bit(("fails", &meaning)).0);
        if new {
            (conditions.hit, conditions.failed) = (hit, failed);
            self.ottl()
                .first_of
                .extend(failed.map(|failed| (hit, failed)));
            if conditions.root_only {
                self.root_only(hit);
                failed.into_iter().for_each(|bit| self.root_only(bit));
            }
            self.ottl().spans.push(conditions);
        }
        match failed {
            None => Rule::Bit(hit),
            Some(failed) => Rule::BitUnless { hit, failed },
        }
    }

    fn trace_condition(&mut self, condition: ottl::Condition, error_mode: ErrorMode) -> Rule {
        self.notice_roots();
        let rootless = condition.root_answers(&Subject::default());
        let tests = condition.root_tests();
        let mut asks_anew = false;
        let root = (0..tests)
            .map(|test| {
                let meaning = (test, condition.text());
                let (holds, new) = self.bit(("root holds", meaning));
                let (fails, _) = self.bit(("root fails", meaning));
                asks_anew |= new;
                self.root_only(holds);
                self.root_only(fails);
                (holds, fails)
            })
            .collect();
        // Counted only where it is asked for: it takes memory by trace.
        self.ottl().services |= condition.text().contains("service_count");
        let condition = Arc::new(TraceCondition {
            condition,
            error_mode,
            policy: self.policy,
            root,
            rootless,
        });
        if asks_anew {
            self.ottl().traces.push(Arc::clone(&condition));
        }
        Rule::Trace(condition)
    }

    fn root_only(&mut self, bit: u8) {
        self.notice_roots();
        self.ottl().root_only.set(bit);
    }

    fn notice_roots(&mut self) {
        if self.ottl().root_seen.is_none() {
            let (seen, _) = self.bit("root");
            self.ottl().root_seen = Some(seen);
        }
    }

    /// Says that a condition, or a part of it, gives the same for all telemetry.
    fn constant(&mut self, condition: &ottl::Condition, path: &str) {
        let always = match condition.constant() {
            None if condition.compares_with_itself() => {
                let message = format!(
                    "`{}` compares a value with itself, which gives the same for everything; compare it with another one",
                    condition.text()
                );
                return self.problems.warn(path, message);
            }
            None => return,
            Some(Ok(true)) => "is true of everything",
            Some(Ok(false)) => "is true of nothing",
            Some(Err(_)) => "fails on everything",
        };
        let message = format!(
            "`{}` {always}, since it looks at no telemetry; a path such as attributes[\"http.route\"] does",
            condition.text()
        );
        self.problems.warn(path, message);
    }

    fn ottl_problems(&mut self, found: &ottl::Problems, path: &str) {
        for problem in &found.problems {
            self.problems.push(path, problem.to_string());
        }
    }
}

/// A condition on spans if it can be one, else on the whole trace. One that is neither is reported as what it resembles.
fn either(text: &str) -> Result<ottl::Condition, ottl::Problems> {
    ottl::Condition::compile(Context::Span, text).or_else(|on_span| {
        ottl::Condition::compile(Context::Trace, text).map_err(|on_trace| {
            match text.contains("trace.") || text.contains("root.") {
                true => on_trace,
                false => on_span,
            }
        })
    })
}

impl From<RawErrorMode> for ErrorMode {
    fn from(mode: RawErrorMode) -> Self {
        match mode {
            RawErrorMode::Ignore => Self::Ignore,
            RawErrorMode::Silent => Self::Silent,
            RawErrorMode::Propagate => Self::Propagate,
        }
    }
}
