//! Steps that know the semantic conventions.

mod schema;
mod span_name;
mod status;
