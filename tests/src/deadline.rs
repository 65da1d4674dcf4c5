//! A deadline for tests that could hang: the test harness has none, and one test that waits for ever would hold up a whole run
//! without a word.
//!
//! What such a test stands on holds a [`Deadline`]: a pipeline under test, a member of a group, a server. When it is still
//! there at the deadline, the test process names the test and aborts.

use std::io::Write;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// Far beyond what the slowest test takes on two busy cores.
const WITHIN: Duration = Duration::from_secs(15 * 60);

/// Aborts the process unless it is dropped in time.
pub struct Deadline {
    /// Never sent on: that it is gone is the message.
    _held: Sender<()>,
}

impl Deadline {
    /// For the test whose thread this is, with the time that every test has.
    #[must_use]
    pub fn of_this_test() -> Self {
        Self::within(WITHIN)
    }

    #[must_use]
    pub fn within(limit: Duration) -> Self {
        let (held, dropped) = channel::<()>();
        let test = std::thread::current().name().unwrap_or("?").to_owned();
        std::thread::spawn(move || {
            if dropped.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                // Not `eprintln!`, which the test harness swallows.
                let _ = writeln!(
                    std::io::stderr(),
                    "\n*** test {test} hangs: not done after {} s ***\n",
                    limit.as_secs_f32()
                );
                std::process::abort();
            }
        });
        Self { _held: held }
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    const CHILD: &str = "TAILWATER_TEST_HANGS";

    /// What the test below starts: it waits for something that never comes.
    #[test]
    fn child() {
        if std::env::var_os(CHILD).is_some() {
            let _deadline = Deadline::within(Duration::from_millis(50));
            let (_never, forever) = channel::<()>();
            let _ = forever.recv();
        }
    }

    #[test]
    fn a_test_that_hangs_is_named_and_ended() {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["deadline::tests::child", "--exact"])
            .env(CHILD, "1")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(!output.status.success());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("test deadline::tests::child hangs"), "{said}");
    }

    #[test]
    fn a_test_that_ends_in_time_goes_on() {
        drop(Deadline::within(Duration::from_secs(1)));
    }
}
