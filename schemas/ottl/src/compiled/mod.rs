//! Compiled texts: what the crate is used for.

mod condition;
mod conditions;
mod statement;
mod statements;

pub use condition::{Condition, Expression, Needs};
pub use conditions::{Conditions, ErrorMode, Outcome};
pub use statement::Statement;
pub use statements::{Executed, Statements};
