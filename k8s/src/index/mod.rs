//! The index: every pod that is there or was not long ago, found by what telemetry says of its sender and by when it was sent.
//!
//! Pods lie in one table of numbered places; all ways to find them are sets of such numbers by a hash, so that no key is stored twice. Text that
//! pods share is stored once.

mod find;
mod interner;
mod interval;
mod objects;
mod places;

use hashbrown::HashSet;

use crate::object::{Deletion, Entry, Kind, Object, Pod, Text};
use interner::Interner;
use objects::Objects;
use places::Places;

pub use find::{Found, Query};
pub use interval::TOLERANCE_MS;

/// More pods than this, deleted ones included, are not taken: about 1 GiB.
const PODS_MAX: usize = 500_000;

/// Pods and the objects that they belong to.
#[derive(Debug, Default)]
pub struct Index {
    places: Vec<Option<Held>>,
    free: Vec<u32>,
    uids: Places,
    ips: Places,
    containers: Places,
    names: Places,
    objects: Objects,
    interner: Interner,
    clusters: HashSet<Text>,
    pods: usize,
}

/// A pod in the index.
#[derive(Debug)]
struct Held {
    cluster: Text,
    pod: Pod,
    seen_ms: u64,
    deletion: Option<Deletion>,
}

impl Index {
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes over what a record says. Saying it twice, or an older state after a newer one, changes nothing. Returns whether anything was changed.
    pub fn apply(&mut self, entry: Entry) -> bool {
        match entry {
            Entry::Pod {
                cluster,
                seen_ms,
                pod,
            } => self.put(cluster, seen_ms, pod),
            Entry::Object {
                cluster,
                seen_ms,
                object,
            } => self
                .objects
                .put(cluster, seen_ms, object, &mut self.interner),
            Entry::Deleted {
                kind: Kind::Pod,
                uid,
                deletion,
                ..
            } => self.delete(&uid, deletion),
            Entry::Deleted { uid, deletion, .. } => self.objects.delete(&uid, deletion),
            Entry::Listed { .. } => false,
        }
    }

    /// Forgets what went so long ago that nobody asks for it any more.
    pub fn expire(&mut self, now_ms: u64) {
        let is_over = |deletion: Deletion| deletion.at_ms.saturating_add(deletion.keep_ms) < now_ms;
        for place in 0..self.places.len() {
            let held = self.places[place].as_ref();
            if held.and_then(|held| held.deletion).is_some_and(is_over) {
                self.remove(place as u32);
            }
        }
        self.objects.expire(is_over);
        self.interner.sweep();
    }

    /// Pods that are there, and pods that were.
    pub fn pods(&self) -> (usize, usize) {
        let held = self.places.iter().flatten();
        let deleted = held.filter(|held| held.deletion.is_some()).count();
        (self.pods - deleted, deleted)
    }

    /// Whether any pod was told of a cluster of this name.
    pub fn has_cluster(&self, name: &str) -> bool {
        self.clusters.contains(name)
    }

    /// The object of that kind and name, as it is now or was last.
    pub fn object(
        &self,
        cluster: &str,
        kind: Kind,
        namespace: &str,
        name: &str,
    ) -> Option<&Object> {
        self.objects.get(cluster, kind, namespace, name)
    }

    fn put(&mut self, cluster: Text, seen_ms: u64, pod: Pod) -> bool {
        let known = self.place_of(&pod.uid);
        let mut deletion = None;
        if let Some(held) = known.and_then(|place| self.held(place)) {
            // What was seen to go never comes back; what was only missing may have been overlooked.
            let is_gone = |gone: Deletion| gone.is_exact || gone.at_ms >= seen_ms;
            deletion = held.deletion.filter(|gone| is_gone(*gone));
            if held.seen_ms > seen_ms || (held.pod == pod && held.deletion == deletion) {
                return false;
            }
        } else if self.pods >= PODS_MAX || pod.uid.is_empty() {
            return false;
        }
        if let Some(place) = known {
            self.remove(place);
        }
        if !self.clusters.contains(&cluster) {
            self.clusters.insert(cluster.clone());
        }
        let held = Held {
            cluster: self.interner.shared(&cluster),
            pod: self.interner.pod(pod),
            seen_ms,
            deletion,
        };
        self.insert(held);
        true
    }

    fn delete(&mut self, uid: &str, deletion: Deletion) -> bool {
        let place = self.place_of(uid);
        let held = place.and_then(|place| self.places[place as usize].as_mut());
        let Some(held) = held else {
            return false;
        };
        let is_news = match held.deletion {
            // An older list: the pod was seen since.
            None => deletion.is_exact || deletion.at_ms >= held.seen_ms,
            // The first who saw it go knows best when.
            Some(known) => (deletion.is_exact, known.at_ms) > (known.is_exact, deletion.at_ms),
        };
        if is_news {
            held.deletion = Some(deletion);
        }
        is_news
    }

    fn held(&self, place: u32) -> Option<&Held> {
        self.places.get(place as usize)?.as_ref()
    }

    fn place_of(&self, uid: &str) -> Option<u32> {
        let is_it = |place: &u32| self.held(*place).is_some_and(|held| *held.pod.uid == *uid);
        self.uids.at(uid).find(is_it)
    }

    fn insert(&mut self, held: Held) {
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(None);
            (self.places.len() - 1) as u32
        });
        self.pods += 1;
        self.uids.add(held.pod.uid.as_ref(), place);
        self.names.add(held.pod.name.as_ref(), place);
        if !held.pod.host_network {
            for ip in &held.pod.ips {
                self.ips.add(ip, place);
            }
        }
        for container in container_ids(&held.pod) {
            self.containers.add(container, place);
        }
        self.places[place as usize] = Some(held);
    }

    fn remove(&mut self, place: u32) {
        let Some(held) = self.places[place as usize].take() else {
            return;
        };
        self.pods -= 1;
        self.free.push(place);
        self.uids.remove(held.pod.uid.as_ref(), place);
        self.names.remove(held.pod.name.as_ref(), place);
        for ip in &held.pod.ips {
            self.ips.remove(ip, place);
        }
        for container in container_ids(&held.pod) {
            self.containers.remove(container, place);
        }
    }
}

fn container_ids(pod: &Pod) -> impl Iterator<Item = &str> {
    let instances = pod.containers.iter().flat_map(|one| &one.instances);
    instances.map(|instance| &*instance.id)
}
