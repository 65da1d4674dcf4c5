//! What steps read and set without a text in OTTL: some fields, and which attributes there are; all as it is now.

use std::borrow::Cow;

use super::Draft;
use super::write::write;
use crate::paths::field::{Field, ResourceField, ScopeField, SpanField};
use crate::paths::{attributes, attributes_of, read};
use crate::telemetry::Part;
use crate::value::{Result, Value, convert};

impl<'a> Draft<'a> {
    /// The name of the span.
    ///
    /// # Errors
    /// It can't be read.
    pub fn span_name(&self) -> Result<Cow<'a, str>> {
        match self.span_field(SpanField::Name)? {
            Value::Nil => Ok(Cow::Borrowed("")),
            name => convert::text(name),
        }
    }

    /// The number of its kind: 0 (unspecified) to 5 (consumer).
    ///
    /// # Errors
    /// It can't be read.
    pub fn span_kind(&self) -> Result<i64> {
        self.span_number(SpanField::Kind)
    }

    /// The code of its status: 0 (unset), 1 (ok) or 2 (error).
    ///
    /// # Errors
    /// It can't be read.
    pub fn span_status(&self) -> Result<i64> {
        self.span_number(SpanField::StatusCode)
    }

    /// # Errors
    /// What was changed so far can't be read.
    pub fn set_span_name(&mut self, name: String) -> Result<()> {
        let name = Value::Text(name.into());
        write(Field::Span(SpanField::Name), self, name)
    }

    /// Sets the code of its status, and leaves the message.
    ///
    /// # Errors
    /// The status can't be read.
    pub fn set_span_status(&mut self, code: i64) -> Result<()> {
        write(Field::Span(SpanField::StatusCode), self, Value::Int(code))
    }

    /// The schema that a resource or a scope says it follows; empty: it doesn't say.
    ///
    /// # Errors
    /// It can't be read.
    pub fn schema_url(&self, part: Part) -> Result<Cow<'a, str>> {
        match read(schema_url_of(part), self.subject())? {
            Value::Nil => Ok(Cow::Borrowed("")),
            url => convert::text(url),
        }
    }

    /// # Errors
    /// There is no such message here.
    pub fn set_schema_url(&mut self, part: Part, url: String) -> Result<()> {
        write(schema_url_of(part), self, Value::Text(url.into()))
    }

    /// Shows the keys of the attributes that a message has or had: a removed one may be among them, and one may come twice.
    ///
    /// # Errors
    /// The message can't be read.
    pub fn visit_keys(&self, part: Part, visit: impl FnMut(&[u8])) -> Result<()> {
        match attributes(attributes_of(part), self.subject()) {
            Some(attributes) => attributes.visit_keys(visit),
            None => Ok(()),
        }
    }

    fn span_number(&self, field: SpanField) -> Result<i64> {
        match self.span_field(field)? {
            Value::Int(number) => Ok(number),
            _ => Ok(0),
        }
    }

    fn span_field(&self, field: SpanField) -> Result<Value<'a>> {
        read(Field::Span(field), self.subject())
    }
}

/// Of a resource, or of any other part the scope's.
fn schema_url_of(part: Part) -> Field {
    match part {
        Part::Resource => Field::Resource(ResourceField::SchemaUrl),
        _ => Field::Scope(ScopeField::SchemaUrl),
    }
}
