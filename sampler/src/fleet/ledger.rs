//! What one process tells the others, and what it has heard of them: counts by rule, interval and key.
//!
//! A process tells the whole of its counts of the newest two intervals each time, so a message that is lost or read twice changes nothing, and one message an
//! instance is all that a new process needs. What is new in it is worked out by the reader. Links from kept traces (`linked: keep`) are told once. Pure; bounded.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hashbrown::HashMap;

use super::message::{Counted, Message};
use super::tokens::Exchange;
use crate::decide::links::Linked;
use crate::stats::Tallied;

/// Keys of one rule and interval that are told. Of more the others learn nothing.
const KEYS_MAX: usize = 4096;
/// Intervals of one rule that are told.
const INTERVALS: usize = 2;
/// Instances that are listened to.
const OTHERS_MAX: usize = 1024;
/// Bytes of the links in one message, and of those that were heard and not acted on yet. More are not passed on.
const LINKS_BYTES_MAX: usize = 128 << 10;
/// An instance that says nothing for so long is gone.
const STALE_AFTER: Duration = Duration::from_secs(15);

type Counts = BTreeMap<(u16, u64), HashMap<u64, u64>>;

/// What other sampler processes said, and what this one has to say.
#[derive(Debug)]
pub(super) struct Ledger {
    /// Of the rules, in order.
    identities: Vec<u64>,
    own: Counts,
    partitions: u32,
    changed: bool,
    others: HashMap<String, Other>,
    heard: Vec<Tallied>,
    /// Links are passed on.
    follows_links: bool,
    links: Vec<Linked>,
    links_heard: Vec<Linked>,
    pub(super) tokens: Exchange,
}

#[derive(Debug)]
struct Other {
    heard_at: Instant,
    partitions: u32,
    counts: HashMap<(u16, u64, u64), u64>,
}

impl Ledger {
    /// `address`: another one each time a process begins.
    pub(super) fn new(identities: Vec<u64>, address: u64) -> Self {
        Self {
            identities,
            own: Counts::new(),
            partitions: 0,
            changed: false,
            others: HashMap::new(),
            heard: Vec::new(),
            follows_links: false,
            links: Vec::new(),
            links_heard: Vec::new(),
            tokens: Exchange::new(address),
        }
    }

    /// Another configuration: what was counted by the rules of the last one is forgotten.
    pub(super) fn set_identities(&mut self, identities: Vec<u64>) {
        self.identities = identities;
        self.own.clear();
        self.changed = false;
        self.others.clear();
        self.heard.clear();
    }

    /// Whether `linked` is `keep`.
    pub(super) fn set_follows_links(&mut self, follows_links: bool) {
        self.follows_links = follows_links;
    }

    /// Traces that partitions of others are to keep; returns those that others ask for.
    pub(super) fn exchange_links(&mut self, links: &[Linked]) -> Vec<Linked> {
        if self.follows_links {
            extend(&mut self.links, links);
            self.changed |= !self.links.is_empty();
        }
        std::mem::take(&mut self.links_heard)
    }

    /// What this process counted in an epoch, on so many partitions; what was heard since, and of how many partitions the others are.
    pub(super) fn exchange(
        &mut self,
        news: &[Tallied],
        partitions: u32,
        now: Instant,
    ) -> (Vec<Tallied>, u32) {
        self.changed |= !news.is_empty() || partitions != self.partitions;
        self.partitions = partitions;
        for news in news {
            let counts = self.own.entry((news.rule, news.interval)).or_default();
            if counts.len() < KEYS_MAX || counts.contains_key(&news.key) {
                *counts.entry(news.key).or_default() += news.amount;
            }
            let intervals = (news.rule, 0)..=(news.rule, u64::MAX);
            while self.own.range(intervals.clone()).count() > INTERVALS {
                let oldest = self.own.range(intervals.clone()).next();
                if let Some(oldest) = oldest.map(|(at, _)| *at) {
                    self.own.remove(&oldest);
                }
            }
        }
        self.others
            .retain(|_, other| now.duration_since(other.heard_at) < STALE_AFTER);
        let partitions = self.others.values().map(|other| other.partitions).sum();
        (std::mem::take(&mut self.heard), partitions)
    }

    /// No rule asks what others counted, links are not passed on, and there are no rate limits.
    pub(super) fn is_idle(&self) -> bool {
        self.identities.is_empty() && !self.follows_links && self.tokens.is_idle()
    }

    /// What there is to tell, if there is something new or `always`.
    pub(super) fn message(&mut self, always: bool) -> Option<Message> {
        let changed = std::mem::take(&mut self.changed) | self.tokens.take_changed();
        if self.is_idle() || !changed && !always {
            return None;
        }
        let counts = self.own.iter().flat_map(|(&(rule, interval), counts)| {
            let identity = self.identities.get(usize::from(rule)).copied();
            let counts = counts.iter();
            counts.filter_map(move |(&key, &amount)| {
                Some(Counted {
                    identity: identity?,
                    interval,
                    key,
                    amount,
                })
            })
        });
        Some(Message {
            partitions: self.partitions,
            address: self.tokens.address,
            tokens: self.tokens.message(),
            counts: counts.collect(),
            links: std::mem::take(&mut self.links),
        })
    }

