//! Integration tests of `sampler`, in one binary: policies, rates, links and reloads through the pure core, and the simulation.
#![allow(clippy::unwrap_used)]

mod linked;
mod own_policies;
mod policies;
mod promote;
mod rates;
mod reconfigure;
mod simulation;
mod tenants;
mod thresholds;
mod wrong_clocks;
