//! What a kind of backend is: a section in the configuration, and the sink that is opened from it.

use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;

use bus::{Bus, TopicPartition};
use runtime::config::Problems;
use schemars::JsonSchema;
use schemas::Signal;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::outcome::{Accepted, Failure};
use crate::records::batch::Batch;
use crate::records::limits::{BatchLimits, ItemLimits};
use crate::records::output::Output;
use crate::transport::auth::Sources;

/// A kind of backend, as its section of the configuration says when that is valid.
///
/// # Example
/// A kind that counts what it is given, and takes up to a number of items:
///
/// ```
/// use std::sync::atomic::{AtomicUsize, Ordering};
///
/// use export::backends::kind::{BackendKind, Opening, Sink};
/// use export::outcome::{Accepted, Failure, FailureKind};
/// use export::records::batch::Batch;
/// use runtime::config::Problems;
/// use schemars::JsonSchema;
/// use schemas::Signal;
/// use serde::{Deserialize, Serialize};
///
/// /// Counts.
/// #[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
/// #[serde(default, deny_unknown_fields)]
/// struct RawCounter {
///     /// How many items it takes.
///     items: usize,
/// }
///
/// #[derive(Clone, Debug)]
/// struct CounterConfig {
///     items: usize,
/// }
///
/// impl BackendKind for CounterConfig {
///     type Section = RawCounter;
///     type Sink = Counter;
///
///     fn validate(section: &RawCounter, _: &[Signal], at: &str, problems: &mut Problems) -> Self {
///         if section.items == 0 {
///             problems.push(format!("{at}.items"), "0 would take nothing");
///         }
///         Self { items: section.items }
///     }
///
///     fn target(section: &RawCounter) -> Option<String> {
///         Some(format!("up to {}", section.items))
///     }
///
///     fn open(&self, _: &Opening<'_>) -> anyhow::Result<Counter> {
///         Ok(Counter { left: AtomicUsize::new(self.items) })
///     }
/// }
///
/// struct Counter {
///     left: AtomicUsize,
/// }
///
/// impl Sink for Counter {
///     type Request = usize;
///
///     fn prepare(&self, _: Signal, batch: &Batch) -> Result<usize, String> {
///         Ok(batch.items)
///     }
///
///     fn bytes(_: &usize) -> u64 {
///         8
///     }
///
///     async fn send(&self, _: Signal, items: &usize) -> Result<Accepted, Failure> {
///         let take = |left: usize| left.checked_sub(*items);
///         match self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take) {
///             Ok(_) => Ok(Accepted::default()),
///             // Half of it may still fit.
///             Err(left) => Err(Failure {
///                 kind: FailureKind::Split,
///                 reason: format!("only {left} are left"),
///             }),
///         }
///     }
/// }
///
/// let (section, mut problems) = (RawCounter { items: 0 }, Problems::new());
/// CounterConfig::validate(&section, &Signal::ALL, "export.backends[0].counter", &mut problems);
/// assert_eq!(problems.iter().count(), 1);
/// ```
pub trait BackendKind: Clone + Debug + Send + Sync {
    /// The section as it is written, with its defaults. Its documentation comments are the reference of the configuration.
    type Section: Clone + Debug + DeserializeOwned + Serialize + JsonSchema;
    type Sink: Sink;

    /// The signals that it can take, and takes where `signals` isn't written.
    const SIGNALS: &'static [Signal] = &Signal::ALL;

    /// What `batch` says where the user doesn't.
    const BATCH: BatchLimits = BatchLimits::USUAL;

    /// Its section says when a batch is full, in its own words: [`BackendKind::limits`]. Then `batch` isn't written.
    const OWN_LIMITS: bool = false;

    /// How many requests may be in flight at a time, for each signal, whatever `concurrency` says.
    const CONCURRENCY_MAX: usize = usize::MAX;

    /// Whether it takes metrics of delta temporality only, to which others are converted unless `metrics` says otherwise.
    const DELTA_ONLY: bool = false;

    /// Reports what is wrong with one section, each under its path, which begins with `at` (`export.backends[3].file`). `signals` are those
    /// that the backend gets. The result is used only if there are no problems.
    fn validate(
        section: &Self::Section,
        signals: &[Signal],
        at: &str,
        problems: &mut Problems,
    ) -> Self;

    /// What `batch` says for one signal where the user doesn't.
    fn batch_limits(_: Signal) -> BatchLimits {
        Self::BATCH
    }

    /// What its section says of when a batch is full, where [`BackendKind::OWN_LIMITS`].
    fn limits(&self) -> Option<BatchLimits> {
        None
    }

    /// What an item may be like, where `limits` doesn't say otherwise.
    fn item_limits(_: Signal) -> ItemLimits {
        ItemLimits::NONE
    }

