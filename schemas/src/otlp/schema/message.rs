//! What a table of fields is made of.

/// A message type.
#[derive(Debug)]
pub struct Message {
    /// As the protocol calls it: `Span`.
    pub name: &'static str,
    pub role: Role,
    pub fields: &'static [Field],
    /// Index into `fields` by number, [`ABSENT`] where there is none; OTLP has no number above 16.
    by_number: [u8; 17],
    /// The tag of the field that holds its attributes; 0, which is no tag, where there are none.
    pub attributes_tag: u8,
    /// Whether all of its fields are alternatives of one `oneof`.
    pub is_choice: bool,
}

/// What a message is in the nesting that the signals share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The request, or anything within a resource, a scope or an item that isn't named here.
    Inner,
    /// `ResourceSpans` and its siblings: a resource with its scopes.
    OfResource,
    Resource,
    /// `ScopeSpans` and its siblings: a scope with its items.
    OfScope,
    /// A span or log record.
    Item,
    /// An item that has no attributes of its own: its data points do.
    Metric,
    /// A data point of a metric.
    DataPoint,
}

#[derive(Debug)]
pub struct Field {
    pub number: u32,
    /// The lowerCamelCase name.
    pub name: &'static str,
    pub kind: Kind,
    pub presence: Presence,
    pub meaning: Meaning,
}

/// What a field holds, beyond its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    Plain,
    /// One of repeated `KeyValue`s.
    Attribute,
    /// W3C `tracestate`: entries, separated by commas.
    TraceState,
}

/// Protobuf's types, where JSON or the wire treats them differently.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Message(&'static Message),
    Text,
    /// Base64 in JSON.
    Bytes,
    /// Trace and span ids, of this many bytes: hex in JSON.
    Id(u8),
    Bool,
    Int32,
    Uint32,
    Sint32,
    Int64,
    Uint64,
    Fixed32,
    Fixed64,
    Sfixed64,
    Double,
    Enum,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Absent is the same as zero or empty.
    Scalar,
    /// `optional`, or a message: zero or empty differs from absent.
    Set,
    /// Repeated; numbers are packed.
    Many,
    /// One of the message's alternatives. No OTLP message has two such groups.
    OneOf,
}

const ABSENT: u8 = u8::MAX;

impl Message {
    pub(super) const fn new(name: &'static str, fields: &'static [Field]) -> Self {
        Self::at(Role::Inner, name, fields)
    }

    pub(super) const fn at(role: Role, name: &'static str, fields: &'static [Field]) -> Self {
        let mut by_number = [ABSENT; 17];
        let mut attributes_tag = 0;
        let mut is_choice = true;
        let mut at = 0;
        while at < fields.len() {
            by_number[fields[at].number as usize] = at as u8;
            if matches!(fields[at].meaning, Meaning::Attribute) {
                attributes_tag = (fields[at].number as u8) << 3 | 2;
            }
            is_choice &= matches!(fields[at].presence, Presence::OneOf);
            at += 1;
        }
        Self {
            name,
            role,
            fields,
            by_number,
            attributes_tag,
            is_choice,
        }
    }

    /// The field with this number; `None`: this version of the protocol has none.
    #[inline]
    pub fn field(&self, number: u32) -> Option<&'static Field> {
        let index = *self.by_number.get(number as usize)?;
        self.fields.get(usize::from(index))
    }

    /// The field with this lowerCamelCase name.
    pub fn field_named(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

impl Kind {
    /// The wire type of a single number; `None` for what is length-delimited.
    #[inline]
    pub fn wire_type(self) -> Option<u8> {
        match self {
            Self::Message(_) | Self::Text | Self::Bytes | Self::Id(_) => None,
            Self::Fixed64 | Self::Sfixed64 | Self::Double => Some(1),
            Self::Fixed32 => Some(5),
            _ => Some(0),
        }
    }

    #[inline]
    pub fn is_number(self) -> bool {
        self.wire_type().is_some()
    }
}

pub(super) const fn field(
    number: u32,
    name: &'static str,
    kind: Kind,
    presence: Presence,
) -> Field {
    Field {
        number,
        name,
        kind,
        presence,
        meaning: Meaning::Plain,
    }
}

pub(super) const fn trace_state(number: u32) -> Field {
    Field {
        meaning: Meaning::TraceState,
        ..field(number, "traceState", Kind::Text, Presence::Scalar)
    }
}

pub(super) const fn message(number: u32, name: &'static str, of: &'static Message) -> Field {
    field(number, name, Kind::Message(of), Presence::Set)
}

pub(super) const fn messages(number: u32, name: &'static str, of: &'static Message) -> Field {
    field(number, name, Kind::Message(of), Presence::Many)
}

pub(super) const fn choice(number: u32, name: &'static str, kind: Kind) -> Field {
    field(number, name, kind, Presence::OneOf)
}
