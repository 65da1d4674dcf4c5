//! What a preset is, and how it is a kind of backend.

use std::fmt::Debug;
use std::marker::PhantomData;

use runtime::config::Problems;
use schemars::JsonSchema;
use schemas::Signal;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::asked::Asked;
use crate::backends::kind::{BackendKind, Expansion, Opening};
use crate::backends::otlp_grpc::GrpcConfig;
use crate::backends::otlp_http::HttpConfig;
use crate::records::limits::{BatchLimits, ItemLimits};

/// The section of a preset, with its defaults. Its documentation comments are the reference of the configuration.
pub trait Preset:
    Clone + Debug + DeserializeOwned + Serialize + JsonSchema + Send + Sync + 'static
{
    /// What it stands for: a section of this kind.
    type Over: Over;

    /// The signals that the product takes by OTLP.
    const SIGNALS: &'static [Signal] = &Signal::ALL;

    /// Whether the product takes metrics of delta temporality only.
    const DELTA_ONLY: bool = false;

    /// What fits into one request, as far as it isn't what usually fits.
    fn batch_limits(_: Signal) -> BatchLimits {
        BatchLimits::USUAL
    }

    /// What an item may be like that the product takes.
    fn item_limits(_: Signal) -> ItemLimits {
        ItemLimits::NONE
    }

    /// The section that it stands for. What is wrong is reported to `asked`, and something valid stands in for it.
    fn expand(&self, asked: &mut Asked<'_>) -> <Self::Over as BackendKind>::Section;
}

/// A kind that presets stand for.
pub trait Over: BackendKind {
    /// Its key in the configuration.
    const KEY: &'static str;
}

impl Over for HttpConfig {
    const KEY: &'static str = "otlp_http";
}

impl Over for GrpcConfig {
    const KEY: &'static str = "otlp_grpc";
}

/// A valid preset: the configuration of the kind that it stands for.
#[derive(Clone, Debug)]
pub struct Expanded<P: Preset> {
    config: P::Over,
    preset: PhantomData<fn() -> P>,
}

impl<P: Preset> BackendKind for Expanded<P> {
    type Section = P;
    type Sink = <P::Over as BackendKind>::Sink;

    const SIGNALS: &'static [Signal] = P::SIGNALS;
    const BATCH: BatchLimits = <P::Over as BackendKind>::BATCH;
    const DELTA_ONLY: bool = P::DELTA_ONLY;
    const CONCURRENCY_MAX: usize = <P::Over as BackendKind>::CONCURRENCY_MAX;

    fn batch_limits(signal: Signal) -> BatchLimits {
        P::batch_limits(signal)
    }

    fn item_limits(signal: Signal) -> ItemLimits {
        P::item_limits(signal)
    }

    fn validate(section: &P, signals: &[Signal], at: &str, problems: &mut Problems) -> Self {
        let expanded = section.expand(&mut Asked::new(signals, at, problems));
        Self {
            config: P::Over::validate(&expanded, signals, at, problems),
            preset: PhantomData,
        }
    }

    fn expansion(section: &P, signals: &[Signal]) -> Option<Expansion> {
        let mut problems = Problems::new();
        let expanded = section.expand(&mut Asked::new(signals, "", &mut problems));
        Some(Expansion {
            key: P::Over::KEY,
            section: serde_json::to_value(expanded).ok()?,
        })
    }

    fn target(section: &P) -> Option<String> {
        let mut problems = Problems::new();
        let expanded = section.expand(&mut Asked::new(P::SIGNALS, "", &mut problems));
        P::Over::target(&expanded)
    }

    fn by_tenant(&self) -> bool {
        self.config.by_tenant()
    }

    fn open(&self, opening: &Opening<'_>) -> anyhow::Result<Self::Sink> {
        self.config.open(opening)
    }
}
