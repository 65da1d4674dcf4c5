//! The index against a plain list of pods that is searched from one end to the other.

use std::collections::BTreeMap;
use std::net::IpAddr;

use k8s::{Container, Deletion, Entry, Found, Index, Instance, Kind, Pod, Query, TOLERANCE_MS};
use proptest::prelude::*;

/// What happens to a cluster, a second after the other.
#[derive(Clone, Debug)]
enum Event {
    /// A pod with one of a few names and addresses appears, if both are free in the cluster; by itself or on its node's network.
    Create {
        cluster: usize,
        name: usize,
        ip: usize,
        host_network: bool,
    },
    /// One of those that are there gets a label.
    Change {
        which: usize,
    },
    /// One of those that are there goes, seen or not.
    Delete {
        which: usize,
        is_exact: bool,
    },
    Wait {
        seconds: u64,
    },
    /// What was said is said once more.
    Again,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0..2usize, 0..4usize, 0..4usize, prop::bool::weighted(0.2)).prop_map(
            |(cluster, name, ip, host_network)| Event::Create { cluster, name, ip, host_network }
        ),
        1 => any::<usize>().prop_map(|which| Event::Change { which }),
        3 => (any::<usize>(), any::<bool>())
            .prop_map(|(which, is_exact)| Event::Delete { which, is_exact }),
        2 => (0..20u64).prop_map(|seconds| Event::Wait { seconds }),
        1 => Just(Event::Again),
    ]
}

const START_MS: u64 = 1_700_000_000_000;
const KEEP_MS: u64 = 60_000;

#[derive(Default)]
struct Model {
    now_ms: u64,
    /// With the deletion, if it went.
    pods: Vec<(usize, Pod, Option<Deletion>)>,
    said: Vec<Entry>,
}

impl Model {
    fn living(&self) -> Vec<usize> {
        let pods = self.pods.iter().enumerate();
        pods.filter(|(_, (_, _, gone))| gone.is_none())
            .map(|(at, _)| at)
            .collect()
    }

    fn say(&mut self, at: usize) -> Entry {
        let (cluster, pod, _) = &self.pods[at];
        Entry::Pod {
            cluster: format!("c{cluster}").into(),
            seen_ms: self.now_ms,
            pod: pod.clone(),
        }
    }

    fn step(&mut self, event: &Event) -> Vec<Entry> {
        self.now_ms += 1_000;
        match *event {
            Event::Create {
                cluster,
                name,
                ip,
                host_network,
            } => {
                let name = format!("pod-{name}");
                let address: IpAddr = [10, 0, 0, ip as u8].into();
                let taken = self.living().into_iter().any(|at| {
                    let (known, pod, _) = &self.pods[at];
                    *known == cluster
                        && (*pod.name == *name
                            || (!pod.host_network && !host_network && pod.ips.contains(&address)))
                });
                if taken {
                    return Vec::new();
                }
                let number = self.pods.len();
                let container = Container {
                    name: "main".into(),
                    image: "shop:1".into(),
                    image_id: "".into(),
                    instances: [Instance {
                        restarts: 0,
                        id: format!("container-{number}").into(),
                    }]
                    .into(),
                };
                let pod = Pod {
                    uid: format!("uid-{number}").into(),
                    namespace: "shop".into(),
                    name: name.into(),
                    host_network,
                    created_ms: self.now_ms,
                    ip_since_ms: self.now_ms,
                    ips: [address].into(),
                    containers: [container].into(),
                    ..Pod::default()
                };
                self.pods.push((cluster, pod, None));
                vec![self.say(number)]
            }
            Event::Change { which } => match self.living()[..] {
                [] => Vec::new(),
                ref living => {
                    let at = living[which % living.len()];
                    self.pods[at].1.labels = [("at".into(), self.now_ms.to_string().into())].into();
                    vec![self.say(at)]
                }
            },
            Event::Delete { which, is_exact } => match self.living()[..] {
                [] => Vec::new(),
                ref living => {
                    let at = living[which % living.len()];
                    let deletion = Deletion {
                        at_ms: self.now_ms,
                        is_exact,
                        keep_ms: KEEP_MS,
                    };
                    let (cluster, pod, gone) = &mut self.pods[at];
                    *gone = Some(deletion);
                    let cluster = format!("c{cluster}").into();
                    let uid = pod.uid.clone();
                    vec![Entry::Deleted {
                        cluster,
                        kind: Kind::Pod,
                        uid,
                        deletion,
                    }]
                }
            },
            Event::Wait { seconds } => {
                self.now_ms += seconds * 1_000;
                Vec::new()
            }
            Event::Again => self.said.clone(),
        }
    }

