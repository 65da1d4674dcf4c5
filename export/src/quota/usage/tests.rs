use proptest::prelude::*;

use super::*;
use crate::quota::rules::Window;

const HOUR: u64 = 3_600_000;
const DAY: u64 = 24 * HOUR;

fn rules(bytes: u64, over: Over) -> Rules {
    Rules {
        bytes,
        items: 0,
        window: Window {
            length_ms: DAY,
            begins_ms: 0,
        },
        by: By::Tenant,
        over,
        warn_at: 0.8,
    }
}

fn at(partition: u32) -> TopicPartition {
    TopicPartition::new("clean", partition)
}

/// Asks for a record and counts it as the pump does. True: it goes.
fn offer(usage: &mut Usage, rules: &Rules, asked: Asked<'_>, now_ms: u64, bytes: u64) -> bool {
    match usage.standing(rules, asked, now_ms) {
        Standing::Within(window) => {
            usage.count(rules, asked, window, Amount { bytes, items: 1 });
            true
        }
        Standing::Over(window) => {
            usage.count_over(rules, asked, window, Amount::default());
            false
        }
        Standing::NotBefore(_) => false,
    }
}

fn asked<'a>(at: &'a TopicPartition, offset: u64, day: u64, tenant: &'a str) -> Asked<'a> {
    Asked {
        at,
        offset,
        time_ms: day * DAY + 5 * HOUR,
        tenant: tenant.as_bytes(),
    }
}

#[test]
fn each_tenant_has_its_own_and_each_day_a_new_one() {
    let (mut usage, rules, at) = (Usage::default(), rules(250, Over::Drop), at(0));
    let mut offset = 0;
    let mut goes = |day: u64, tenant: &str| {
        offset += 1;
        let asked = asked(&at, offset, day, tenant);
        offer(&mut usage, &rules, asked, day * DAY, 100)
    };
    assert_eq!(
        [0; 5].map(|_| goes(1, "a")),
        [true, true, true, false, false]
    );
    assert!(goes(1, "b"), "another tenant's");
    assert!(goes(2, "a"), "the next day");
    assert!(!goes(1, "a"), "what comes late counts for its own day");
}

#[test]
fn all_may_have_one_together() {
    let all = Rules {
        by: By::All,
        ..rules(150, Over::Drop)
    };
    let (mut usage, at) = (Usage::default(), at(0));
    let goes = ["a", "b", "c"].map(|tenant| {
        let offset = u64::from(tenant.as_bytes()[0]);
        offer(&mut usage, &all, asked(&at, offset, 1, tenant), DAY, 100)
    });
    assert_eq!(goes, [true, true, false]);
}

#[test]
fn what_waits_counts_for_the_first_window_with_room() {
    let (mut usage, hold, at) = (Usage::default(), rules(100, Over::Hold), at(0));
    let noon = |day: u64| day * DAY + 12 * HOUR;
    assert!(offer(
        &mut usage,
        &hold,
        asked(&at, 0, 1, "a"),
        noon(1),
        100
    ));
    let second = asked(&at, 1, 1, "a");
    let standing = usage.standing(&hold, second, noon(1));
    assert_eq!(standing, Standing::NotBefore(2 * DAY));
    // A day later it goes, and takes that day's.
    assert!(offer(&mut usage, &hold, second, noon(2), 100));
    let third = usage.standing(&hold, asked(&at, 2, 2, "a"), noon(2));
    assert_eq!(third, Standing::NotBefore(3 * DAY));
    // A clock that stands behind the bus's doesn't let anything by.
    let behind = usage.standing(&hold, asked(&at, 2, 2, "a"), noon(1));
    assert_eq!(behind, Standing::NotBefore(3 * DAY));
}

#[test]
fn who_takes_over_goes_on_where_it_was_told() {
    let (rules, at) = (rules(250, Over::Drop), at(3));
    let (mut first, mut second) = (Usage::default(), Usage::default());
    first.own(&at);
    for offset in 0..5 {
        offer(&mut first, &rules, asked(&at, offset, 1, "a"), DAY, 100);
    }
    for (at, state) in first.news() {
        second.hear(at, state);
    }
    assert!(first.news().is_empty(), "told once");
    second.own(&at);
    assert_eq!(second.used(b"a", 2).bytes, 300);
    // Read again after a crash, each record fares as it did, and nothing counts twice.
    let again = (0..5).map(|offset| {
        let asked = asked(&at, offset, 1, "a");
        offer(&mut second, &rules, asked, DAY, 100)
    });
    assert_eq!(again.collect::<Vec<_>>(), [true, true, true, false, false]);
    assert_eq!(second.used(b"a", 2).bytes, 300);
    // What an owner that is gone says late doesn't count beside what is counted here.
    let late = first.partitions[&at].clone();
    second.hear(at.clone(), late);
    assert_eq!(second.used(b"a", 2).bytes, 300);
}

