//! Reading: members of groups, readers outside of them, and what is owned.

pub(super) mod fenced;
pub(super) mod held;
pub(super) mod member;
pub(super) mod ownership;
pub(super) mod reader;
pub(super) mod reading;
