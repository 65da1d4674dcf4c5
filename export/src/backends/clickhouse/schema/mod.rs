//! The tables: what the Collector's exporter has in them, how they are created, and which of it a server has.
//!
//! Source of names and types: `clickhouseexporter` 0.165.1 of the Collector. Only names and types are taken over, since dashboards ask for those.

pub mod column;
mod columns;
pub mod ddl;
pub mod known;
pub mod plan;
pub mod source;
pub mod tables;
