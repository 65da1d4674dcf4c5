//! Where one is among the events of a span or the data points of a metric.

use crate::telemetry::Subject;
use schemas::Signal;
use schemas::otlp::{DataPoints, Events};
use schemas::wire::WireError;

/// The number of the event or data point that comes next, and those from it on: an item may have hundreds of thousands, so they are walked once.
#[derive(Debug)]
pub(super) struct Ahead<'a> {
    next: usize,
    rest: Rest<'a>,
}

#[derive(Debug)]
enum Rest<'a> {
    Events(Events<'a>),
    Points(DataPoints<'a>),
}

impl<'a> Ahead<'a> {
    /// Before the first one; `None`: there are no such messages.
    pub(super) fn of(signal: Signal, subject: &Subject<'a>) -> Option<Self> {
        let rest = match signal {
            Signal::Traces => Rest::Events(subject.span().view()?.events()),
            Signal::Logs => return None,
            Signal::Metrics => Rest::Points(subject.metric().view()?.points()),
        };
        Some(Self { next: 0, rest })
    }

    /// Whether the one of that number is still to come.
    pub(super) fn is_before(&self, index: usize) -> bool {
        self.next <= index
    }

    /// Goes on to the one of that number, and shows it to the subject; `false`: there is none.
    ///
    /// # Errors
    /// It can't be read.
    pub(super) fn show(
        &mut self,
        index: usize,
        subject: &mut Subject<'a>,
    ) -> Result<bool, WireError> {
        let skipped = index - self.next;
        self.next = index + 1;
        Ok(match &mut self.rest {
            Rest::Events(events) => match events.nth(skipped) {
                Some(event) => {
                    subject.set_event(event?, index);
                    true
                }
                None => false,
            },
            Rest::Points(points) => match points.nth(skipped) {
                Some(point) => {
                    subject.set_point(point?, index);
                    true
                }
                None => false,
            },
        })
    }
}
