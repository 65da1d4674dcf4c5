//! What of one kind of one cluster was told, and what therefore is news. Pure: takes what the API server says, and gives what is to be written.
//!
//! Objects are held as they are written, without the time; so what nobody extracts never counts as a change.

use hashbrown::{HashMap, HashSet};
use k8s::{Deletion, Entry, Kind, Object, Pod, Text, decode, encode};

/// An object as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Pod(Pod),
    Object(Object),
}

impl Seen {
    fn uid(&self) -> &Text {
        match self {
            Self::Pod(pod) => &pod.uid,
            Self::Object(object) => &object.uid,
        }
    }

    fn into_entry(self, cluster: Text, seen_ms: u64) -> Entry {
        match self {
            Self::Pod(pod) => Entry::Pod {
                cluster,
                seen_ms,
                pod,
            },
            Self::Object(object) => Entry::Object {
                cluster,
                seen_ms,
                object,
            },
        }
    }
}

/// What was told of one kind of one cluster.
#[derive(Debug)]
pub(crate) struct Told {
    cluster: Text,
    kind: Kind,
    keep_ms: u64,
    /// Each object that is there is told once more after this time, so that retention never takes the last record of one.
    again_after_ms: u64,
    there: HashMap<Text, Known>,
    /// Until when each that went is to be found.
    gone: HashMap<Text, u64>,
    /// What a list that is under way has brought.
    listed: Option<HashSet<Text>>,
    /// When the API server last said something.
    heard_ms: u64,
    /// When it was last told that everything has been told.
    complete_ms: Option<u64>,
}

#[derive(Debug)]
struct Known {
    /// The entry, of time 0.
    entry: Box<[u8]>,
    told_ms: u64,
}

impl Told {
    pub(crate) fn new(cluster: Text, kind: Kind, keep_ms: u64, again_after_ms: u64) -> Self {
        Self {
            cluster,
            kind,
            keep_ms,
            again_after_ms,
            there: HashMap::new(),
            gone: HashMap::new(),
            listed: None,
            heard_ms: 0,
            complete_ms: None,
        }
    }

