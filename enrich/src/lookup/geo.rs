//! MaxMind's database format: values by network, such as the countries and cities of addresses.

use std::fmt;
use std::net::IpAddr;

use maxminddb::{LookupResult, PathElement, Reader};
use ottl::Value;
use serde::de::{Deserialize, Deserializer, Error, Visitor};

use super::fault::Fault;
use super::wanted::Wanted;

/// A database, and the paths to the values that are wanted.
pub(crate) struct Networks {
    reader: Reader<Vec<u8>>,
    bytes: usize,
    paths: Vec<Vec<Step>>,
}

/// One name or place in a path: `subdivisions.0.iso_code`.
enum Step {
    Key(String),
    Index(usize),
}

/// The network that an address is in.
pub(crate) struct Network<'t> {
    found: LookupResult<'t, Vec<u8>>,
    paths: &'t [Vec<Step>],
}

impl fmt::Debug for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = &self.reader.metadata().database_type;
        f.debug_struct("Networks").field("kind", kind).finish()
    }
}

impl Networks {
    /// Looks at the whole database, so that one that is torn is told apart now.
    pub(super) fn new(bytes: Vec<u8>, wanted: &Wanted) -> Result<Self, Fault> {
        let malformed = |why: String| Fault::Malformed {
            format: "a MaxMind database",
            why,
        };
        let size = bytes.len();
        let reader = Reader::from_source(bytes).map_err(|error| malformed(error.to_string()))?;
        reader
            .verify()
            .map_err(|error| malformed(error.to_string()))?;
        let paths = wanted.columns.iter().map(|path| {
            let steps = path.split('.').map(|step| match step.parse() {
                Ok(index) => Step::Index(index),
                Err(_) => Step::Key(step.to_owned()),
            });
            steps.collect()
        });
        Ok(Self {
            reader,
            bytes: size,
            paths: paths.collect(),
        })
    }

    pub(super) fn find(&self, address: &str) -> Option<Network<'_>> {
        let address: IpAddr = address.parse().ok()?;
        let found = self.reader.lookup(address.to_canonical()).ok()?;
        found.has_data().then_some(Network {
            found,
            paths: &self.paths,
        })
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn nodes(&self) -> u64 {
        self.reader.metadata().node_count.into()
    }
}

impl Network<'_> {
    pub(super) fn value(&self, column: usize) -> Value<'static> {
        let Some(path) = self.paths.get(column) else {
            return Value::Nil;
        };
        let path: Vec<_> = path
            .iter()
            .map(|step| match step {
                Step::Key(key) => PathElement::Key(key),
                Step::Index(index) => PathElement::Index(*index),
            })
            .collect();
        match self.found.decode_path::<Plain>(&path) {
            Ok(Some(Plain(value))) => value,
            // Not there, or no plain value.
            Ok(None) | Err(_) => Value::Nil,
        }
    }
}

/// Text, a number, true or false.
struct Plain(Value<'static>);

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Of;
        impl Visitor<'_> for Of {
            type Value = Plain;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a plain value")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Plain, E> {
                Ok(Plain(Value::Text(text.to_owned().into())))
            }

            fn visit_bool<E: Error>(self, value: bool) -> Result<Plain, E> {
                Ok(Plain(Value::Bool(value)))
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Plain, E> {
                Ok(Plain(Value::Int(value)))
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Plain, E> {
                i64::try_from(value)
                    .map(|value| Plain(Value::Int(value)))
                    .map_err(|_| E::custom("above 63 bits"))
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<Plain, E> {
                Ok(Plain(Value::Float(value)))
            }
        }
        deserializer.deserialize_any(Of)
    }
}
