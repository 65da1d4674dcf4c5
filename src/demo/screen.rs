//! The live view's picture: figures in, cells out. Pure, so that it is tested cell by cell.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Padding, Paragraph, Sparkline};

use super::figures::{Figures, grouped};

/// As many lines as the picture takes where there is room: a frame, four sections, five policies and two backends.
pub const HEIGHT: u16 = 19;
/// Below this, lines are better than a picture.
pub const HEIGHT_MIN: u16 = 9;
const LABEL: usize = 12;
const BAR_MAX: usize = 40;

/// What the picture does without where there are few rows: nothing of what it says, only of how it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Detail {
    /// Policies share a row, and so do backends.
    Joined,
    /// No frame: what stands in it takes two rows.
    Frameless,
    Untitled,
    /// No blank rows.
    Dense,
    Whole,
}

impl Detail {
    /// The most that fits.
    fn fitting(figures: &Figures, height: u16) -> Self {
        let all = [Self::Whole, Self::Dense, Self::Untitled, Self::Frameless];
        let fits = |detail: &Self| detail.height(figures) <= usize::from(height);
        all.into_iter().find(fits).unwrap_or(Self::Joined)
    }

    fn height(self, figures: &Figures) -> usize {
        let own = match self {
            Self::Whole => 4,
            // The bar alone, and the frame or the two rows in its place.
            _ => 3,
        };
        let rate = 1;
        own + rate + lines(figures, 0, self).len()
    }
}

/// Draws the figures of one moment; `title` says where OTLP comes in.
pub fn draw(frame: &mut Frame<'_>, figures: &Figures, title: &str) {
    let detail = Detail::fitting(figures, frame.area().height);
    let clock = format!(
        " {:.0} of {:.0} s ",
        figures.elapsed.as_secs_f64(),
        figures.of.as_secs_f64()
    );
    let inner = if detail > Detail::Frameless {
        let block = Block::bordered()
            .title(" tailwater demo ".bold())
            .title(Line::from(clock).right_aligned())
            .title_bottom(Line::from(format!(" {title} ")).dark_gray())
            .padding(Padding::horizontal(1));
        let inner = block.inner(frame.area());
        frame.render_widget(block, frame.area());
        inner
    } else {
        let [head, inner] =
            Layout::vertical([Constraint::Length(2), Constraint::Fill(1)]).areas(frame.area());
        let name = Line::from(vec!["tailwater demo".bold(), clock.into()]);
        let text = vec![name, Line::from(title.to_owned()).dark_gray()];
        frame.render_widget(Paragraph::new(text), head);
        inner
    };
    let [progress, rate, rest] = Layout::vertical([
        Constraint::Length(if detail == Detail::Whole { 2 } else { 1 }),
        Constraint::Length(1),
        Constraint::Fill(1),
    ])
    .areas(inner);
    let done = figures.elapsed.as_secs_f64() / figures.of.as_secs_f64().max(0.001);
    let bar = bar(done, progress.width.into());
    frame.render_widget(Paragraph::new(bar.cyan()), progress);
    draw_rate(frame, figures, rate);
    let lines = lines(figures, rest.width.into(), detail);
    frame.render_widget(Paragraph::new(lines), rest);
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

fn lines(figures: &Figures, width: usize, detail: Detail) -> Vec<Line<'static>> {
    let mut lines = totals(figures).to_vec();
    let section = |lines: &mut Vec<Line<'static>>, title: &'static str| {
        if detail == Detail::Whole {
            lines.push(Line::default());
        }
        if detail > Detail::Untitled {
            lines.push(Line::from(title.dark_gray()));
        }
    };
    section(&mut lines, "traces by the policy that decided them");
    let joined = |pairs: &mut dyn Iterator<Item = (&String, &f64)>| {
        let items = pairs.map(|(name, count)| format!("{name} {}", grouped(*count)));
        items.collect::<Vec<_>>().join(" · ")
    };
    if detail == Detail::Joined {
        let mut verdicts = figures.verdicts.iter().map(|(name, count)| (name, count));
        lines.push(row("traces", joined(&mut verdicts), Color::Green));
    } else {
        lines.extend(policies(figures, width));
    }
    section(&mut lines, "what came out");
    let share = format!(
        "{} spans kept, {:.1} %; {} dropped",
        grouped(figures.kept_spans),
        figures.kept_share() * 100.0,
        grouped(figures.dropped_spans)
    );
    lines.push(row("sampler", share, Color::Green));
    if detail == Detail::Joined {
        let delivered = joined(&mut figures.backends.iter());
        lines.push(row("delivered", delivered, Color::Green));
        return lines;
    }
    for (backend, items) in &figures.backends {
        lines.push(row(
            backend,
            format!("{} items delivered", grouped(*items)),
            Color::Green,
        ));
    }
    lines
}

/// What has come in and waits.
fn totals(figures: &Figures) -> [Line<'static>; 2] {
    [
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
    ]
}

fn policies(figures: &Figures, width: usize) -> impl Iterator<Item = Line<'static>> {
    let all: f64 = figures.verdicts.iter().map(|(_, count)| count).sum();
    let last = figures.verdicts.len().saturating_sub(1);
    let verdicts = figures.verdicts.iter().enumerate();
    verdicts.map(move |(index, (policy, count))| {
        let color = match index == last {
            true => Color::Red,
            false => Color::Green,
        };
        let room = width.saturating_sub(LABEL + 10).min(BAR_MAX);
        let bar = bar(count / all.max(1.0), room);
        Line::from(vec![
            Span::from(format!("  {policy:<LABEL$.LABEL$}")),
            Span::from(format!("{:>7} ", grouped(*count))).bold(),
            Span::styled(bar, Style::new().fg(color)),
        ])
    })
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
        let picture = shown(80, 18).join("\n");
        let expected = include_str!("screen.txt").trim_end();
        assert_eq!(picture, expected, "\n{picture}");
    }

    #[test]
    fn every_figure_is_there_at_any_height() {
        for height in HEIGHT_MIN..=HEIGHT + 40 {
            let picture = shown(80, height).join("\n");
            for part in [
                "12 of 30 s",
                "4,012 spans/s",
                "21.4 MB raw",
                "1,023 traces",
                "errors",
                "slow",
                "some",
                "dropped",
                "13.3 %",
                "3,100",
                "7,400",
                "127.0.0.1:4318",
            ] {
                assert!(picture.contains(part), "{height}: no {part} in\n{picture}");
            }
        }
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
