//! What the user sees of a configuration that is wrong: each problem with its line, marked.

use std::fmt;

/// Where something stands in the file; line and column from 1, the length in characters. Line 0: nowhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub line: usize,
    pub column: usize,
    pub length: usize,
}

/// Whether the configuration can be used all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    Error,
    Warning,
}

/// One problem with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub place: Place,
    pub message: String,
    pub help: Option<String>,
    /// How far off the text is from what was meant, for choosing between alternatives of a schema.
    pub weight: u32,
    pub severity: Severity,
}

impl Finding {
    pub fn at(place: Place, message: impl Into<String>) -> Self {
        Self {
            place,
            message: message.into(),
            help: None,
            weight: 2,
            severity: Severity::Error,
        }
    }

    pub fn warning(place: Place, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::at(place, message)
        }
    }

    pub fn with_help(mut self, help: Option<String>) -> Self {
        self.help = help;
        self
    }

    pub fn weighing(mut self, weight: u32) -> Self {
        self.weight = weight;
        self
    }
}

/// Findings in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Report {
    file: String,
    text: String,
    findings: Vec<Finding>,
}

impl Report {
    fn new(file: &str, text: &str, findings: Vec<Finding>) -> Self {
        let mut sorted: Vec<Finding> = Vec::new();
        for finding in findings {
            // What stands at an anchor is found once for each alias.
            if !sorted.contains(&finding) {
                sorted.push(finding);
            }
        }
        sorted.sort_by_key(|finding| finding.place);
        Self {
            file: file.to_owned(),
            text: text.to_owned(),
            findings: sorted,
        }
    }

    fn lines(&self) -> impl Iterator<Item = (String, &str)> {
        let file = &self.file;
        self.findings.iter().map(move |finding| {
            let Place { line, column, .. } = finding.place;
            let place = match line {
                0 => file.clone(),
                _ => format!("{file}:{line}:{column}"),
            };
            (place, finding.message.as_str())
        })
    }

    fn count(&self, severity: Severity) -> usize {
        let of_it = |finding: &&Finding| finding.severity == severity;
        self.findings.iter().filter(of_it).count()
    }
}

/// Everything that is wrong with a configuration, and what is doubtful. `Display` is the report for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(Report);

impl std::error::Error for ConfigError {}

impl ConfigError {
    pub(super) fn new(file: &str, text: &str, findings: Vec<Finding>) -> Self {
        Self(Report::new(file, text, findings))
    }

    /// How many problems there are, warnings not counted; at least one.
    pub fn count(&self) -> usize {
        self.0.count(Severity::Error)
    }

    /// Each as the place, `file:line:column`, and the message, without the text that stands there: for what may hold secrets.
    pub fn lines(&self) -> impl Iterator<Item = (String, &str)> {
        self.0.lines()
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is valid in a configuration, and hardly meant. `Display` is the report for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Warnings(Report);

impl Warnings {
    pub(super) fn new(file: &str, text: &str, findings: Vec<Finding>) -> Self {
        Self(Report::new(file, text, findings))
    }

    pub fn is_empty(&self) -> bool {
        self.0.findings.is_empty()
    }

    /// For logs: the place as `file:line:column`, and the message.
    pub fn lines(&self) -> impl Iterator<Item = (String, &str)> {
        self.0.lines()
    }
}

impl fmt::Display for Warnings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            self.one(finding, f)?;
            writeln!(f)?;
        }
        let counts = [(Severity::Error, "problem"), (Severity::Warning, "warning")];
        let counted = counts.map(|(severity, name)| match self.count(severity) {
            0 => None,
            1 => Some(format!("1 {name}")),
            count => Some(format!("{count} {name}s")),
        });
        let counted: Vec<_> = counted.into_iter().flatten().collect();
        write!(f, "{} in {}", counted.join(" and "), self.file)
    }
}

impl Report {
    fn one(&self, finding: &Finding, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding {
            place,
            message,
            help,
            ..
        } = finding;
        let severity = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        writeln!(f, "{severity}: {message}")?;
        if place.line == 0 {
            writeln!(f, " --> {}", self.file)?;
        } else {
            let number = place.line.to_string();
            let margin = " ".repeat(number.len());
            let line = line_of(&self.text, place.line).unwrap_or("");
            // Tabs are kept before the mark, so that it stands below what it marks however wide they are.
            let indent: String = (line.chars().chain(std::iter::repeat(' ')))
                .take(place.column - 1)
                .map(|c| if c == '\t' { '\t' } else { ' ' })
                .collect();
            let mark = "^".repeat(place.length.min(80));
            writeln!(f, "{margin}--> {}:{number}:{}", self.file, place.column)?;
            writeln!(f, "{margin} |")?;
            writeln!(f, "{number} | {}", line.trim_end())?;
            writeln!(f, "{margin} | {indent}{mark}")?;
        }
        if let Some(help) = help {
            writeln!(f, "  = help: {help}")?;
        }
        Ok(())
    }
}

/// A line by its number from 1. As in YAML, `\n`, `\r\n` and a `\r` by itself each end one.
pub(super) fn line_of(text: &str, number: usize) -> Option<&str> {
    let mut lines = text.split('\n').flat_map(|line| {
        let line = line.strip_suffix('\r').unwrap_or(line);
        line.split('\r')
    });
    lines.nth(number.checked_sub(1)?)
}
