//! Why a condition failed or was refused, by its message: so coarse that two implementations with other words can be compared, and so fine that an
//! error in another place, or of another kind, shows.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It can't be read.
    Syntax,
    /// No such path, function or argument.
    Name,
    /// A value of another type than needed: as an argument, an operand, or what is indexed.
    Type,
    /// A key or an index that isn't there.
    Missing,
    /// Text, or a number, that isn't of the form that a function reads.
    Form,
}

use Why::{Form, Missing, Name, Syntax, Type};

/// The first fragment that a message contains decides.
type Fragments = &'static [(&'static str, Why)];

const OURS: Fragments = &[
    ("no JSON", Form),
    ("even number of hexadecimal digits", Syntax),
    ("is no escape in a string", Syntax),
    ("is no octal number", Syntax),
    ("(), found ", Name),
    ("), found ", Name),
    ("to negate", Type),
    ("no function", Name),
    ("is a function's name", Name),
    ("has no parameter", Name),
    ("an argument without name behind", Name),
    ("no path", Name),
    ("is not a function of the context", Name),
    ("has no meaning here", Syntax),
    ("doesn't end", Syntax),
    ("is expected", Syntax),
    ("where one of these", Syntax),
    (": write ", Syntax),
    ("begin with an upper-case letter", Syntax),
    ("in the map", Missing),
    ("out of bounds", Missing),
    ("no arithmetic on", Type),
    ("has no keys", Type),
    ("has no such key", Type),
    ("has no such field", Type),
    ("can't be set", Type),
    ("can hold", Type),
    ("has no length", Type),
    ("is indexed with", Type),
    ("needs a list", Type),
    ("expected ", Type),
];

const THEIRS: Fragments = &[
    ("number greater than zero but got", Form),
    ("unary minus", Type),
    ("undefined function", Name),
    ("incorrect number of arguments", Name),
    ("no such parameter", Name),
    ("unnamed argument used after named argument", Name),
    ("is not a valid path", Name),
    ("was not used by the context", Name),
    ("no value field set", Name),
    ("has invalid syntax", Syntax),
    ("must start with an uppercase letter", Syntax),
    ("must start with a lowercase letter", Syntax),
    ("is not a valid operator", Syntax),
    ("key not found in map", Missing),
    ("out of bounds", Missing),
    ("constant expression must be bool", Type),
    ("must be int64", Type),
    ("must be float64", Type),
    ("only addition and subtraction supported", Type),
    ("must be subtracted from", Type),
    ("must be added to", Type),
    ("invalid value type for", Type),
    ("invalid type provided for", Type),
    ("unsupported value type", Type),
    ("key expression", Type),
    ("does not support string indexing", Type),
    ("does not support int indexing", Type),
    ("unable to resolve", Type),
    ("<Invalid value type", Type),
    ("unsupported target type", Type),
    ("unsupported type", Type),
    ("cannot be indexed", Type),
    ("cannot be modified", Type),
    ("unsupported data point type", Type),
    ("cannot set a slice of", Type),
    (" but got ", Type),
];

/// Whether the reference fails for the reason that we fail for.
pub fn same(ours: &str, theirs: &str) -> bool {
    find(OURS, ours) == find(THEIRS, innermost(theirs))
}

/// Whether the reference refuses a condition for a reason that we give, too: we name all problems, a line each, and it names the first that
/// it meets. A damaged condition may be one that can't be read or one with a wrong name, so the two are alike here.
pub fn same_refusal(ours: &str, theirs: &str) -> bool {
    let unreadable = |why| why == Syntax || why == Name;
    let theirs = find(THEIRS, innermost(theirs));
    ours.lines()
        .map(|line| find(OURS, line))
        .any(|ours| ours == theirs || unreadable(ours) && unreadable(theirs))
}

/// The reference puts what it was doing before the reason, once for each call around it.
fn innermost(message: &str) -> &str {
    message
        .rsplit("TransformContext]: ")
        .next()
        .unwrap_or(message)
}

/// What is none of the named kinds comes from a function that could not make sense of what it read.
fn find(fragments: Fragments, message: &str) -> Why {
    let known = fragments.iter().find(|(text, _)| message.contains(text));
    known.map_or(Form, |(_, why)| *why)
}
