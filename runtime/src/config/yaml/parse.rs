//! From YAML's text to the tree.
//!
//! What scalars refer to (environment variables, files) is put in here, after the structure was parsed: so
//! lines and columns stay true, and what it holds can never become structure.

use std::collections::HashMap;
use std::path::PathBuf;

use granit_parser::{Event, Options, Parser, ScalarStyle, Span};

use super::super::report::{Finding, Place, line_of};
use super::environment::{self, Environment};
use super::merge;
use super::tree::{Entry, Kind, Node, Scalar};

/// Aliases are copied, so a file of a few lines could name billions of nodes: stop long before.
const NODES_MAX: usize = 100_000;

/// Parses one document. Problems go to `findings`; `None` when the text isn't YAML at all. Without an environment, references
/// to it stay as they are written.
pub fn parse(
    text: &str,
    environment: Option<&Environment>,
    findings: &mut Vec<Finding>,
) -> Option<Node> {
    parse_noting(text, environment, findings, &mut Vec::new())
}

/// The same; notes which files are referred to.
pub fn parse_noting(
    text: &str,
    environment: Option<&Environment>,
    findings: &mut Vec<Finding>,
    files: &mut Vec<PathBuf>,
) -> Option<Node> {
    let mut options = Options::default();
    options.set_emit_comments(false);
    let mut builder = Builder {
        text,
        parser: Parser::new_from_str_with_options(text, options),
        environment,
        findings,
        files,
        anchors: HashMap::new(),
        nodes: 0,
    };
    match builder.document() {
        Ok(node) => Some(node),
        Err(finding) => {
            findings.push(finding);
            None
        }
    }
}

type Step<T> = Result<T, Finding>;

struct Builder<'a> {
    text: &'a str,
    parser: Parser<'a, granit_parser::StrInput<'a>>,
    environment: Option<&'a Environment<'a>>,
    findings: &'a mut Vec<Finding>,
    files: &'a mut Vec<PathBuf>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

impl<'a> Builder<'a> {
    fn document(&mut self) -> Step<Node> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(root.unwrap_or_else(Node::empty)),
                Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
                event if root.is_none() => root = Some(self.node(event, span)?),
                _ => {
                    return Err(Finding::at(
                        place(span),
                        "a second document begins here; a configuration is one document",
                    ));
                }
            }
        }
    }

    fn next(&mut self) -> Step<(Event<'a>, Span)> {
        match self.parser.next_event() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => {
                let marker = error.marker();
                let at = Place {
                    line: marker.line(),
                    column: marker.col() + 1,
                    length: 1,
                };
                let line = line_of(self.text, at.line);
                let unquoted = line.is_some_and(|line| line.contains("${"));
                let help = "within braces or brackets, put what holds ${...} in quotes";
                let finding = Finding::at(at, format!("not valid yaml: {}", error.info()));
                Err(finding.with_help(unquoted.then(|| help.to_owned())))
            }
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span) -> Step<Node> {
        self.count(1, span)?;
        let anchor = event.anchor_id().unwrap_or(0);
        let kind = match event {
            Event::Scalar(text, style, ..) => self.scalar(&text, style, span),
            Event::SequenceStart(..) => self.sequence()?,
            Event::MappingStart(..) => self.mapping()?,
            Event::Alias(id) => {
                let Some(node) = self.anchors.get(&id).cloned() else {
                    return Err(Finding::at(place(span), "an alias within its own anchor"));
                };
                self.count(node.size(), span)?;
                return Ok(node);
            }
            other => {
                return Err(Finding::at(place(span), format!("unexpected {other:?}")));
            }
        };
        let node = Node {
            place: place(span),
            kind,
        };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn count(&mut self, nodes: usize, span: Span) -> Step<()> {
        self.nodes += nodes;
        if self.nodes > NODES_MAX {
            return Err(Finding::at(
                place(span),
                format!("more than {NODES_MAX} values, aliases included"),
            ));
        }
        Ok(())
    }

    fn scalar(&mut self, written: &str, style: ScalarStyle, span: Span) -> Kind {
        let substituted = match self.environment {
            Some(environment) => environment::substitute(written, environment, self.files),
            None => Ok(written.into()),
        };
        match substituted {
            // The parser says `~` for what isn't there.
            Ok(_) if style == ScalarStyle::Plain && span.is_empty() => Kind::Scalar(Scalar {
                text: String::new(),
                written: String::new(),
                plain: true,
                substituted: false,
            }),
            Ok(text) => Kind::Scalar(Scalar {
                substituted: text != written,
                text: text.into_owned(),
                written: written.to_owned(),
                plain: style == ScalarStyle::Plain,
            }),
            Err(refusals) => {
                let (unset, malformed): (Vec<_>, Vec<_>) =
                    refusals.into_iter().partition(|refusal| refusal.unset);
                for refusal in malformed {
                    self.findings
                        .push(Finding::at(place(span), refusal.message));
                }
                match unset.is_empty() {
                    true => Kind::Unknown,
                    false => Kind::Unset(unset.into_iter().map(|one| one.message).collect()),
                }
            }
        }
    }

    fn sequence(&mut self) -> Step<Kind> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Kind::Sequence(items)),
                (event, span) => items.push(self.node(event, span)?),
            }
        }
    }

    fn mapping(&mut self) -> Step<Kind> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut merged: Option<(Place, Node)> = None;
        loop {
            let (key, style, span) = match self.next()? {
                (Event::MappingEnd, _) => {
                    if let Some((place, from)) = merged {
                        merge::into(&mut entries, place, from, self.findings);
                    }
                    return Ok(Kind::Mapping(entries));
                }
                (Event::Scalar(key, style, ..), span) => (key.into_owned(), style, span),
                (_, span) => {
                    return Err(Finding::at(
                        place(span),
                        "a key must be text; put a value with brackets or braces in quotes",
                    ));
                }
            };
            let (event, value_span) = self.next()?;
            let value = self.node(event, value_span)?;
            if merge::is_key(&key, style) {
                match merged {
                    None => merged = Some((place(span), value)),
                    Some(_) => self.findings.push(merge::twice(place(span))),
                }
                continue;
            }
            if let Some(first) = entries.iter().find(|entry| entry.key == key) {
                let message = format!(
                    "`{key}` stands twice in one place, first on line {}",
                    first.key_place.line
                );
                self.findings.push(Finding::at(place(span), message));
                continue;
            }
            entries.push(Entry {
                key,
                key_place: place(span),
                value,
            });
        }
    }
}

fn place(span: Span) -> Place {
    Place {
        line: span.start.line(),
        column: span.start.col() + 1,
        // What goes over several lines is marked by its first character.
        length: match span.end.line() == span.start.line() {
            true => span.end.col().saturating_sub(span.start.col()).max(1),
            false => 1,
        },
    }
}
