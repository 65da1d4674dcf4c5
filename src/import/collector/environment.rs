//! The Collector's references to the environment, as ours: `${NAME}`, `${env:NAME}`, `$NAME`, with `$$` for a dollar sign.

use serde_json::Value;

use super::super::value::change_texts;
use super::super::yaml::Yaml;

/// The same configuration with our references; what has no equal stands as text.
pub(super) fn carried(from: &Value, ours: &mut Yaml) -> Value {
    let said = std::cell::RefCell::new(Vec::new());
    let mut value = from.clone();
    change_texts(&mut value, &|text| {
        let mut found = Found::default();
        found.read(text);
        said.borrow_mut().extend(found.remarks);
        found.text
    });
    let mut said = said.into_inner();
    said.dedup();
    for remark in said {
        match remark {
            Remark::Bare(name) => ours.changed(format!(
                "${name} was taken for the environment variable {name}; write $${name} if it is text"
            )),
            Remark::Foreign(reference) => ours.lost(format!(
                "${{{reference}}}: only environment variables are references here; put its value in its place"
            )),
        }
    }
    value
}

#[derive(Debug, PartialEq)]
enum Remark {
    Bare(String),
    Foreign(String),
}

#[derive(Debug, Default)]
struct Found {
    text: String,
    remarks: Vec<Remark>,
}

impl Found {
    fn read(&mut self, text: &str) {
        let mut rest = text;
        while let Some(dollar) = rest.find('$') {
            self.text.push_str(&rest[..dollar]);
            rest = self.reference(&rest[dollar + 1..]);
        }
        self.text.push_str(rest);
    }

    /// What stands behind a dollar sign; returns what stands behind that.
    fn reference<'t>(&mut self, after: &'t str) -> &'t str {
        if let Some(rest) = after.strip_prefix('$') {
            self.text.push_str("$$");
            return rest;
        }
        if let Some((inside, rest)) = after.strip_prefix('{').and_then(braced) {
            self.braces(inside);
            return rest;
        }
        let name = name_length(after);
        if name == 0 {
            self.text.push('$');
            return after;
        }
        self.remarks.push(Remark::Bare(after[..name].to_owned()));
        self.text.push_str(&format!("${{env:{}}}", &after[..name]));
        &after[name..]
    }

    fn braces(&mut self, inside: &str) {
        let reference = inside.strip_prefix("env:").unwrap_or(inside);
        let name = name_length(reference);
        let behind = &reference[name..];
        let plain = behind.is_empty() || (behind.starts_with(":-") && !behind.contains("${"));
        if name > 0 && plain {
            self.text.push_str(&format!("${{env:{reference}}}"));
        } else {
            self.remarks.push(Remark::Foreign(inside.to_owned()));
            self.text
                .push_str(&format!("$${{{}}}", inside.replace("${", "$${")));
        }
    }
}

/// What stands within braces that are open, and behind them.
fn braced(text: &str) -> Option<(&str, &str)> {
    let mut depth = 1;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((&text[..at], &text[at + 1..]));
        }
    }
    None
}

/// How long the name of a variable is that a text begins with.
fn name_length(text: &str) -> usize {
    if !text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return 0;
    }
    text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_ours_and_all_else_is_text() {
        let check = |theirs: &str, ours: &str, remarks: usize| {
            let mut found = Found::default();
            found.read(theirs);
            assert_eq!(
                (found.text.as_str(), found.remarks.len()),
                (ours, remarks),
                "{theirs}"
            );
        };
        check("a ${env:KEY} b", "a ${env:KEY} b", 0);
        check("${KEY}:${PORT:-4317}", "${env:KEY}:${env:PORT:-4317}", 0);
        check("Bearer $TOKEN!", "Bearer ${env:TOKEN}!", 1);
        check("^a$|^b$", "^a$|^b$", 0);
        check("$$KEY $${KEY} $1", "$$KEY $${KEY} $1", 0);
        check("${file:/run/key}", "$${file:/run/key}", 1);
        check("${env:A:-${env:B}}", "$${env:A:-$${env:B}}", 1);
        check("${open", "${open", 0);
    }
}
