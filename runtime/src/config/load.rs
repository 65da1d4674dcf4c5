//! From a text to a validated configuration, or to everything that is wrong with it.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::gap::Gap;
use super::path::prefixed;
use super::problems::{Problem, Problems};
use super::report::{ConfigError, Finding, Place, Warnings};
use super::schema::{Found, fit, foreign_key};
use super::yaml::{self, Entry, Environment, Kind, Node, locate};

/// A configuration as it was found, and what is asked of it.
pub struct Source<'a> {
    /// The name of the text in messages.
    pub file: &'a str,
    pub text: &'a str,
    pub environment: &'a Environment<'a>,
    /// Whether this top-level section is used. Where it isn't, variables may be unset: their values are left out without a word.
    pub uses: &'a dyn Fn(&str) -> bool,
    /// What is wrong with a text that holds nothing; `None`: nothing is.
    pub empty: Option<&'a str>,
}

/// A valid configuration, and what is to be said of it.
#[derive(Clone, Debug)]
pub struct Loaded<V> {
    pub value: V,
    pub warnings: Warnings,
    /// Paths of what was left out since it refers to variables that aren't set, in sections that aren't used.
    pub left_out: Vec<String>,
    /// The files that it refers to by `${file:…}`.
    pub files: Vec<PathBuf>,
}

/// Reads `text` (of `file`, for messages) as a `T` and validates it; all sections are used, and warnings go unsaid.
///
/// # Errors
/// As [`Source::load`].
pub fn load<T, V>(
    file: &str,
    text: &str,
    environment: &Environment,
    validate: impl FnOnce(&T, &mut Problems) -> V,
) -> Result<V, ConfigError>
where
    T: DeserializeOwned + JsonSchema,
{
    let source = Source {
        file,
        text,
        environment,
        uses: &|_| true,
        empty: None,
    };
    Ok(source.load(validate)?.value)
}

impl Source<'_> {
    /// Reads the text as a `T` and validates it.
    ///
    /// The type must deny unknown fields at every level. `validate` sees only what has the right shape: unknown keys and wrong values are left
    /// out, or stood in for where they are required. What it says of those is not reported.
    ///
    /// # Errors
    /// All problems found, each with line and column.
    pub fn load<T, V>(
        &self,
        validate: impl FnOnce(&T, &mut Problems) -> V,
    ) -> Result<Loaded<V>, ConfigError>
    where
        T: DeserializeOwned + JsonSchema,
    {
        let mut found = Found::default();
        let mut files = Vec::new();
        let root = yaml::parse_noting(
            self.text,
            Some(self.environment),
            &mut found.findings,
            &mut files,
        );
        let Some(root) = root else {
            return Err(self.error(found.findings));
        };
        let schema = schemars::schema_for!(T);
        if let Some(finding) = of_another_program(&root, schema.as_value()) {
            return Err(self.error(vec![finding]));
        }
        self.unset_variables(&root, &mut found.findings);
        if let (Some(message), true) = (self.empty, root.is_nothing()) {
            found.findings.push(Finding::at(Place::default(), message));
        }
        let value = fit(schema.as_value(), &root, &mut found);
        let Found { mut findings, gaps } = found;
        let Some(value) = value else {
            return Err(self.error(findings));
        };
        let raw: T = match serde_path_to_error::deserialize(value) {
            Ok(raw) => raw,
            Err(_) if !findings.is_empty() => return Err(self.error(findings)),
            Err(error) => {
                let path = match error.path().to_string() {
                    path if path == "." => String::new(),
                    path => path,
                };
                let message = prefixed(&path, &error.inner().to_string());
                return Err(self.error(vec![Finding::at(locate(&root, &path).place, message)]));
            }
        };
        let mut problems = Problems::new();
        let value = validate(&raw, &mut problems);
        let (wrong, doubtful) = self.reported(&problems, &gaps, &root);
        findings.extend(wrong);
        if !findings.is_empty() {
            findings.extend(doubtful);
            return Err(self.error(findings));
        }
        Ok(Loaded {
            value,
            warnings: Warnings::new(self.file, self.text, doubtful),
            left_out: gaps.into_iter().map(|gap| gap.path).collect(),
            files,
        })
    }

    /// What validation found that is to be reported, with its places: problems, and warnings about sections that are used.
    fn reported(
        &self,
        problems: &Problems,
        gaps: &[Gap],
        root: &Node,
    ) -> (Vec<Finding>, Vec<Finding>) {
        let not_hidden = |problem: &&Problem| {
            let written = locate(root, &problem.path).whole;
            !gaps.iter().any(|gap| gap.hides(problem, written))
        };
        let place = |problem: &Problem| {
            let message = prefixed(&problem.path, &problem.message);
            (locate(root, &problem.path).place, message)
        };
        let used = |problem: &&Problem| {
            let section = problem.path.split(['.', '[']).next();
            section.is_none_or(|section| (self.uses)(section))
        };
        let wrong = problems.iter().filter(not_hidden).map(place);
        let doubtful = problems
            .warnings()
            .filter(used)
            .filter(not_hidden)
            .map(place);
        (
            wrong
                .map(|(place, message)| Finding::at(place, message))
                .collect(),
            doubtful
                .map(|(place, message)| Finding::warning(place, message))
                .collect(),
        )
    }

    fn error(&self, findings: Vec<Finding>) -> ConfigError {
        ConfigError::new(self.file, self.text, findings)
    }

    /// Variables that aren't set, in the sections that are used.
    fn unset_variables(&self, root: &Node, findings: &mut Vec<Finding>) {
        let Kind::Mapping(entries) = &root.kind else {
            return unset(root, findings);
        };
        let used = entries.iter().filter(|entry| (self.uses)(&entry.key));
        used.for_each(|entry| unset(&entry.value, findings));
    }
}

fn unset(node: &Node, findings: &mut Vec<Finding>) {
    match &node.kind {
        Kind::Unset(messages) => {
            findings.extend(
                messages
                    .iter()
                    .map(|message| Finding::at(node.place, message)),
            );
        }
        Kind::Sequence(items) => items.iter().for_each(|item| unset(item, findings)),
        Kind::Mapping(entries) => {
            let values = entries.iter().map(|entry| &entry.value);
            values.for_each(|value| unset(value, findings));
        }
        Kind::Scalar(_) | Kind::Unknown => {}
    }
}

/// What to say of a file none of whose keys is ours, and one is that of another program: nothing else in it matters.
fn of_another_program<'n>(root: &'n Node, schema: &Value) -> Option<Finding> {
    let Kind::Mapping(entries) = &root.kind else {
        return None;
    };
    let known = schema.get("properties")?;
    if entries.iter().any(|entry| known.get(&entry.key).is_some()) {
        return None;
    }
    let foreign = |entry: &'n Entry| Some((entry, foreign_key(schema, &entry.key)?));
    let (entry, help) = entries.iter().find_map(foreign)?;
    let message = format!(
        "this is no configuration of ours: unknown key `{}`, as are all others in the file",
        entry.key
    );
    Some(Finding::at(entry.key_place, message).with_help(Some(help)))
}

/// The process's environment.
pub fn process_environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
