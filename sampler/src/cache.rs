//! The record cache.
