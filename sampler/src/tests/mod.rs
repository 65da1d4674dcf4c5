//! Tests of several parts together, that look at what is not public.

mod bounds;
mod epochs;
mod unbiased;
