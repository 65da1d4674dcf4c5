//! The live view: a picture on a terminal that is drawn again and again, or a plain line every two seconds.

use std::io::Stdout;
use std::time::Duration;

use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::{Terminal, TerminalOptions, Viewport};
use runtime::Snapshot;

use super::figures::Figures;
use super::screen;
use crate::pipeline::Pipeline;

const PLAIN_EVERY: Duration = Duration::from_secs(2);
const RATE_EVERY: Duration = Duration::from_secs(1);

/// Draws what the metrics say.
pub struct View {
    terminal: Option<Terminal<CrosstermBackend<Stdout>>>,
    /// When spans were counted last, and how many there were.
    counted: (Duration, f64),
    rates: Vec<u64>,
    plain_due: Duration,
    title: String,
}

impl View {
    /// Plain lines where they are wanted, and on a terminal that can't take a picture: some don't say where their cursor is.
    pub fn new(plain: bool, pipeline: &Pipeline) -> Self {
        let at = |address: Option<std::net::SocketAddr>| {
            address
                .map(|address| address.to_string())
                .unwrap_or_default()
        };
        let title = format!(
            "OTLP/gRPC {} · OTLP/HTTP {}",
            at(pipeline.grpc),
            at(pipeline.http)
        );
        let terminal = match (!plain).then(picture) {
            Some(Ok(terminal)) => Some(terminal),
            Some(Err(error)) => {
                errln!("no picture on this terminal ({error}), lines instead");
                None
            }
            None => None,
        };
        if terminal.is_none() {
            outln!("tailwater demo: {title}");
        }
        Self {
            terminal,
            counted: (Duration::ZERO, 0.0),
            rates: Vec::new(),
            plain_due: Duration::ZERO,
            title,
        }
    }

    pub fn draw(&mut self, now: &Snapshot, elapsed: Duration, of: Duration) -> anyhow::Result<()> {
        let spans = now.sum(ingest::names::PUBLISHED, &[("signal", "traces")]);
        let (then, before) = self.counted;
        if elapsed - then >= RATE_EVERY {
            let rate = (spans - before) / (elapsed - then).as_secs_f64();
            self.rates.push(rate.round() as u64);
            self.counted = (elapsed, spans);
        }
        let figures = Figures {
            elapsed,
            of,
            rates: self.rates.clone(),
            ..Figures::of(now)
        };
        match &mut self.terminal {
            Some(terminal) => {
                terminal.draw(|frame| screen::draw(frame, &figures, &self.title))?;
            }
            None if elapsed >= self.plain_due => {
                self.plain_due = elapsed + PLAIN_EVERY;
                outln!("{}", figures.plain());
            }
            None => {}
        }
        Ok(())
    }

    /// Leaves the last picture where it is, and the cursor below it; the terminal's width, if there is one.
    pub fn end(&mut self) -> anyhow::Result<Option<usize>> {
        let Some(mut terminal) = self.terminal.take() else {
            return Ok(None);
        };
        let picture = terminal.get_frame().area();
        terminal.set_cursor_position((0, picture.bottom().saturating_sub(1)))?;
        terminal.show_cursor()?;
        outln!();
        Ok(Some(terminal.size()?.width.into()))
    }
}

/// A terminal that can't move its cursor, or doesn't say what it is.
pub fn is_dumb(term: Option<&str>) -> bool {
    matches!(term, None | Some("" | "dumb"))
}

fn picture() -> std::io::Result<Terminal<CrosstermBackend<Stdout>>> {
    let backend = CrosstermBackend::new(std::io::stdout());
    let height = backend.size()?.height;
    if height < screen::HEIGHT_MIN {
        return Err(std::io::Error::other(format!(
            "it has {height} rows, a picture needs {}",
            screen::HEIGHT_MIN
        )));
    }
    let viewport = Viewport::Inline(screen::HEIGHT.min(height));
    Terminal::with_options(backend, TerminalOptions { viewport })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_that_says_nothing_of_itself_gets_lines() {
        assert!(is_dumb(None) && is_dumb(Some("")) && is_dumb(Some("dumb")));
        assert!(!is_dumb(Some("xterm-256color")) && !is_dumb(Some("linux")));
    }
}
