//! What spans are asked: conditions that become one bit each of their trace.

pub(super) mod attributes;
pub(super) mod bits;
pub(super) mod conditions;
pub(super) mod glob;
pub(super) mod leaves;
pub(super) mod per_operation;
