//! Facts about undecided traces.
