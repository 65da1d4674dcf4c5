//! `per_operation`: a percentage by service, operation and route of the trace's entry span.
//!
//! The rules are looked at where the strings are, span by span, and the trace keeps the number of the first that matches its entry span (its root; as
//! long as none is known, the span that starts first). So a hundred rules cost a trace one word, and a span one look-up in a memo.

use hashbrown::HashMap;
use schemas::otlp::{AnyValue, SpanView};
use xxhash_rust::xxh3::xxh3_64;

use crate::policy::on_spans::glob::Glob;
use crate::stats::set_hash::mix;

/// Which entry spans a rule is for; what isn't given, any will do.
#[derive(Debug)]
pub(in crate::policy) struct Operation {
    pub(in crate::policy) service: Option<Glob>,
    pub(in crate::policy) operation: Option<Glob>,
    pub(in crate::policy) route: Option<Glob>,
}

/// Rules in order.
#[derive(Debug)]
pub(in crate::policy) struct Operations {
    rules: Vec<Operation>,
    routes: bool,
    /// Tells the rules of one policy from another's in the memo.
    salt: u64,
}

/// Results by service, operation and route. Emptied when full.
pub(crate) type Memo = HashMap<u64, u64>;

const MEMO_MAX: usize = 1 << 14;

impl Operations {
    pub(in crate::policy) fn new(rules: Vec<Operation>, salt: u64) -> Self {
        Self {
            routes: rules.iter().any(|rule| rule.route.is_some()),
            rules,
            salt,
        }
    }

    /// `http.route` of a span, when a rule asks for it.
    pub(in crate::policy) fn route<'a>(&self, span: &SpanView<'a>) -> &'a [u8] {
        if !self.routes {
            return &[];
        }
        let mut attributes = span.attributes().map_while(Result::ok);
        let route = attributes.find(|attribute| attribute.key == b"http.route");
        match route.map(|route| route.value) {
            Some(AnyValue::String(route)) => route,
            _ => &[],
        }
    }

    /// The first rule that matches service, operation and route, from 1; 0: none. `hash`: of service and operation.
    pub(in crate::policy) fn number(
        &self,
        (service, operation, route): (&[u8], &[u8], &[u8]),
        hash: u64,
        memo: &mut Memo,
    ) -> u64 {
        let mut hash = mix(self.salt, hash);
        if self.routes {
            hash = mix(hash, xxh3_64(route));
        }
        if let Some(&number) = memo.get(&hash) {
            return number;
        }
        let found = self.rules.iter().position(|rule| {
            let fits = |glob: &Option<Glob>, text: &[u8]| {
                glob.as_ref().is_none_or(|glob| glob.matches(text))
            };
            fits(&rule.service, service)
                && fits(&rule.operation, operation)
                && fits(&rule.route, route)
        });
        let number = found.map_or(0, |at| at as u64 + 1);
        if memo.len() >= MEMO_MAX {
            memo.clear();
        }
        memo.insert(hash, number);
        number
    }
}
