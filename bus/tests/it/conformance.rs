//! What every bus must do: one suite, run against each implementation. It is written against the traits alone.
//!
//! A test gets a bus and a name that nobody else uses; topics and groups are named after it, so tests share a bus and
//! run at the same time.

mod epochs;
mod groups;
mod publishing;
mod reading;
mod topics;

/// One `#[test]` for each test of the suite, on the bus that `$fixture` gives for a test's name.
macro_rules! suite {
    ($fixture:path: $($module:ident::{$($test:ident),* $(,)?})*) => {
        $(mod $module {
            $(#[test]
            fn $test() {
                if let Some(fixture) = $fixture(stringify!($test)) {
                    crate::conformance::$module::$test(&fixture);
                }
            })*
        })*
    };
}

macro_rules! every_test {
    ($fixture:path) => {
        suite! { $fixture:
            topics::{
                creates_what_is_missing, mismatch_names_every_topic, unknown_topics_are_errors,
                a_compacted_topic_takes_records_with_a_key
            }
            publishing::{
                acknowledged_in_order_with_offsets,
                acknowledged_records_can_be_read_at_once,
                headers_and_values_come_back,
                timestamps_are_the_bus_clock,
                too_large_is_refused_alone,
                a_flush_ends_while_others_publish,
            }
            reading::{
                from_an_offset,
                ranges_are_of_all_partitions,
                partitions_share_a_poll,
                scans_read_ranges,
                scans_are_throttled,
                other_partitions_between_polls,
                empty_after_timeout,
                wakes_for_a_new_record,
                offset_at_a_time,
                position_reaches_the_end_after_epochs,
            }
            epochs::{
                records_and_positions_come_together,
                output_spans_partitions_in_order,
                commit_after_revoke_is_fenced,
                commit_inside_revoked_succeeds,
                empty_epoch,
            }
            groups::{
                starts_at_the_oldest_record,
                goes_on_where_the_group_committed,
                reports_caught_up,
                pause_resume_seek,
                two_members_share_and_hand_over,
                equal_counts_are_assigned_together,
                close_hands_over_at_once,
                lag_counts_unread_records,
            }
        }
    };
}

mod embedded {
    //! All tests on one log in a directory of this run.
    use crate::fixture::Fixture;
    use std::sync::{Arc, OnceLock};

    fn fixture(name: &str) -> Option<Fixture> {
        static BUS: OnceLock<(tempfile::TempDir, Arc<dyn bus::Bus>)> = OnceLock::new();
        let (_, bus) = BUS.get_or_init(|| {
            let dir = tempfile::tempdir().unwrap();
            let bus = bus::embedded::open(dir.path(), bus::embedded::Options::default()).unwrap();
            (dir, bus)
        });
        Some(Fixture::new(bus.clone(), name))
    }

    every_test!(super::fixture);
}

mod kafka {
    //! All tests on the broker of this run; without one they say so and do nothing, unless `TAILWATER_REQUIRE_KAFKA=1`.
    use crate::fixture::Fixture;
    use std::sync::{Arc, OnceLock};

    fn fixture(name: &str) -> Option<Fixture> {
        static BUS: OnceLock<Option<Arc<dyn bus::Bus>>> = OnceLock::new();
        let bus = BUS.get_or_init(|| {
            let broker = match tests::kafka::Broker::shared() {
                Ok(broker) => broker,
                Err(skipped) => {
                    eprintln!("{skipped}");
                    return None;
                }
            };
            let config = bus::RawKafka {
                brokers: vec![broker.brokers().to_owned()],
                // The suite hands partitions over by leaving.
                static_membership: Some(false),
                ..bus::RawKafka::default()
            };
            Some(bus::kafka::open(&config).unwrap())
        });
        bus.clone().map(|bus| Fixture::new(bus, name))
    }

    every_test!(super::fixture);
}
