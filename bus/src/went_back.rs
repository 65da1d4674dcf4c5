//! A log that went back: it is another one under the same name, or the brokers lost its end. Said and counted here for all stages.

use metrics::{Counter, counter};
use runtime::names;

use crate::{Topic, TopicPartition};

/// What became of the log that a position belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WentBack {
    /// The topic was deleted and created anew: nothing in it was read yet.
    Replaced,
    /// It ends below the position: the brokers lost its last records. What is left was read.
    Shortened,
    /// The group had read there and has no position any more. Kafka deletes positions with their topic, so it was most likely
    /// created anew while nobody read.
    Forgotten,
}

impl WentBack {
    fn cause(self) -> &'static str {
        match self {
            Self::Replaced => "replaced",
            Self::Shortened => "shortened",
            Self::Forgotten => "forgotten",
        }
    }
}

fn counted(group: &str, topic: &Topic, what: WentBack) -> Counter {
    let (group, topic) = (group.to_owned(), topic.to_string());
    counter!(names::BUS_WENT_BACK, "group" => group, "topic" => topic, "cause" => what.cause())
}

/// The counters of a group are there before anything happens.
pub fn announce_went_back(group: &str, topics: &[Topic]) {
    for topic in topics {
        for what in [WentBack::Replaced, WentBack::Shortened, WentBack::Forgotten] {
            counted(group, topic, what).increment(0);
        }
    }
}

/// Tells whoever is on call that `group` stood at `position`, which is no more, and goes on at `begin`. `None`: nobody knows where it stood.
pub fn report_went_back(
    group: &str,
    at: &TopicPartition,
    position: Option<u64>,
    begin: u64,
    what: WentBack,
) {
    let why = match what {
        WentBack::Replaced => {
            "the topic was created anew: what was in it and was not read is lost; reading what is there from its beginning"
        }
        WentBack::Shortened => {
            "the log ends before the position of this group: the brokers lost records that they had acknowledged; going on at its end"
        }
        WentBack::Forgotten => {
            "the group's position is gone, with the topic that it was on or by itself: reading what is there from its beginning"
        }
    };
    counted(group, &at.topic, what).increment(1);
    tracing::error!(group, partition = %at, position, begin, "{why}");
}
