//! A column: what it is called, of which type it is created, which types it may have instead, and how values of those are written. Pure.

/// A value's type as a table is created with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    Text,
    /// With a dictionary.
    Word,
    /// Of attributes.
    Map,
    /// Time in nanoseconds.
    Nanos,
    /// Time in seconds.
    Seconds,
    UInt8,
    UInt32,
    UInt64,
    Int32,
    Float64,
    Bool,
}

/// How values of a column are written in RowBinary.
/// Source: <https://clickhouse.com/docs/interfaces/formats/RowBinary>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// Text by its length, maps by their count, 64-bit floats: there is one way.
    Plain,
    /// Time as `UInt32`, seconds since 1970.
    Seconds,
    /// Time as `Int64`, ticks of so many nanoseconds since 1970.
    Ticks(u32),
    /// A number of so many bytes.
    Unsigned(u8),
    Signed(u8),
}

/// A column of one of our tables.
#[derive(Clone, Copy, Debug)]
pub struct Column<S> {
    pub name: &'static str,
    pub scalar: Scalar,
    /// An array of them: one part of a `Nested`.
    pub many: bool,
    /// Empty: none.
    pub codec: &'static str,
    /// A table without it can't be used. Others came later, and tables may be older.
    pub required: bool,
    pub source: S,
}

impl Scalar {
    /// The type in SQL.
    pub fn sql(self) -> &'static str {
        match self {
            Self::Text => "String",
            Self::Word => "LowCardinality(String)",
            Self::Map => "Map(LowCardinality(String), String)",
            Self::Nanos => "DateTime64(9)",
            Self::Seconds => "DateTime",
            Self::UInt8 => "UInt8",
            Self::UInt32 => "UInt32",
            Self::UInt64 => "UInt64",
            Self::Int32 => "Int32",
            Self::Float64 => "Float64",
            Self::Bool => "Bool",
        }
    }

    /// How it is written to a column that has this type; `None`: it can't be. Types differ among versions of the Collector's exporter, and
    /// people have tables of their own.
    pub fn wire(self, sql: &str) -> Option<Wire> {
        match self {
            Self::Text | Self::Word => is_text(sql).then_some(Wire::Plain),
            Self::Map => {
                let inner = bracketed(sql, "Map")?;
                let (key, value) = inner.split_once(", ")?;
                (is_text(key) && is_text(value)).then_some(Wire::Plain)
            }
            Self::Nanos | Self::Seconds => time(sql),
            Self::UInt8 | Self::UInt32 | Self::UInt64 | Self::Int32 | Self::Bool => number(sql),
            Self::Float64 => (sql == "Float64").then_some(Wire::Plain),
        }
    }
}

impl<S> Column<S> {
    /// The type in SQL.
    pub fn sql(&self) -> String {
        match self.many {
            true => format!("Array({})", self.scalar.sql()),
            false => self.scalar.sql().to_owned(),
        }
    }

    /// As [`Scalar::wire`], for each of an array.
    pub fn wire(&self, sql: &str) -> Option<Wire> {
        match self.many {
            true => self.scalar.wire(bracketed(sql, "Array")?),
            false => self.scalar.wire(sql),
        }
    }
}

fn is_text(sql: &str) -> bool {
    matches!(sql, "String" | "LowCardinality(String)")
}

/// `DateTime`, `DateTime('UTC')`, `DateTime64(9)`, `DateTime64(9, 'UTC')`. The zone says how it is shown.
fn time(sql: &str) -> Option<Wire> {
    if sql == "DateTime" || bracketed(sql, "DateTime").is_some() {
        return Some(Wire::Seconds);
    }
    let digits = bracketed(sql, "DateTime64")?.split(',').next()?;
    let digits: u32 = digits.parse().ok().filter(|digits| *digits <= 9)?;
    Some(Wire::Ticks(10_u32.pow(9 - digits)))
}

fn number(sql: &str) -> Option<Wire> {
    Some(match sql {
        "Bool" | "UInt8" => Wire::Unsigned(1),
        "UInt16" => Wire::Unsigned(2),
        "UInt32" => Wire::Unsigned(4),
        "UInt64" => Wire::Unsigned(8),
        "Int8" => Wire::Signed(1),
        "Int16" => Wire::Signed(2),
        "Int32" => Wire::Signed(4),
        "Int64" => Wire::Signed(8),
        _ => return None,
    })
}

/// What stands in the brackets of `name(…)`.
fn bracketed<'a>(sql: &'a str, name: &str) -> Option<&'a str> {
    sql.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_that_a_column_may_have() {
        for (scalar, sql, expected) in [
            (Scalar::Text, "LowCardinality(String)", Some(Wire::Plain)),
            (Scalar::Word, "String", Some(Wire::Plain)),
            (Scalar::Text, "Nullable(String)", None),
            (Scalar::Text, "FixedString(32)", None),
            (Scalar::Map, "Map(String, String)", Some(Wire::Plain)),
            (
                Scalar::Map,
                "Map(LowCardinality(String), String)",
                Some(Wire::Plain),
            ),
            (
                Scalar::Map,
                "Map(LowCardinality(String), LowCardinality(String))",
                Some(Wire::Plain),
            ),
            (Scalar::Map, "Map(String, UInt8)", None),
            (Scalar::Map, "JSON", None),
            (Scalar::Nanos, "DateTime64(9)", Some(Wire::Ticks(1))),
            (
                Scalar::Nanos,
                "DateTime64(3, 'UTC')",
                Some(Wire::Ticks(1_000_000)),
            ),
            (
                Scalar::Nanos,
                "DateTime64(0)",
                Some(Wire::Ticks(1_000_000_000)),
            ),
            (Scalar::Nanos, "DateTime64(12)", None),
            (Scalar::Nanos, "DateTime", Some(Wire::Seconds)),
            (
                Scalar::Seconds,
                "DateTime('Europe/Berlin')",
                Some(Wire::Seconds),
            ),
            (Scalar::Seconds, "Date", None),
            (Scalar::UInt64, "Int64", Some(Wire::Signed(8))),
            (Scalar::Int32, "UInt8", Some(Wire::Unsigned(1))),
            (Scalar::Bool, "Bool", Some(Wire::Unsigned(1))),
            (Scalar::UInt64, "UInt128", None),
            (Scalar::Float64, "Float64", Some(Wire::Plain)),
            (Scalar::Float64, "Float32", None),
        ] {
            assert_eq!(scalar.wire(sql), expected, "{scalar:?} in {sql}");
            assert!(scalar.wire(scalar.sql()).is_some());
        }
    }
}
