//! Stages put together over one bus, in this process: what `run`, the single stages and `demo` share.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use bus::watch::{Cursors, Watch};
use bus::{Bus, BusKind};
use runtime::{Admin, Drain, Health, Instance, Metrics, Readiness, Stages, install_metrics};
use schemas::Topics;

use crate::config::Config;
use crate::live::Live;
use crate::reload::{self, Reloader};
use crate::summary::Summary;
use crate::watching::{self, Watching};
use crate::why;

/// Between two attempts to reach the bus.
const RETRY_AFTER: Duration = Duration::from_secs(3);

/// In the order in which data flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Ingest,
    Sampler,
    Enrich,
    Export,
}

impl Stage {
    pub const ALL: [Self; 4] = [Self::Ingest, Self::Sampler, Self::Enrich, Self::Export];

    /// From 0 on.
    fn place(self) -> u16 {
        self as u16
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Sampler => "sampler",
            Self::Enrich => "enrich",
            Self::Export => "export",
        }
    }
}

/// Running stages, and where they can be reached.
pub struct Pipeline {
    pub summary: Summary,
    /// Where OTLP comes in, if ingest runs here.
    pub grpc: Option<SocketAddr>,
    pub http: Option<SocketAddr>,
    pub health: Health,
    pub metrics: Metrics,
    pub topics: Topics,
    stages: Stages,
    drain_deadline: Duration,
    sampler_reload: sampler::Reload,
    watch: Arc<Watch>,
    _watching: Watching,
    /// Holds the name as long as the stages run.
    _instance: Instance,
}

impl Pipeline {
    /// Starts stages. Health and metrics are up first, then the bus is waited for, however long that takes;
    /// `None` when `stop` was requested meanwhile.
    ///
    /// # Errors
    /// A port is taken, topics don't fit, the embedded log belongs to another process: what waiting doesn't mend.
    pub async fn start(
        config: &Config,
        stages: &[Stage],
        stop: &Drain,
    ) -> anyhow::Result<Option<Self>> {
        let metrics = install_metrics().context("cannot record metrics")?;
        let health = Health::new();
        let bus_ready = health.part("bus");
        {
            let health = health.clone();
            metrics.page("parts", move |out| health.render(out));
        }
        register(config, stages);
        let names = stages;
        let stages: Vec<(Stage, Readiness)> = stages
            .iter()
            .map(|stage| (*stage, health.part(stage.name())))
            .collect();
        let sampler_reload = sampler::Reload::default();
        let reloader = (config.file.clone())
            .map(|file| Reloader::new(file, names, config.raw.clone(), sampler_reload.clone()))
            .map(Arc::new);
        if let Some(reloader) = &reloader {
            reload::watch(reloader.clone(), stop.clone()).context("cannot handle SIGHUP")?;
        }
        let live = Live::new(reloader, redaction(config));
        let pages = live.clone().pages();
        let alone = match names[..] {
            [stage] => Some(stage),
            _ => None,
        };
        let listen = match alone {
            Some(stage) => config.admin.clone().of_stage(stage.place()),
            None => config.admin.clone(),
        };
        let admin = Admin::start(&listen, health.clone(), metrics.clone(), pages).await?;
        let [health_at, metrics_at, pages_at] = [admin.health, admin.metrics, admin.pages]
            .map(|address| address.map_or_else(|| "off".to_owned(), |address| address.to_string()));
        tracing::info!(
            health = health_at,
            metrics = metrics_at,
            listen = pages_at,
            "admin pages are up"
        );
        let instance = Instance::take(config.instance.as_deref())?;
        let Some(bus) = open(config, alone, &bus_ready, stop).await? else {
            return Ok(None);
        };
        if let BusKind::Embedded(embedded) = &config.bus.kind {
            if let Some(stage) = alone {
                tracing::warn!(
                    stage = stage.name(),
                    "this stage runs alone on an embedded bus, which no other process can use; set bus.kafka, or run all stages by `tailwater run`"
                );
            }
            why::leave_address(&embedded.dir, admin.pages);
        }
        let watch = Watch::new(bus.clone());
        let watching = watching::start(&watch, bus_ready, &metrics)?;
        live.bus_is_open(bus, Topics::new(&config.bus.prefix));

        let mut pipeline = Self {
            summary: Summary::of(config, names)
                .with_admin(admin)
                .with_instance(instance.name()),
            grpc: None,
            http: None,
            health,
            metrics,
            topics: Topics::new(&config.bus.prefix),
            stages: Stages::new(),
            drain_deadline: config.drain_deadline,
            sampler_reload,
            watch,
            _watching: watching,
            _instance: instance,
        };
        for (stage, ready) in stages {
            pipeline.add(config, stage, ready, stop).await?;
        }
        Ok(Some(pipeline))
    }

    /// The bus for a stage, which is watched on the way.
    fn watched(&self, stage: Stage) -> Arc<dyn Bus> {
        let cursors = match stage {
            Stage::Sampler => Cursors {
                committed: "emit",
                ahead: Some(("decide", sampler::decide_cursor)),
            },
            Stage::Export => {
                let groups = self.topics.group("export-");
                return self.watch.bus_of_parts(stage.name(), groups);
            }
            Stage::Ingest | Stage::Enrich => Cursors::default(),
        };
        self.watch.bus(stage.name(), cursors)
    }

