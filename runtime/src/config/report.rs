//! What the user sees of a configuration that is wrong: each problem with its line, marked.

use std::fmt;

/// Where something stands in the file; line and column from 1, the length in characters. Line 0: nowhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub line: usize,
    pub column: usize,
    pub length: usize,
}

/// One problem with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub place: Place,
    pub message: String,
    pub help: Option<String>,
    /// How far off the text is from what was meant, for choosing between alternatives of a schema.
    pub weight: u32,
    /// Of an unknown key: the path of the section that goes on without it.
    pub left_out_of: Option<String>,
}

impl Finding {
    pub fn at(place: Place, message: impl Into<String>) -> Self {
        Self {
            place,
            message: message.into(),
            help: None,
            weight: 2,
            left_out_of: None,
        }
    }

    pub fn with_help(mut self, help: Option<String>) -> Self {
        self.help = help;
        self
    }

    pub fn left_out_of(mut self, path: &str) -> Self {
        self.left_out_of = Some(path.to_owned());
        self
    }

    pub fn weighing(mut self, weight: u32) -> Self {
        self.weight = weight;
        self
    }
}

/// Everything that is wrong with a configuration, in the order of the file. `Display` is the report for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    file: String,
    text: String,
    findings: Vec<Finding>,
}

impl std::error::Error for ConfigError {}

impl ConfigError {
    pub(super) fn new(file: &str, text: &str, mut findings: Vec<Finding>) -> Self {
        findings.sort_by_key(|finding| finding.place);
        findings.dedup();
        Self {
            file: file.to_owned(),
            text: text.to_owned(),
            findings,
        }
    }

    /// How many problems there are; at least one.
    pub fn count(&self) -> usize {
        self.findings.len()
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            self.one(finding, f)?;
            writeln!(f)?;
        }
        match self.count() {
            1 => write!(f, "1 problem in {}", self.file),
            count => write!(f, "{count} problems in {}", self.file),
        }
    }
}

impl ConfigError {
    fn one(&self, finding: &Finding, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding {
            place,
            message,
            help,
            ..
        } = finding;
        writeln!(f, "error: {message}")?;
        if place.line == 0 {
            writeln!(f, " --> {}", self.file)?;
        } else {
            let number = place.line.to_string();
            let margin = " ".repeat(number.len());
            let line = self.text.lines().nth(place.line - 1).unwrap_or("");
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
