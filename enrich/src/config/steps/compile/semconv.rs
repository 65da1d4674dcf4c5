//! Steps that know the semantic conventions.

use super::Compiler;
use crate::config::steps::{RawFamily, RawSchema, RawSpanName, RawStatus};
use crate::steps::{Family, SCHEMA_VERSION, Schema, SpanName, Status};

const NAMES_PER_SERVICE_MAX: u32 = 100_000;

impl Compiler<'_> {
    pub(super) fn span_name(&mut self, raw: &RawSpanName, at: &str) -> SpanName {
        let limit = raw.limit_per_service;
        if !(1..=NAMES_PER_SERVICE_MAX).contains(&limit) {
            let message = format!(
                "{limit} is out of range: from 1 to {NAMES_PER_SERVICE_MAX}; 500 is a good choice"
            );
            self.problems
                .push(format!("{at}.limit_per_service"), message);
        }
        let original = Some(raw.original.clone()).filter(|key| !key.is_empty());
        SpanName::new(original, raw.templates, limit as usize)
    }

    pub(super) fn schema(&mut self, raw: &RawSchema, at: &str) -> Schema {
        if raw.target != SCHEMA_VERSION {
            let message = format!(
                "{:?} is no version that can be translated to: {SCHEMA_VERSION} is",
                raw.target
            );
            self.problems.push(format!("{at}.target"), message);
        }
        if raw.families.is_empty() {
            let message = "is empty: name http, db, messaging, rpc or k8s, or leave the key out for all of them";
            self.problems.push(format!("{at}.families"), message);
        }
        let families = raw.families.iter().map(|family| match family {
            RawFamily::Http => Family::Http,
            RawFamily::Db => Family::Db,
            RawFamily::Messaging => Family::Messaging,
            RawFamily::Rpc => Family::Rpc,
            RawFamily::K8s => Family::K8s,
        });
        let (resource, scope) = (self.slots.next(false), self.slots.next(true));
        Schema::new(families.collect(), raw.keep_old, resource, scope)
    }

    pub(super) fn status(&mut self, raw: &RawStatus, at: &str) -> Status {
        if !raw.http && !raw.grpc {
            let message = "does nothing: `http` and `grpc` are both false; take the step out, or set one of them to true";
            self.problems.push(at, message);
        }
        Status {
            http: raw.http,
            grpc: raw.grpc,
        }
    }
}
