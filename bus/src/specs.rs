//! The topics of Tailwater as the bus has to hold them.

use schemas::{Signal, Topics};

use crate::{Timestamps, TopicSpec};

/// Every topic. All but the samplers' state have the same partition count, so that what belongs together lies on the same partition number.
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
        })
        .chain([TopicSpec {
            name: topics.sampler_state(),
            partitions: 1,
            timestamps: Timestamps::LogAppend,
            compacted: true,
        }])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten topics, each once.
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
