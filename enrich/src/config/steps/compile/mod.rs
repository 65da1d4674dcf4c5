//! The list of steps, compiled; everything that is wrong with it is reported, each text by its place and column.

mod actions;
mod filter;
mod k8s;
mod lookup;
mod semconv;
mod transform;
mod written;

use std::collections::HashSet;

use ottl::Context;
use redact::Hasher;
use runtime::config::Problems;
use schemas::Signal;

use super::step::kind_of;
use super::{RawContext, RawStep, RawStepKind};
use crate::steps::{Kind, Slot, Slots, Steps};
use written::Written;

/// Compiles the list that is written at `path`. `hasher` gives what `hash` uses, and reports if there is none.
pub(crate) fn compile(
    raw: &[RawStep],
    path: &str,
    hasher: &mut dyn FnMut(&mut Problems) -> Option<Hasher>,
    problems: &mut Problems,
) -> Steps {
    let mut steps = Steps::default();
    let mut compiler = Compiler {
        slots: Slots::default(),
        hasher,
        problems,
    };
    let mut names = HashSet::new();
    for (index, step) in raw.iter().enumerate() {
        let at = format!("{path}[{index}]");
        let [(key, kind)] = &step.entries[..] else {
            let message = format!(
                "a step has one key, its kind, but this has {}; write one entry of the list for each",
                step.entries.len()
            );
            compiler.problems.push(at, message);
            continue;
        };
        let at = format!("{at}.{key}");
        if !names.insert(key) {
            let message = format!(
                "there is another `{key}` before; give one of them a name, such as `{}/two`: metrics tell steps apart by it",
                kind_of(key)
            );
            compiler.problems.push(at.clone(), message);
        }
        let kind = compiler.step(kind, &at);
        steps.add(key, kind);
    }
    steps
}

struct Compiler<'a> {
    slots: Slots,
    hasher: &'a mut dyn FnMut(&mut Problems) -> Option<Hasher>,
    problems: &'a mut Problems,
}

impl Compiler<'_> {
    fn step(&mut self, kind: &RawStepKind, at: &str) -> Kind {
        match kind {
            RawStepKind::Transform(raw) => Kind::Transform(self.transform(raw, at)),
            RawStepKind::Filter(raw) => Kind::Filter(self.filter(raw, at)),
            RawStepKind::Attributes(raw) => {
                Kind::Attributes(self.actions(&raw.actions, &format!("{at}.actions")))
            }
            RawStepKind::K8sAttributes(raw) => Kind::K8sAttributes(Box::new(self.k8s(raw, at))),
            RawStepKind::Resource(raw) => {
                let actions = self.actions(&raw.attributes, &format!("{at}.attributes"));
                Kind::Resource(actions, self.slots.next(false))
            }
            RawStepKind::Lookup(raw) => Kind::Lookup(self.lookup(raw, at)),
            RawStepKind::Schema(raw) => Kind::Schema(self.schema(raw, at)),
            RawStepKind::SpanName(raw) => Kind::SpanName(self.span_name(raw, at)),
            RawStepKind::Status(raw) => Kind::Status(self.status(raw, at)),
        }
    }

    /// What a group is executed on, or a report why that can't be told.
    fn context(
        &mut self,
        signal: Signal,
        named: Option<RawContext>,
        statements: &[String],
        conditions: &[String],
        written: &Written,
    ) -> Option<Context> {
        let known = Context::of(signal);
        if let Some(named) = named.map(RawContext::context) {
            if known.contains(&named) {
                return Some(named);
            }
            let names: Vec<_> = known.iter().map(|context| context.name()).collect();
            let message = format!(
                "{} have no context `{}`: known are {}",
                signal.name(),
                named.name(),
                names.join(", ")
            );
            self.problems
                .push(format!("{}.context", written.group), message);
            return None;
        }
        let inferred = Context::infer(signal, statements, conditions);
        self.sound(inferred, |number| written.texts[number].clone())
    }

    fn slot(&mut self, context: Context) -> Option<Slot> {
        match context {
            Context::Resource => Some(self.slots.next(false)),
            Context::Scope => Some(self.slots.next(true)),
            _ => None,
        }
    }

    /// What compiled, or a report of all that is wrong with each text.
    fn sound<T>(
        &mut self,
        compiled: Result<T, Vec<(usize, ottl::Problems)>>,
        place: impl Fn(usize) -> String,
    ) -> Option<T> {
        match compiled {
            Ok(compiled) => Some(compiled),
            Err(found) => {
                for (number, problems) in found {
                    for problem in problems.problems {
                        self.problems.push(place(number), problem.to_string());
                    }
                }
                None
            }
        }
    }
}
