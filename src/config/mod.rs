//! The whole configuration: each crate's section, and what belongs to the process.

mod residency;
mod tenants;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context;
use bus::TopicSpec;
use runtime::admin::{AdminConfig, RawAdmin};
use runtime::config::{self, ConfigError, Duration, Problems, Source, Warnings};
use runtime::logging::{LogConfig, RawLog};
use schemars::JsonSchema;
use schemas::Topics;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::rehearsal::{self, RawTest};
use crate::stage::Stage;

pub use tenants::{RawTenants, Tenants};

/// The configuration of Tailwater. Everything has a default; a file says at least one thing.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "Tailwater", extend("x-foreign-keys" = foreign_keys()))]
pub struct RawConfig {
    /// Where records are kept between the stages.
    pub bus: bus::RawBusConfig,
    /// Where telemetry comes in.
    pub ingest: ingest::RawConfig,
    /// Which traces are kept, and how they are decided.
    pub sampler: sampler::RawConfig,
    /// What happens to telemetry before it leaves: redaction, and attributes that are set.
    pub enrich: enrich::RawConfig,
    /// Where telemetry goes.
    pub export: export::RawConfig,
    /// Kubernetes clusters that are watched.
    #[serde(skip_serializing_if = "no_clusters")]
    pub k8s: watch::RawConfig,
    /// Tenants by name, and what holds for each. `default` is for all tenants without an entry.
    #[serde(skip_serializing_if = "RawTenants::is_empty")]
    pub tenants: RawTenants,
    /// Health, metrics and the admin pages of this process.
    pub admin: RawAdmin,
    pub log: RawLog,
    pub shutdown: RawShutdown,
    /// The name of this process. It must stay the same after a restart, and differ from that of every other process on
    /// the bus. TAILWATER_INSTANCE sets it too. Without either, it is the host's name with a number.
    pub instance: Option<String>,
    /// Small traces with the verdict that each must get, run by `tailwater check`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<RawTest>,
}

/// Most have none, and needn't see what would hold for them.
fn no_clusters(k8s: &watch::RawConfig) -> bool {
    k8s.clusters.is_empty()
}

/// Sections of other programs' configurations, which `tailwater import` translates.
fn foreign_keys() -> Map<String, Value> {
    let collector = "this is a section of the OpenTelemetry Collector; did you mean `tailwater import collector FILE`?";
    let refinery = "this is a section of Refinery; did you mean `tailwater import refinery FILE`?";
    let keys = [
        (collector, COLLECTOR_KEYS.as_slice()),
        (refinery, REFINERY_KEYS.as_slice()),
    ];
    keys.into_iter()
        .flat_map(|(help, keys)| keys.iter().map(move |key| ((*key).to_owned(), help.into())))
        .collect()
}

const COLLECTOR_KEYS: [&str; 6] = [
    "receivers",
    "processors",
    "exporters",
    "extensions",
    "connectors",
    "service",
];
/// Of its rules, in which `RulesVersion` comes first.
const REFINERY_KEYS: [&str; 2] = ["RulesVersion", "Samplers"];

/// How the process ends.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawShutdown {
    /// The time that all stages together have to drain.
    pub deadline: Duration,
}

impl Default for RawShutdown {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(30),
        }
    }
}

/// A valid configuration.
#[derive(Clone)]
pub struct Config {
    pub bus: bus::BusConfig,
    pub ingest: ingest::Config,
    /// Which topics each tenant's telemetry goes to.
    pub residency: ingest::Residency,
    pub sampler: sampler::Config,
    pub enrich: enrich::Config,
    pub export: export::Config,
    pub k8s: watch::Config,
    pub admin: AdminConfig,
    pub log: LogConfig,
    pub drain_deadline: std::time::Duration,
    pub instance: Option<String>,
    /// Where it was read from; `None`: the defaults, or a text.
    pub file: Option<PathBuf>,
    /// As written, with defaults: for the summary.
    pub raw: RawConfig,
    /// What is valid in the sections that are used, and hardly meant.
    pub warnings: Warnings,
    /// Paths of what refers to variables that aren't set, in sections that aren't used.
    pub left_out: Vec<String>,
    /// The files that it refers to by `${file:…}`, which may change like itself.
    pub files: Vec<PathBuf>,
}

/// What is wrong with a file that holds nothing.
const EMPTY: &str = "there is nothing in this file; for the defaults, write `sampler: {policies: default}`, or give no file";

impl Config {
    /// Reads a file with this process's environment, for all stages; without a file, the defaults.
    ///
    /// # Errors
    /// As [`Config::read_for`].
    pub fn read(file: Option<&Path>) -> anyhow::Result<Self> {
        Self::read_for(file, &Stage::ALL)
    }

