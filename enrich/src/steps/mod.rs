//! What is done to each record, in order: the steps of the configuration, item by item, and then redaction, so that nothing a step adds
//! escapes it. What a tenant wants redacted beyond that comes last, and can only take away.
//!
//! A new kind of step is one file in `kinds/`, one variant of `Kind` in `kinds/set.rs`, and its section in `config/steps/`. Steps see one item at a
//! time as a draft (`ottl::Draft`), and what none of them changes goes on as it came, without a copy. Refused items are named by their numbers in
//! the record that the program was given.

mod counts;
mod family;
mod items;
mod kinds;
mod outcome;
mod own_rules;
mod program;
mod reason;
mod record;
mod redaction;

pub(crate) use counts::Counts;
pub(crate) use kinds::{
    Action, Actions, Assignment, Association, Extracted, Family, FieldSource, Filter, FilterGroup,
    K8sAttributes, K8sRules, Kind, Lookup, METADATA, Operator, OwnResults, PodFilter, PodSource,
    Query, QueryKey, SCHEMA_VERSION, Schema, Slot, Slots, Source, SpanName, Status, StepCounts,
    Steps, Tag, TagKey, Transform, TransformGroup,
};
pub(crate) use program::Program;
pub(crate) use reason::Reason;
pub(crate) use record::{Processed, process};
