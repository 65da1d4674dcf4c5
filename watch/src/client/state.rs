//! What is known of all that is followed: what was told, whether it is well, and what metrics and readiness say of it.

use std::time::Duration;

use k8s::{Entry, Kind, Text};

use super::follow::{Failure, Heard};
use crate::config::Config;
use crate::names;
use crate::told::Told;

/// Objects that are told again in one look.
const AGAIN_MAX: usize = 500;
/// A failure that stays the same is a warning once in so long.
const WARN_EVERY_MS: u64 = 60_000;

/// Everything that is followed.
pub(super) struct State {
    followed: Vec<Followed>,
    clusters: Vec<Text>,
}

/// One kind of one cluster.
struct Followed {
    cluster: usize,
    kind: Kind,
    told: Told,
    /// Lists that were begun.
    lists: u64,
    /// All that there is has been heard once.
    is_complete: bool,
    failing: Option<Failing>,
    /// When something was heard, or this began.
    heard_ms: u64,
}

struct Failing {
    failure: Failure,
    warned_ms: u64,
}

impl State {
    pub(super) fn new(config: &Config, again_after_ms: u64, now_ms: u64) -> Self {
        let mut followed = Vec::new();
        for (cluster, named) in config.clusters.iter().enumerate() {
            for kind in &config.kinds {
                let keep_ms = config.keep_deleted_ms;
                followed.push(Followed {
                    cluster,
                    kind: *kind,
                    told: Told::new(named.name.clone(), *kind, keep_ms, again_after_ms),
                    lists: 0,
                    is_complete: false,
                    failing: None,
                    heard_ms: now_ms,
                });
            }
        }
        let clusters = config.clusters.iter().map(|cluster| cluster.name.clone());
        Self {
            followed,
            clusters: clusters.collect(),
        }
    }

    /// The number of a cluster and the kind, of each that is followed.
    pub(super) fn followed(&self) -> impl Iterator<Item = (usize, Kind)> {
        let followed = self.followed.iter();
        followed.map(|followed| (followed.cluster, followed.kind))
    }

    /// Takes over what was told before.
    pub(super) fn restore(&mut self, entry: &Entry, told_ms: u64) {
        for followed in &mut self.followed {
            followed.told.restore(entry, told_ms);
        }
    }

    /// What is to be told of what was heard.
    pub(super) fn hear(&mut self, number: usize, heard: Heard, now_ms: u64) -> Vec<Entry> {
        let Some(followed) = self.followed.get_mut(number) else {
            return Vec::new();
        };
        let cluster = &self.clusters[followed.cluster];
        match heard {
            Heard::Failed(failure) => {
                followed.fail(cluster, failure, now_ms);
                return Vec::new();
            }
            _ => followed.recover(cluster),
        }
        followed.heard_ms = now_ms;
        match heard {
            Heard::BeginList => {
                if followed.lists > 0 {
                    let name = cluster.to_string();
                    metrics::counter!(names::RELISTS, "cluster" => name).increment(1);
                }
                followed.lists += 1;
                followed.told.begin_list();
                Vec::new()
            }
            Heard::See(seen) => followed.told.see(seen, now_ms).into_iter().collect(),
            Heard::Lose(uid) => followed.told.lose(&uid, now_ms).into_iter().collect(),
            Heard::EndList => {
                followed.is_complete = true;
                let (live, _) = followed.told.counts();
                let kind = followed.kind.plural();
                tracing::info!(%cluster, kind, objects = live, "listed all objects of a Kubernetes cluster");
                followed.told.end_list(now_ms)
            }
            Heard::Alive | Heard::Failed(_) => {
                followed.told.heard(now_ms);
                Vec::new()
            }
        }
    }

    /// Shows how it is; what is due to be told again.
    pub(super) fn look(&mut self, now_ms: u64) -> Vec<Entry> {
        let mut entries = Vec::new();
        for followed in &mut self.followed {
            entries.extend(followed.told.again(now_ms, AGAIN_MAX));
        }
        for (number, name) in self.clusters.iter().enumerate() {
            let of_cluster = || (self.followed.iter()).filter(|it| it.cluster == number);
            let pods = of_cluster().find(|followed| followed.kind == Kind::Pod);
            let (live, deleted) = pods.map_or((0, 0), |pods| pods.told.counts());
            for (state, count) in [("live", live), ("deleted", deleted)] {
                let labels = [("cluster", name.to_string()), ("state", state.to_owned())];
                metrics::gauge!(names::PODS, &labels).set(count as f64);
            }
            let heard_ms = of_cluster().map(|followed| followed.heard_ms).min();
            let age_ms = now_ms.saturating_sub(heard_ms.unwrap_or_default());
            let age = Duration::from_millis(age_ms).as_secs_f64();
            metrics::gauge!(names::AGE, "cluster" => name.to_string()).set(age);
        }
        entries
    }

    /// What isn't well, in words; `None`: all is.
    pub(super) fn trouble(&self) -> Option<String> {
        let troubles: Vec<_> = self.followed.iter().filter_map(|it| self.of(it)).collect();
        (!troubles.is_empty()).then(|| troubles.join("; "))
    }

    fn of(&self, followed: &Followed) -> Option<String> {
        let (cluster, kind) = (&self.clusters[followed.cluster], followed.kind.plural());
        match &followed.failing {
            Some(Failing { failure, .. }) => Some(format!(
                "cluster {cluster}: {kind} can't be watched ({}); what is known stays",
                failure.message
            )),
            None if !followed.is_complete => {
                Some(format!("cluster {cluster}: {kind} are being listed"))
            }
            None => None,
        }
    }
}

impl Followed {
    fn fail(&mut self, cluster: &Text, failure: Failure, now_ms: u64) {
        let labels = [
            ("cluster", cluster.to_string()),
            ("reason", failure.reason.to_owned()),
        ];
        metrics::counter!(names::FAILURES, &labels).increment(1);
        let warned_ms = self.failing.as_ref().map_or(0, |failing| failing.warned_ms);
        // That the past is forgotten is how Kubernetes works: all is listed anew.
        let is_news = warned_ms + WARN_EVERY_MS <= now_ms && failure.reason != "expired";
        if is_news {
            let advice = match failure.reason {
                "forbidden" => "; it needs the verbs list and watch",
                _ => "",
            };
            tracing::warn!(
                %cluster,
                kind = self.kind.plural(),
                error = failure.message,
                "a Kubernetes cluster can't be watched; what is known of it stays, and it is tried again{advice}"
            );
        }
        self.failing = Some(Failing {
            failure,
            warned_ms: if is_news { now_ms } else { warned_ms },
        });
    }

    fn recover(&mut self, cluster: &Text) {
        if let Some(failing) = self.failing.take()
            && failing.failure.reason != "expired"
        {
            let kind = self.kind.plural();
            tracing::info!(%cluster, kind, "a Kubernetes cluster is watched again");
        }
    }
}
