//! `export.routes`: which backend gets what.

use std::collections::BTreeMap;

use ottl::{Conditions, Context, ErrorMode};
use runtime::config::{Problems, nearest};
use schemars::JsonSchema;
use schemas::Signal;
use serde::{Deserialize, Serialize};

use super::backend::RawBackend;
use super::keys::signal::RawSignal;
use crate::routing::{Match, Route, Routes};

/// One line of the table of routes. An item goes down the table until a route that is about it is final.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawRoute {
    /// Unique; for messages.
    pub name: String,
    /// Whose items it is about. Empty: everybody's.
    pub tenant: Vec<String>,
    /// Which signals it is about.
    #[schemars(length(min = 1))]
    pub signals: Vec<RawSignal>,
    /// Conditions in OTTL, of which one must hold. Empty: none need hold. A condition about log records concerns logs alone, and so on; for traces a
    /// condition may look at resources only, or the traces would be torn (`split_traces`). A condition that fails doesn't hold.
    #[serde(rename = "match")]
    pub matches: Vec<String>,
    /// The backends that get what it is about. Empty: none, where it is final.
    pub to: Vec<String>,
    /// What it is about isn't offered to routes below.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// Conditions may look at spans, so that a backend may get some spans of a trace and not the others.
    pub split_traces: bool,
}

impl Default for RawRoute {
    fn default() -> Self {
        Self {
            name: String::new(),
            tenant: Vec::new(),
            signals: vec![RawSignal::Traces, RawSignal::Logs, RawSignal::Metrics],
            matches: Vec::new(),
            to: Vec::new(),
            is_final: true,
            split_traces: false,
        }
    }
}

/// Reports everything that is wrong with the table, which stands at `path`.
pub(super) fn check(
    routes: &[RawRoute],
    backends: &[RawBackend],
    path: &str,
    problems: &mut Problems,
) {
    let mut names = BTreeMap::new();
    // The signals that no route below gets of anybody, and since which route.
    let mut ended: Vec<(Signal, String)> = Vec::new();
    for (index, route) in routes.iter().enumerate() {
        let at = format!("{path}[{index}]");
        if route.name.is_empty() {
            problems.push(
                format!("{at}.name"),
                "is missing: messages name routes by it",
            );
        } else if let Some(first) = names.insert(&route.name, index) {
            let message = format!("`{}` is also the name of route {first}", route.name);
            problems.push(format!("{at}.name"), message);
        }
        route.check_backends(backends, &at, problems);
        route.compile(Some((&at, problems)));
        if route.to.is_empty() && !route.is_final {
            problems.push(&at, "does nothing: it names no backend and isn't final");
        }
        let signals = route.signals();
        let is_below = |signal: &Signal| ended.iter().find(|(ended, _)| ended == signal);
        if let [Some((_, by)), ..] = signals.iter().map(is_below).collect::<Vec<_>>()[..]
            && signals.iter().all(|signal| is_below(signal).is_some())
        {
            problems.warn(
                &at,
                format!("is never reached: the route `{by}` above is about everything, and final"),
            );
        }
        if route.is_final && route.tenant.is_empty() && route.matches.is_empty() {
            ended.extend(
                signals
                    .into_iter()
                    .map(|signal| (signal, route.name.clone())),
            );
        }
    }
    if routes.is_empty() {
        return;
    }
    for (index, backend) in backends.iter().enumerate() {
        let is_named = routes.iter().any(|route| route.to.contains(&backend.name));
        if !is_named && !backend.standby {
            let message = "no route leads there, so it gets everything";
            problems.warn(format!("export.backends[{index}].name"), message);
        }
    }
}

/// The table as one backend sees it. A backend that no route names gets everything.
pub(super) fn of(backend: &str, routes: &[RawRoute]) -> Routes {
    if !routes.iter().any(|route| route.names(backend)) {
        return Routes::default();
    }
    let route = |raw: &RawRoute| Route {
        tenants: raw
            .tenant
            .iter()
            .map(|tenant| tenant.as_bytes().into())
            .collect(),
        signals: raw.signals(),
        matches: (!raw.matches.is_empty()).then(|| raw.compile(None)),
        is_to_it: raw.names(backend),
        is_final: raw.is_final,
    };
    Routes::new(routes.iter().map(route).collect())
}

impl RawRoute {
    fn names(&self, backend: &str) -> bool {
        self.to.iter().any(|name| name == backend)
    }

    fn signals(&self) -> Vec<Signal> {
        self.signals
            .iter()
            .map(|signal| Signal::from(*signal))
            .collect()
    }

    fn check_backends(&self, backends: &[RawBackend], at: &str, problems: &mut Problems) {
        if self.signals.is_empty() {
            problems.push(
                format!("{at}.signals"),
                "no signal: leave the key out for all",
            );
        }
        let names = || backends.iter().map(|backend| backend.name.as_str());
        for (index, name) in self.to.iter().enumerate() {
            if let Some(known) = backends.iter().find(|backend| backend.name == *name) {
                if known.standby {
                    let message =
                        format!("`{name}` is a standby, which gets only what `failover` gives it");
                    problems.push(format!("{at}.to[{index}]"), message);
                }
                continue;
            }
            let help = match nearest(name, names()) {
                Some(near) => format!("did you mean {near:?}?"),
                None => format!("one of {}", names().collect::<Vec<_>>().join(", ")),
            };
            let message = format!("no backend of the name {name:?}: {help}");
            problems.push_given("export.backends", format!("{at}.to[{index}]"), message);
        }
    }

    /// The conditions by signal. What is wrong is reported under the path, if one is given.
    fn compile(&self, mut report: Option<(&str, &mut Problems)>) -> Match {
        let mut matches = Match::default();
        for (index, text) in self.matches.iter().enumerate() {
            let mut wrong = None;
            let mut concerns_any = false;
            for signal in self.signals() {
                let compiled = compile(signal, text).and_then(|(context, conditions)| {
                    let is_torn = signal == Signal::Traces && !matches!(context, Context::Resource | Context::Scope);
                    match is_torn && !self.split_traces {
                        true => Err("would tear traces apart, since it looks at spans: look at resources, or set `split_traces: true` if that is meant".to_owned()),
                        false => Ok((context, conditions)),
                    }
                });
                match compiled {
                    Ok((context, conditions)) => {
                        concerns_any = true;
                        matches.add(signal, context, conditions);
                    }
                    Err(problem) => drop(wrong.get_or_insert(problem)),
                }
            }
            if let (false, Some(problem), Some((at, problems))) = (concerns_any, wrong, &mut report)
            {
                problems.push(format!("{at}.match[{index}]"), problem);
            }
        }
        matches
    }
}

/// One condition for items of a signal.
///
/// # Errors
/// What is wrong with it, or that it can't be about this signal.
fn compile(signal: Signal, text: &String) -> Result<(Context, Conditions), String> {
    let all = |found: Vec<(usize, ottl::Problems)>| {
        let problems = found.iter().flat_map(|(_, problems)| &problems.problems);
        problems
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("; ")
    };
    let nothing: &[&String] = &[];
    let context = Context::infer(signal, nothing, &[text]).map_err(all)?;
    if matches!(context, Context::SpanEvent | Context::DataPoint) {
        return Err("looks at parts of items, which go where their item goes".to_owned());
    }
    let conditions = Conditions::compile(context, &[text], ErrorMode::Ignore).map_err(all)?;
    Ok((context, conditions))
}
