//! Compiled texts: what the crate is used for.

mod condition;
mod conditions;
mod item_filter;
mod statement;
mod statements;

pub use condition::{Condition, Expression, Needs};
pub use conditions::{Conditions, ErrorMode, Outcome};
pub use item_filter::{Fate, ItemFilter};
pub use statement::Statement;
pub use statements::{Executed, Statements};
