//! Requests with the credentials of a cloud or an OpenID provider, which are kept fresh meanwhile.

mod authorizer;
mod section;
mod signing;
mod sources;

pub use authorizer::{Authorizer, exchange};
pub use section::{Reached, validate};
pub use sources::Sources;
