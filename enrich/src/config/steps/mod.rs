//! `enrich.steps`: what is done to telemetry before it is redacted, in the order in which it is written.

mod actions;
mod compile;
mod filter;
mod groups;
mod k8s;
mod lookup;
mod semconv;
mod step;
mod transform;

pub use actions::{RawAction, RawActionKind, RawAttributes, RawConvertedType, RawResource};
pub use filter::{RawFilter, RawLogFilters, RawMetricFilters, RawTraceFilters};
pub use groups::{
    RawConditionGroup, RawConditions, RawContext, RawErrorMode, RawStatementGroup, RawStatements,
};
pub use k8s::{
    RawAssociation, RawExclude, RawExcludedPod, RawExtract, RawFieldFilter, RawFieldSource,
    RawFrom, RawK8sAttributes, RawK8sSemconv, RawOperator, RawPodFilter, RawPodSource, RawTag,
};
pub use lookup::{RawAssignment, RawLookup, RawQuery, RawSource, RawTableFormat, RawTarget};
pub use semconv::{RawFamily, RawNameMode, RawSchema, RawSpanName, RawStatus};
pub use step::{RawStep, RawStepKind};
pub use transform::RawTransform;

pub(crate) use compile::compile;