    /// What a section stands for, if that is the section of another kind. For `tailwater check --expand`.
    fn expansion(_: &Self::Section, _: &[Signal]) -> Option<Expansion> {
        None
    }

    /// Reports what only all sections of this kind together can get wrong: two that overwrite each other's data.
    fn validate_together(_: &[Written<'_, Self::Section>], _: &mut Problems) {}

    /// Where it sends to, for the summary at the start; without credentials.
    fn target(section: &Self::Section) -> Option<String>;

    /// Whether the batches of a partition must arrive in the order of the log. Those of metrics must, since backends refuse samples that are out of
    /// order, and all samples of a series are in one partition.
    fn order(signal: Signal) -> Order {
        match signal {
            Signal::Metrics => Order::ByPartition,
            Signal::Traces | Signal::Logs => Order::None,
        }
    }

    /// Whether requests say whose they are, so that each batch has to be of one tenant: [`Batch::tenant`].
    fn by_tenant(&self) -> bool {
        false
    }

    /// Whether the backend recognizes a batch that it has already, so that it takes each item once, also over crashes. Then each batch is of one
    /// partition ([`Batch::range`]), one of a partition is in flight, and its range is committed before it is sent: who takes over after a crash makes
    /// the same batch of the same records first.
    fn once(&self) -> bool {
        false
    }

    /// Whether the bus itself is the backend: what is sent is committed in one epoch with the positions of what it is of ([`Sink::output`]), so that
    /// readers of the bus see each item once, also over crashes.
    fn transactional(&self) -> bool {
        false
    }

    /// Sets up what sends. Connections are made when they are needed: a backend that is down at the start is no error.
    ///
    /// # Errors
    /// What no retry mends: certificates that can't be read, a file that can't be opened.
    fn open(&self, opening: &Opening<'_>) -> anyhow::Result<Self::Sink>;
}

/// What a sink is opened for.
#[derive(Clone, Copy)]
pub struct Opening<'a> {
    /// The backend's name.
    pub backend: &'a str,
    /// Its consumer group: two backends that send to one place differ by it.
    pub group: &'a str,
    /// What export reads from.
    pub bus: &'a Arc<dyn Bus>,
    /// Where credentials come from, shared by its signals and standbys.
    pub sources: &'a Sources,
}

/// A section that another one stands for.
#[derive(Clone, Debug)]
pub struct Expansion {
    /// Its key in the configuration.
    pub key: &'static str,
    /// The section as it would be written, with its credentials.
    pub section: serde_json::Value,
}

/// In which order batches are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As many in flight as `concurrency` allows, in any order.
    None,
    /// At most one in flight for each partition; partitions side by side, as many as `concurrency` allows.
    ByPartition,
}

/// The section of one backend among others of its kind.
#[derive(Debug)]
pub struct Written<'a, S> {
    /// Its path, such as `export.backends[3].file`.
    pub at: String,
    /// Which of all backends it is, from 0.
    pub backend: usize,
    pub section: &'a S,
}

/// What sends to one backend. It makes one attempt; when to try again is `delivery`'s.
///
/// One sink serves all signals of its backend, from several tasks at a time. It may block: its thread is the backend's own.
pub trait Sink: Send + Sync + 'static {
    /// A batch ready for the wire.
    type Request: Send + Sync + 'static;

    /// Encodes a batch, once for all attempts. No clock and no chance: whoever repeats it after a crash makes the same request of the same
    /// records, so that a backend can recognize it.
    ///
    /// # Errors
    /// The batch's own: one of its records can't be encoded. It is divided until those stand alone, which go to the dead letters.
    fn prepare(&self, signal: Signal, batch: &Batch) -> Result<Self::Request, String>;

    /// The size of a request on the wire, in bytes, for the counter of delivered bytes. Asked when it was sent: a kind may encode only then, where it has
    /// to ask the backend first.
    fn bytes(request: &Self::Request) -> u64;

    /// Offers a request once. When it returns `Ok`, the data is the backend's: its position is committed, and it is never sent again.
    /// Dropping the future gives the request up.
    ///
    /// # Errors
    /// The backend didn't take it, and what that means; see [`FailureKind`](crate::outcome::FailureKind).
    fn send(
        &self,
        signal: Signal,
        request: &Self::Request,
    ) -> impl Future<Output = Result<Accepted, Failure>> + Send;

    /// Of a request that was accepted, what the bus gets in one epoch with its positions, for each record of the batch in order. Empty: nothing. See
    /// [`BackendKind::transactional`].
    fn output(&self, _: &Self::Request) -> Vec<Output> {
        Vec::new()
    }

    /// These partitions are another process's from now on. Requests of them may still be in flight. For a sink that remembers something of them.
    fn forget(&self, _: &[TopicPartition]) {}
}