    /// How many there are, and how many went and are still to be found.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.there.len(), self.gone.len())
    }

    /// Takes over what somebody has told before; entries of others are passed over.
    pub(crate) fn restore(&mut self, entry: &Entry, told_ms: u64) {
        // Nothing was heard by us, but somebody heard it until then.
        self.heard_ms = self.heard_ms.max(told_ms);
        match entry {
            Entry::Pod { cluster, pod, .. }
                if *cluster == self.cluster && self.kind == Kind::Pod =>
            {
                self.know(&Seen::Pod(pod.clone()), told_ms);
            }
            Entry::Object {
                cluster, object, ..
            } if *cluster == self.cluster && self.kind == object.kind => {
                self.know(&Seen::Object(object.clone()), told_ms);
            }
            Entry::Deleted {
                cluster,
                kind,
                uid,
                deletion,
            } if *cluster == self.cluster && *kind == self.kind => {
                self.there.remove(uid);
                self.gone
                    .insert(uid.clone(), deletion.at_ms.saturating_add(deletion.keep_ms));
            }
            _ => {}
        }
    }

    /// The API server is there, whether or not there is news.
    pub(crate) fn heard(&mut self, now_ms: u64) {
        self.heard_ms = now_ms;
    }

    /// A list of all objects begins.
    pub(crate) fn begin_list(&mut self) {
        self.listed = Some(HashSet::new());
    }

    /// An object is there.
    pub(crate) fn see(&mut self, mut seen: Seen, now_ms: u64) -> Option<Entry> {
        self.heard(now_ms);
        let uid = seen.uid().clone();
        if uid.is_empty() {
            return None;
        }
        if let Some(listed) = &mut self.listed {
            listed.insert(uid.clone());
        }
        let known = self.there.get(&uid);
        if let (Seen::Pod(pod), Some(known)) = (&mut seen, known)
            && let Some(Entry::Pod { pod: before, .. }) = one(&known.entry)
            && before.ips == pod.ips
        {
            // It has had them since then; what Kubernetes says of it changes when it ends.
            pod.ip_since_ms = before.ip_since_ms;
        }
        let entry = encode(&[seen.clone().into_entry(self.cluster.clone(), 0)]);
        if known.is_some_and(|known| *known.entry == *entry) {
            return None;
        }
        let known = Known {
            entry: entry.into(),
            told_ms: now_ms,
        };
        self.gone.remove(&uid);
        self.there.insert(uid, known);
        Some(seen.into_entry(self.cluster.clone(), now_ms))
    }

    /// An object was seen to go.
    pub(crate) fn lose(&mut self, uid: &Text, now_ms: u64) -> Option<Entry> {
        self.heard(now_ms);
        let was_there = self.there.remove(uid).is_some();
        was_there.then(|| self.deleted(uid.clone(), now_ms, true))
    }

    /// The list is complete: what it didn't bring went while nobody looked.
    pub(crate) fn end_list(&mut self, now_ms: u64) -> Vec<Entry> {
        self.heard(now_ms);
        let listed = self.listed.take().unwrap_or_default();
        let missing = self.there.keys().filter(|uid| !listed.contains(*uid));
        let missing: Vec<Text> = missing.cloned().collect();
        let mut entries = Vec::new();
        for uid in missing {
            self.there.remove(&uid);
            entries.push(self.deleted(uid, now_ms, false));
        }
        entries.push(self.complete(now_ms, now_ms));
        entries
    }

    /// What is due to be told again, at most so many; and forgets what went long ago. `now_ms` is the time of the bus's host.
    pub(crate) fn again(&mut self, now_ms: u64, most: usize) -> Vec<Entry> {
        self.gone.retain(|_, until_ms| *until_ms >= now_ms);
        let again_after_ms = self.again_after_ms;
        let due = self
            .there
            .iter_mut()
            .filter(|(_, known)| known.told_ms + again_after_ms <= now_ms);
        let mut entries = Vec::new();
        for (_, known) in due.take(most) {
            known.told_ms = now_ms;
            // It was so when the API server was last heard.
            entries.extend(one(&known.entry).map(|entry| at(entry, self.heard_ms)));
        }
        let is_due = |told_ms: u64| told_ms + again_after_ms <= now_ms;
        if self.complete_ms.is_some_and(is_due) {
            entries.push(self.complete(self.heard_ms, now_ms));
        }
        entries
    }

    fn complete(&mut self, at_ms: u64, told_ms: u64) -> Entry {
        self.complete_ms = Some(told_ms);
        Entry::Listed {
            cluster: self.cluster.clone(),
            kind: self.kind,
            at_ms,
        }
    }

    fn know(&mut self, seen: &Seen, told_ms: u64) {
        let entry = seen.clone().into_entry(self.cluster.clone(), 0);
        let entry = encode(&[entry]).into_boxed_slice();
        self.gone.remove(seen.uid());
        self.there
            .insert(seen.uid().clone(), Known { entry, told_ms });
    }

    fn deleted(&mut self, uid: Text, at_ms: u64, is_exact: bool) -> Entry {
        self.gone.insert(uid.clone(), at_ms + self.keep_ms);
        Entry::Deleted {
            cluster: self.cluster.clone(),
            kind: self.kind,
            uid,
            deletion: Deletion {
                at_ms,
                is_exact,
                keep_ms: self.keep_ms,
            },
        }
    }
}

fn one(entry: &[u8]) -> Option<Entry> {
    decode(entry).ok()?.into_iter().next()
}

