//! The tree held against the JSON schema of the configuration type.
//!
//! Knows the part of JSON schema that schemars writes for our types: references, objects, arrays, enumerations, number ranges and
//! alternatives. A keyword it doesn't know constrains nothing here; deserialisation follows and has the last word. A validator of JSON schema takes
//! JSON, which has no places, and reports every alternative that failed instead of the one that was meant.

mod fit;
mod keywords;
mod scalar;
mod stand_in;
mod suggest;

pub(super) use fit::{Found, fit};
pub use keywords::FOREIGN_KEYS;
pub(super) use keywords::foreign_key;
pub(super) use scalar::core_schema;
pub use suggest::nearest;
