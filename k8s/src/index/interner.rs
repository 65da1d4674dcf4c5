//! Text that many objects share, stored once.

use hashbrown::HashSet;

use crate::object::{Container, Object, Owner, Pairs, Pod, Text};

#[derive(Debug, Default)]
pub(super) struct Interner {
    texts: HashSet<Text>,
}

impl Interner {
    pub(super) fn shared(&mut self, text: &Text) -> Text {
        self.texts.get_or_insert_with(text, Text::clone).clone()
    }

    /// Forgets what nobody has any more.
    pub(super) fn sweep(&mut self) {
        self.texts.retain(|text| Text::strong_count(text) > 1);
    }

    /// Names, uids and ids of containers stay as they are: they are each pod's own.
    pub(super) fn pod(&mut self, mut pod: Pod) -> Pod {
        pod.namespace = self.shared(&pod.namespace);
        pod.node = pod.node.map(|node| self.shared(&node));
        // As a rule it is the name.
        pod.hostname = pod.hostname.map(|hostname| match hostname == pod.name {
            true => pod.name.clone(),
            false => hostname,
        });
        self.owners(&mut pod.owners);
        self.pairs(&mut pod.labels);
        self.pairs(&mut pod.annotations);
        for container in &mut pod.containers {
            let Container {
                name,
                image,
                image_id,
                ..
            } = container;
            for text in [name, image, image_id] {
                *text = self.shared(text);
            }
        }
        pod
    }

    pub(super) fn object(&mut self, mut object: Object) -> Object {
        object.namespace = self.shared(&object.namespace);
        object.name = self.shared(&object.name);
        self.owners(&mut object.owners);
        self.pairs(&mut object.labels);
        self.pairs(&mut object.annotations);
        object
    }

    fn owners(&mut self, owners: &mut [Owner]) {
        for Owner { kind, name, uid } in owners {
            for text in [kind, name, uid] {
                *text = self.shared(text);
            }
        }
    }

    fn pairs(&mut self, pairs: &mut Pairs) {
        for (key, value) in pairs {
            *key = self.shared(key);
            *value = self.shared(value);
        }
    }
}
