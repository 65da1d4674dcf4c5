//! Integration tests of `schemas`, in one binary: views, packing and JSON against plain implementations.
#![allow(clippy::unwrap_used)]

mod generate;
mod json;
mod model;
mod packing;
mod views;
