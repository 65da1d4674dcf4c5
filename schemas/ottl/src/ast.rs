//! The syntax tree: what a text says, before anybody knows whether its names exist. Every node knows its byte offset.

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Statement {
    pub(super) editor: Call,
    pub(super) condition: Option<Or>,
}

/// Terms joined by `or`, each of them values joined by `and`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Or(pub(super) Vec<And>);

#[derive(Clone, Debug, PartialEq)]
pub(super) struct And(pub(super) Vec<Truth>);

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Truth {
    pub(super) negated: bool,
    pub(super) of: TruthOf,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum TruthOf {
    Comparison {
        left: Expr,
        operator: Comparison,
        right: Expr,
    },
    Constant(bool),
    Call(Call),
    Group(Or),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Expr {
    pub(super) at: usize,
    pub(super) kind: ExprKind,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum ExprKind {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    Enum(String),
    Path(Path),
    Call(Call),
    /// `-x` of anything that isn't a number; signs of numbers are part of them.
    Negated(Box<Expr>),
    Arithmetic {
        left: Box<Expr>,
        operator: Arithmetic,
        right: Box<Expr>,
    },
    List(Vec<Expr>),
    Map(Vec<(String, Expr)>),
    /// The bare name of a function, which is an argument of a few functions.
    FunctionName(String),
    /// An expression in parentheses or with a sign: the same value, but not a literal any more.
    Computed(Box<Expr>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
}

/// A converter or an editor with its arguments. Only converters have keys.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    pub(super) at: usize,
    pub(super) name: String,
    pub(super) arguments: Vec<Argument>,
    pub(super) keys: Vec<Key>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Argument {
    pub(super) at: usize,
    pub(super) name: Option<String>,
    pub(super) value: Expr,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Path {
    pub(super) at: usize,
    pub(super) fields: Vec<Field>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    pub(super) at: usize,
    pub(super) name: String,
    pub(super) keys: Vec<Key>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Key {
    Text(String),
    Int(i64),
    Expr(Expr),
}
