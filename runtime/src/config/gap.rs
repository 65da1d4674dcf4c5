//! Values that couldn't be read: what is said of the rest of the configuration without them, and what isn't.
//!
//! A wrong value is left out, or stood in for where it is required, so that the rest can be validated and all problems are reported at
//! once. What validation finds only because of the gap is no problem of the user's: it is hidden.

use super::path::{is_within, key_in, split};
use super::problems::Problem;

/// A value that isn't there as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Gap {
    pub path: String,
    /// Of a misspelt key: the one that was probably meant.
    pub meant: Option<String>,
}

impl Gap {
    pub fn at(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            meant: None,
        }
    }

    /// Whether a problem may be there only because of this gap. `written`: the problem's value stands in the file.
    pub fn hides(&self, problem: &Problem, written: bool) -> bool {
        let rests_on_it = (problem.rests_on.as_deref())
            .is_some_and(|other| is_within(&self.path, other) || is_within(other, &self.path));
        if rests_on_it || is_within(&self.path, &problem.path) {
            return true;
        }
        let (section, key) = split(&self.path);
        match key_in(section, &problem.path) {
            // The section as a whole lacks something.
            Some("") => true,
            Some(sibling) => {
                let names = || std::iter::once(key).chain(self.meant.as_deref());
                !written || names().any(|name| name == sibling || mentions(&problem.message, name))
            }
            None => false,
        }
    }
}

/// Whether a message speaks of a key: as a word of its own.
fn mentions(message: &str, key: &str) -> bool {
    let part_of_a_word = |c: char| c.is_alphanumeric() || c == '_';
    message.match_indices(key).any(|(at, _)| {
        let (before, after) = (&message[..at], &message[at + key.len()..]);
        !before.ends_with(part_of_a_word) && !after.starts_with(part_of_a_word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(
        gap: &str,
        meant: Option<&str>,
        path: &str,
        message: &str,
        written: bool,
        hidden: bool,
    ) {
        let gap = Gap {
            path: gap.to_owned(),
            meant: meant.map(str::to_owned),
        };
        let problem = Problem {
            path: path.to_owned(),
            message: message.to_owned(),
            rests_on: None,
        };
        assert_eq!(gap.hides(&problem, written), hidden, "{gap:?} {problem:?}");
    }

    #[test]
    fn what_follows_from_a_gap_is_hidden_and_nothing_else() {
        check("a.b", None, "a.b.c", "empty", true, true);
        check("a.b", None, "a.bc", "empty", true, false);
        check("a.b", None, "a", "neither b nor c", true, true);
        check("a.b", None, "a.c", "empty", false, true);
        check("a.b", None, "a.c", "empty", true, false);
        check("a.b", None, "a.c", "shorter than b", true, true);
        check("a.b", None, "a.c", "shorter than ab", true, false);
        check("a.x", Some("b"), "a.c", "shorter than b", true, true);
        check("a.x", Some("b"), "a.b", "empty", true, true);
        check("a[1]", None, "a[1].name", "empty", true, true);
        check("a[1]", None, "a[0]", "empty", true, false);
        check("a[1]", None, "a[0].name", "empty", true, false);
        check("a", None, "b", "empty", true, false);
        check("a", None, "b.c", "empty", false, false);
    }

    #[test]
    fn what_rests_on_a_gap_is_hidden() {
        let mut problems = super::super::Problems::new();
        problems.push_given("s.policies", "tests[0].policy", "there is no such policy");
        let problem = problems.iter().next().expect("a problem");
        for (gap, hidden) in [
            ("s", true),
            ("s.policies", true),
            ("s.policies[3]", true),
            ("s.other", false),
            ("t", false),
        ] {
            assert_eq!(Gap::at(gap).hides(problem, true), hidden, "{gap}");
        }
    }
}
