//! The three arms of a transaction's errors: the same call again, the same epoch again, the assignment given up; and what somebody must mend.
//!
//! On librdkafka's mock cluster, which answers a request with the error that a test asks for. It is good for nothing else: it doesn't keep
//! positions of transactions and shows aborted records; `kafka.rs` and `conformance.rs` run on a real broker.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::{CommitError, Delivery, GroupOptions, RawKafka};
use rdkafka::mocking::{MockCluster, MockCoordinator};
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use crate::fixture::{DEADLINE, Fixture, TestMember, at, epoch, position, values};
use RDKafkaApiKey::{AddOffsetsToTxn, AddPartitionsToTxn, EndTxn, TxnOffsetCommit};
use RDKafkaRespErr::*;

/// A member on a cluster of its own, with an epoch to commit.
struct Subject {
    cluster: MockCluster<'static, DefaultProducerContext>,
    fixture: Fixture,
    member: TestMember,
    input: bus::Topic,
    output: bus::Topic,
    offset: u64,
}

impl Subject {
    fn new(test: &str) -> Self {
        let cluster = MockCluster::new(1).unwrap();
        let config = RawKafka {
            brokers: vec![cluster.bootstrap_servers()],
            ..RawKafka::default()
        };
        let fixture = Fixture::new(bus::kafka::open(&config).unwrap(), test);
        let (input, output) = (fixture.topic_name("in"), fixture.topic_name("out"));
        for topic in [&input, &output] {
            cluster.create_topic(topic, 1, 1).unwrap();
        }
        let mut member = fixture.member(&[&input]);
        member.poll_until_owns(1);
        Self {
            cluster,
            fixture,
            member,
            input,
            output,
            offset: 0,
        }
    }

    /// Commits an epoch while the cluster answers these requests with these errors, one after the other.
    fn commit(&mut self, api: RDKafkaApiKey, errors: &[RDKafkaRespErr]) -> Result<(), CommitError> {
        self.offset += 1;
        self.cluster.request_errors(api, errors);
        let outcome = self.member.commit(&epoch(
            &[(&at(&self.output, 0), &self.offset.to_string())],
            &[position(&at(&self.input, 0), self.offset, "")],
        ));
        self.cluster.clear_request_errors(api);
        outcome
    }
}

/// Nothing is void: the call is made again, and the epoch is there once.
#[test]
fn what_passes_is_called_again() {
    let mut subject = Subject::new("passes");
    for (api, errors) in [
        (
            AddPartitionsToTxn,
            [RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS; 2],
        ),
        (AddOffsetsToTxn, [RD_KAFKA_RESP_ERR_NOT_COORDINATOR; 2]),
        (
            TxnOffsetCommit,
            [RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS; 2],
        ),
        (EndTxn, [RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE; 2]),
    ] {
        let outcome = subject.commit(api, &errors);
        assert!(outcome.is_ok(), "{api:?}: {outcome:?}");
    }
    let read = subject.fixture.read(&at(&subject.output, 0), 0, 4);
    assert_eq!(values(&read), ["1", "2", "3", "4"]);
}

/// The transaction is void and the producer isn't: it is aborted, and the same epoch goes into the next one.
#[test]
fn what_voids_a_transaction_is_tried_again_with_the_same_epoch() {
    let mut subject = Subject::new("voids");
    for api in [AddPartitionsToTxn, EndTxn] {
        let outcome = subject.commit(api, &[RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID]);
        assert!(outcome.is_ok(), "{api:?}: {outcome:?}");
    }
}

/// The group or the brokers say that this isn't ours any more: nothing is tried again, the member joins anew and commits.
#[test]
fn what_fences_ends_the_assignment() {
    for (api, error) in [
        (TxnOffsetCommit, RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION),
        (TxnOffsetCommit, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID),
        (AddPartitionsToTxn, RD_KAFKA_RESP_ERR_PRODUCER_FENCED),
        (EndTxn, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH),
    ] {
        let mut subject = Subject::new("fences");
        let outcome = subject.commit(api, &[error]);
        assert!(
            matches!(outcome, Err(CommitError::Fenced(_))),
            "{api:?} {error:?}: {outcome:?}"
        );
        let again = subject.commit(api, &[]);
        assert!(
            matches!(again, Err(CommitError::Fenced(_))),
            "an assignment that was refused once commits nothing more: {again:?}"
        );
        let told = Arc::clone(&subject.member.told);
        let assigned = told.assigned().len();
        let member = &mut subject.member;
        member.poll_until("owns it anew", |_| told.assigned().len() > assigned);
        let outcome = subject.commit(api, &[]);
        assert!(outcome.is_ok(), "{api:?} {error:?}: {outcome:?}");
    }
}

