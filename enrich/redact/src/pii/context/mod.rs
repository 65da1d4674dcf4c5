//! Context: what the key of an attribute, and the words beside a candidate, say it is.
//!
//! Digits alone say little: one number in ten passes a Luhn check. So whatever has no more to it than digits is taken for personal data only
//! where a key (`customer.ssn`) or a word within 40 bytes (`her SSN is …`, `"ssn": …`) names it.

mod topic;

use aho_corasick::automaton::Automaton;
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, BuildError, MatchKind};

use super::secrets::{self, Named};
pub(crate) use topic::{Topic, Topics, VOCABULARY};

/// How far from a candidate a word may stand that says what it is.
pub(crate) const REACH: usize = 40;

/// What stands between the words of a phrase: `date of birth`, `date_of_birth`, `date.of.birth`, `dateOfBirth`.
const JOINTS: [&str; 5] = [" ", "_", "-", ".", ""];

/// Finds words in text and in keys.
#[derive(Clone, Debug)]
pub(crate) struct Vocabulary {
    automaton: DFA,
    /// By the number of the pattern.
    topics: Vec<Topics>,
}

impl Vocabulary {
    /// `own` are the words of users' detectors, each with its topic.
    ///
    /// # Errors
    /// Too many words for an automaton.
    pub(crate) fn new(own: &[(String, Topics)]) -> Result<Self, BuildError> {
        let ours = VOCABULARY.iter().flat_map(|words| {
            let topics = Topics::from(words.topic);
            words
                .phrases
                .iter()
                .map(move |phrase| ((*phrase).to_owned(), topics))
        });
        let mut spelled: Vec<(String, Topics)> = Vec::new();
        for (phrase, topics) in ours.chain(own.iter().cloned()) {
            let joints = if phrase.contains(' ') {
                &JOINTS[..]
            } else {
                &JOINTS[..1]
            };
            spelled.extend(
                joints
                    .iter()
                    .map(|joint| (phrase.replace(' ', joint), topics)),
            );
        }
        let automaton = DFA::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .build(spelled.iter().map(|(phrase, _)| phrase))?;
        Ok(Self {
            automaton,
            topics: spelled.into_iter().map(|(_, topics)| topics).collect(),
        })
    }

    /// What the words within `from..to` of the text are about. A word counts where it stands alone, or last in a name: `home_phone`, `homePhone`,
    /// but not `PhoneStatusBar`.
    pub(crate) fn topics(&self, text: &[u8], from: usize, to: usize) -> Topics {
        self.find(text, from, to, ends_name)
    }

    /// What a key is about. A word counts wherever it is one of its words.
    pub(crate) fn of_key(&self, key: &[u8]) -> Topics {
        let secret = match secrets::named(key) {
            Some(Named::Password) => Topic::PasswordKey.into(),
            Some(Named::Token) => Topic::TokenKey.into(),
            None => Topics::default(),
        };
        self.find(key, 0, key.len(), ends_word) | secret
    }

    fn find(&self, text: &[u8], from: usize, to: usize, ends: fn(&[u8], usize) -> bool) -> Topics {
        let mut found = Topics::default();
        let dfa = &self.automaton;
        let Ok(mut state) = dfa.start_state(Anchored::No) else {
            return found;
        };
        for (at, byte) in (from..).zip(&text[from..to]) {
            state = dfa.next_state(Anchored::No, state, *byte);
            if !dfa.is_match(state) {
                continue;
            }
            for number in 0..dfa.match_len(state) {
                let pattern = dfa.match_pattern(state, number);
                let topics = self.topics[pattern.as_usize()];
                let (start, end) = (at + 1 - dfa.pattern_len(pattern), at + 1);
                if !found.has_all(topics) && begins_word(text, start) && ends(text, end) {
                    found |= topics;
                }
            }
        }
        found
    }
}

/// Whether no letter continues the word on the left, unless a capital shows that another word ends there.
fn begins_word(text: &[u8], start: usize) -> bool {
    match start.checked_sub(1).map(|before| text[before]) {
        Some(before) if before.is_ascii_lowercase() => text[start].is_ascii_uppercase(),
        Some(before) => !is_letter(before),
        None => true,
    }
}

