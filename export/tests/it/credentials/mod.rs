//! Credentials that are fetched: no request without one that is valid, and nothing lost when they expire, can't be had, or are refused.

mod aws;
mod issuer;
mod tokens;
