//! Enrich: what was kept is transformed and redacted before it leaves.
//!
//! The shell ([`run`]) reads sampled traces, raw logs and raw metrics, and commits what comes out, together with the read
//! positions, as one epoch of the bus. Tables that steps look something up in are followed beside that (`lookup`). What is done to a record is an ordered list of steps (`steps`), of which redaction is the last: the
//! crate `redact`.
//!
//! It fails closed: what can't be understood goes to the dead letters, never on.
//!
//! What is deliberately absent: look-ups that need a network for each item, and a look at a trace as a whole.

mod config;
mod lookup;
pub mod names;
mod pods;
mod rehearsal;
mod shell;
mod steps;

pub use config::{
    Config, LIVE_KEYS, RawAction, RawActionKind, RawAssignment, RawAssociation, RawAttributes,
    RawConditionGroup, RawConditions, RawConfig, RawContext, RawConvertedType, RawDelivery,
    RawDetector, RawErrorMode, RawExclude, RawExcludedPod, RawExtract, RawFamily, RawFieldFilter,
    RawFieldSource, RawFilter, RawFrom, RawHash, RawK8sAttributes, RawK8sSemconv, RawLogFilters,
    RawLookup, RawMask, RawMetricFilters, RawNameMode, RawNamedKey, RawOperator, RawPack, RawPii,
    RawPiiAction, RawPiiMode, RawPodFilter, RawPodSource, RawQuery, RawRedact, RawResource,
    RawSchema, RawSet, RawSource, RawSpanName, RawStatementGroup, RawStatements, RawStatus,
    RawStep, RawStepKind, RawTableFormat, RawTag, RawTarget, RawTenants, RawTraceFilters,
    RawTransform, RawUnknownFields, RawValue, TenantRules,
};
pub use pods::Pods;
pub use rehearsal::{Enricher, Rehearsal, rehearse};
pub use runtime::config::Secret;
pub use shell::{Reload, Setting, register, run};