    /// Reads a file for these stages: of the sections of others, variables may be unset.
    ///
    /// # Errors
    /// The file can't be read, or everything that is wrong in it: a report for people.
    pub fn read_for(file: Option<&Path>, stages: &[Stage]) -> anyhow::Result<Self> {
        Self::read_with(file, stages, |_, _| ())
    }

    /// The same, with more to check.
    ///
    /// # Errors
    /// As [`Config::read_for`].
    pub fn read_with(
        file: Option<&Path>,
        stages: &[Stage],
        more: impl FnOnce(&RawConfig, &mut Problems),
    ) -> anyhow::Result<Self> {
        let Some(path) = file else {
            return Ok(Self::parse("the defaults", "")?);
        };
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the configuration {name}"))
            .map_err(|error| anyhow::anyhow!("error: {error:#}"))?;
        let source = Source {
            file: &name,
            text: &text,
            environment: &config::process_environment,
            uses: &|section| uses(stages, section),
            empty: Some(EMPTY),
        };
        let loaded = source.load(|raw, problems| {
            more(raw, problems);
            if stages == [Stage::Watch] && raw.k8s.clusters.is_empty() {
                problems.push("k8s.clusters", "is empty, so there is nothing to watch; name a cluster, such as `clusters: [{name: prod}]`");
            }
            Self::validate(raw, problems)
        })?;
        let mut files = loaded.files;
        files.extend(loaded.value.export.files.iter().cloned());
        Ok(Self {
            file: Some(path.to_owned()),
            warnings: loaded.warnings,
            left_out: loaded.left_out,
            files,
            ..loaded.value
        })
    }

    /// Reads a text; `name` stands for it in messages.
    ///
    /// # Errors
    /// Everything that is wrong in it.
    pub fn parse(name: &str, text: &str) -> Result<Self, ConfigError> {
        config::load(name, text, &config::process_environment, Self::validate)
    }

    pub fn validate(raw: &RawConfig, problems: &mut Problems) -> Self {
        let mut raw = raw.clone();
        if raw.instance.as_ref().is_some_and(String::is_empty) {
            raw.instance = None;
        }
        if raw.shutdown.deadline.0.is_zero() {
            problems.push("shutdown.deadline", "must be above 0s");
        }
        let Tenants { quotas } = tenants::validate(&raw.tenants, "tenants", problems);
        own_topics(&raw, problems);
        tenants::doubt(&raw.tenants, &raw.ingest, "tenants", problems);
        let own = tenants::own(&raw.tenants, |tenant| sampler::RawTenant {
            policies: tenant.policies.as_ref(),
            budget: tenant.budget.as_ref(),
        });
        let sampler = raw
            .sampler
            .validate_with("sampler", &own, "tenants", problems);
        rehearsal::validate(&raw.tests, &sampler.policies, problems);
        let own = tenants::own(&raw.tenants, |tenant| tenant.redact.as_ref());
        let enrich = raw
            .enrich
            .validate_with("enrich", &own, "tenants", problems);
        let own = tenants::own(&raw.tenants, |tenant| tenant.backends.as_deref());
        let export = raw
            .export
            .validate_with("export", &own, "tenants", problems);
        let bus = raw.bus.validate("bus", problems);
        let taken = raw.ingest.retention_classes.as_deref();
        let residency = residency::validate(&raw.tenants, taken, &raw.bus.topics, &bus, problems);
        Self {
            residency,
            bus,
            ingest: raw.ingest.validate("ingest", problems).with_quotas(quotas),
            sampler,
            enrich,
            export,
            k8s: k8s(&raw, problems),
            admin: raw.admin.validate("admin", problems),
            log: raw.log.validate("log", problems),
            drain_deadline: raw.shutdown.deadline.0,
            instance: raw.instance.clone(),
            file: None,
            raw,
            warnings: Warnings::default(),
            left_out: Vec::new(),
            files: Vec::new(),
        }
    }

    /// The topics that these stages use: of the class that they work on, and of each class that ingest takes.
    pub fn topics_of(&self, stages: &[Stage]) -> Vec<Topics> {
        let others = (stages.iter()).any(|it| !matches!(it, Stage::Ingest | Stage::Watch));
        let own = others.then(|| Topics::new(&self.bus.prefix));
        let taken = self.residency.taken().iter();
        let taken = taken.filter(|_| stages.contains(&Stage::Ingest)).cloned();
        let mut all: Vec<_> = own.into_iter().chain(taken).collect();
        let mut seen = BTreeSet::new();
        all.retain(|topics| seen.insert(topics.dead_letters()));
        all
    }

