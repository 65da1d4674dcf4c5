//! Consumer groups: who owns which partition, and the members that read.

pub(super) mod group;
pub(super) mod groups;
pub(super) mod member;
