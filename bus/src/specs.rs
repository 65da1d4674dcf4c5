//! The topics of Tailwater as the bus has to hold them.

use std::time::Duration;

use schemas::{Signal, Topics};

use crate::{Timestamps, TopicSpec};

/// Every topic that each pipeline has. All but the state of samplers and exporters have the same partition count, so that what belongs together lies on the same partition number.
/// The bus's clock stamps them: deadlines of the sampler hang on it.
pub fn topic_specs(topics: &Topics, partitions: u32) -> Vec<TopicSpec> {
    let mut names = vec![topics.sampled(), topics.decisions(), topics.dead_letters()];
    for signal in Signal::ALL {
        names.push(topics.raw(signal));
        names.push(topics.clean(signal));
    }
    names
        .into_iter()
        .map(|name| TopicSpec {
            name,
            partitions,
            timestamps: Timestamps::LogAppend,
            compacted: false,
            retention: None,
        })
        .chain(
            [topics.sampler_state(), topics.export_state()].map(|name| TopicSpec {
                name,
                partitions: 1,
                timestamps: Timestamps::LogAppend,
                compacted: true,
                retention: None,
            }),
        )
        .collect()
}

/// The topic of items that are kept aside, for an enrich that does so.
pub fn quarantine_spec(topics: &Topics, partitions: u32) -> TopicSpec {
    TopicSpec {
        name: topics.quarantine(),
        partitions,
        timestamps: Timestamps::LogAppend,
        compacted: false,
        retention: None,
    }
}

/// How long the topic of Kubernetes's objects keeps records: long enough that the log always holds every object that counts, since each that is there is told
/// once more every day, and one that went is wanted for six days at most.
pub const K8S_RETENTION: Duration = Duration::from_secs(7 * 24 * 3600);

/// The topic of Kubernetes's objects, for whoever watches or looks them up. It isn't compacted, since records have several objects each and no key.
/// One partition: whoever reads it reads all of it, in order.
pub fn k8s_spec(topics: &Topics) -> TopicSpec {
    TopicSpec {
        name: topics.k8s(),
        partitions: 1,
        timestamps: Timestamps::LogAppend,
        compacted: false,
        retention: Some(K8S_RETENTION),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Eleven topics, each once.
    #[test]
    fn lists_all() {
        let specs = topic_specs(&Topics::new("tw"), 7);
        let mut names: Vec<_> = specs.iter().map(|spec| &*spec.name).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "tw.dead-letters",
                "tw.decisions",
                "tw.export.state",
                "tw.logs.clean",
                "tw.logs.raw",
                "tw.metrics.clean",
                "tw.metrics.raw",
                "tw.sampler.state",
                "tw.traces.clean",
                "tw.traces.raw",
                "tw.traces.sampled"
            ]
        );
        assert!(
            specs
                .iter()
                .all(|spec| spec.compacted || spec.partitions == 7)
        );
    }
}
