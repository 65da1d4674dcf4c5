//! Tests of several parts together, that look at what is not public.

mod bounds;
mod daily_budget;
mod epochs;
mod promoted;
mod unbiased;