    /// All whose last deletion isn't too long ago.
    fn held(&self) -> impl Iterator<Item = (usize, &Pod, u64)> {
        let held = self.pods.iter().filter(|(_, _, gone)| {
            gone.is_none_or(|gone| gone.at_ms + gone.keep_ms >= self.now_ms)
        });
        held.map(|(cluster, pod, gone)| (*cluster, pod, gone.map_or(u64::MAX, |gone| gone.at_ms)))
    }

    /// By an address: nobody in this world has what another one still has, so intervals are as they were said.
    fn by_ip(&self, cluster: Option<usize>, ip: IpAddr, at_ms: u64) -> Expected {
        let mut best: BTreeMap<usize, (u64, &Pod)> = BTreeMap::new();
        for (of, pod, end_ms) in self.held() {
            if pod.host_network || !pod.ips.contains(&ip) || cluster.is_some_and(|it| it != of) {
                continue;
            }
            let distance = match at_ms {
                at if at < pod.ip_since_ms => pod.ip_since_ms - at,
                at if at >= end_ms => at - end_ms + 1,
                _ => 0,
            };
            // The first of two that are equally near is the earlier one.
            if best.get(&of).is_none_or(|(known, _)| distance < *known) {
                best.insert(of, (distance, pod));
            }
        }
        best.retain(|_, (distance, _)| *distance <= TOLERANCE_MS);
        if best.values().any(|(distance, _)| *distance == 0) {
            best.retain(|_, (distance, _)| *distance == 0);
        }
        match best.len() {
            0 => Expected::Unknown,
            1 => Expected::Pod(best.pop_first().unwrap().1.1.uid.to_string()),
            _ => Expected::Ambiguous,
        }
    }
}

#[derive(Debug, PartialEq)]
enum Expected {
    Pod(String),
    Ambiguous,
    Unknown,
}

/// Far enough behind everything that happens.
fn model_end(at_ms: u64) -> u64 {
    at_ms + 1_000_000
}

fn found(index: &Index, query: &Query<'_>, at_ms: u64) -> (Expected, std::ops::Range<u64>) {
    match index.find(query, Some(at_ms)) {
        Found::Pod { pod, valid, .. } => {
            assert!(valid.contains(&at_ms), "{valid:?} at {at_ms}");
            (Expected::Pod(pod.uid.to_string()), valid)
        }
        Found::Ambiguous => (Expected::Ambiguous, at_ms..at_ms + 1),
        Found::Unknown { valid } => (
            Expected::Unknown,
            valid.start.max(1)..valid.end.min(model_end(at_ms)),
        ),
    }
}

fn compare(index: &Index, model: &Model) {
    for at_ms in (START_MS..model.now_ms + 10_000).step_by(500) {
        for ip in 0..4 {
            let ip = IpAddr::from([10, 0, 0, ip]);
            for (cluster, name) in [(None, None), (Some(0), Some("c0")), (Some(1), Some("c1"))] {
                let query = Query {
                    ip: Some(ip),
                    cluster: name,
                    ..Query::default()
                };
                // Within a half second an end and a begin are the same distance away.
                let expected = model.by_ip(cluster, ip, at_ms);
                let (found, valid) = found(index, &query, at_ms);
                assert_eq!(found, expected, "{ip} in {cluster:?} at {at_ms}");
                for other in [valid.start, valid.end - 1] {
                    assert_eq!(found, self::found(index, &query, other).0, "at {other}");
                }
            }
        }
    }
    for (_, pod, _) in model.held() {
        let id = &pod.containers[0].instances[0].id;
        for query in [
            Query {
                uid: Some(&pod.uid),
                ..Query::default()
            },
            Query {
                container: Some(id),
                ..Query::default()
            },
            Query {
                container: Some(id),
                name: Some(&pod.name),
                ..Query::default()
            },
        ] {
            match index.find(&query, None) {
                Found::Pod { pod: found, .. } => assert_eq!(found, pod),
                other => panic!("{query:?}: {other:?}"),
            }
        }
        let other = Query {
            uid: Some(&pod.uid),
            namespace: Some("other"),
            ..Query::default()
        };
        assert!(matches!(index.find(&other, None), Found::Unknown { .. }));
    }
    assert_eq!(index.pods().0, model.living().len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn the_index_finds_what_a_plain_search_finds(events in prop::collection::vec(event(), 1..40)) {
        let mut index = Index::new();
        let mut model = Model { now_ms: START_MS, ..Model::default() };
        for event in &events {
            let entries = model.step(event);
            for entry in &entries {
                index.apply(entry.clone());
            }
            if !matches!(event, Event::Again) {
                model.said.extend(entries);
            }
            index.expire(model.now_ms);
        }
        compare(&index, &model);
    }
}
