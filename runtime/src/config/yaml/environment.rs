//! References in scalars: `${env:NAME}` and `${env:NAME:-default}` to variables, `${file:/path}` to files, and `$$` for a `$`.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::held::{held_by, is_absolute};

/// Where variables come from: the process's environment, or a test's.
pub type Environment<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// A reference that can't be put in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub message: String,
    /// The reference is well formed, and its variable is not set here, or its file can't be read here.
    pub unset: bool,
}

impl Refusal {
    fn malformed(message: String) -> Self {
        Self {
            message,
            unset: false,
        }
    }
}

/// The scalar with what it refers to put in, or everything that is wrong with it. The files that it refers to are added to `files`, whether
/// they can be read or not.
///
/// As in a shell's `:-`, the default stands for a variable that is unset or empty. A `$` before anything but `$` and `{`
/// is itself, so patterns such as `^a$` need no escape.
pub fn substitute<'t>(
    text: &'t str,
    environment: &Environment,
    files: &mut Vec<PathBuf>,
) -> Result<Cow<'t, str>, Vec<Refusal>> {
    if !text.contains('$') {
        return Ok(Cow::Borrowed(text));
    }
    let (mut out, mut problems) = (String::with_capacity(text.len()), Vec::new());
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        out.push_str(&rest[..dollar]);
        rest = &rest[dollar + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some(after) = rest.strip_prefix('{') {
            let Some(end) = after.find('}') else {
                problems.push(Refusal::malformed(format!(
                    "`${{{after}` has no closing brace; write $$ for a `$` itself"
                )));
                break;
            };
            match referred(&after[..end], environment, files) {
                Ok(value) => out.push_str(&value),
                Err(problem) => problems.push(problem),
            }
            rest = &after[end + 1..];
        } else {
            out.push('$');
        }
    }
    out.push_str(rest);
    match problems.is_empty() {
        true => Ok(Cow::Owned(out)),
        false => Err(problems),
    }
}

/// The value for what stands between the braces.
fn referred(
    inside: &str,
    environment: &Environment,
    files: &mut Vec<PathBuf>,
) -> Result<String, Refusal> {
    if let Some(reference) = inside.strip_prefix("env:") {
        return variable(reference, environment);
    }
    if let Some(path) = inside.strip_prefix("file:") {
        return file(path, files);
    }
    Err(Refusal::malformed(format!(
        "`${{{inside}}}` is not a reference; write ${{env:{inside}}} for an environment variable, $${{{inside}}} for the text itself"
    )))
}

/// What a file holds.
fn file(path: &str, files: &mut Vec<PathBuf>) -> Result<String, Refusal> {
    if !is_absolute(path) {
        return Err(Refusal::malformed(format!(
            "`${{file:{path}}}` names no absolute path; write it from the root, as ${{file:/run/secrets/name}}"
        )));
    }
    let path = Path::new(path);
    files.push(path.to_owned());
    held_by(path).map_err(|message| Refusal {
        message,
        unset: true,
    })
}

/// The value of a variable.
fn variable(reference: &str, environment: &Environment) -> Result<String, Refusal> {
    let (name, default) = match reference.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (reference, None),
    };
    let valid = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(valid) {
        return Err(Refusal::malformed(format!(
            "`{name}` is not the name of an environment variable; letters, digits and _ make one"
        )));
    }
    match (environment(name), default) {
        (Some(value), None) => Ok(value),
        (Some(value), Some(_)) if !value.is_empty() => Ok(value),
        (_, Some(default)) => Ok(default.to_owned()),
        (None, None) => Err(Refusal {
            message: format!(
                "the environment variable {name} is not set; set it, or give a default: ${{env:{name}:-...}}"
            ),
            unset: true,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let environment = |name: &str| match name {
            "A" => Some("1".to_owned()),
            "EMPTY" => Some(String::new()),
            "EVIL" => Some("x\ny: ${env:A}".to_owned()),
            _ => None,
        };
        let got = match substitute(text, &environment, &mut Vec::new()) {
            Ok(text) => text.into_owned(),
            Err(problems) => {
                let messages: Vec<_> = problems.into_iter().map(|one| one.message).collect();
                format!("error: {}", messages.join(" | "))
            }
        };
        assert_eq!(got, expected, "{text}");
    }

    #[test]
    fn variables_are_put_in_once_and_dollars_stay() {
        check("plain", "plain");
        check("${env:A}", "1");
        check("a${env:A}b${env:A}c", "a1b1c");
        check("${env:NONE:-x}-${env:EMPTY:-y}", "x-y");
        check("[${env:EMPTY}${env:NONE:-}]", "[]");
        check("^a$", "^a$");
        check("$1 $$1 $${env:A}", "$1 $1 ${env:A}");
        check("${env:EVIL}", "x\ny: ${env:A}");
        check("${env:NONE:-${}", "${");
    }

    #[test]
    fn every_bad_reference_of_a_scalar_is_reported() {
        check(
            "${env:NONE} ${env:A} ${HOME}",
            "error: the environment variable NONE is not set; set it, or give a default: ${env:NONE:-...} \
             | `${HOME}` is not a reference; write ${env:HOME} for an environment variable, $${HOME} for the text itself",
        );
        check(
            "${env:A",
            "error: `${env:A` has no closing brace; write $$ for a `$` itself",
        );
        check(
            "${env:a b}",
            "error: `a b` is not the name of an environment variable; letters, digits and _ make one",
        );
    }

    #[test]
    fn a_file_stands_for_what_it_holds() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret");
        std::fs::write(&path, "a$ ${env:A}\n\n").expect("a file");
        let (mut files, path) = (Vec::new(), path.display().to_string());
        let text = format!("<${{file:{path}}}>");
        let got = substitute(&text, &|_| None, &mut files).expect("it is there");
        assert_eq!(got, "<a$ ${env:A}\n>", "one newline less, put in once");
        assert_eq!(files, [Path::new(&path)]);
        let gone = format!("${{file:{path}-gone}}");
        let refusals = substitute(&gone, &|_| None, &mut files).expect_err("it isn't there");
        assert!(refusals[0].unset);
        let message = &refusals[0].message;
        assert!(message.contains(&format!("{path}-gone")), "{message}");
        assert!(message.contains("No such file"), "{message}");
        assert_eq!(files.len(), 2, "it may come");
        check(
            "${file:secret}",
            "error: `${file:secret}` names no absolute path; write it from the root, as ${file:/run/secrets/name}",
        );
    }
}