#[test]
fn what_was_counted_before_is_added_when_it_becomes_known_late() {
    let (rules, at) = (rules(1000, Over::Drop), at(3));
    let (mut first, mut second) = (Usage::default(), Usage::default());
    first.own(&at);
    for offset in 0..5 {
        offer(&mut first, &rules, asked(&at, offset, 1, "a"), DAY, 100);
    }
    let told = first.news();
    // The topic couldn't be read when the partition came.
    second.own(&at);
    for offset in 5..8 {
        offer(&mut second, &rules, asked(&at, offset, 1, "a"), DAY, 100);
    }
    for _ in 0..2 {
        for (at, state) in &told {
            second.hear(at.clone(), state.clone());
        }
        assert_eq!(second.used(b"a", 2).bytes, 800, "once");
    }
    // What it tells itself comes back, and is nothing new.
    for (at, state) in second.news() {
        second.hear(at, state);
    }
    assert_eq!(second.used(b"a", 2).bytes, 800);
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// The owner of a partition reads its next record, of this tenant and size.
    Read(u32, u8, u64),
    /// Everybody tells and hears.
    Exchange,
    /// The partition goes to another process, which reads the last so many records again.
    Move(u32, usize, u64),
}

const PROCESSES: usize = 3;
const PARTITIONS: u32 = 4;

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..PARTITIONS, 0..2_u8, 1..100_u64).prop_map(|(at, tenant, bytes)| Step::Read(at, tenant, bytes)),
        2 => Just(Step::Exchange),
        1 => (0..PARTITIONS, 0..PROCESSES, 0..5_u64).prop_map(|(at, to, back)| Step::Move(at, to, back)),
    ]
}

fn exchange(all: &mut [Usage]) {
    let news: Vec<_> = all.iter_mut().flat_map(Usage::news).collect();
    for (at, state) in news {
        for one in all.iter_mut() {
            one.hear(at.clone(), state.clone());
        }
    }
}

proptest! {
    /// Over all processes no more goes than the quota, one record of each process, and what went since they last told each other.
    #[test]
    fn the_fleet_stays_within_its_quota(steps in prop::collection::vec(step(), 1..300)) {
        const LIMIT: u64 = 1000;
        let rules = rules(LIMIT, Over::Drop);
        let mut all: Vec<_> = (0..PROCESSES).map(|_| Usage::default()).collect();
        let mut owners: Vec<usize> = (0..PARTITIONS).map(|at| at as usize % PROCESSES).collect();
        let mut logs = vec![Vec::<(u8, u64)>::new(); PARTITIONS as usize];
        let mut went = vec![Vec::<bool>::new(); PARTITIONS as usize];
        let mut since = 0;
        let mut slack = 0;
        for (partition, owner) in owners.iter().enumerate() {
            all[*owner].own(&at(partition as u32));
        }
        for step in steps {
            match step {
                Step::Read(partition, tenant, bytes) => {
                    let index = partition as usize;
                    let (place, name) = (at(partition), [tenant]);
                    let offset = logs[index].len() as u64;
                    let asked = Asked { at: &place, offset, time_ms: DAY, tenant: &name };
                    let goes = offer(&mut all[owners[index]], &rules, asked, DAY, bytes);
                    logs[index].push((tenant, bytes));
                    went[index].push(goes);
                    if goes {
                        since += bytes;
                        slack = slack.max(since);
                    }
                }
                Step::Exchange => {
                    exchange(&mut all);
                    since = 0;
                }
                Step::Move(partition, to, back) => {
                    let index = partition as usize;
                    let place = at(partition);
                    all[owners[index]].give_up(&place);
                    // A partition that is given up is told before its next owner asks.
                    exchange(&mut all);
                    since = 0;
                    owners[index] = to;
                    all[to].own(&place);
                    let from = (logs[index].len() as u64).saturating_sub(back);
                    for offset in from..logs[index].len() as u64 {
                        let (tenant, bytes) = logs[index][offset as usize];
                        let name = [tenant];
                        let asked = Asked { at: &place, offset, time_ms: DAY, tenant: &name };
                        let goes = offer(&mut all[to], &rules, asked, DAY, bytes);
                        prop_assert_eq!(goes, went[index][offset as usize], "read again, it fares as before");
                    }
                }
            }
        }
        exchange(&mut all);
        for tenant in 0..2_u8 {
            let of_tenant = logs.iter().zip(&went).flat_map(|(log, went)| log.iter().zip(went));
            let sent: u64 = of_tenant.filter(|((of, _), goes)| *of == tenant && **goes).map(|((_, bytes), _)| bytes).sum();
            prop_assert!(sent <= LIMIT + 100 + slack, "{} of tenant {}", sent, tenant);
            for one in &all {
                prop_assert_eq!(one.used(&[tenant], rules.window.at(DAY)).bytes, sent, "everybody knows all");
            }
        }
    }
}
