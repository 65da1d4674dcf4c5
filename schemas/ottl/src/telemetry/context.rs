//! What a text is written for, and the messages it may refer to.

/// What a text is written for: which paths it may use, and what it is evaluated against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    Resource,
    Scope,
    Span,
    SpanEvent,
    Log,
    Metric,
    DataPoint,
    /// A whole trace: `trace.…` for what is known of it, `root.…` for its root span. Our own, see [`crate::TraceFacts`].
    Trace,
}

/// A message that paths refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    Resource,
    Scope,
    Span,
    Event,
    Log,
    Metric,
    DataPoint,
    Trace,
}

impl Context {
    /// As configurations write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Resource => "resource",
            Self::Scope => "scope",
            Self::Span => "span",
            Self::SpanEvent => "spanevent",
            Self::Log => "log",
            Self::Metric => "metric",
            Self::DataPoint => "datapoint",
            Self::Trace => "trace",
        }
    }

    /// The names that may stand in front of a path, and the message they mean.
    pub(crate) fn prefixes(self) -> &'static [(&'static str, Part)] {
        const RESOURCE: (&str, Part) = ("resource", Part::Resource);
        const SCOPE: (&str, Part) = ("scope", Part::Scope);
        const OLD_SCOPE: (&str, Part) = ("instrumentation_scope", Part::Scope);
        const SPAN: (&str, Part) = ("span", Part::Span);
        const METRIC: (&str, Part) = ("metric", Part::Metric);
        match self {
            Self::Resource => &[RESOURCE],
            Self::Scope => &[SCOPE, OLD_SCOPE, RESOURCE],
            Self::Span => &[SPAN, RESOURCE, OLD_SCOPE, SCOPE],
            Self::SpanEvent => &[("spanevent", Part::Event), SPAN, RESOURCE, OLD_SCOPE, SCOPE],
            Self::Log => &[("log", Part::Log), RESOURCE, OLD_SCOPE, SCOPE],
            Self::Metric => &[METRIC, RESOURCE, OLD_SCOPE, SCOPE],
            Self::DataPoint => &[
                ("datapoint", Part::DataPoint),
                METRIC,
                RESOURCE,
                OLD_SCOPE,
                SCOPE,
            ],
            Self::Trace => &[("trace", Part::Trace), ("root", Part::Span)],
        }
    }

    /// The message that paths without a context refer to.
    pub(crate) fn part(self) -> Part {
        self.prefixes()
            .first()
            .map_or(Part::Span, |(_, part)| *part)
    }
}
