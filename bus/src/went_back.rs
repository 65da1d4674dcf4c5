//! A log that went back: it is another one under the same name, or the brokers lost its end. Said and counted here for all stages.

use metrics::counter;
use runtime::names;

use crate::TopicPartition;

/// What became of the log that a position belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WentBack {
    /// The topic was deleted and created anew: nothing in it was read yet.
    Replaced,
    /// It ends below the position: the brokers lost its last records. What is left was read.
    Shortened,
}

/// Tells whoever is on call that `group` stood at `position`, which is no more, and goes on at `begin`.
pub fn report_went_back(
    group: &str,
    at: &TopicPartition,
    position: u64,
    begin: u64,
    what: WentBack,
) {
    let (cause, why) = match what {
        WentBack::Replaced => (
            "replaced",
            "the topic was created anew: what was in it and was not read is lost; reading what is there from its beginning",
        ),
        WentBack::Shortened => (
            "shortened",
            "the log ends before the position of this group: the brokers lost records that they had acknowledged; going on at its end",
        ),
    };
    counter!(names::BUS_WENT_BACK, "group" => group.to_owned(), "topic" => at.topic.to_string(), "cause" => cause)
        .increment(1);
    tracing::error!(group, partition = %at, position, begin, "{why}");
}
