//! The pipelines of a Collector, and what becomes of them here, where there is one: everything that comes in takes the same way, by signal.
//!
//! A *way* is what data take from receivers to exporters: a pipeline, or several that connectors join. Each backend gets the signals of
//! the ways that lead to its exporter; where two ways differ in what they do, that is said.

use serde_json::Value;

use super::super::value::{at, entries, items};
use super::super::yaml::Yaml;
use super::component::{is_sampling, kind};
use super::processors;

/// What Tailwater has a place for, in the order of `signals`.
const SIGNALS: [&str; 3] = ["traces", "logs", "metrics"];

#[derive(Clone, Debug, Default, PartialEq)]
struct Way<'v> {
    signal: &'v str,
    /// The pipelines on it.
    pipelines: Vec<&'v str>,
    receivers: Vec<&'v str>,
    processors: Vec<&'v str>,
    exporters: Vec<&'v str>,
}

impl Way<'_> {
    fn name(&self) -> String {
        self.pipelines.join(" → ")
    }

    /// Whether something is to arrive somewhere.
    fn arrives(&self) -> bool {
        let nowhere = ["loadbalancing", "nop"];
        self.exporters.iter().any(|id| !nowhere.contains(&kind(id)))
    }
}

#[derive(Debug)]
pub(super) struct Pipelines<'v> {
    from: &'v Value,
    /// `None`: the file has no pipelines, so everything in it counts.
    ways: Option<Vec<Way<'v>>>,
}

impl<'v> Pipelines<'v> {
    pub(super) fn read(from: &'v Value) -> Self {
        let pipelines = at(from, &["service", "pipelines"]);
        if entries(pipelines).next().is_none() {
            return Self { from, ways: None };
        }
        let ours = Self { from, ways: None };
        let mut ways = Vec::new();
        for (id, pipeline) in entries(pipelines) {
            let receivers: Vec<_> = texts(pipeline, "receivers")
                .filter(|id| !ours.is_connector(id))
                .collect();
            if !receivers.is_empty() {
                let way = Way {
                    signal: kind(id),
                    receivers,
                    ..Way::default()
                };
                ours.follow(id, pipeline, way, &mut ways);
            }
        }
        // Without receivers it is a part of a configuration, to be merged into another.
        let ways = (!ways.is_empty()).then_some(ways);
        Self { from, ways }
    }

    pub(super) fn are_there(&self) -> bool {
        self.ways.is_some()
    }

    fn is_connector(&self, id: &str) -> bool {
        at(self.from, &["connectors", id]).is_some()
    }

    fn pipelines(&self) -> impl Iterator<Item = (&'v str, &'v Value)> {
        entries(at(self.from, &["service", "pipelines"]))
    }

    /// Adds the ways that lead on from a pipeline.
    fn follow(&self, id: &'v str, pipeline: &'v Value, mut way: Way<'v>, ways: &mut Vec<Way<'v>>) {
        if way.pipelines.contains(&id) {
            return;
        }
        way.pipelines.push(id);
        way.processors.extend(texts(pipeline, "processors"));
        let (connectors, exporters): (Vec<_>, Vec<_>) =
            texts(pipeline, "exporters").partition(|id| self.is_connector(id));
        for (next, pipeline) in self
            .pipelines()
            .filter(|(next, _)| kind(next) == way.signal)
        {
            if texts(pipeline, "receivers").any(|id| connectors.contains(&id)) {
                self.follow(next, pipeline, way.clone(), ways);
            }
        }
        if !exporters.is_empty() {
            ways.push(Way { exporters, ..way });
        }
    }

