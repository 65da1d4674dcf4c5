//! How a stage lives on the bus, as far as stages are the same: one membership of its consumer group after the other until it is drained, and
//! the headers of what it writes.
//!
//! The state of a stage is the positions on the bus. So whatever ends a membership without being a fault of the configuration ends nothing else: what was in
//! memory is dropped, and the group is joined again. What a stage does with records, and how it commits, is its own.

mod announced;
mod headers;
mod membership;
mod tenants;

pub use announced::Announced;
pub use headers::{records_headers, tenant_of};
pub use membership::{End, memberships};
pub use tenants::{LABELS_MAX, OTHERS, TenantLabel, tenant_label};
