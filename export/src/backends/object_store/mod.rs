//! Object stores: S3, Google Cloud Storage, Azure, and folders of a file system. A batch is an object, or one for each hour and tenant of its items, named by the
//! records in it: whoever makes the same batch again, after a crash or beside a process that was taken for dead, writes the same object once more.
//!
//! `layout` says where an object stands, `objects` which items are in it, `encode` makes its bytes, `store` puts it, `answer` says what a refusal means.
//! Nothing is read back, listed or deleted.

#[cfg(feature = "object-store")]
mod answer;
mod config;
mod encode;
mod kind;
mod layout;
mod location;
mod objects;
mod sink;
mod store;
#[cfg(test)]
mod tests;

pub use config::ObjectStoreConfig;
