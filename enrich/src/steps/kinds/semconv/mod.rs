//! Steps that know the semantic conventions: which attributes say what, under their old names and under their new ones.

mod distinct;
mod grpc;
mod schema;
mod span_name;
mod status;

pub(crate) use schema::{Family, Schema, VERSION};
pub(crate) use span_name::SpanName;
pub(crate) use status::Status;
