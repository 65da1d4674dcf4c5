//! SIGTERM and SIGINT: the first asks to drain, the second ends the process at once. Nothing else knows about signals.

use tokio::signal::unix::{SignalKind, signal};

use super::exit;
use crate::{Drain, logging};

/// The request to stop that the first signal makes. From now on, the second signal ends the process.
///
/// # Errors
/// The system doesn't let us handle signals.
pub fn stop_on_signals() -> std::io::Result<Drain> {
    let (mut term, mut int) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let stop = Drain::new();
    let requested = stop.clone();
    tokio::spawn(async move {
        loop {
            let name = tokio::select! {
                _ = term.recv() => "SIGTERM",
                _ = int.recv() => "SIGINT",
            };
            if requested.is_requested() {
                tracing::warn!(
                    signal = name,
                    "stopping at once; what was not drained is read from the bus again"
                );
                std::process::exit(exit::SECOND_SIGNAL);
            }
            tracing::info!(signal = name, "draining; a second signal stops at once");
            requested.request();
        }
    });
    Ok(stop)
}

/// From now on a panic of any thread ends the process, as it does in release builds: a stage with a dead thread would wait for it for ever.
pub fn abort_on_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        match logging::is_json() {
            true => {
                let message = panic
                    .payload_as_str()
                    .unwrap_or("for no reason that it gave");
                let at = panic.location().map(ToString::to_string);
                let thread = std::thread::current();
                tracing::error!(at, thread = thread.name(), backtrace = %std::backtrace::Backtrace::capture(), "panicked: {message}");
            }
            false => report(panic),
        }
        std::process::abort();
    }));
}
