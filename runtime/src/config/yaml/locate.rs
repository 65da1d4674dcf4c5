//! Where in the file a path of the configuration stands.

use super::super::report::Place;
use super::tree::{Kind, Node};

/// Where a path leads in the file.
pub struct Located {
    pub place: Place,
    /// The whole path stands there; else it is the place of the nearest thing around it.
    pub whole: bool,
}

/// Where `path` stands: its value if that is a scalar, else its key; of what the user left out, the nearest thing around it.
pub fn locate(root: &Node, path: &str) -> Located {
    let (mut node, mut place, mut rest) = (root, Place::default(), path);
    loop {
        rest = rest.trim_start_matches('.');
        let around = Located {
            place,
            whole: rest.is_empty(),
        };
        match &node.kind {
            _ if rest.is_empty() => return around,
            Kind::Sequence(items) => {
                let Some((index, after)) = rest.strip_prefix('[').and_then(|r| r.split_once(']'))
                else {
                    return around;
                };
                let Some(item) = index.parse().ok().and_then(|index: usize| items.get(index))
                else {
                    return around;
                };
                (node, place, rest) = (item, item.place, after);
            }
            Kind::Mapping(entries) => {
                // Keys may hold dots themselves (`security.protocol`): the longest that fits is meant.
                let fits = |key: &str| {
                    let after = rest.strip_prefix(key)?;
                    (after.is_empty() || after.starts_with(['.', '['])).then_some(after)
                };
                let found = (entries.iter())
                    .filter_map(|entry| fits(&entry.key).map(|after| (entry, after)))
                    .max_by_key(|(entry, _)| entry.key.len());
                let Some((entry, after)) = found else {
                    return around;
                };
                (node, rest) = (&entry.value, after);
                place = match &entry.value.kind {
                    Kind::Scalar(_) if !entry.value.is_blank() => entry.value.place,
                    _ => entry.key_place,
                };
            }
            Kind::Scalar(_) | Kind::Unknown | Kind::Unset(_) => return around,
        }
    }
}
