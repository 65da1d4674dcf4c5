//! `tailwater topics`: which topics and rights a configuration wants of Kafka, for whoever gives them out.
//!
//! Asks no broker; `check --connect` compares.

mod asked;
mod formats;
mod rights;
mod wanted;

use std::path::PathBuf;

use bus::BusKind;
use clap::ValueEnum;
use runtime::exit;

use crate::config::Config;
use crate::stage::Stage;
pub use asked::asked;
use rights::rights;
use wanted::Wanted;

#[derive(clap::Args)]
pub struct Args {
    /// The configuration, in YAML; without it, the defaults
    #[arg(short, long, env = "TAILWATER_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// What to print
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// The rights of one stage alone, for stages that have users of their own
    #[arg(long, value_enum)]
    stage: Option<StageName>,
    /// Who gets the rights
    #[arg(long, default_value = "User:tailwater")]
    principal: String,
    /// The name of the Kafka cluster in Strimzi
    #[arg(long, default_value = "kafka")]
    cluster: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// A table for people
    Text,
    /// Commands of Kafka's own tools
    KafkaCli,
    /// Resources of Terraform's provider Mongey/kafka
    Terraform,
    /// Resources of Strimzi for Kubernetes
    Strimzi,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum StageName {
    Ingest,
    Sample,
    Enrich,
    Export,
    Watch,
}

impl StageName {
    pub fn stage(self) -> Stage {
        match self {
            Self::Ingest => Stage::Ingest,
            Self::Sample => Stage::Sampler,
            Self::Enrich => Stage::Enrich,
            Self::Export => Stage::Export,
            Self::Watch => Stage::Watch,
        }
    }
}

pub fn run(args: &Args) -> i32 {
    let stages = match args.stage {
        Some(name) => vec![name.stage()],
        None => Stage::ALL.to_vec(),
    };
    let config = match Config::read_for(args.config.as_deref(), &stages) {
        Ok(config) => config,
        Err(report) => {
            errln!("{report}");
            return exit::INVALID_CONFIGURATION;
        }
    };
    if matches!(config.bus.kind, BusKind::Embedded(_)) {
        errln!(
            "error: the bus is embedded, which has neither rights nor topics to be made; write the section bus.kafka"
        );
        return exit::INVALID_CONFIGURATION;
    }
    let wanted = Wanted {
        topics: wanted::topics(&config.bus, config.topic_specs(&stages)),
        rights: rights(&config, &stages),
        principal: args.principal.clone(),
        cluster: args.cluster.clone(),
    };
    out!(
        "{}",
        match args.format {
            Format::Text => formats::text(&wanted),
            Format::KafkaCli => formats::kafka_cli(&wanted),
            Format::Terraform => formats::terraform(&wanted),
            Format::Strimzi => formats::strimzi(&wanted),
        }
    );
    exit::CLEAN
}
