//! What is wrong with a text in OTTL: every problem with its place, and what was probably meant.

use std::fmt;

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Byte offset in the text.
    pub offset: usize,
    /// Character in the text, counted from 1.
    pub column: usize,
    pub message: String,
    /// What to do about it, if that is known.
    pub help: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: {}", self.column, self.message)?;
        match &self.help {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}

/// All that is wrong with a text, by place. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems {
    pub text: String,
    pub problems: Vec<Problem>,
}

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

/// Gathers the problems of one text.
#[derive(Debug)]
pub(crate) struct Report<'t> {
    text: &'t str,
    problems: Vec<Problem>,
}

impl<'t> Report<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self {
            text,
            problems: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, offset: usize, message: impl Into<String>) {
        self.add_with_help(offset, message, None);
    }

    pub(crate) fn add_with_help(
        &mut self,
        offset: usize,
        message: impl Into<String>,
        help: Option<String>,
    ) {
        let before = self.text.get(..offset).unwrap_or(self.text);
        self.problems.push(Problem {
            offset,
            column: before.chars().count() + 1,
            message: message.into(),
            help,
        });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    pub(crate) fn into_problems(mut self) -> Problems {
        self.problems.sort_by_key(|problem| problem.offset);
        Problems {
            text: self.text.to_owned(),
            problems: self.problems,
        }
    }
}

/// "Did you mean": the candidate that a typing mistake may have made `word` of.
pub(crate) fn did_you_mean<'c>(
    word: &str,
    candidates: impl Iterator<Item = &'c str>,
) -> Option<String> {
    let folded = |text: &str| text.to_lowercase().replace(['_', '-'], "");
    let word = folded(word);
    candidates
        .map(|candidate| {
            let folded = folded(candidate);
            let longer = word.len().max(folded.len());
            let distance = strsim::damerau_levenshtein(&word, &folded);
            (distance, longer, candidate)
        })
        .filter(|(distance, longer, _)| *distance <= (longer / 3).max(1))
        .min_by_key(|(distance, ..)| *distance)
        .map(|(.., candidate)| format!("did you mean `{candidate}`?"))
}
