//! What a stage asks the bus once, at its start: again until the bus can be reached, and allows it.

use std::time::Duration;

use runtime::{Drain, Readiness};

use crate::{Error, Result};

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(200);

/// Asks until the bus can be reached, and says meanwhile what the stage waits for; `None`: it was told to drain before that.
///
/// # Errors
/// What asking again doesn't mend.
///
/// ```
/// use bus::{Error, until_reachable};
/// use runtime::{Drain, Health};
///
/// let mut tries = 0;
/// let ask = || {
///     tries += 1;
///     match tries {
///         3 => Ok("here"),
///         _ => Err(Error::Unavailable("away".to_owned())),
///     }
/// };
/// let ready = Health::new().part("stage");
/// assert_eq!(until_reachable(ask, &ready, &Drain::new()).unwrap(), Some("here"));
/// ```
pub fn until_reachable<T>(
    mut ask: impl FnMut() -> Result<T>,
    ready: &Readiness,
    drain: &Drain,
) -> Result<Option<T>> {
    loop {
        match ask() {
            Err(Error::Unavailable(reason) | Error::Denied(reason)) => {
                ready.not_ready(format!("waiting for the bus: {reason}"));
                if drain.wait(PAUSE) {
                    return Ok(None);
                }
            }
            other => return other.map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use runtime::Health;

    use super::*;

    fn ask(drain: &Drain, error: fn(String) -> Error) -> (Result<Option<()>>, u32, Health) {
        let (health, mut tries) = (Health::new(), 0);
        let away = || {
            tries += 1;
            Err(error("away".to_owned()))
        };
        let asked = until_reachable(away, &health.part("stage"), drain);
        (asked, tries, health)
    }

    #[test]
    fn who_is_told_to_stop_asks_no_more_and_has_said_why_he_waited() {
        for error in [Error::Unavailable, Error::Denied] {
            let drain = Drain::new();
            drain.request();
            let (asked, tries, health) = ask(&drain, error);
            assert!(matches!(asked, Ok(None)));
            assert_eq!(tries, 1);
            let state = health.parts().remove(0).state;
            assert_eq!(state, Err("waiting for the bus: away".to_owned()));
        }
    }

    #[test]
    fn what_somebody_must_mend_is_not_asked_again() {
        let (asked, tries, _) = ask(&Drain::new(), Error::Fatal);
        assert!(matches!(asked, Err(Error::Fatal(_))));
        assert_eq!(tries, 1);
    }
}
