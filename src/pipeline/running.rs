//! Running stages: started over one bus, watched, drained in the order in which data flows.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use bus::watch::{Cursors, Watch};
use bus::{Bus, BusKind};
use runtime::{Admin, Drain, Health, Instance, Metrics, Readiness, Stages, install_metrics};
use schemas::Topics;

use super::live_bus::LiveBus;
use super::opening::{alone, open};
use super::pages::{self, Pages};
use super::reload::{self, Reloads};
use super::summary::Summary;
use super::watching::{self, Watching};
use crate::config::Config;
use crate::stage::Stage;
use crate::why;

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
    reloads: Reloads,
    watch: Arc<Watch>,
    /// Holds its name as long as the stages run.
    instance: Instance,
    _watching: Watching,
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
        register(config, stages);
        let stages = &config.active(stages)[..];
        let alone = alone(stages);
        let parts: Vec<(Stage, Readiness)> = stages
            .iter()
            .map(|stage| (*stage, part(&health, *stage, alone.is_some())))
            .collect();
        let reloads = Reloads::default();
        let live = LiveBus::new(config.bus.clone());
        let reloader = reload::start(config, stages, &reloads, &live, stop)?;
        let pages = Pages::new(reloader, pages::redaction(config));
        let router = pages.clone().router();
        let admin = start_admin(config, alone, &health, &metrics, router).await?;
        let instance = Instance::take(config.instance.as_deref())?;
        let Some(bus) = open(config, &live, stages, &bus_ready, stop).await? else {
            return Ok(None);
        };
        if let BusKind::Embedded(embedded) = &config.bus.kind {
            why::leave_address(&embedded.dir, admin.pages);
        }
        let watch = Watch::new(bus.clone());
        let watching = watching::start(&watch, bus_ready, &metrics)?;
        pages.bus_is_open(bus, Topics::new(&config.bus.prefix));
        let mut pipeline = Self {
            summary: Summary::of(config, stages)
                .with_admin(admin)
                .with_instance(instance.name()),
            grpc: None,
            http: None,
            health,
            metrics,
            topics: Topics::new(&config.bus.prefix),
            stages: Stages::new(),
            drain_deadline: config.drain_deadline,
            reloads,
            watch,
            instance,
            _watching: watching,
        };
        for (stage, ready) in parts {
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
            Stage::Ingest | Stage::Enrich | Stage::Watch => Cursors::default(),
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
        let instance = self.instance.name().to_owned();
        match stage {
            Stage::Ingest => {
                let kafka = config.ingest.kafka.clone();
                let (own, residency) = (config.ingest.clone(), config.residency.clone());
                let classes = residency.clone();
                let bound = ingest::bind(own, bus.clone(), classes, ready, stop).await?;
                let Some(ingest) = bound else {
                    return Ok(());
                };
                let (grpc, http) = (ingest.grpc_addr()?, ingest.http_addr()?);
                (self.grpc, self.http) = (Some(grpc), Some(http));
                self.summary.listening(grpc, http);
                self.stages.start(stage.name(), |drain| ingest.run(drain));
                let Some(kafka) = kafka else {
                    return Ok(());
                };
                let ready = self.health.part("rekey");
                self.stages.start_blocking("rekey", move |drain| {
                    ingest::rekey(kafka, bus, residency, &instance, ready, drain)
                })
            }
            Stage::Sampler => {
                let (config, reload) = (config.sampler.clone(), self.reloads.sampler.clone());
                self.stages.start_blocking(stage.name(), move |drain| {
                    sampler::run(config, bus, topics, instance, reload, ready, drain)
                })
            }
            Stage::Enrich => {
                let plain_topics = config.plain_topics();
                let setting = enrich::Setting::new(topics, plain_topics, instance);
                let (config, reload) = (config.enrich.clone(), self.reloads.enrich.clone());
                self.stages.start_blocking(stage.name(), move |drain| {
                    enrich::run(config, bus, setting, reload, ready, drain)
                })
            }
            Stage::Export => {
                let (config, health) = (config.export.clone(), self.health.clone());
                let reload = self.reloads.export.clone();
                self.stages.start_blocking(stage.name(), move |drain| {
                    // Its backends speak for themselves from here on.
                    ready.ready();
                    export::run(config, bus, &topics, &instance, &reload, &health, &drain)
                })
            }
            Stage::Watch => {
                self.start_watch(config, bus, ready);
                Ok(())
            }
        }
    }

    #[cfg(feature = "k8s")]
    fn start_watch(&mut self, config: &Config, bus: Arc<dyn Bus>, ready: Readiness) {
        let (k8s, topics) = (config.k8s.clone(), config.plain_topics());
        self.stages.start(Stage::Watch.name(), |drain| {
            watch::run(k8s, bus, topics, ready, drain)
        });
    }

    /// This build has no client; the configuration was warned of.
    #[cfg(not(feature = "k8s"))]
    fn start_watch(&mut self, _: &Config, _: Arc<dyn Bus>, ready: Readiness) {
        ready.not_ready("this build was made without the cargo feature `k8s`");
    }

    /// Runs until `stop` completes, then drains in the order in which data flows.
    ///
    /// # Errors
    /// A stage failed, or wasn't done at the deadline.
    pub async fn run(self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        self.stages.run(stop, self.drain_deadline).await
    }
}

/// A stage's voice in the readiness of the process. What is watched beside other stages must not take them out of service: they go on with what is known.
fn part(health: &Health, stage: Stage, alone: bool) -> Readiness {
    match stage {
        Stage::Watch if !alone => health.shown(stage.name()),
        _ => health.part(stage.name()),
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
            Stage::Watch => watch::register(&config.k8s),
        }
    }
}

/// Health, metrics and pages, on the ports of the stage that runs alone, or of all of them.
async fn start_admin(
    config: &Config,
    alone: Option<Stage>,
    health: &Health,
    metrics: &Metrics,
    pages: Router,
) -> anyhow::Result<Admin> {
    let parts = health.clone();
    metrics.page("parts", move |out| parts.render(out));
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
    Ok(admin)
}
