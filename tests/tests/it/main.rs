//! Integration tests of the whole system, in one binary: whole-system tests: each drives real processes over a real bus.
#![allow(clippy::unwrap_used)]

mod at_least_once;
mod bad_input;
mod broken_pipe;
mod clients;
mod collector;
mod conservation;
mod crash;
mod first_contact;
mod giant;
mod hardening;
mod kafka_broker;
mod kubernetes;
mod lagging;
mod late_and_linked;
mod many_partitions;
mod mirrored;
mod ottl;
mod pii_report;
mod policies;
mod promoted;
mod quarantine;
mod recovery;
mod replaced;
mod residency;
mod retention;
mod rights;
mod running;
mod same_log;
mod secured;
mod tail_sampling;
mod takeover;
mod tenants;
mod tenants_memory;
mod truth;
