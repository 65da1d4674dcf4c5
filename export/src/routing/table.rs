//! The table of routes as one backend sees it.

use std::collections::HashSet;
use std::sync::Arc;

use ottl::{Conditions, Context, Draft};
use schemas::Signal;
use schemas::headers::DEFAULT_TENANT;
use schemas::otlp::Item;

/// Routes from top to bottom, without those that change nothing for this backend.
#[derive(Clone, Debug)]
pub struct Routes {
    routes: Arc<[Route]>,
    /// What no route says anything about.
    otherwise: bool,
}

/// One line of the table, as one backend sees it.
#[derive(Debug)]
pub struct Route {
    /// Whose items it is about; empty: everybody's.
    pub tenants: HashSet<Box<[u8]>>,
    pub signals: Vec<Signal>,
    /// What an item must be like; `None`: like anything.
    pub matches: Option<Match>,
    /// Items go to this backend.
    pub is_to_it: bool,
    /// Items that it is about aren't offered to routes below.
    pub is_final: bool,
}

/// Conditions of which one must hold, by signal.
#[derive(Debug, Default)]
pub struct Match {
    by_signal: [Vec<(Context, Conditions)>; Signal::ALL.len()],
}

/// What becomes of a record.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Plan {
    All,
    Nothing,
    /// It depends on the item; the numbers of the routes that do, and what becomes of the others.
    Items(Vec<usize>, bool),
}

impl Default for Routes {
    /// No table: a backend gets everything.
    fn default() -> Self {
        Self {
            routes: Arc::new([]),
            otherwise: true,
        }
    }
}

impl Routes {
    /// Of a backend that some route is to.
    pub fn new(routes: Vec<Route>) -> Self {
        Self {
            routes: routes.into(),
            otherwise: false,
        }
    }

    /// There is no table, or it doesn't name the backend.
    pub(super) fn is_absent(&self) -> bool {
        self.routes.is_empty() && self.otherwise
    }

    /// What becomes of the records of a tenant; `None` is the default tenant.
    pub(super) fn plan(&self, signal: Signal, tenant: Option<&[u8]>) -> Plan {
        let tenant = tenant.unwrap_or(DEFAULT_TENANT.as_bytes());
        let mut by_item = Vec::new();
        let mut otherwise = self.otherwise;
        for (number, route) in self.routes.iter().enumerate() {
            match &route.matches {
                _ if !route.concerns(signal, tenant) => {}
                Some(matches) if !matches.concerns(signal) => {}
                Some(_) if route.is_to_it || route.is_final => by_item.push(number),
                None if route.is_to_it || route.is_final => {
                    otherwise = route.is_to_it;
                    break;
                }
                _ => {}
            }
        }
        // Routes that come to the same as what comes behind them change nothing.
        while by_item
            .last()
            .is_some_and(|last| self.routes[*last].is_to_it == otherwise)
        {
            by_item.pop();
        }
        match (by_item.is_empty(), otherwise) {
            (false, otherwise) => Plan::Items(by_item, otherwise),
            (true, true) => Plan::All,
            (true, false) => Plan::Nothing,
        }
    }

    pub(super) fn get(&self, number: usize) -> &Route {
        &self.routes[number]
    }
}

impl Route {
    fn concerns(&self, signal: Signal, tenant: &[u8]) -> bool {
        self.signals.contains(&signal) && (self.tenants.is_empty() || self.tenants.contains(tenant))
    }
}

impl Match {
    pub fn add(&mut self, signal: Signal, context: Context, conditions: Conditions) {
        self.by_signal[signal as usize].push((context, conditions));
    }

    /// Whether items of this signal can match.
    pub fn concerns(&self, signal: Signal) -> bool {
        !self.by_signal[signal as usize].is_empty()
    }

    /// It looks at resources alone.
    pub(super) fn is_of_resources(&self, signal: Signal) -> bool {
        let mut all = self.by_signal[signal as usize].iter();
        all.all(|(context, _)| *context == Context::Resource)
    }

    /// Whether the item that the draft was given matches, and how many conditions failed; those don't hold.
    pub(super) fn holds(&self, signal: Signal, draft: &Draft<'_>) -> (bool, u64) {
        let mut failed = 0;
        for (_, conditions) in &self.by_signal[signal as usize] {
            let outcome = conditions.eval(draft.subject());
            failed += outcome.failed as u64;
            if outcome.holds == Ok(true) {
                return (true, failed);
            }
        }
        (false, failed)
    }
}

/// One record's items on their way through the routes that depend on them. What a route says of a resource it says once.
pub(super) struct Walk<'r> {
    routes: &'r Routes,
    signal: Signal,
    /// The numbers of the routes; with the resource that each was asked for last, by its number in the record, and what it said.
    asked: Vec<(usize, Option<(usize, bool)>)>,
    otherwise: bool,
    /// Conditions that failed.
    pub(super) failed: u64,
}

impl<'r> Walk<'r> {
    pub(super) fn new(
        routes: &'r Routes,
        signal: Signal,
        by_item: Vec<usize>,
        otherwise: bool,
    ) -> Self {
        Self {
            routes,
            signal,
            asked: by_item.into_iter().map(|number| (number, None)).collect(),
            otherwise,
            failed: 0,
        }
    }

    /// Whether an item is for the backend. It enters the draft when somebody has to look at it.
    pub(super) fn is_for_it<'a>(&mut self, item: &Item<'a>, draft: &mut Draft<'a>) -> bool {
        let mut entered = None;
        for (number, last) in &mut self.asked {
            let route = self.routes.get(*number);
            let Some(matches) = &route.matches else {
                continue;
            };
            let holds = match last {
                Some((resource, said)) if *resource == item.resource.index => *said,
                _ => {
                    // What can't be read matches nothing.
                    let can_ask = *entered.get_or_insert_with(|| draft.enter(item).is_ok());
                    let (holds, failed) = match can_ask {
                        true => matches.holds(self.signal, draft),
                        false => (false, 1),
                    };
                    self.failed += failed;
                    if matches.is_of_resources(self.signal) {
                        *last = Some((item.resource.index, holds));
                    }
                    holds
                }
            };
            if holds {
                return route.is_to_it;
            }
        }
        self.otherwise
    }
}