    async fn add(
        &mut self,
        config: &Config,
        stage: Stage,
        ready: Readiness,
        stop: &Drain,
    ) -> anyhow::Result<()> {
        let (bus, topics) = (self.watched(stage), self.topics.clone());
        let instance = self._instance.name().to_owned();
        match stage {
            Stage::Ingest => {
                let rekey = config.ingest.rekey.clone();
                let (own, topics_too) = (config.ingest.clone(), topics.clone());
                let bound = ingest::bind(own, bus.clone(), topics_too, ready, stop).await?;
                let Some(ingest) = bound else {
                    return Ok(());
                };
                let (grpc, http) = (ingest.grpc_addr()?, ingest.http_addr()?);
                (self.grpc, self.http) = (Some(grpc), Some(http));
                self.summary.listening(grpc, http);
                self.stages.start(stage.name(), |drain| ingest.run(drain));
                let Some(rekey) = rekey else {
                    return Ok(());
                };
                let ready = self.health.part("rekey");
                self.stages.start_blocking("rekey", move |drain| {
                    ingest::rekey(rekey, bus, topics, &instance, ready, drain)
                })
            }
            Stage::Sampler => {
                let (config, reload) = (config.sampler.clone(), self.sampler_reload.clone());
                self.stages.start_blocking(stage.name(), move |drain| {
                    sampler::run(config, bus, topics, instance, reload, ready, drain)
                })
            }
            Stage::Enrich => {
                let config = config.enrich.clone();
                self.stages.start_blocking(stage.name(), move |drain| {
                    enrich::run(config, bus, topics, instance, ready, drain)
                })
            }
            Stage::Export => {
                let (config, health) = (config.export.clone(), self.health.clone());
                self.stages.start_blocking(stage.name(), move |drain| {
                    // Its backends speak for themselves from here on.
                    ready.ready();
                    export::run(config, bus, &topics, &instance, &health, &drain)
                })
            }
        }
    }

    /// Runs until `stop` completes, then drains in the order in which data flows.
    ///
    /// # Errors
    /// A stage failed, or wasn't done at the deadline.
    pub async fn run(self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        self.stages.run(stop, self.drain_deadline).await
    }
}

/// The rules by which names are shown; why there are none if rules refer to variables that this process lacks.
fn redaction(config: &Config) -> Result<Arc<redact::Rules>, String> {
    // Without its key, values are hashed all the same.
    let left_out = |path: &&String| path.starts_with("enrich") && *path != "enrich.redact.hash.key";
    match config.left_out.iter().find(left_out) {
        None => Ok(config.enrich.rules.clone()),
        Some(path) => Err(format!(
            "{path} refers to an environment variable that is not set for this process, so names could not be redacted as for export; set it, or ask a process that runs enrich"
        )),
    }
}

/// Counters of what runs here, from the start.
fn register(config: &Config, stages: &[Stage]) {
    reload::register();
    for stage in stages {
        match stage {
            Stage::Ingest => ingest::register(),
            Stage::Sampler => sampler::register(&config.sampler),
            Stage::Enrich => enrich::register(&config.enrich, &Topics::new(&config.bus.prefix)),
            Stage::Export => export::register(&config.export),
        }
    }
}

/// Opens the bus and makes its topics, again and again until it can be reached.
async fn open(
    config: &Config,
    alone: Option<Stage>,
    ready: &Readiness,
    stop: &Drain,
) -> anyhow::Result<Option<Arc<dyn Bus>>> {
    let mut waiting: Option<(Instant, String)> = None;
    loop {
        let attempt = config.bus.clone();
        let opened = tokio::task::spawn_blocking(move || {
            let bus = attempt.open()?;
            let topics = Topics::new(&attempt.prefix);
            bus.ensure_topics(&bus::topic_specs(&topics, attempt.partitions))?;
            Ok(bus)
        });
        match opened.await? {
            Ok(bus) => {
                if let Some((since, _)) = waiting {
                    let waited_s = since.elapsed().as_secs();
                    tracing::info!(waited_s, "the bus is there");
                }
                ready.ready();
                return Ok(Some(bus));
            }
            Err(error @ (bus::Error::Unavailable(_) | bus::Error::Denied(_))) => {
                let reason = error.to_string();
                let since = waiting
                    .as_ref()
                    .map_or_else(Instant::now, |(since, _)| *since);
                // One warning says it, until the reason is another one.
                match &waiting {
                    Some((_, said)) if *said == reason => {
                        tracing::debug!(%reason, "the bus can't be used; waiting for it");
                    }
                    _ if matches!(error, bus::Error::Denied(_)) => tracing::error!(
                        %reason,
                        "the bus refuses us a right; waiting until it is given (docs/kafka.md lists all rights)"
                    ),
                    _ => tracing::warn!(
                        %reason,
                        "the bus can't be reached; waiting for it: start it, or correct its address in the section `bus`"
                    ),
                }
                ready.not_ready(format!("waiting for the bus: {reason}"));
                waiting = Some((since, reason));
            }
            Err(error) => {
                let embedded = matches!(config.bus.kind, BusKind::Embedded(_));
                return match alone {
                    Some(stage) if embedded => Err(anyhow::Error::from(error).context(format!(
                        "{} runs alone, and an embedded bus belongs to one process: set bus.kafka, or run all stages together by `tailwater run`",
                        stage.name()
                    ))),
                    _ => Err(error.into()),
                };
            }
        }
        tokio::select! {
            () = tokio::time::sleep(RETRY_AFTER) => {}
            () = stop.requested() => return Ok(None),
        }
    }
}
