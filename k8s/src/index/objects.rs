//! What pods belong to and run on: namespaces, nodes, workloads. There are few of them, and an object that went is found until another one has its name.

use hashbrown::HashMap;

use super::interner::Interner;
use crate::object::{Deletion, Kind, Object, Text};

/// More than this are not taken.
const OBJECTS_MAX: usize = 500_000;

#[derive(Debug, Default)]
pub(super) struct Objects {
    by_name: HashMap<Key, Known>,
    names: HashMap<Text, Key>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    cluster: Text,
    kind: Kind,
    namespace: Text,
    name: Text,
}

#[derive(Debug)]
struct Known {
    object: Object,
    seen_ms: u64,
    deletion: Option<Deletion>,
}

impl Objects {
    pub(super) fn put(
        &mut self,
        cluster: Text,
        seen_ms: u64,
        object: Object,
        interner: &mut Interner,
    ) -> bool {
        let object = interner.object(object);
        let key = Key {
            cluster: interner.shared(&cluster),
            kind: object.kind,
            namespace: object.namespace.clone(),
            name: object.name.clone(),
        };
        if let Some(known) = self.by_name.get(&key) {
            let is_same = known.object == object && known.deletion.is_none();
            let is_gone = |gone: Deletion| {
                known.object.uid == object.uid && (gone.is_exact || gone.at_ms >= seen_ms)
            };
            if is_same || known.seen_ms > seen_ms || known.deletion.is_some_and(is_gone) {
                return false;
            }
            self.names.remove(&known.object.uid);
        } else if self.by_name.len() >= OBJECTS_MAX || object.uid.is_empty() {
            return false;
        }
        self.names.insert(object.uid.clone(), key.clone());
        let known = Known {
            object,
            seen_ms,
            deletion: None,
        };
        self.by_name.insert(key, known);
        true
    }

    pub(super) fn delete(&mut self, uid: &str, deletion: Deletion) -> bool {
        let key = self.names.get(uid);
        let Some(known) = key.and_then(|key| self.by_name.get_mut(key)) else {
            return false;
        };
        let is_news = known.deletion.is_none()
            && known.object.uid.as_ref() == uid
            && (deletion.is_exact || deletion.at_ms >= known.seen_ms);
        if is_news {
            known.deletion = Some(deletion);
        }
        is_news
    }

    pub(super) fn get(
        &self,
        cluster: &str,
        kind: Kind,
        namespace: &str,
        name: &str,
    ) -> Option<&Object> {
        let key = Key {
            cluster: cluster.into(),
            kind,
            namespace: namespace.into(),
            name: name.into(),
        };
        self.by_name.get(&key).map(|known| &known.object)
    }

    pub(super) fn expire(&mut self, is_over: impl Fn(Deletion) -> bool) {
        self.by_name
            .retain(|_, known| !known.deletion.is_some_and(&is_over));
        let by_name = &self.by_name;
        self.names.retain(|_, key| by_name.contains_key(key));
    }
}
