//! What enrich reads, and where it writes: partition by partition, so that a trace stays together.

use bus::{Bus, Topic, TopicPartition};
use schemas::{Signal, Topics};

/// From which topic to which.
#[derive(Clone, Debug)]
pub(super) struct Route {
    pub(super) signal: Signal,
    pub(super) from: Topic,
    pub(super) to: Topic,
}

/// What enrich reads, and where it writes.
#[derive(Clone, Debug)]
pub(super) struct Routes {
    routes: Vec<Route>,
    dead_letters: Topic,
    dead_partitions: u32,
    /// Where items are kept aside, and its partitions; `None`: no detector asks for that.
    quarantine: Option<(Topic, u32)>,
    record_bytes_max: usize,
}

impl Routes {
    /// Looks the topics up on the bus. Output goes to the partition of its input, so that a trace stays together.
    pub(super) fn new(bus: &dyn Bus, topics: &Topics, quarantines: bool) -> anyhow::Result<Self> {
        let routes: Vec<Route> = Signal::ALL
            .into_iter()
            .map(|signal| Route {
                signal,
                from: source(signal, topics),
                to: topics.clean(signal),
            })
            .collect();
        for Route { from, to, .. } in &routes {
            let (read, written) = (bus.partition_count(from)?, bus.partition_count(to)?);
            anyhow::ensure!(
                read == written,
                "enrich writes {to} partition by partition as it reads {from}, but {from} has {read} partitions and {to} has \
                 {written}; create {to} anew with {read}"
            );
        }
        let dead_letters = topics.dead_letters();
        let quarantine = quarantines.then(|| topics.quarantine());
        let with_partitions = |topic: Topic| -> anyhow::Result<(Topic, u32)> {
            let partitions = bus.partition_count(&topic)?.max(1);
            Ok((topic, partitions))
        };
        Ok(Self {
            routes,
            dead_partitions: bus.partition_count(&dead_letters)?.max(1),
            dead_letters,
            quarantine: quarantine.map(with_partitions).transpose()?,
            record_bytes_max: bus.record_bytes_max(),
        })
    }

    /// What is read.
    pub(super) fn sources(&self) -> Vec<Topic> {
        self.routes.iter().map(|route| route.from.clone()).collect()
    }

    /// The route of what comes from a topic.
    pub(super) fn of(&self, topic: &Topic) -> Option<&Route> {
        self.routes.iter().find(|route| route.from == *topic)
    }

    /// Where what comes from a partition goes when it can't be processed.
    pub(super) fn dead_letters(&self, partition: u32) -> TopicPartition {
        TopicPartition::new(self.dead_letters.clone(), partition % self.dead_partitions)
    }

    /// Where what comes from a partition is kept aside.
    pub(super) fn quarantine(&self, partition: u32) -> Option<TopicPartition> {
        let (topic, partitions) = self.quarantine.as_ref()?;
        Some(TopicPartition::new(topic.clone(), partition % partitions))
    }

    /// The size of a record's value that the bus takes, in bytes.
    pub(super) fn record_bytes_max(&self) -> usize {
        self.record_bytes_max
    }

    /// One route, without a look at a bus.
    #[cfg(test)]
    pub(super) fn of_test(route: Route, record_bytes_max: usize) -> Self {
        Self {
            routes: vec![route],
            dead_letters: "dead".into(),
            dead_partitions: 1,
            quarantine: None,
            record_bytes_max,
        }
    }
}

/// Where the items of a signal come from.
pub(super) fn source(signal: Signal, topics: &Topics) -> Topic {
    match signal {
        Signal::Traces => topics.sampled(),
        Signal::Logs | Signal::Metrics => topics.raw(signal),
    }
}
