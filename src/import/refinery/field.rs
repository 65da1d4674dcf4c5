//! Where a field of Refinery stands in OTLP.
//!
//! Honeycomb's translation makes one flat event of a span. Where a name is used several times, the span's attribute counts, else the
//! field that Honeycomb makes of the span itself, else the attribute of its scope, else that of its resource. Source:
//! `otlp/traces_direct.go` of Husky 0.43.

use super::operand::quoted;
use super::ottl::Type;
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
    pub(super) origin: Origin,
}

/// How its value comes about.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Origin {
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
const WHOLE_TRACE_COUNTS: &str = "Tailwater doesn't count span events and links of a trace";

/// Where to look for a field, in this order. Empty: it is nowhere.
pub(super) fn sources(field: &str) -> Result<Vec<Source>, String> {
    match field {
        "?.NUM_DESCENDANTS" | "meta.span_count" | "meta.event_count" => {
            let count = Computed::Expression("trace.span_count".to_owned(), Type::Int);
            return Ok(vec![Source {
                place: Place::Trace,
                origin: Origin::Computed {
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
            origin: Origin::Paths(paths),
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
            origin: Origin::Computed { there, value },
        }
    }

    fn attributes(self, of: &[&str], name: &str) -> Vec<String> {
        of.iter()
            .map(|of| self.path(&format!("{of}.attributes[{}]", quoted(name))))
            .collect()
    }

    /// In the order in which they count.
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
                let mut paths = self.attributes(&["span"], name);
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
            _ => return vec![self.paths(self.attributes(&["span", "scope", "resource"], name))],
        };
        let (before, behind): (&[&str], &[&str]) = match name {
            "library.name" | "library.version" => (&["span", "scope"], &["resource"]),
            // These are always there.
            "span.kind" | "type" | "span.num_events" | "span.num_links" => (&["span"], &[]),
            _ => (&["span"], &["scope", "resource"]),
        };
        let mut sources = vec![self.paths(self.attributes(before, name)), own];
        if !behind.is_empty() {
            sources.push(self.paths(self.attributes(behind, name)));
        }
        sources
    }
}
