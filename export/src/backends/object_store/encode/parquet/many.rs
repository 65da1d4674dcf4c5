//! Columns of lists, and of values that may be absent. Pure.

use schemas::wire::WireError;

use super::leaf::{Leaf, Levels, Values};

/// A list of numbers in each row.
#[derive(Debug, Default)]
pub struct List<T> {
    levels: Levels,
    values: Vec<T>,
}

/// A number in some rows.
#[derive(Debug, Default)]
pub struct Maybe<T> {
    levels: Levels,
    values: Vec<T>,
}

/// What can be a column.
pub trait Number: Sized {
    fn values(all: &mut Vec<Self>) -> Values<'_>;
}

impl Number for i64 {
    fn values(all: &mut Vec<Self>) -> Values<'_> {
        Values::Longs(all)
    }
}

impl Number for i32 {
    fn values(all: &mut Vec<Self>) -> Values<'_> {
        Values::Ints(all)
    }
}

impl Number for f64 {
    fn values(all: &mut Vec<Self>) -> Values<'_> {
        Values::Doubles(all)
    }
}

impl<T: Number> List<T> {
    pub fn push(
        &mut self,
        all: impl Iterator<Item = Result<T, WireError>>,
    ) -> Result<(), WireError> {
        let mut rep = 0;
        for value in all {
            self.values.push(value?);
            self.levels.push(rep, 1);
            rep = 1;
        }
        if rep == 0 {
            self.levels.push(0, 0);
        }
        Ok(())
    }

    pub fn leaf(&mut self) -> Leaf<'_> {
        Leaf::nested(&self.levels, T::values(&mut self.values))
    }
}

impl<T: Number> Maybe<T> {
    pub fn push(&mut self, value: Option<T>) {
        self.levels.push(0, i16::from(value.is_some()));
        self.values.extend(value);
    }

    pub fn leaf(&mut self) -> Leaf<'_> {
        Leaf::nested(&self.levels, T::values(&mut self.values))
    }
}