    fn ways(&self) -> impl Iterator<Item = &Way<'v>> {
        self.ways.iter().flatten()
    }

    /// The ways of known signals on which something arrives.
    fn arriving(&self) -> impl Iterator<Item = &Way<'v>> {
        self.ways()
            .filter(|way| way.arrives() && SIGNALS.contains(&way.signal))
    }

    /// The components of a section that are on some way; all of them where there are no pipelines.
    pub(super) fn used(&self, section: &str) -> Vec<(&'v str, &'v Value)> {
        let on = |way: &Way, id: &str| {
            let ids = match section {
                "receivers" => &way.receivers,
                "processors" => &way.processors,
                _ => &way.exporters,
            };
            ids.contains(&id)
        };
        entries(self.from.get(section))
            .filter(|(id, _)| !self.are_there() || self.ways().any(|way| on(way, id)))
            .collect()
    }

    /// The processors that are on some way, in the order in which data pass them; all of them where there are no pipelines.
    pub(super) fn processors(&self) -> Vec<(&'v str, &'v Value)> {
        let used = self.used("processors");
        let place = |id: &str| {
            let ways = self.ways().enumerate();
            let mut places = ways.filter_map(|(way, on)| {
                let at = on.processors.iter().position(|other| *other == id)?;
                Some((way, at))
            });
            places.next()
        };
        let mut ordered = used;
        // Stable: without pipelines they stay as they are written.
        ordered.sort_by_key(|(id, _)| place(id));
        ordered
    }

    /// The signals that a processor is used for; all of them where the file doesn't say.
    pub(super) fn signals_of(&self, processor: &str) -> Vec<&'static str> {
        let uses = |signal: &&str| {
            let mut ways = self.ways().filter(|way| way.signal == *signal);
            ways.any(|way| way.processors.contains(&processor))
        };
        let uses = |signal: &&str| !self.are_there() || uses(signal);
        SIGNALS.into_iter().filter(uses).collect()
    }

    /// What an exporter gets; `None` where the file doesn't say.
    pub(super) fn signals(&self, exporter: &str) -> Option<Vec<&'static str>> {
        let gets = |signal: &&str| {
            self.ways()
                .any(|way| way.signal == *signal && way.exporters.contains(&exporter))
        };
        self.are_there()
            .then(|| SIGNALS.into_iter().filter(gets).collect())
    }

    /// Says what means something else, now that there is one pipeline.
    pub(super) fn remarks(&self, sampling: Option<&str>, ours: &mut Yaml) {
        if !self.are_there() {
            if self.pipelines().next().is_some() {
                ours.remark("no pipeline has receivers: all that stands in the file is translated");
            }
            return;
        }
        self.undefined(ours);
        self.strangers(ours);
        if let Some(sampling) = sampling {
            self.sampled_otherwise(sampling, ours);
        }
        for signal in SIGNALS {
            self.fed_otherwise(signal, ours);
        }
        self.processed_otherwise(ours);
        self.sent_twice(ours);
    }

    /// Components that pipelines name, and that stand in another file.
    fn undefined(&self, ours: &mut Yaml) {
        let mut said = Vec::new();
        for way in self.ways() {
            let sections = [
                ("receivers", &way.receivers),
                ("processors", &way.processors),
                ("exporters", &way.exporters),
            ];
            for (section, ids) in sections {
                for id in ids {
                    if at(self.from, &[section, id]).is_none() && !said.contains(&(section, *id)) {
                        said.push((section, *id));
                        ours.lost(format!(
                            "pipeline {}: {id} does not stand under `{section}` in this file",
                            way.name()
                        ));
                    }
                }
            }
        }
    }

    /// Pipelines that nothing here feeds.
    fn strangers(&self, ours: &mut Yaml) {
        for (id, pipeline) in self.pipelines() {
            if self.ways().any(|way| way.pipelines.contains(&id)) {
                if !SIGNALS.contains(&kind(id)) {
                    ours.lost(format!(
                        "pipeline {id}: Tailwater has traces, logs and metrics"
                    ));
                }
                continue;
            }
            let receivers: Vec<_> = texts(pipeline, "receivers").collect();
            let exporters: Vec<_> = texts(pipeline, "exporters").collect();
            if receivers.iter().any(|id| !self.is_connector(id)) {
                continue; // Its connectors lead on, and are spoken of.
            }
            ours.lost(format!(
                "pipeline {id}: fed by {} alone, which is not there; {} get nothing of it",
                receivers.join(", "),
                exporters.join(", ")
            ));
        }
    }

    fn sampled_otherwise(&self, sampling: &str, ours: &mut Yaml) {
        let others = self
            .arriving()
            .filter(|way| way.signal == "traces" && !way.processors.contains(&sampling));
        for way in others {
            let (name, exporters) = (way.name(), way.exporters.join(", "));
            match way.processors.iter().find(|id| is_sampling(id)) {
                Some(other) => ours.lost(format!(
                    "pipeline {name}: sampled by {other} there, here by {sampling} as all traces are; translate it with --processor {other} for samplers of their own on a bus of their own"
                )),
                None => ours.lost(format!(
                    "pipeline {name}: not sampled there; here all traces pass the sampler, so {exporters} get the sampled ones only. Read the topic <prefix>.traces.raw for all of them"
                )),
            }
        }
    }

    fn fed_otherwise(&self, signal: &str, ours: &mut Yaml) {
        let ways: Vec<_> = self.arriving().filter(|way| way.signal == signal).collect();
        let differ = |one: &&Way, other: &&Way| {
            let leads_alike =
                same(&one.exporters, &other.exporters) && one.processors == other.processors;
            !leads_alike && !same(&one.receivers, &other.receivers)
        };
        let apart = ways
            .iter()
            .any(|one| ways.iter().any(|other| differ(one, other)));
        if apart {
            let each: Vec<_> = ways
                .iter()
                .map(|way| format!("{} from {}", way.name(), way.receivers.join(", ")))
                .collect();
            ours.lost(format!(
                "pipelines of {signal} are fed by different receivers ({}); here what comes in by any of them takes the way of all",
                each.join("; ")
            ));
        }
    }

    /// Redaction and enrichment that apply to some pipelines only.
    fn processed_otherwise(&self, ours: &mut Yaml) {
        let section = |id: &str| at(self.from, &["processors", id]);
        for (id, rules) in self.used("processors") {
            let has = |way: &&Way| {
                way.processors.iter().any(|other| {
                    *other == id || (kind(other) == kind(id) && section(other) == section(id))
                })
            };
            let concerned =
                (self.arriving()).filter(|way| processors::concerns(id, rules, way.signal));
            let (with, without): (Vec<_>, Vec<_>) = concerned.partition(has);
            if with.is_empty() || without.is_empty() {
                continue;
            }
            let names = |ways: &[&Way]| {
                ways.iter()
                    .map(|way| way.name())
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            ours.lost(format!(
                "processor {id}: it applies to {} only; here to everything, so to {} too",
                names(&with),
                names(&without)
            ));
        }
    }

    fn sent_twice(&self, ours: &mut Yaml) {
        for (id, _) in self.used("exporters") {
            for signal in SIGNALS {
                let leading = self
                    .ways()
                    .filter(|way| way.signal == signal && way.exporters.contains(&id));
                let names: Vec<_> = leading.map(Way::name).collect();
                if names.len() > 1 {
                    ours.changed(format!(
                        "exporter {id}: {} each send it {signal}; here it gets them once",
                        names.join(", ")
                    ));
                }
            }
        }
    }

    /// The processors that traces pass before they are sampled.
    pub(super) fn before(&self, sampling: &str) -> Vec<&'v str> {
        let mut out = Vec::new();
        for way in self.ways().filter(|way| way.signal == "traces") {
            let Some(at) = way.processors.iter().position(|id| *id == sampling) else {
                continue;
            };
            for id in &way.processors[..at] {
                if !out.contains(id) {
                    out.push(*id);
                }
            }
        }
        out
    }
}

fn texts<'v>(pipeline: &'v Value, key: &str) -> impl Iterator<Item = &'v str> {
    items(pipeline.get(key)).iter().filter_map(Value::as_str)
}

fn same(one: &[&str], other: &[&str]) -> bool {
    one.iter().all(|id| other.contains(id)) && other.iter().all(|id| one.contains(id))
}