    /// All topics that these stages use.
    pub fn topic_specs(&self, stages: &[Stage]) -> Vec<TopicSpec> {
        let classes = self.topics_of(stages);
        let specs = (classes.iter()).flat_map(|it| bus::topic_specs(it, self.bus.partitions));
        let k8s = self.uses_k8s(stages);
        let k8s = k8s.then(|| bus::k8s_spec(&self.plain_topics()));
        let quarantine = self.quarantines(stages);
        let quarantine = quarantine.then(|| {
            let topics = Topics::new(&self.bus.prefix);
            bus::quarantine_spec(&topics, self.bus.partitions)
        });
        specs.chain(k8s).chain(quarantine).collect()
    }

    /// The topics of the class `default`.
    pub fn plain_topics(&self) -> Topics {
        Topics::new(&self.raw.bus.topics.prefix)
    }

    /// Whether these stages keep items aside.
    pub fn quarantines(&self, stages: &[Stage]) -> bool {
        stages.contains(&Stage::Enrich) && self.enrich.quarantines()
    }

    /// Whether these stages write or read Kubernetes's objects.
    pub fn uses_k8s(&self, stages: &[Stage]) -> bool {
        let watches = stages.contains(&Stage::Watch) && !self.k8s.clusters.is_empty();
        watches || (stages.contains(&Stage::Enrich) && self.enrich.looks_up_pods())
    }

    /// Those of these stages that have something to do: nobody watches no cluster.
    pub fn active(&self, stages: &[Stage]) -> Vec<Stage> {
        let watches = stages.len() == 1 || !self.k8s.clusters.is_empty();
        let active = stages
            .iter()
            .filter(|stage| watches || **stage != Stage::Watch);
        active.copied().collect()
    }

    /// Says in the log what is doubtful.
    pub fn log_warnings(&self) {
        for (place, message) in self.warnings.lines() {
            tracing::warn!(place, "configuration: {message}");
        }
    }
}

fn k8s(raw: &RawConfig, problems: &mut Problems) -> watch::Config {
    if !raw.k8s.clusters.is_empty() && !watch::HAS_CLIENT {
        problems.warn(
            "k8s.clusters",
            "this build was made without the cargo feature `k8s`, so that it watches no cluster",
        );
    }
    raw.k8s.validate("k8s", problems)
}

/// Reading what we write ourselves would never end: each record would come back again.
fn own_topics(raw: &RawConfig, problems: &mut Problems) {
    let Some(kafka) = &raw.ingest.kafka else {
        return;
    };
    // What is wrong with the section itself is told once.
    let classes = raw.bus.validate("bus", &mut Problems::new()).classes;
    let own: Vec<_> = (classes.values())
        .flat_map(|prefix| bus::topic_specs(&Topics::new(prefix), 1))
        .chain([bus::k8s_spec(&Topics::new(&raw.bus.topics.prefix))])
        .chain((classes.values()).map(|prefix| bus::quarantine_spec(&Topics::new(prefix), 1)))
        .collect();
    for (path, topic) in kafka.placed_topics("ingest.kafka") {
        if own.iter().any(|spec| *spec.name == *topic) {
            problems.push(
                path,
                format!(
                    "`{topic}` is a topic of this Tailwater's own, by bus.topics; name a topic that somebody else writes, such as a mirrored one"
                ),
            );
        }
    }
}

