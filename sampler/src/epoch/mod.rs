//! An epoch as it travels: the commands that the consumer collects, and the parts that workers make of them.

pub(crate) mod batch;
pub(crate) mod command;
pub(crate) mod part;
