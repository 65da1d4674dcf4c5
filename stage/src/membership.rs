//! Memberships, one after the other.

use std::time::{Duration, Instant};

use bus::{CommitError, Error};
use runtime::{Drain, Readiness};

/// Before the group is joined again; twice as long each time, until a membership has lasted longer than the longest pause.
const REJOIN_FIRST: Duration = Duration::from_millis(100);
const REJOIN_MAX: Duration = Duration::from_secs(5);

/// Why a membership ended before the drain.
#[derive(Debug)]
pub enum End {
    /// The positions on the bus hold; what was in memory is gone.
    Again(String),
    /// Somebody must act.
    Failed(anyhow::Error),
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        match error {
            Error::Unavailable(_) | Error::Denied(_) | Error::QueueFull => {
                Self::Again(error.to_string())
            }
            Error::Fatal(_) | Error::RecordTooLarge { .. } => Self::Failed(error.into()),
        }
    }
}

impl From<CommitError> for End {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Fenced(_) => Self::Again(error.to_string()),
            CommitError::Fatal(_) => Self::Failed(error.into()),
        }
    }
}

impl From<anyhow::Error> for End {
    /// By the bus's error, if it is one; whatever else it is, somebody must act.
    fn from(error: anyhow::Error) -> Self {
        match error.downcast::<Error>() {
            Ok(error) => error.into(),
            Err(error) => Self::Failed(error),
        }
    }
}

/// Runs memberships until one is drained. Blocks; `stage` names the stage in the log. Between two memberships the stage isn't ready.
///
/// # Errors
/// What somebody has to act upon.
///
/// ```
/// use runtime::{Drain, Health};
/// use stage::{End, memberships};
///
/// let (drain, mut tries) = (Drain::new(), 0);
/// memberships("example", &Health::new().part("example"), &drain, || {
///     tries += 1;
///     match tries {
///         1 => Err(End::Again("another process has the partitions".to_owned())),
///         _ => Ok(()),
///     }
/// })
/// .unwrap();
/// assert_eq!(tries, 2);
/// ```
pub fn memberships(
    stage: &str,
    ready: &Readiness,
    drain: &Drain,
    mut membership: impl FnMut() -> Result<(), End>,
) -> anyhow::Result<()> {
    let mut pause = REJOIN_FIRST;
    while !drain.is_requested() {
        let begun = Instant::now();
        let ended = membership();
        if begun.elapsed() > REJOIN_MAX {
            pause = REJOIN_FIRST;
        }
        let reason = match ended {
            Ok(()) => break,
            Err(End::Failed(error)) => return Err(error),
            Err(End::Again(reason)) => reason,
        };
        let wait_ms = pause.as_millis() as u64;
        tracing::info!(stage, reason, wait_ms, "the stage joins its group again");
        ready.not_ready(format!("joining the group again: {reason}"));
        drain.wait(pause);
        pause = (pause * 2).min(REJOIN_MAX);
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use runtime::Health;

    use super::*;

    /// Runs memberships that end like this, one after the other; how many there were, and how it came out.
    fn run(ends: Vec<Result<(), End>>) -> (usize, anyhow::Result<()>) {
        let (health, mut ends) = (Health::new(), ends.into_iter());
        let count = ends.len();
        let outcome = memberships("test", &health.part("test"), &Drain::new(), || {
            ends.next().unwrap_or(Ok(()))
        });
        (count - ends.len(), outcome)
    }

    #[test]
    fn what_the_bus_may_mend_by_itself_is_tried_again() {
        let again = [
            End::from(Error::Unavailable("away".into())),
            End::from(Error::Denied("no right".into())),
            End::from(Error::QueueFull),
            End::from(CommitError::Fenced("moved".into())),
            End::from(anyhow::Error::from(Error::Unavailable("away".into()))),
        ];
        for end in again {
            let (count, outcome) = run(vec![Err(end), Ok(())]);
            assert!(outcome.is_ok());
            assert_eq!(count, 2);
        }
    }

    #[test]
    fn what_somebody_must_mend_ends_the_stage() {
        let failed = [
            End::from(Error::Fatal("broken".into())),
            End::from(CommitError::Fatal("broken".into())),
            End::from(anyhow::anyhow!("something else")),
        ];
        for end in failed {
            let (count, outcome) = run(vec![Err(end), Ok(())]);
            assert!(outcome.is_err());
            assert_eq!(count, 1);
        }
    }

    #[test]
    fn a_drain_ends_it_between_two_memberships() {
        let (health, drain, mut count) = (Health::new(), Drain::new(), 0);
        let part = health.part("test");
        memberships("test", &part, &drain, || {
            count += 1;
            drain.request();
            Err(Error::Unavailable("away".into()).into())
        })
        .unwrap();
        assert_eq!(count, 1);
        let state = health.parts().remove(0).state;
        assert_eq!(state, Err("joining the group again: away".to_owned()));
    }
}