fn at(entry: Entry, at_ms: u64) -> Entry {
    match entry {
        Entry::Pod { cluster, pod, .. } => Entry::Pod {
            cluster,
            seen_ms: at_ms,
            pod,
        },
        Entry::Object {
            cluster, object, ..
        } => Entry::Object {
            cluster,
            seen_ms: at_ms,
            object,
        },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEEP_MS: u64 = 1_000;
    const DAY_MS: u64 = 86_400_000;

    fn told() -> Told {
        Told::new("c".into(), Kind::Pod, KEEP_MS, DAY_MS)
    }

    fn pod(uid: &str, name: &str) -> Seen {
        Seen::Pod(Pod {
            uid: uid.into(),
            name: name.into(),
            ip_since_ms: 5,
            ips: [[10, 0, 0, 1].into()].into(),
            ..Pod::default()
        })
    }

    /// What was said, in short.
    fn short(entries: impl IntoIterator<Item = Entry>) -> Vec<String> {
        let short = |entry| match entry {
            Entry::Pod { seen_ms, pod, .. } => format!("{} {} at {seen_ms}", pod.uid, pod.name),
            Entry::Deleted { uid, deletion, .. } => {
                let seen = if deletion.is_exact { "gone" } else { "missing" };
                format!("{uid} {seen} at {}", deletion.at_ms)
            }
            Entry::Listed { at_ms, .. } => format!("listed at {at_ms}"),
            Entry::Object { object, .. } => format!("{:?}", object.kind),
        };
        entries.into_iter().map(short).collect()
    }

    #[test]
    fn only_what_changed_is_told() {
        let mut told = told();
        assert_eq!(short(told.see(pod("1", "a"), 10)), ["1 a at 10"]);
        assert_eq!(short(told.see(pod("1", "a"), 11)), [""; 0]);
        assert_eq!(short(told.see(pod("1", "b"), 12)), ["1 b at 12"]);
        assert_eq!(short(told.see(pod("", "b"), 12)), [""; 0]);
        assert_eq!(short(told.lose(&"1".into(), 13)), ["1 gone at 13"]);
        assert_eq!(short(told.lose(&"1".into(), 14)), [""; 0]);
    }

    /// After a restart, what went meanwhile is told, and what is there as it was isn't.
    #[test]
    fn what_a_list_no_longer_has_went() {
        let mut before = told();
        let said = [
            before.see(pod("1", "a"), 10),
            before.see(pod("2", "b"), 10),
            before.see(pod("3", "c"), 10),
            before.lose(&"3".into(), 11),
        ];
        let mut told = told();
        for entry in said.iter().flatten() {
            told.restore(entry, 12);
        }
        assert_eq!(told.counts(), (2, 1));
        told.begin_list();
        assert_eq!(short(told.see(pod("2", "b"), 20)), [""; 0]);
        assert_eq!(short(told.see(pod("4", "d"), 20)), ["4 d at 20"]);
        assert_eq!(
            short(told.end_list(21)),
            ["1 missing at 21", "listed at 21"]
        );
        assert_eq!(told.counts(), (2, 2));
        assert_eq!(short(told.again(21 + KEEP_MS + 1, 9)), [""; 0]);
        assert_eq!(told.counts(), (2, 0), "what went is forgotten in time");
    }

    #[test]
    fn what_is_there_is_told_again_as_of_when_it_was_heard() {
        let mut told = told();
        told.see(pod("1", "a"), 10);
        told.heard(500);
        assert_eq!(short(told.again(9 + DAY_MS, 9)), [""; 0]);
        assert_eq!(short(told.again(10 + DAY_MS, 9)), ["1 a at 500"]);
        assert_eq!(short(told.again(11 + DAY_MS, 9)), [""; 0]);
    }

    /// What Kubernetes says of it changes when the pod ends.
    #[test]
    fn an_address_is_held_since_it_was_given() {
        let mut told = told();
        told.see(pod("1", "a"), 10);
        let Seen::Pod(mut later) = pod("1", "b") else {
            panic!("a pod");
        };
        later.ip_since_ms = 7;
        let Some(Entry::Pod { pod, .. }) = told.see(Seen::Pod(later), 11) else {
            panic!("news");
        };
        assert_eq!((&*pod.name, pod.ip_since_ms), ("b", 5));
    }
}