/// Whether one of the stages uses a section, or every process does.
fn uses(stages: &[Stage], section: &str) -> bool {
    match section {
        "ingest" => stages.contains(&Stage::Ingest),
        "sampler" => stages.contains(&Stage::Sampler),
        "tests" => stages.contains(&Stage::Sampler) || stages.contains(&Stage::Enrich),
        "enrich" => stages.contains(&Stage::Enrich),
        "export" => stages.contains(&Stage::Export),
        "k8s" => stages.contains(&Stage::Watch),
        // What every process uses; of an unknown key it is said that it is unknown.
        "bus" | "tenants" | "admin" | "log" | "shutdown" | "instance" => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_of_its_own_are_no_source() {
        let told = |text: &str| {
            let report = config::load("a file", text, &|_| None, Config::validate);
            report.map(drop).err().map(|report| report.to_string())
        };
        let kafka = "bus: {kafka: {brokers: [\"a:1\"]}, topics: {prefix: shop}}\n";
        let own = told(&format!(
            "{kafka}ingest: {{kafka: {{sources: [{{topics: [eu.shop.traces.raw, shop.traces.raw]}}]}}}}\n"
        ));
        let own = own.expect("it is wrong");
        assert!(own.contains("sources[0].topics[1]"), "{own}");
        assert!(
            own.contains("`shop.traces.raw` is a topic of this Tailwater's own"),
            "{own}"
        );
        assert!(!own.contains("topics[0]"), "{own}");
        let mirrored = format!("{kafka}ingest: {{kafka: {{topics: [eu.shop.traces.raw]}}}}\n");
        assert_eq!(told(&mirrored), None);
    }

    /// It is valid, as on a machine where the secrets are set, and its own tests pass.
    fn check(name: &str, text: &str) {
        let environment = |name: &str| {
            (name.ends_with("_KEY") || name.ends_with("_PASSWORD") || name.ends_with("_TOKEN"))
                .then(|| "a-secret-that-is-long-enough".to_owned())
        };
        match config::load(name, text, &environment, Config::validate) {
            Err(report) => panic!("{report}"),
            Ok(config) => {
                let tests = rehearsal::run(
                    &config.raw.tests,
                    Some(&config.sampler),
                    Some((&config.enrich, &config.sampler.options.promote)),
                    Path::new(""),
                );
                if let Some(failures) = rehearsal::failures(&tests) {
                    panic!("{name}: {failures}");
                }
            }
        }
    }

    fn read(path: &Path) -> String {
        std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    #[test]
    fn no_configuration_is_one() {
        check("the defaults", "");
    }

    /// The list could also be the word `default`: that is not what was meant.
    #[test]
    fn each_wrong_policy_is_told() {
        let text = "sampler:\n  policies:\n    - {name: a, type: latency, latency: {threshold_ms: soon}}\n    - {name: b, type: latency, latency: {threshold_ms: later}}\n    - {name: c, type: latency, latency: {threshold: 5}}\n";
        let report = config::load("a file", text, &|_| None, Config::validate);
        let report = report.map(drop).expect_err("it is wrong").to_string();
        for part in ["found `soon`", "found `later`", "unknown key `threshold`"] {
            assert!(report.contains(part), "{report}");
        }
    }

    #[test]
    fn every_example_is_valid() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let examples = std::fs::read_dir(root.join("deploy/examples")).expect("there are examples");
        let files: Vec<_> = examples.flatten().map(|file| file.path()).collect();
        assert!(files.len() >= 3, "{files:?}");
        for file in files {
            check(&file.display().to_string(), &read(&file));
        }
    }

    /// They are whole, or some policies.
    #[test]
    fn every_policy_in_the_docs_is_valid() {
        let text = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/policies.md"));
        let blocks: Vec<_> = text.split("```yaml\n").skip(1).collect();
        assert!(blocks.len() >= 5, "{}", blocks.len());
        for block in blocks {
            let (yaml, _) = block.split_once("```").expect("the block ends");
            match yaml.starts_with("sampler:") {
                true => check("docs/reference/policies.md", yaml),
                false => check(
                    "docs/reference/policies.md",
                    &format!("sampler:\n  policies:\n{yaml}"),
                ),
            }
        }
    }

    /// The values' section `config` is the configuration as it stands in the pods.
    #[test]
    fn the_charts_configuration_is_valid() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let values = read(&root.join("deploy/helm/tailwater/values.yaml"));
        let (_, section) = values
            .split_once("\nconfig:\n")
            .expect("a section `config`");
        let lines = section.lines();
        let own = |line: &&str| line.is_empty() || line.starts_with("  ");
        let config: Vec<_> = (lines.take_while(own))
            .map(|line| line.strip_prefix("  ").unwrap_or(line))
            .collect();
        assert!(config.len() > 20, "{config:?}");
        check("the chart's values", &config.join("\n"));
    }

    #[test]
    fn every_configuration_in_the_docs_is_valid() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut checked = 0;
        let documents = [
            "README.md",
            "docs/reference/configuration.md",
            "docs/how-to/secure.md",
            "docs/reference/ingest.md",
            "docs/reference/backends/presets.md",
            "docs/explanation/sampling.md",
            "docs/start/kafka.md",
            "docs/reference/kafka.md",
            "docs/start/laptop.md",
            "docs/start/refinery.md",
            "docs/how-to/tenants.md",
            "docs/how-to/cookbook.md",
            "docs/reference/steps/README.md",
            "docs/reference/steps/transform.md",
            "docs/reference/steps/filter.md",
            "docs/reference/steps/attributes.md",
            "docs/reference/steps/lookup.md",
            "docs/reference/steps/schema.md",
            "docs/reference/steps/span_name.md",
            "docs/reference/steps/status.md",
            "docs/reference/steps/k8s_attributes.md",
            "docs/reference/backends/clickhouse.md",
        ];
        for name in documents {
            let text = read(&root.join(name));
            for block in text.split("```yaml\n").skip(1) {
                let (yaml, _) = block.split_once("```").expect("the block ends");
                // A Collector's configuration has sections that ours hasn't.
                if !yaml.contains("service:\n") {
                    check(name, yaml);
                    checked += 1;
                }
            }
        }
        assert!(checked >= documents.len(), "{checked}");
    }
}
