//! What is written into one table of one server: which of our columns it has, and of which types. Made of the answer to `DESC TABLE`. Pure.

use schemas::wire::put_varint;
use serde::Deserialize;

use super::column::{Column, Wire};
use super::ddl;
use super::source::{Head, OfLog, OfMetric, OfPoint, OfSpan, Source};
use super::tables::TableId;
use crate::backends::clickhouse::config::Layout;

/// A column that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step<C> {
    pub column: C,
    pub wire: Wire,
}

/// How rows of a table are written: the columns in their order, by what they hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// `INSERT INTO … (…) FORMAT RowBinaryWithNamesAndTypes`.
    pub insert: String,
    /// What stands before the rows: the names and types of the columns, which the server holds against the table. Without it, a column that was made
    /// another one of the same width would take what was written for the old one.
    pub preamble: Vec<u8>,
    /// First, since these are the same for all rows of a scope.
    pub head: Vec<Step<Head>>,
    pub metric: Vec<Step<OfMetric>>,
    pub span: Vec<Step<OfSpan>>,
    pub log: Vec<Step<OfLog>>,
    pub point: Vec<Step<OfPoint>>,
}

/// `FORMAT JSONCompact` of `DESC TABLE`.
#[derive(Deserialize)]
struct Description {
    data: Vec<Vec<String>>,
}

/// Why a table can't be used: what is wrong with it and what to do, for people.
pub type Unusable = String;

impl Plan {
    /// `description` is what the server answered to [`describe`].
    ///
    /// # Errors
    /// The table lacks a column, or has it with a type that we don't write.
    pub fn new(layout: &Layout, table: TableId, description: &[u8]) -> Result<Self, Unusable> {
        let name = table.name(layout);
        let described: Description = serde_json::from_slice(description)
            .map_err(|error| format!("the answer to DESC TABLE {name} can't be read: {error}"))?;
        let mut found = Vec::new();
        for column in table.columns() {
            found.extend(used(
                &column,
                &described.data,
                &ddl::qualified(layout, name),
            )?);
        }
        // By what they hold, in the order in which rows are written.
        found.sort_by_key(|used| match used.step.column {
            Source::Head(_) => 0,
            Source::Metric(_) => 1,
            Source::Span(_) | Source::Log(_) | Source::Point(_) => 2,
        });
        let names: Vec<_> = found
            .iter()
            .map(|used| ddl::identifier(used.name))
            .collect();
        let mut plan = Self {
            insert: format!(
                "INSERT INTO {} ({}) FORMAT RowBinaryWithNamesAndTypes",
                ddl::qualified(layout, name),
                names.join(", ")
            ),
            preamble: preamble(&found),
            ..Self::default()
        };
        for used in found {
            plan.push(used.step);
        }
        Ok(plan)
    }

    fn push(&mut self, Step { column, wire }: Step<Source>) {
        match column {
            Source::Head(column) => self.head.push(Step { column, wire }),
            Source::Metric(column) => self.metric.push(Step { column, wire }),
            Source::Span(column) => self.span.push(Step { column, wire }),
            Source::Log(column) => self.log.push(Step { column, wire }),
            Source::Point(column) => self.point.push(Step { column, wire }),
        }
    }
}

/// The number of columns, their names, their types: texts by their length.
/// Source: <https://clickhouse.com/docs/interfaces/formats/RowBinaryWithNamesAndTypes>.
fn preamble(columns: &[Used]) -> Vec<u8> {
    let mut out = Vec::new();
    put_varint(&mut out, columns.len() as u64);
    let names = columns.iter().map(|used| used.name);
    let types = columns.iter().map(|used| used.sql.as_str());
    for text in names.chain(types) {
        put_varint(&mut out, text.len() as u64);
        out.extend_from_slice(text.as_bytes());
    }
    out
}

/// The question that [`Plan::new`] reads the answer to.
pub fn describe(layout: &Layout, table: TableId) -> String {
    format!(
        "DESC TABLE {} FORMAT JSONCompact",
        ddl::qualified(layout, table.name(layout))
    )
}

/// A column that is written, as it is in the table.
struct Used {
    name: &'static str,
    sql: String,
    step: Step<Source>,
}

/// The column as it is in the table; `None`: it isn't there, and needn't be.
fn used(
    column: &Column<Source>,
    described: &[Vec<String>],
    table: &str,
) -> Result<Option<Used>, Unusable> {
    // Name, type, and what its default is: `DEFAULT`, `MATERIALIZED`, `ALIAS`.
    let of = |row: &Vec<String>| Some((row.get(1)?.clone(), row.get(2)?.clone()));
    let row = described
        .iter()
        .find(|row| row.first().is_some_and(|name| name == column.name));
    let Some((sql, default)) = row.and_then(of) else {
        return match column.required {
            true => Err(format!(
                "table {table} has no column `{}` of type {}: add it, or let the tables be created by `create_schema: true` under other names",
                column.name,
                column.sql()
            )),
            false => Ok(None),
        };
    };
    if matches!(default.as_str(), "MATERIALIZED" | "ALIAS") {
        return match column.required {
            true => Err(format!(
                "column `{}` of table {table} is {default}, so nothing can be written to it: make it a column of type {}",
                column.name,
                column.sql()
            )),
            false => Ok(None),
        };
    }
    match column.wire(&sql) {
        Some(wire) => Ok(Some(Used {
            name: column.name,
            sql,
            step: Step {
                column: column.source,
                wire,
            },
        })),
        None => Err(format!(
            "column `{}` of table {table} is of type {sql}, which isn't written: make it {}, or name another table",
            column.name,
            column.sql()
        )),
    }
}
