//! Which standbys a backend has, and what is wrong with them.

use runtime::config::{Problems, nearest};

use super::backend::{Backend, RawBackend};
use super::keys::failover::{Failover, FailoverTimes, RawFailover};
use crate::backends::table::Kind;

/// Gives backends their standbys, and takes these out of the list.
pub(super) fn resolve(
    raw: &[RawBackend],
    backends: Vec<Backend>,
    path: &str,
    problems: &mut Problems,
) -> Vec<Backend> {
    let is_standby = |name: &str| raw.iter().any(|raw| raw.standby && raw.name == name);
    let (standbys, mut running): (Vec<_>, Vec<_>) = backends
        .into_iter()
        .partition(|backend| is_standby(&backend.name));
    for (index, one) in raw.iter().enumerate() {
        let at = format!("{path}[{index}]");
        let is_reached = raw.iter().any(|other| other.standbys().contains(&one.name));
        if one.standby && !is_reached {
            problems.push(
                format!("{at}.standby"),
                "no `failover.to` names it, so it would never get anything",
            );
        }
        if one.standby && one.failover.is_some() {
            problems.push(
                format!("{at}.failover"),
                "a standby has no standbys: name all of them at the backend itself",
            );
        }
        let Some(failover) = &one.failover else {
            continue;
        };
        check(failover, &one.name, raw, &at, problems);
        if let Some(backend) = running.iter_mut().find(|backend| backend.name == one.name) {
            let named = failover
                .to
                .iter()
                .filter_map(|name| standbys.iter().find(|standby| standby.name == *name));
            let to: Vec<_> = named
                .map(|standby| (standby.name.clone(), standby.kind.clone()))
                .collect();
            let all = || std::iter::once(&backend.kind).chain(to.iter().map(|(_, kind)| kind));
            if all().any(Kind::once) && all().any(Kind::by_tenant) {
                let message = "can't combine a backend that recognizes batches with one that is told of tenants (`{tenant}` in a header)";
                problems.push(format!("{at}.failover.to"), message);
            }
            backend.failover = Some(Failover {
                to,
                times: FailoverTimes {
                    after: failover.after.0,
                    back_after: failover.back_after.0,
                },
            });
        }
    }
    running
}

fn check(failover: &RawFailover, own: &str, raw: &[RawBackend], at: &str, problems: &mut Problems) {
    if failover.to.is_empty() {
        problems.push(format!("{at}.failover.to"), "names no standby");
    }
    for (index, name) in failover.to.iter().enumerate() {
        let at = format!("{at}.failover.to[{index}]");
        match raw.iter().find(|other| other.name == *name) {
            _ if name == own => problems.push(at, "is the backend itself"),
            Some(other) if !other.standby => {
                problems.push(at, format!("`{name}` is no standby: give it `standby: true`, or it would get everything twice"));
            }
            Some(_) => {}
            None => {
                let help = match nearest(name, raw.iter().map(|other| other.name.as_str())) {
                    Some(near) => format!(": did you mean {near:?}?"),
                    None => String::new(),
                };
                problems.push_given(
                    "export.backends",
                    at,
                    format!("no backend of the name {name:?}{help}"),
                );
            }
        }
    }
    if failover.back_after.0.is_zero() {
        problems.push(
            format!("{at}.failover.back_after"),
            "0 would try the backend with each request: use at least 1s",
        );
    }
}
