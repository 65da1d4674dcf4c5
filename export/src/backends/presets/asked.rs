//! What a preset asks of its section while it is expanded: parts of addresses, and credentials. Each answer is valid; what was wrong is reported.

use std::collections::BTreeMap;

use http::HeaderValue;
use runtime::config::{Problems, Secret};
use schemas::Signal;

use super::merge::{has, path_behind};

/// Who asks, and where problems go.
pub struct Asked<'a> {
    /// The signals that the backend gets.
    signals: &'a [Signal],
    /// The path of the section.
    at: &'a str,
    problems: &'a mut Problems,
}

impl<'a> Asked<'a> {
    /// Stands in for an address that isn't there, so that nothing more is said of it.
    pub const NO_ADDRESS: &'static str = "http://invalid.invalid";

    pub fn new(signals: &'a [Signal], at: &'a str, problems: &'a mut Problems) -> Self {
        Self {
            signals,
            at,
            problems,
        }
    }

    /// Whether the backend gets this signal.
    pub fn gets(&self, signal: Signal) -> bool {
        self.signals.contains(&signal)
    }

    pub fn problem(&mut self, key: &str, message: impl Into<String>) {
        self.problems.push(format!("{}.{key}", self.at), message);
    }

    /// The same, unless something was said of that key already.
    pub fn once(&mut self, key: &str, message: &str) {
        let path = format!("{}.{key}", self.at);
        if !self.problems.iter().any(|problem| problem.path == path) {
            self.problems.push(path, message);
        }
    }

    /// A part of a host name, such as a region or a site.
    pub fn host<'v>(&mut self, key: &str, value: &'v str, example: &str) -> &'v str {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
        let problem = match value {
            "" => format!("is needed, such as {example}"),
            value if !value.bytes().all(fits) => {
                format!("`{value}` can't be a part of a host name; write it such as {example}")
            }
            value => return value,
        };
        self.problem(key, problem);
        "invalid"
    }

    /// The address that is written, with `path` behind it if it doesn't end in that; else the preset's own.
    pub fn base(
        &mut self,
        written: Option<&String>,
        path: &str,
        own: impl FnOnce(&mut Self) -> String,
    ) -> String {
        match written {
            Some(written) => path_behind(written, path),
            None => path_behind(&own(self), path),
        }
    }

    /// An address that the preset can't know, with `path` behind it if it doesn't end in that.
    pub fn address(&mut self, written: Option<&String>, path: &str, example: &str) -> String {
        match written {
            Some(written) => path_behind(written, path),
            None => {
                self.problem("endpoint", format!("an address is needed, e.g. {example}"));
                Self::NO_ADDRESS.to_owned()
            }
        }
    }

    /// Text that a header carries, which may be absent.
    pub fn header(
        &mut self,
        headers: &mut BTreeMap<String, String>,
        name: &str,
        key: &str,
        value: Option<&String>,
    ) {
        if let Some(value) = value {
            self.insert(headers, name, key, value.clone());
        }
    }

    /// A credential that a header carries behind `scheme`. It is needed, unless `written` (the section's own headers) has that header.
    pub fn credential(
        &mut self,
        headers: &mut BTreeMap<String, String>,
        written: &BTreeMap<String, String>,
        name: &str,
        scheme: &str,
        (key, value): (&str, &Secret),
    ) {
        if !value.0.is_empty() {
            self.insert(headers, name, key, format!("{scheme}{}", value.0));
        } else if !has(written, name) {
            let message = format!(
                "is needed: the header `{name}` carries it; write it as ${{env:NAME}} or ${{file:/path}}"
            );
            self.problem(key, message);
        }
    }

    /// The value may be a credential, and isn't shown.
    fn insert(
        &mut self,
        headers: &mut BTreeMap<String, String>,
        name: &str,
        key: &str,
        value: String,
    ) {
        if HeaderValue::try_from(&value).is_err() {
            self.problem(
                key,
                "holds characters that a header can't carry, such as a line break",
            );
            return;
        }
        headers.insert(name.to_owned(), value);
    }
}
