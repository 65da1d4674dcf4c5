//! Where a field of Refinery stands in OTLP.
//!
//! Honeycomb's translation makes one flat event of a span: its own fields, over which its resource's attributes are written, then its
//! scope's, then its own attributes. Source: `otlp/traces.go` of Husky.

use super::ask::Type;
use super::operand::quoted;
use super::test::Known;

/// Of what a part of a condition speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Of a span.
    Span,
    /// Of the trace, or of its root.
    Trace,
}

/// A place where a field may have its value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Source {
    pub(super) place: Place,
    pub(super) held: Held,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Held {
    /// The first of these paths that isn't nil.
    Paths(Vec<String>),
    /// What `value` says, where `there` holds; without: always.
    Computed {
        there: Option<String>,
        value: Computed,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Computed {
    Expression(String, Type),
    Constant(Known),
}

/// Why a field can't be asked for.
const WHOLE_TRACE_COUNTS: &str = "there are no counts of span events and links in Tailwater";

/// Where to look for a field, in this order. Empty: it is nowhere.
pub(super) fn sources(field: &str) -> Result<Vec<Source>, String> {
    match field {
        "?.NUM_DESCENDANTS" | "meta.span_count" | "meta.event_count" => {
            let count = Computed::Expression("trace.span_count".to_owned(), Type::Int);
            return Ok(vec![Source {
                place: Place::Trace,
                held: Held::Computed {
                    there: None,
                    value: count,
                },
            }]);
        }
        "meta.span_event_count" | "meta.span_link_count" => {
            return Err(WHOLE_TRACE_COUNTS.to_owned());
        }
        "meta.annotation_type" => {
            return Err("span events and links are no spans of their own here".to_owned());
        }
        _ => {}
    }
    if field.starts_with("?.") {
        return Err("Refinery has no such computed field".to_owned());
    }
    let (owner, name) = match field.strip_prefix("root.") {
        Some(name) => (Owner::Root, name),
        None => (Owner::Span, field),
    };
    if name == "meta.signal_type" {
        let trace = Computed::Constant(Known::Text("trace"));
        return Ok(vec![owner.computed(None, trace)]);
    }
    if name.starts_with("meta.") {
        return Err("it is a field that Refinery makes itself".to_owned());
    }
    Ok(owner.sources(name))
}

/// Whose field it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    Span,
    Root,
}

impl Owner {
    /// A path that begins with `span`, `scope` or `resource`, of this owner.
    fn path(self, path: &str) -> String {
        match (self, path.strip_prefix("span.")) {
            (Self::Span, _) => path.to_owned(),
            (Self::Root, Some(rest)) => format!("root.{rest}"),
            (Self::Root, None) => format!("root.{path}"),
        }
    }

    fn place(self) -> Place {
        match self {
            Self::Span => Place::Span,
            Self::Root => Place::Trace,
        }
    }

    fn paths(self, paths: Vec<String>) -> Source {
        Source {
            place: self.place(),
            held: Held::Paths(paths),
        }
    }

    /// A trace without root has no fields of it.
    fn computed(self, there: Option<String>, value: Computed) -> Source {
        let rooted = (self == Self::Root).then(|| "trace.has_root == true".to_owned());
        let there = match (rooted, there) {
            (Some(rooted), Some(there)) => Some(format!("{rooted} and {there}")),
            (rooted, there) => rooted.or(there),
        };
        Source {
            place: self.place(),
            held: Held::Computed { there, value },
        }
    }

    fn attributes(self, name: &str) -> Vec<String> {
        ["span", "scope", "resource"]
            .map(|of| self.path(&format!("{of}.attributes[{}]", quoted(name))))
            .into()
    }

    /// The attributes first, then what the span has itself.
    fn sources(self, name: &str) -> Vec<Source> {
        let path = |path: &str| self.path(path);
        let expression = |text: String, kind| Computed::Expression(text, kind);
        let filled = |of: &str| {
            let of = path(of);
            let there = Some(format!("{of} != nil and {of} != \"\""));
            self.computed(there, expression(of, Type::Text))
        };
        let own = match name {
            "name" => return vec![self.paths(vec![path("span.name")])],
            "trace.trace_id" => return vec![self.paths(vec![path("span.trace_id.string")])],
            "trace.span_id" => return vec![self.paths(vec![path("span.span_id.string")])],
            // Who has a parent is no root.
            "trace.parent_id" if self == Self::Root => return Vec::new(),
            "trace.parent_id" => {
                let id = expression(path("span.parent_span_id.string"), Type::Text);
                return vec![self.computed(Some("not IsRootSpan()".to_owned()), id)];
            }
            "duration_ms" => {
                let (start, end) = (path("span.start_time"), path("span.end_time"));
                let millis = format!("Double(Nanoseconds({end} - {start})) / 1000000.0");
                return vec![self.computed(None, expression(millis, Type::Float))];
            }
            "status_code" => {
                let mut paths = self.attributes(name);
                paths.push(path("span.status.code"));
                return vec![self.paths(paths)];
            }
            "error" => {
                let failed = format!("{} == 2", path("span.status.code"));
                self.computed(Some(failed), Computed::Constant(Known::True))
            }
            "span.kind" | "type" => {
                let kind = format!("ToLowerCase({})", path("span.kind.string"));
                self.computed(None, expression(kind, Type::Text))
            }
            "span.num_events" | "span.num_links" => {
                let list = format!("Len({})", path(&name.replace("num_", "")));
                self.computed(None, expression(list, Type::Int))
            }
            "status_message" => filled("span.status.message"),
            "trace.trace_state" => filled("span.trace_state"),
            "library.name" => filled("scope.name"),
            "library.version" => filled("scope.version"),
            _ => return vec![self.paths(self.attributes(name))],
        };
        vec![self.paths(self.attributes(name)), own]
    }
}
