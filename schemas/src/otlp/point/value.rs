//! The values of data points and exemplars.

/// What a point or an exemplar has as its value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// There is none.
    Absent,
    Int(i64),
    Double(f64),
}

impl Number {
    /// As a double; integers beyond 2⁵³ are rounded.
    pub fn as_f64(self) -> Option<f64> {
        match self {
            Self::Absent => None,
            Self::Int(value) => Some(value as f64),
            Self::Double(value) => Some(value),
        }
    }
}
