//! What is wrong with a configuration, and what is doubtful: everything, at once, each thing by its path.

/// One problem. `path` is as in `sampler.policies[2].latency.threshold_ms`; empty for the whole file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub path: String,
    /// What is wrong, with what, and what to do; lower case, no full stop.
    pub message: String,
    /// Another path that the judgement rests on. If what stands there is wrong itself, the problem may be none.
    pub rests_on: Option<String>,
}

/// Problems in the order they were found, and warnings beside them: what is valid, and hardly meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    found: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl Problems {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn push(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.found.push(Problem {
            path: path.into(),
            message: message.into(),
            rests_on: None,
        });
    }

    /// A problem of `path` that is one only if `other` is as written.
    pub fn push_given(
        &mut self,
        other: impl Into<String>,
        path: impl Into<String>,
        message: impl Into<String>,
    ) {
        self.found.push(Problem {
            path: path.into(),
            message: message.into(),
            rests_on: Some(other.into()),
        });
    }

    /// Something that works, and that nobody would want: it is said, and refused by nothing.
    pub fn warn(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.warnings.push(Problem {
            path: path.into(),
            message: message.into(),
            rests_on: None,
        });
    }

    /// How many problems there are, warnings not counted.
    pub fn len(&self) -> usize {
        self.found.len()
    }

    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.found.iter()
    }

    pub fn warnings(&self) -> impl Iterator<Item = &Problem> {
        self.warnings.iter()
    }
}