/// The same on the right.
fn ends_word(text: &[u8], end: usize) -> bool {
    match text.get(end) {
        Some(next) if next.is_ascii_uppercase() => !text[end - 1].is_ascii_uppercase(),
        Some(next) => !is_letter(*next),
        None => true,
    }
}

/// Whether no name goes on.
fn ends_name(text: &[u8], end: usize) -> bool {
    let joins = |next: &u8| is_letter(*next) || *next == b'_';
    !text.get(end).is_some_and(joins)
}

/// A letter of any script: bytes above ASCII are parts of letters far more often than not.
fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte >= 0x80
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(key: &str, topic: Topic, expected: bool) {
        let own = [("E-number".to_owned(), Topics::own(0))];
        let vocabulary = Vocabulary::new(&own).unwrap();
        assert_eq!(
            vocabulary.of_key(key.as_bytes()).has(topic),
            expected,
            "{key}"
        );
    }

    #[test]
    fn words_stand_alone_in_every_way_of_writing() {
        for key in [
            "ssn",
            "user.ssn",
            "userSsn",
            "USER_SSN",
            "ssn1",
            "her SSN is",
            "\"ssn\": ",
        ] {
            check(key, Topic::Ssn, true);
        }
        for key in ["assn", "ssnail", "class.session", "lessn", "ssnÄ"] {
            check(key, Topic::Ssn, false);
        }
        for key in [
            "dateOfBirth",
            "date_of_birth",
            "user.date-of-birth",
            "DATE OF BIRTH",
            "dateofbirth",
        ] {
            check(key, Topic::Birth, true);
        }
        check("user.phoneNumber", Topic::Phone, true);
        check("microphone", Topic::Phone, false);
        check("hotel.id", Topic::Phone, false);
        check(
            "http.request.header.authorization",
            Topic::Authorization,
            true,
        );
    }

    #[test]
    fn in_text_a_word_is_alone_or_the_last_of_a_name() {
        let vocabulary = Vocabulary::new(&[]).unwrap();
        for (text, expected) in [
            ("phone: ", true),
            ("homePhone=", true),
            ("{\"home_phone\": ", true),
            ("phoneNumber ", true),
            ("PhoneStatusBar: ", false),
            ("phone_state ", false),
        ] {
            let topics = vocabulary.topics(text.as_bytes(), 0, text.len());
            assert_eq!(topics.has(Topic::Phone), expected, "{text}");
        }
    }

    #[test]
    fn telemetrys_own_keys_are_about_nothing() {
        let vocabulary = Vocabulary::new(&[]).unwrap();
        for key in [
            "service.name",
            "service.instance.id",
            "host.name",
            "host.id",
            "http.route",
            "http.request.method",
            "http.response.status_code",
            "url.path",
            "url.query",
            "server.address",
            "server.port",
            "client.port",
            "network.peer.port",
            "db.namespace",
            "db.query.text",
            "messaging.message.id",
            "messaging.kafka.offset",
            "k8s.pod.name",
            "k8s.pod.uid",
            "process.pid",
            "thread.id",
            "thread.name",
            "code.lineno",
            "rpc.grpc.status_code",
            "cloud.account.id",
            "cloud.region",
            "container.id",
            "faas.invocation_id",
            "enduser.id",
            "session.id",
            "user.id",
            "user.name",
            "telemetry.sdk.version",
            "otel.scope.name",
            "trace_id",
            "span_id",
            "error.type",
            "exception.message",
            "exception.stacktrace",
            "feature_flag.key",
            "gen_ai.usage.input_tokens",
            "gen_ai.response.id",
            "peer.service",
            "aws.lambda.invoked_arn",
            "device.id",
            "os.version",
            "browser.platform",
            "event.name",
            "log.file.name",
            "test.case.name",
        ] {
            let topics = vocabulary.of_key(key.as_bytes());
            assert!(
                topics.is_empty() || key.starts_with("aws."),
                "{key}: {topics:?}"
            );
        }
    }
}
