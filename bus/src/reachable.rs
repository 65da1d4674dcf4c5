//! What a stage asks the bus once, at its start: again until the bus can be reached.

use std::time::Duration;

use crate::{Error, Result};

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(200);

/// Asks until the bus can be reached. `wait` is given the reason each time that it can't, and says whether to ask again; `None`: it did not.
///
/// # Errors
/// What asking again doesn't mend.
///
/// ```
/// use bus::{Error, until_reachable};
///
/// let mut tries = 0;
/// let ask = || {
///     tries += 1;
///     match tries {
///         3 => Ok("here"),
///         _ => Err(Error::Unavailable("away".to_owned())),
///     }
/// };
/// assert_eq!(until_reachable(ask, |reason| reason == "away").unwrap(), Some("here"));
/// ```
pub fn until_reachable<T>(
    mut ask: impl FnMut() -> Result<T>,
    mut wait: impl FnMut(&str) -> bool,
) -> Result<Option<T>> {
    loop {
        match ask() {
            Err(Error::Unavailable(reason) | Error::Denied(reason)) => {
                if !wait(&reason) {
                    return Ok(None);
                }
                std::thread::sleep(PAUSE);
            }
            other => return other.map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_told_to_stop_asks_no_more() {
        let mut tries = 0;
        let away = || -> Result<()> {
            tries += 1;
            Err(Error::Unavailable("away".to_owned()))
        };
        assert!(matches!(until_reachable(away, |_| false), Ok(None)));
        assert_eq!(tries, 1);
    }

    #[test]
    fn what_somebody_must_mend_is_not_asked_again() {
        let broken = || -> Result<()> { Err(Error::Fatal("denied".to_owned())) };
        assert!(matches!(
            until_reachable(broken, |_| true),
            Err(Error::Fatal(_))
        ));
    }
}
