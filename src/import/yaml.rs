//! YAML with remarks, for people: what was translated, and beside it what could not be.
//!
//! What is short stands on one line in braces, as our documentation writes policies; anything with a remark in it stands in lines.

use serde_json::Value;

use super::value::change_texts;

/// The longest value that is written in braces on one line, in characters.
const LINE_CHARS_MAX: usize = 130;

/// A value of a configuration.
#[derive(Clone, Debug, PartialEq)]
pub enum Yaml {
    Plain(Value),
    Map(Vec<Line<(String, Yaml)>>),
    List(Vec<Line<Yaml>>),
}

/// An entry of a mapping or list, or a remark where one could stand.
#[derive(Clone, Debug, PartialEq)]
pub enum Line<T> {
    Remark(Remark),
    Is(T),
}

/// What is said of something that is not there as it was.
#[derive(Clone, Debug, PartialEq)]
pub struct Remark {
    pub weight: Weight,
    pub text: String,
}

/// How much a remark matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Not needed here, or another way to the same.
    Note,
    /// Carried over, and means something else in a case that is named.
    Changed,
    /// The result doesn't do this.
    Lost,
}

impl std::fmt::Display for Remark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.weight {
            Weight::Note => {}
            Weight::Changed => f.write_str("changed: ")?,
            Weight::Lost => f.write_str("not carried over: ")?,
        }
        f.write_str(&self.text)
    }
}

impl Yaml {
    pub fn map() -> Self {
        Self::Map(Vec::new())
    }

    /// Adds an entry to a mapping. Empty mappings and lists are left out, and of those with remarks alone the remarks stay.
    pub fn set(&mut self, key: &str, value: impl Into<Yaml>) {
        let value = value.into();
        if value.says_nothing() {
            for remark in value.remarks() {
                self.add_remark(remark.weight, remark.text.clone());
            }
        } else if let Self::Map(lines) = self {
            lines.push(Line::Is((key.to_owned(), value)));
        }
    }

    pub fn list() -> Self {
        Self::List(Vec::new())
    }

    /// Says that something is not needed, or done in another way.
    pub fn remark(&mut self, text: impl Into<String>) {
        self.add_remark(Weight::Note, text.into());
    }

    /// Says that something means another thing here.
    pub fn changed(&mut self, text: impl Into<String>) {
        self.add_remark(Weight::Changed, text.into());
    }

    /// Says that something is not carried over.
    pub fn lost(&mut self, text: impl Into<String>) {
        self.add_remark(Weight::Lost, text.into());
    }

    pub fn add_remark(&mut self, weight: Weight, text: String) {
        let remark = Remark { weight, text };
        match self {
            Self::Map(lines) => lines.push(Line::Remark(remark)),
            Self::List(lines) => lines.push(Line::Remark(remark)),
            Self::Plain(_) => {}
        }
    }

    pub fn push(&mut self, value: impl Into<Yaml>) {
        if let Self::List(lines) = self {
            lines.push(Line::Is(value.into()));
        }
    }

    /// Whether it has no entries.
    pub fn says_nothing(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Map(lines) => lines.iter().all(|line| matches!(line, Line::Remark(_))),
            Self::List(lines) => lines.iter().all(|line| matches!(line, Line::Remark(_))),
        }
    }

    /// The remarks, wherever they stand.
    pub fn remarks(&self) -> Vec<&Remark> {
        match self {
            Self::Plain(_) => Vec::new(),
            Self::Map(lines) => collect(lines, |(_, value)| value),
            Self::List(lines) => collect(lines, |value| value),
        }
    }

    /// Changes each text that stands as a value.
    pub fn change_texts(&mut self, change: &dyn Fn(&str) -> String) {
        match self {
            Self::Plain(value) => change_texts(value, change),
            Self::Map(lines) => {
                for line in lines {
                    if let Line::Is((_, value)) = line {
                        value.change_texts(change);
                    }
                }
            }
            Self::List(lines) => {
                for line in lines {
                    if let Line::Is(value) = line {
                        value.change_texts(change);
                    }
                }
            }
        }
    }

    /// As a document.
    pub fn document(&self) -> String {
        let mut out = String::new();
        self.block(&mut out, 0);
        out
    }

    fn block(&self, out: &mut String, indent: usize) {
        match self {
            Self::Plain(value) => {
                out.push_str(&flow(value));
                out.push('\n');
            }
            Self::Map(lines) => {
                for line in lines {
                    match line {
                        Line::Remark(remark) => comment(out, indent, &remark.to_string()),
                        Line::Is((key, value)) => {
                            pad(out, indent);
                            out.push_str(&word(key));
                            out.push(':');
                            value.after(out, indent);
                        }
                    }
                }
            }
            Self::List(lines) => {
                for line in lines {
                    match line {
                        Line::Remark(remark) => comment(out, indent, &remark.to_string()),
                        Line::Is(value) => value.item(out, indent),
                    }
                }
            }
        }
    }

    /// An item of a list: on one line, or with its first line behind the dash.
    fn item(&self, out: &mut String, indent: usize) {
        if let Some(line) = self.one_line() {
            pad(out, indent);
            out.push_str("- ");
            out.push_str(&line);
            out.push('\n');
            return;
        }
        let begin = out.len();
        self.block(out, indent + 2);
        // What a block begins with is the indent of its own first line.
        out.replace_range(begin + indent..begin + indent + 1, "-");
    }

    /// What follows a key.
    fn after(&self, out: &mut String, indent: usize) {
        match self.one_line().filter(|_| !self.deserves_lines(indent)) {
            Some(line) => {
                out.push(' ');
                out.push_str(&line);
                out.push('\n');
            }
            None => {
                out.push('\n');
                self.block(out, indent + 2);
            }
        }
    }

    /// Sections, and the lists of policies and backends in them.
    fn deserves_lines(&self, indent: usize) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Map(_) => indent == 0,
            Self::List(lines) => {
                indent <= 2
                    && lines
                        .iter()
                        .any(|line| matches!(line, Line::Is(Self::Map(_))))
            }
        }
    }

    /// The value on one line, if there is nothing to remark and it is short enough.
    fn one_line(&self) -> Option<String> {
        if let Self::Plain(value) = self {
            return Some(flow(value));
        }
        let line = self.to_value().map(|value| flow(&value))?;
        (line.chars().count() <= LINE_CHARS_MAX).then_some(line)
    }

    fn to_value(&self) -> Option<Value> {
        match self {
            Self::Plain(value) => Some(value.clone()),
            Self::Map(lines) => lines
                .iter()
                .map(|line| match line {
                    Line::Remark(_) => None,
                    Line::Is((key, value)) => Some((key.clone(), value.to_value()?)),
                })
                .collect::<Option<serde_json::Map<_, _>>>()
                .map(Value::Object),
            Self::List(lines) => lines
                .iter()
                .map(|line| match line {
                    Line::Remark(_) => None,
                    Line::Is(value) => value.to_value(),
                })
                .collect::<Option<Vec<_>>>()
                .map(Value::Array),
        }
    }
}

