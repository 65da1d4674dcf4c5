//! Finding the pod that sent an item.

use std::net::IpAddr;
use std::ops::Range;

use super::interval::{self, Held as Interval, Holder};
use super::{Held, Index};
use crate::object::{Pod, Text};

/// What telemetry says of its sender: all of it must be true of the pod.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Query<'a> {
    pub uid: Option<&'a str>,
    pub container: Option<&'a str>,
    pub ip: Option<IpAddr>,
    pub name: Option<&'a str>,
    pub namespace: Option<&'a str>,
    pub node: Option<&'a str>,
    pub hostname: Option<&'a str>,
    /// The cluster's name in the configuration of the watcher.
    pub cluster: Option<&'a str>,
}

/// What came of a query.
#[derive(Debug)]
pub enum Found<'a> {
    Pod {
        cluster: &'a Text,
        pod: &'a Pod,
        /// For every time in it the answer is the same.
        valid: Range<u64>,
    },
    /// Pods of several clusters, and nothing that says of which.
    Ambiguous,
    Unknown {
        /// For every time in it there is none.
        valid: Range<u64>,
    },
}

impl Index {
    /// The pod of which all that is asked for is true, at a time where an address or a name decides: `at_ms` is when the item ended; without it, the pod
    /// that has the address now or had it last. A query without uid, container, address and name finds nothing.
    pub fn find(&self, query: &Query<'_>, at_ms: Option<u64>) -> Found<'_> {
        let found = if let Some(uid) = query.uid {
            self.one(self.uids.at(uid), |held| *held.pod.uid == *uid)
        } else if let Some(id) = query.container {
            let has = |held: &Held| super::container_ids(&held.pod).any(|own| own == id);
            self.one(self.containers.at(id), has)
        } else if let Some(ip) = query.ip {
            let is_it = |held: &Held| held.pod.ips.contains(&ip);
            let since = |pod: &Pod| pod.ip_since_ms;
            self.holder(self.ips.at(ip), query, is_it, since, at_ms)
        } else if let Some(name) = query.name {
            let is_it =
                |held: &Held| *held.pod.name == *name && of(query.namespace, &held.pod.namespace);
            let since = |pod: &Pod| pod.created_ms;
            self.holder(self.names.at(name), query, is_it, since, at_ms)
        } else {
            Ok(Answer::Nobody(0..u64::MAX))
        };
        let (place, valid) = match found {
            Ok(Answer::Place(place, valid)) => (place, valid),
            Ok(Answer::Nobody(valid)) => return Found::Unknown { valid },
            Err(Several) => return Found::Ambiguous,
        };
        match self.held(place) {
            Some(held) if query.fits(held) => Found::Pod {
                cluster: &held.cluster,
                pod: &held.pod,
                valid,
            },
            _ => Found::Unknown { valid },
        }
    }

    /// By a key that never has a second holder.
    fn one(
        &self,
        mut places: impl Iterator<Item = u32>,
        is_it: impl Fn(&Held) -> bool,
    ) -> Result<Answer, Several> {
        let found = places.find(|place| self.held(*place).is_some_and(&is_it));
        let always = 0..u64::MAX;
        Ok(match found {
            Some(place) => Answer::Place(place, always),
            None => Answer::Nobody(always),
        })
    }

    fn holder(
        &self,
        places: impl Iterator<Item = u32>,
        query: &Query<'_>,
        is_it: impl Fn(&Held) -> bool,
        since: impl Fn(&Pod) -> u64,
        at_ms: Option<u64>,
    ) -> Result<Answer, Several> {
        let by_ip = query.ip.is_some();
        // Names and addresses belong to a namespace's or a cluster's holders one after the other; those of several clusters have nothing to do with
        // each other.
        let mut groups: Vec<(Group<'_>, Vec<Interval>)> = Vec::new();
        for place in places {
            let Some(held) = self.held(place) else {
                continue;
            };
            if !is_it(held) || !of(query.cluster, &held.cluster) {
                continue;
            }
            let group = (&held.cluster, (!by_ip).then_some(&held.pod.namespace));
            let interval = held.interval(place, since(&held.pod), by_ip);
            match groups.iter_mut().find(|(known, _)| *known == group) {
                Some((_, intervals)) => intervals.push(interval),
                None => groups.push((group, vec![interval])),
            }
        }
        let alone = groups.len() == 1;
        let mut holders: Vec<Holder> = Vec::new();
        for (_, intervals) in &mut groups {
            interval::disjoint(intervals);
            holders.extend(interval::holder(intervals, at_ms));
        }
        if holders.iter().any(|holder| holder.distance_ms == 0) {
            holders.retain(|holder| holder.distance_ms == 0);
        }
        let now = at_ms.map_or(0..u64::MAX, |at_ms| at_ms..at_ms.saturating_add(1));
        match &holders[..] {
            [] if groups.is_empty() => Ok(Answer::Nobody(0..u64::MAX)),
            [] => Ok(Answer::Nobody(now)),
            [one] if alone => Ok(Answer::Place(one.place, one.valid.clone())),
            // Another time may bring in another cluster.
            [one] => Ok(Answer::Place(one.place, now)),
            _ => Err(Several),
        }
    }
}

/// Whose names or addresses come one after the other: a cluster, and for names the namespace.
type Group<'a> = (&'a Text, Option<&'a Text>);

/// A place or none, and the times for which that is the answer.
enum Answer {
    Place(u32, Range<u64>),
    Nobody(Range<u64>),
}

/// More than one pod, at the same time.
struct Several;

impl Held {
    fn interval(&self, place: u32, begin_ms: u64, by_ip: bool) -> Interval {
        let deleted = self.deletion.map(|gone| (gone.at_ms, gone.is_exact));
        let ended = self.pod.ended_ms.filter(|_| by_ip).map(|at| (at, true));
        let first = ended.into_iter().chain(deleted).min_by_key(|(at, _)| *at);
        let (end_ms, is_end_exact) = first.unwrap_or((u64::MAX, true));
        Interval {
            place,
            begin_ms: begin_ms.min(end_ms.saturating_sub(1)),
            end_ms,
            is_end_exact,
        }
    }
}

impl Query<'_> {
    fn fits(&self, held: &Held) -> bool {
        let pod = &held.pod;
        let has_ip = |ip: IpAddr| !pod.host_network && pod.ips.contains(&ip);
        let is = |wanted: Option<&str>, found: &Option<Text>| {
            wanted.is_none_or(|wanted| found.as_deref() == Some(wanted))
        };
        of(self.uid, &pod.uid)
            && self
                .container
                .is_none_or(|id| super::container_ids(pod).any(|own| own == id))
            && self.ip.is_none_or(has_ip)
            && of(self.name, &pod.name)
            && of(self.namespace, &pod.namespace)
            && is(self.node, &pod.node)
            && is(self.hostname, &pod.hostname)
            && of(self.cluster, &held.cluster)
    }
}

fn of(wanted: Option<&str>, found: &str) -> bool {
    wanted.is_none_or(|wanted| wanted == found)
}
