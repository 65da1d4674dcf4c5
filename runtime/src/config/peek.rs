//! One value of a text that may be wrong elsewhere: what has to be known before the configuration is.

use super::yaml::{self, Environment, Kind};

/// The scalar at `path`, with the environment put in; `None` when it isn't there, or the text isn't YAML.
pub fn peek(text: &str, path: &[&str], environment: &Environment) -> Option<String> {
    let mut node = yaml::parse(text, Some(environment), &mut Vec::new())?;
    for key in path {
        let Kind::Mapping(entries) = node.kind else {
            return None;
        };
        node = (entries.into_iter().find(|entry| entry.key == *key))?.value;
    }
    match node.kind {
        Kind::Scalar(scalar) => Some(scalar.text),
        _ => None,
    }
}