    /// Another instance has said something.
    pub(super) fn hear(&mut self, instance: &str, message: &Message, now: Instant) {
        if self.others.len() >= OTHERS_MAX && !self.others.contains_key(instance) {
            return;
        }
        if self.follows_links {
            extend(&mut self.links_heard, &message.links);
        }
        self.tokens.hear(message.address, &message.tokens, now);
        let before = self.others.remove(instance);
        let before = before.map(|other| other.counts).unwrap_or_default();
        let mut counts = HashMap::new();
        for counted in &message.counts {
            // Rules that only another configuration has.
            let rules = self.identities.iter();
            let Some(rule) = rules.clone().position(|known| *known == counted.identity) else {
                continue;
            };
            let at = (rule as u16, counted.interval, counted.key);
            // Less than before: the instance began anew.
            let known = before.get(&at).copied().unwrap_or(0);
            if counted.amount > known {
                self.heard.push(Tallied {
                    rule: at.0,
                    interval: at.1,
                    key: at.2,
                    amount: counted.amount - known,
                });
            }
            counts.insert(at, counted.amount);
        }
        let other = Other {
            heard_at: now,
            partitions: message.partitions,
            counts,
        };
        self.others.insert(instance.to_owned(), other);
    }

    pub(super) fn others(&self) -> usize {
        self.others.len()
    }
}

/// As many more as there is room for.
fn extend(links: &mut Vec<Linked>, more: &[Linked]) {
    let mut bytes: usize = links.iter().map(Linked::bytes).sum();
    let fit = more.iter().take_while(|linked| {
        bytes += linked.bytes();
        bytes <= LINKS_BYTES_MAX
    });
    links.extend(fit.cloned());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tallied(rule: u16, interval: u64, key: u64, amount: u64) -> Tallied {
        Tallied {
            rule,
            interval,
            key,
            amount,
        }
    }

    #[test]
    fn what_one_counts_the_other_hears_once() {
        let now = Instant::now();
        // The same policies in another order.
        let (mut a, mut b) = (Ledger::new(vec![11, 22], 1), Ledger::new(vec![22, 33], 2));
        a.exchange(&[tallied(1, 5, 7, 3), tallied(0, 5, 7, 1)], 4, now);
        let first = a.message(false).unwrap_or_default();
        assert_eq!(a.message(false), None);
        b.hear("a", &first, now);
        b.hear("a", &first, now);
        assert_eq!(b.exchange(&[], 1, now), (vec![tallied(0, 5, 7, 3)], 4));
        a.exchange(&[tallied(1, 5, 7, 2), tallied(1, 6, 8, 1)], 4, now);
        b.hear("a", &a.message(false).unwrap_or_default(), now);
        let (mut heard, _) = b.exchange(&[], 1, now);
        heard.sort_by_key(|heard| heard.interval);
        assert_eq!(heard, [tallied(0, 5, 7, 2), tallied(0, 6, 8, 1)]);
    }

    #[test]
    fn who_is_silent_is_forgotten() {
        let now = Instant::now();
        let mut ledger = Ledger::new(vec![1], 1);
        let message = Message {
            partitions: 3,
            ..Message::default()
        };
        ledger.hear("a", &message, now);
        assert_eq!(ledger.exchange(&[], 1, now + STALE_AFTER / 2).1, 3);
        assert_eq!(ledger.exchange(&[], 1, now + STALE_AFTER).1, 0);
        assert_eq!(ledger.others(), 0);
    }

    #[test]
    fn links_are_told_once_to_those_who_follow_them() {
        let now = Instant::now();
        let linked = |n: u8| Linked {
            tenant: Box::from(&[b'x'; 3][..usize::from(n % 4)]),
            target: [n; 16],
            source: [9; 16],
        };
        let [mut a, mut b, mut c] = [(); 3].map(|()| Ledger::new(Vec::new(), 1));
        a.exchange_links(&[linked(1)]);
        assert_eq!(a.message(true), None);
        a.set_follows_links(true);
        b.set_follows_links(true);
        a.exchange_links(&[linked(1)]);
        a.set_identities(vec![1]);
        a.exchange_links(&[linked(2)]);
        let message = a.message(false).unwrap_or_default();
        assert_eq!(message.links, [linked(1), linked(2)]);
        assert_eq!(a.message(false), None);
        b.hear("a", &message, now);
        c.hear("a", &message, now);
        assert_eq!(b.exchange_links(&[]), [linked(1), linked(2)]);
        assert_eq!(b.exchange_links(&[]), []);
        assert_eq!(c.exchange_links(&[]), []);
        for _ in 0..2 {
            a.exchange_links(&vec![linked(3); LINKS_BYTES_MAX / 32]);
        }
        let message = a.message(false).unwrap_or_default();
        assert_eq!(message.links.len(), LINKS_BYTES_MAX / 35);
    }

    #[test]
    fn a_message_is_bounded() {
        let mut ledger = Ledger::new(vec![1], 1);
        for interval in 0..10 {
            let news: Vec<_> = (1..10_000)
                .map(|key| tallied(0, interval, key, 1))
                .collect();
            ledger.exchange(&news, 1, Instant::now());
        }
        let message = ledger.message(false).unwrap_or_default();
        assert_eq!(message.counts.len(), INTERVALS * KEYS_MAX);
        assert!(message.counts.iter().all(|counted| counted.interval >= 8));
        assert!(
            message.encode().len() < 160 << 10,
            "{}",
            message.encode().len()
        );
    }
}
