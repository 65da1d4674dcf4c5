//! A text and its syntax tree.

pub(crate) mod ast;
mod lexer;
mod parser;

pub(crate) use parser::{condition, expression, statement};
