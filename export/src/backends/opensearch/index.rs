//! Names of indices and data streams: the template of the configuration, filled in, and what such a name says.

use schemas::Signal;

/// What stands for the signal in a template.
const SIGNAL: &str = "{signal}";
/// Of both OpenSearch and Elasticsearch.
const NAME_BYTES_MAX: usize = 255;

/// The name of an index, alias or data stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    pub name: String,
    /// The middle and the end of a name of the form `type-dataset-namespace`, which documents repeat.
    pub data_stream: Option<(String, String)>,
}

impl Index {
    /// A template with the signal in its place.
    ///
    /// # Errors
    /// No index can have that name.
    /// Source: <https://docs.opensearch.org/latest/api-reference/index-apis/create-index/#index-naming-restrictions>.
    pub fn of(template: &str, signal: Signal) -> Result<Self, &'static str> {
        let name = template.replace(SIGNAL, signal.name());
        let refused = |c: char| {
            c.is_ascii_uppercase() || c <= ' ' || c == '\x7f' || "\\/*?\"<>|,#:{}".contains(c)
        };
        if name.is_empty() || name.len() > NAME_BYTES_MAX {
            return Err("is not 1 to 255 bytes");
        }
        if name.contains(refused) {
            return Err(
                "holds what the name of an index can't: upper case, spaces or one of \\ / * ? \" < > | , # : { }",
            );
        }
        if name.starts_with(['-', '_', '+', '.']) {
            return Err("begins with -, _, + or a dot");
        }
        let parts: Vec<_> = name.split('-').collect();
        let data_stream = match parts[..] {
            [_, dataset, namespace] => Some((dataset.to_owned(), namespace.to_owned())),
            _ => None,
        };
        Ok(Self { name, data_stream })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let of = |template: &str| Index::of(template, Signal::Traces);
        let parts = |template: &str| of(template).unwrap().data_stream;
        let pair =
            |dataset: &str, namespace: &str| Some((dataset.to_owned(), namespace.to_owned()));
        assert_eq!(
            of("ss4o_{signal}-default-namespace").unwrap().name,
            "ss4o_traces-default-namespace"
        );
        assert_eq!(
            parts("ss4o_{signal}-default-namespace"),
            pair("default", "namespace")
        );
        assert_eq!(
            parts("{signal}-generic.otel-default"),
            pair("generic.otel", "default")
        );
        assert_eq!(parts("spans"), None);
        assert_eq!(parts("a-b-c-d"), None);
        for wrong in [
            "",
            "Spans",
            "a b",
            "_a",
            ".a",
            "{tenant}",
            "a/b",
            "ä\u{1}",
            &"a".repeat(256),
        ] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }
}
