//! Who we are to services that ask for more than a fixed header: tokens and signatures of AWS, Google Cloud, Azure and OpenID Connect.
//!
//! A *source* says where a credential comes from ([`aws::Source`], [`google::Source`], [`azure::Source`], [`oidc::fetch`]). Asking one is plain
//! blocking code that takes some seconds at most, since it happens once an hour and reads files as well; [`Kept`] asks on a thread of its own, and
//! hands what is valid to async code. Signing ([`sigv4`]) is pure: time is given.
//!
//! It knows no bus, no stage and no backend. Secrets show in no error, no `Debug` and no log.

pub mod aws;
pub mod azure;
pub mod config;
mod expires;
mod form;
pub mod google;
mod http;
mod jwt;
mod kept;
mod oauth;
pub mod oidc;
mod schedule;
pub mod sigv4;
#[cfg(test)]
mod stub;
mod token;
mod variables;

pub use config::{Auth, RawAuth, RawOidc};
pub use expires::Expires;
pub use kept::{Held, Kept};
pub use token::{Token, claims, is_sendable};
pub use variables::{Variables, of_process};
