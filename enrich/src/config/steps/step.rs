//! One entry of the list: the kind of step, and what it is to do.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{
    RawAttributes, RawFilter, RawK8sAttributes, RawLookup, RawResource, RawSchema, RawSpanName,
    RawStatus, RawTransform,
};

/// Declares the kinds of steps, so that names and types stay together.
macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident: $variant:ident($type:ty),)*) => {
        /// What a step does, by its kind.
        #[derive(Clone, Debug, Serialize)]
        #[serde(untagged)]
        pub enum RawStepKind {
            $($variant($type),)*
        }

        impl RawStepKind {
            /// Every kind of step.
            pub const KINDS: &'static [&'static str] = &[$(stringify!($name)),*];

            fn read<'de, M: MapAccess<'de>>(kind: &str, map: &mut M) -> Result<Self, M::Error> {
                match kind {
                    $(stringify!($name) => map.next_value().map(Self::$variant),)*
                    other => Err(M::Error::unknown_field(other, Self::KINDS)),
                }
            }
        }

        /// One step: a single key, its kind. A name may follow behind a slash, such as `filter/health`.
        #[derive(JsonSchema)]
        #[schemars(deny_unknown_fields)]
        #[allow(dead_code)]
        struct Kinds {
            $($(#[$doc])* $name: Option<$type>,)*
        }
    };
}

kinds! {
    /// Statements in OTTL that change items, events, scopes and resources.
    transform: Transform(RawTransform),
    /// Conditions in OTTL: items and events for which one holds are taken out.
    filter: Filter(RawFilter),
    /// Edits attributes of spans, log records and data points.
    attributes: Attributes(RawAttributes),
    /// Edits attributes of resources.
    resource: Resource(RawResource),
    /// Attributes out of a table, by the value of another one.
    lookup: Lookup(RawLookup),
    /// Attributes of older semantic conventions become those of one version.
    schema: Schema(RawSchema),
    /// Spans get names by the semantic conventions, without ids.
    span_name: SpanName(RawSpanName),
    /// Spans that failed by their protocol, and have no status yet, get the status ERROR.
    status: Status(RawStatus),
    /// Adds attributes of the Kubernetes pod that sent a resource.
    k8s_attributes: K8sAttributes(RawK8sAttributes),
}

/// One step, as it is written: a map with one key.
#[derive(Clone, Debug)]
pub struct RawStep {
    /// Its keys, of which there must be one: `filter`, or `filter/health`.
    pub entries: Vec<(String, RawStepKind)>,
}

/// The kind of a step that is written `kind` or `kind/name`.
pub fn kind_of(key: &str) -> &str {
    key.split_once('/').map_or(key, |(kind, _)| kind)
}

impl Serialize for RawStep {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.entries.len()))?;
        for (key, kind) in &self.entries {
            map.serialize_entry(key, kind)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for RawStep {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = RawStep;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a step, such as `filter: {…}`")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<RawStep, M::Error> {
                let mut entries = Vec::new();
                while let Some(key) = map.next_key::<String>()? {
                    let kind = RawStepKind::read(kind_of(&key), &mut map)?;
                    entries.push((key, kind));
                }
                Ok(RawStep { entries })
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

impl JsonSchema for RawStep {
    fn schema_name() -> Cow<'static, str> {
        "RawStep".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Kinds::json_schema(generator);
        let properties = schema.get("properties").cloned().unwrap_or_default();
        let named = properties.as_object().into_iter().flatten();
        let named = named.map(|(kind, value)| (format!("^{kind}/."), value.clone()));
        let named: serde_json::Map<_, _> = named.collect();
        schema.insert("patternProperties".into(), named.into());
        schema.insert("minProperties".into(), 1.into());
        schema.insert("maxProperties".into(), 1.into());
        schema
    }
}
