//! The live view: a few lines on a terminal that are drawn again, or a plain line every two seconds.

use std::collections::BTreeMap;
use std::io::Stdout;
use std::time::Duration;

use ratatui::backend::CrosstermBackend;
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Gauge, Paragraph};
use ratatui::{Terminal, TerminalOptions, Viewport};
use runtime::{Snapshot, names};

use crate::pipeline::Pipeline;

const HEIGHT: u16 = 15;
const PLAIN_EVERY: Duration = Duration::from_secs(2);

/// Draws what the metrics say.
pub struct View {
    terminal: Option<Terminal<CrosstermBackend<Stdout>>>,
    last: Option<(Duration, f64)>,
    rate: f64,
    plain_due: Duration,
    title: String,
}

impl View {
    pub fn new(plain: bool, pipeline: &Pipeline) -> anyhow::Result<Self> {
        let at = |address: Option<std::net::SocketAddr>| {
            address
                .map(|address| address.to_string())
                .unwrap_or_default()
        };
        let title = format!(
            "OTLP/gRPC on {}, OTLP/HTTP on {}, embedded bus",
            at(pipeline.grpc),
            at(pipeline.http)
        );
        let terminal = if plain {
            println!("tailwater demo: {title}");
            None
        } else {
            let options = TerminalOptions {
                viewport: Viewport::Inline(HEIGHT),
            };
            Some(Terminal::with_options(
                CrosstermBackend::new(std::io::stdout()),
                options,
            )?)
        };
        Ok(Self {
            terminal,
            last: None,
            rate: 0.0,
            plain_due: Duration::ZERO,
            title,
        })
    }

    pub fn draw(&mut self, now: &Snapshot, elapsed: Duration, of: Duration) -> anyhow::Result<()> {
        let published = now.sum(names::INGEST_PUBLISHED, &[("signal", "traces")]);
        if let Some((then, before)) = self
            .last
            .filter(|(then, _)| elapsed - *then >= Duration::from_secs(1))
        {
            self.rate = (published - before) / (elapsed - then).as_secs_f64();
            self.last = Some((elapsed, published));
        }
        self.last.get_or_insert((elapsed, published));
        let figures = Figures::of(now);
        let Some(terminal) = &mut self.terminal else {
            if elapsed >= self.plain_due {
                self.plain_due = elapsed + PLAIN_EVERY;
                println!(
                    "{:>3.0} s  {:>6.0} spans/s in  {}",
                    elapsed.as_secs_f64(),
                    self.rate,
                    figures.plain()
                );
            }
            return Ok(());
        };
        let (title, rate) = (&self.title, self.rate);
        terminal.draw(|frame| {
            let area = frame.area();
            let block = Block::bordered()
                .title(" tailwater demo ".bold())
                .title_bottom(format!(" {title} "));
            let inner = block.inner(area);
            frame.render_widget(block, area);
            let [bar, rest] = ratatui::layout::Layout::vertical([
                ratatui::layout::Constraint::Length(1),
                ratatui::layout::Constraint::Fill(1),
            ])
            .areas(inner);
            let done = (elapsed.as_secs_f64() / of.as_secs_f64()).clamp(0.0, 1.0);
            let gauge = Gauge::default()
                .ratio(done)
                .label(format!(
                    "{:.0} of {:.0} s",
                    elapsed.as_secs_f64(),
                    of.as_secs_f64()
                ))
                .gauge_style(Style::new().fg(Color::Cyan));
            frame.render_widget(gauge, bar);
            frame.render_widget(Paragraph::new(figures.lines(rate)), rest);
        })?;
        Ok(())
    }

    /// Leaves the last picture where it is.
    pub fn end(&mut self) -> anyhow::Result<()> {
        if let Some(mut terminal) = self.terminal.take() {
            terminal.show_cursor()?;
            println!();
        }
        Ok(())
    }
}

/// The figures of one moment.
struct Figures {
    published: f64,
    bus_bytes: f64,
    open: f64,
    pending: f64,
    kept: f64,
    dropped: f64,
    verdicts: Vec<(String, f64)>,
    backends: BTreeMap<String, f64>,
}

impl Figures {
    fn of(now: &Snapshot) -> Self {
        let mut verdicts: Vec<(String, f64)> = now
            .by(names::SAMPLER_VERDICTS, "policy")
            .into_iter()
            .filter(|(_, count)| *count > 0.0)
            .collect();
        verdicts.sort_by(|a, b| b.1.total_cmp(&a.1));
        Self {
            published: now.sum(names::INGEST_PUBLISHED, &[]),
            bus_bytes: now.sum(names::INGEST_PUBLISHED_BYTES, &[]),
            open: now.sum(names::SAMPLER_OPEN_TRACES, &[]),
            pending: now.sum(names::SAMPLER_PENDING, &[]),
            kept: now.sum(names::SAMPLER_KEPT, &[]),
            dropped: now.sum(names::SAMPLER_DROPPED, &[]),
            verdicts,
            backends: now.by(names::EXPORT_DELIVERED, "backend"),
        }
    }

    fn verdicts(&self) -> String {
        self.verdicts
            .iter()
            .map(|(policy, count)| {
                format!(
                    "{} {count:.0}",
                    if policy == "none" { "dropped" } else { policy }
                )
            })
            .collect::<Vec<_>>()
            .join("  ")
    }

    fn backends(&self) -> String {
        self.backends
            .iter()
            .map(|(name, count)| format!("{name} {count:.0}"))
            .collect::<Vec<_>>()
            .join("  ")
    }

    fn plain(&self) -> String {
        format!(
            "{:>7.1} MB on the bus  {:>5.0} open traces  kept {:.0}  dropped {:.0}  [{}]  delivered: {}",
            self.bus_bytes / 1e6,
            self.open,
            self.kept,
            self.dropped,
            self.verdicts(),
            self.backends()
        )
    }

    fn lines(&self, rate: f64) -> Vec<Line<'static>> {
        let row = |label: &'static str, value: String, color| {
            Line::from(vec![
                Span::styled(format!("  {label:<22}"), Style::new().fg(Color::DarkGray)),
                Span::styled(value, Style::new().fg(color).bold()),
            ])
        };
        let decided = (self.kept + self.dropped).max(1.0);
        vec![
            Line::default(),
            row("spans/s in", format!("{rate:.0}"), Color::White),
            row(
                "items acknowledged",
                format!("{:.0}", self.published),
                Color::White,
            ),
            row(
                "on the bus (raw)",
                format!("{:.1} MB", self.bus_bytes / 1e6),
                Color::White,
            ),
            row(
                "open traces",
                format!("{:.0} with {:.0} spans", self.open, self.pending),
                Color::Yellow,
            ),
            row("verdicts by policy", self.verdicts(), Color::Cyan),
            row(
                "kept",
                format!(
                    "{:.0} spans, {:.1} %",
                    self.kept,
                    self.kept / decided * 100.0
                ),
                Color::Green,
            ),
            row("dropped", format!("{:.0} spans", self.dropped), Color::Red),
            row("delivered", self.backends(), Color::Green),
        ]
    }
}
