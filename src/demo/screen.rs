//! The live view's picture: figures in, cells out. Pure, so that it is tested cell by cell.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Padding, Paragraph, Sparkline};

use super::figures::{Figures, grouped};

/// As many lines as the picture needs: a frame, four sections, the policies of the demo and its backends.
pub const HEIGHT: u16 = 18;
const LABEL: usize = 12;
const BAR_MAX: usize = 40;

/// Draws the figures of one moment; `title` says where OTLP comes in.
pub fn draw(frame: &mut Frame<'_>, figures: &Figures, title: &str) {
    let clock = format!(
        " {:.0} of {:.0} s ",
        figures.elapsed.as_secs_f64(),
        figures.of.as_secs_f64()
    );
    let block = Block::bordered()
        .title(" tailwater demo ".bold())
        .title(Line::from(clock).right_aligned())
        .title_bottom(Line::from(format!(" {title} ")).dark_gray())
        .padding(Padding::horizontal(1));
    let inner = block.inner(frame.area());
    frame.render_widget(block, frame.area());
    let [progress, rate, rest] = Layout::vertical([
        Constraint::Length(2),
        Constraint::Length(1),
        Constraint::Fill(1),
    ])
    .areas(inner);
    let done = figures.elapsed.as_secs_f64() / figures.of.as_secs_f64().max(0.001);
    let bar = bar(done, progress.width.into());
    frame.render_widget(Paragraph::new(bar.cyan()), progress);
    draw_rate(frame, figures, rate);
    frame.render_widget(Paragraph::new(lines(figures, rest.width.into())), rest);
}

/// The rate as a figure, and what it was.
fn draw_rate(frame: &mut Frame<'_>, figures: &Figures, area: Rect) {
    let rate = row(
        "in",
        format!("{} spans/s", grouped(figures.rate() as f64)),
        Color::White,
    );
    let [text, history] =
        Layout::horizontal([Constraint::Length(LABEL as u16 + 18), Constraint::Fill(1)])
            .areas(area);
    frame.render_widget(Paragraph::new(rate), text);
    let room = usize::from(history.width);
    let shown = &figures.rates[figures.rates.len().saturating_sub(room)..];
    frame.render_widget(
        Sparkline::default()
            .data(shown)
            .style(Style::new().fg(Color::Cyan)),
        history,
    );
}

fn lines(figures: &Figures, width: usize) -> Vec<Line<'static>> {
    let mut lines = vec![
        row(
            "on the bus",
            format!(
                "{:.1} MB raw, {} items acknowledged",
                figures.bus_bytes / 1e6,
                grouped(figures.published)
            ),
            Color::White,
        ),
        row(
            "open",
            format!(
                "{} traces with {} spans, not decided yet",
                grouped(figures.open_traces),
                grouped(figures.pending_spans)
            ),
            Color::Yellow,
        ),
        Line::default(),
        Line::from("traces by the policy that decided them".dark_gray()),
    ];
    let all: f64 = figures.verdicts.iter().map(|(_, count)| count).sum();
    let last = figures.verdicts.len().saturating_sub(1);
    for (index, (policy, count)) in figures.verdicts.iter().enumerate() {
        let color = match index == last {
            true => Color::Red,
            false => Color::Green,
        };
        let room = width.saturating_sub(LABEL + 10).min(BAR_MAX);
        let bar = bar(count / all.max(1.0), room);
        lines.push(Line::from(vec![
            Span::from(format!("  {policy:<LABEL$.LABEL$}")),
            Span::from(format!("{:>7} ", grouped(*count))).bold(),
            Span::styled(bar, Style::new().fg(color)),
        ]));
    }
    lines.push(Line::default());
    lines.push(Line::from("what came out".dark_gray()));
    let share = format!(
        "{} spans kept, {:.1} %; {} dropped",
        grouped(figures.kept_spans),
        figures.kept_share() * 100.0,
        grouped(figures.dropped_spans)
    );
    lines.push(row("sampler", share, Color::Green));
    for (backend, items) in &figures.backends {
        lines.push(row(
            backend,
            format!("{} items delivered", grouped(*items)),
            Color::Green,
        ));
    }
    lines
}

fn row(label: &str, value: String, color: Color) -> Line<'static> {
    Line::from(vec![
        Span::from(format!("{label:<LABEL$.LABEL$}  ")).dark_gray(),
        Span::styled(value, Style::new().fg(color).bold()),
    ])
}

/// A share of `width` cells, in steps of an eighth; something is seen of everything above zero.
fn bar(share: f64, width: usize) -> String {
    const STEPS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (share.clamp(0.0, 1.0) * (width * 8) as f64).round() as usize;
    let eighths = eighths.max(usize::from(share > 0.0));
    "█".repeat(eighths / 8) + STEPS[eighths % 8]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::super::figures::tests::moment;
    use super::*;

    fn shown(width: u16, height: u16) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal
            .draw(|frame| {
                draw(
                    frame,
                    &moment(),
                    "OTLP/gRPC 127.0.0.1:4317 · OTLP/HTTP 127.0.0.1:4318",
                )
            })
            .unwrap();
        let text = terminal.backend().to_string();
        text.lines()
            .map(|line| line.trim_matches('"').to_owned())
            .collect()
    }

    #[test]
    fn the_picture_at_eighty_columns() {
        let picture = shown(80, HEIGHT).join("\n");
        let expected = include_str!("screen.txt").trim_end();
        assert_eq!(picture, expected, "\n{picture}");
    }

    #[test]
    fn a_small_terminal_is_no_panic() {
        for (width, height) in [(1, 1), (10, 3), (30, 18), (300, 5), (3, 40)] {
            shown(width, height);
        }
    }

    #[test]
    fn bars_show_the_least_and_the_most() {
        assert_eq!(bar(0.0, 10), "");
        assert_eq!(bar(0.000_1, 10), "▏");
        assert_eq!(bar(0.5, 3), "█▌");
        assert_eq!(bar(7.0, 3), "███");
        assert_eq!(bar(f64::NAN, 3), "");
    }
}
