//! The kinds of steps, and what they do to one item.

mod actions;
mod effect;
mod filter;
mod groups;
mod heads;
mod inner;
mod k8s;
mod lookup;
mod results;
mod semconv;
mod set;
mod transform;

pub(crate) use actions::{Action, Actions, Source};
pub(super) use effect::Effect;
pub(crate) use effect::StepCounts;
pub(crate) use filter::{Filter, Group as FilterGroup};
pub(super) use heads::Heads;
pub(crate) use heads::{Slot, Slots};
pub(crate) use k8s::{
    Association, Extracted, FieldSource, K8sAttributes, K8sRules, METADATA, Operator, PodFilter,
    Source as PodSource, Tag, TagKey,
};
pub(crate) use lookup::{Assignment, Lookup, Query, QueryKey};
pub(crate) use results::OwnResults;
pub(crate) use semconv::{Family, Schema, SpanName, Status, VERSION as SCHEMA_VERSION};
pub(super) use set::Step;
pub(crate) use set::{Kind, Steps};
pub(crate) use transform::{Group as TransformGroup, Transform};
