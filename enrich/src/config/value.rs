//! A value of an attribute as configurations write it.

use redact::Fixed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum RawValue {
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
}

impl RawValue {
    pub(super) fn fixed(&self) -> Fixed {
        match self {
            Self::Bool(value) => Fixed::Bool(*value),
            Self::Int(value) => Fixed::Int(*value),
            Self::Double(value) => Fixed::Double(*value),
            Self::Text(text) => Fixed::Text(text.clone()),
        }
    }

    /// As steps handle it.
    pub(super) fn in_ottl(&self) -> ottl::Value<'static> {
        match self {
            Self::Bool(value) => ottl::Value::Bool(*value),
            Self::Int(value) => ottl::Value::Int(*value),
            Self::Double(value) => ottl::Value::Float(*value),
            Self::Text(text) => ottl::Value::Text(text.clone().into()),
        }
    }
}
