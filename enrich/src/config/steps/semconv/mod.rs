//! Steps that know the semantic conventions.

mod schema;
mod span_name;
mod status;

pub use schema::{RawFamily, RawSchema};
pub use span_name::{RawNameMode, RawSpanName};
pub use status::RawStatus;