/// Somebody has to give the right; until then the epoch is held, and committed from then on.
#[test]
fn a_right_that_is_refused_is_attempted_again() {
    for (api, error) in [
        (
            AddPartitionsToTxn,
            RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        ),
        (
            AddOffsetsToTxn,
            RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
        ),
    ] {
        let mut subject = Subject::new("refused");
        let outcome = subject.commit(api, &[error]);
        assert!(outcome.is_ok(), "{api:?} {error:?}: {outcome:?}");
    }
}

/// No retry helps: the process has to end, and says what was refused.
#[test]
fn what_somebody_must_mend_is_fatal() {
    let error = RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT;
    for api in [AddPartitionsToTxn, TxnOffsetCommit] {
        let mut subject = Subject::new("fatal");
        let outcome = subject.commit(api, &[error]);
        assert!(
            matches!(&outcome, Err(CommitError::Fatal(why)) if why.contains("essage format")),
            "{api:?} {error:?}: {outcome:?}"
        );
    }
}

/// While the coordinator of transactions is away, the partition is taken from the member and comes back: its records are read again, so what was
/// on its way must not be committed any more.
#[test]
fn an_epoch_does_not_outlive_the_assignment_that_it_was_read_under() {
    let cluster = MockCluster::new(2).unwrap();
    let config = RawKafka {
        brokers: vec![cluster.bootstrap_servers()],
        // Members leave at once.
        static_membership: Some(false),
        ..RawKafka::default()
    };
    let fixture = Fixture::new(bus::kafka::open(&config).unwrap(), "outlived");
    let (input, output) = (fixture.topic_name("in"), fixture.topic_name("out"));
    for topic in [&input, &output] {
        cluster.create_topic(topic, 1, 1).unwrap();
        cluster.partition_leader(topic, 0, Some(1)).unwrap();
    }
    let group = MockCoordinator::Group(fixture.group());
    cluster.coordinator(group, 1).unwrap();
    let transactions = MockCoordinator::Transaction(format!("{}-one", fixture.group()));
    cluster.coordinator(transactions, 2).unwrap();
    let told = Arc::new(crate::fixture::Told::default());
    let options = GroupOptions {
        group: fixture.group(),
        topics: vec![input.clone()],
        delivery: Delivery::ExactlyOnce,
        instance: "one".into(),
        revoke_timeout: Duration::from_secs(1),
    };
    let (mut member, mut committer) = fixture.bus.join(options, told.clone()).unwrap();
    let mut poll_until = |holds: &dyn Fn() -> bool| {
        let deadline = Instant::now() + DEADLINE;
        while !holds() {
            assert!(Instant::now() < deadline, "owns {:?}", told.owned());
            member.poll(Duration::from_millis(50), 1 << 20).unwrap();
        }
    };
    poll_until(&|| told.owned().len() == 1);

    cluster.broker_down(2).unwrap();
    let late = epoch(
        &[(&at(&output, 0), "late")],
        &[position(&at(&input, 0), 1, "")],
    );
    let committing = std::thread::spawn(move || committer.commit(&late));
    let other = std::thread::spawn({
        let mut other = fixture.member(&[&input]);
        move || {
            // Whether it gets the partition or not, the first member had to give it up.
            let deadline = Instant::now() + Duration::from_secs(5);
            while Instant::now() < deadline && other.told.assigned().is_empty() {
                other.poll();
            }
            other.member.close().unwrap();
        }
    });
    poll_until(&|| !told.revoked().is_empty() && other.is_finished());
    other.join().unwrap();
    poll_until(&|| told.owned().len() == 1);
    assert!(!committing.is_finished(), "nothing was on its way");
    cluster.broker_up(2).unwrap();
    let outcome = committing.join().unwrap();
    assert!(
        matches!(outcome, Err(CommitError::Fenced(_))),
        "{outcome:?}"
    );
}
