//! The syntax tree: what a text says, before anybody knows whether its names exist. Every node knows its byte offset.

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Statement {
    pub(crate) editor: Call,
    pub(crate) condition: Option<Or>,
}

/// Terms joined by `or`, each of them values joined by `and`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Or(pub(crate) Vec<And>);

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct And(pub(crate) Vec<Truth>);

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Truth {
    pub(crate) negated: bool,
    pub(crate) of: TruthOf,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TruthOf {
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
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Expr {
    pub(crate) at: usize,
    pub(crate) kind: ExprKind,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ExprKind {
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
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
}

/// A converter or an editor with its arguments. Only converters have keys.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    pub(crate) at: usize,
    pub(crate) name: String,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) keys: Vec<Key>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Argument {
    pub(crate) at: usize,
    pub(crate) name: Option<String>,
    pub(crate) value: Expr,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Path {
    pub(crate) at: usize,
    pub(crate) fields: Vec<Field>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    pub(crate) at: usize,
    pub(crate) name: String,
    pub(crate) keys: Vec<Key>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Key {
    Text(String),
    Int(i64),
    Expr(Expr),
}
