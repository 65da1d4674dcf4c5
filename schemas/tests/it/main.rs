//! Integration tests of `schemas`, in one binary: views, packing, JSON and OTTL against plain implementations.
#![allow(clippy::unwrap_used)]

mod generate;
mod json;
mod ottl;
mod packing;
mod views;