impl From<Value> for Yaml {
    fn from(value: Value) -> Self {
        match value {
            Value::Object(map) => Self::Map(
                map.into_iter()
                    .map(|(key, value)| Line::Is((key, value.into())))
                    .collect(),
            ),
            Value::Array(items) => Self::List(
                items
                    .into_iter()
                    .map(|item| Line::Is(item.into()))
                    .collect(),
            ),
            plain => Self::Plain(plain),
        }
    }
}

impl From<&str> for Yaml {
    fn from(text: &str) -> Self {
        Self::Plain(text.into())
    }
}

fn collect<T>(lines: &[Line<T>], within: impl Fn(&T) -> &Yaml) -> Vec<&Remark> {
    lines
        .iter()
        .flat_map(|line| match line {
            Line::Remark(remark) => vec![remark],
            Line::Is(value) => within(value).remarks(),
        })
        .collect()
}

fn pad(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
}

fn comment(out: &mut String, indent: usize, remark: &str) {
    for line in remark.lines() {
        pad(out, indent);
        out.push_str("# ");
        out.push_str(line);
        out.push('\n');
    }
}

/// A value in one line.
fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => word(text),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(flow).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(map) => {
            let entries: Vec<_> = map
                .iter()
                .map(|(key, value)| format!("{}: {}", word(key), flow(value)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
        other => other.to_string(),
    }
}

/// Text without quotes where it can only be read as that text, else in JSON's, which YAML reads the same.
fn word(text: &str) -> String {
    let plain = is_word(text) || is_quantity(text);
    match plain {
        true => text.to_owned(),
        false => Value::String(text.to_owned()).to_string(),
    }
}

fn is_word(text: &str) -> bool {
    let special = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let text = text.strip_prefix("./").unwrap_or(text);
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._/-".contains(c))
        && !special.contains(&text.to_ascii_lowercase().as_str())
}

/// A number with a unit behind it, such as `30s` or `64MiB`.
fn is_quantity(text: &str) -> bool {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    digits.len() < text.len()
        && !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn remarks_stand_where_they_belong_and_short_things_on_one_line() {
        let mut policies = Yaml::List(Vec::new());
        policies.push(json!({"name": "errors", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}}));
        policies.remark("nothing like it here\nat all");
        let mut root = Yaml::map();
        root.set("wait", json!("30s"));
        root.set("policies", policies);
        root.set("nothing", Yaml::map());
        let text = "wait: 30s\npolicies:\n  - {name: errors, type: status_code, status_code: {status_codes: [ERROR]}}\n  # nothing like it here\n  # at all\n";
        assert_eq!(root.document(), text);
        assert_eq!(root.remarks().len(), 1);
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<i32>().prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            "[ -~]{0,12}".prop_map(Value::from),
            "(true|null|\\.5|0x1|1e3|~|-|\\$\\{env:A\\}|[a-z./-]{1,8})".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..5).prop_map(Value::from),
                prop::collection::btree_map("[a-z.]{1,6}|[ -~]{1,6}", inner, 1..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(value in values().prop_filter("a document is a mapping", Value::is_object)) {
            let text = Yaml::from(value.clone()).document();
            let read = runtime::config::read_foreign("written", &text);
            prop_assert_eq!(read.as_ref().ok(), Some(&value), "{}", text);
        }
    }
}
