//! The reference in `docs/reference/configuration.md` is written from the types, so that it can't lag behind them: this test compares, and with
//! TAILWATER_BLESS=1 in the environment it writes.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::config::RawConfig;

const BEGIN: &str = "<!-- reference: written from the types by a test, see src/reference.rs -->\n";
const END: &str = "<!-- end of the reference -->";
const PATH: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/docs/reference/configuration.md"
);

#[test]
fn the_reference_is_current() {
    let docs = std::fs::read_to_string(PATH).expect("docs/reference/configuration.md can be read");
    let (before, rest) = docs
        .split_once(BEGIN)
        .expect("the reference has a beginning");
    let (written, after) = rest.split_once(END).expect("the reference has an end");
    let current = reference();
    if written != current && std::env::var("TAILWATER_BLESS").is_ok() {
        let docs = format!("{before}{BEGIN}{current}{END}{after}");
        std::fs::write(PATH, docs).expect("docs/reference/configuration.md can be written");
        return;
    }
    assert!(
        written == current,
        "docs/reference/configuration.md lags behind the types: TAILWATER_BLESS=1 cargo test -p tailwater reference"
    );
}

fn reference() -> String {
    let schema = schemars::schema_for!(RawConfig).to_value();
    let mut out = String::new();
    let mut lists = BTreeMap::new();
    let sections = schema["properties"].as_object().into_iter().flatten();
    for (name, section) in sections {
        let mut rows = Rows {
            root: &schema,
            within: Vec::new(),
            lists: &mut lists,
            out: String::new(),
        };
        rows.add(name, section);
        let lines = rows.out;
        out.push_str(&format!(
            "\n### `{name}`\n\n| key | what | default | meaning |\n|---|---|---|---|\n{lines}"
        ));
    }
    out.push('\n');
    out
}

struct Rows<'s, 'l> {
    root: &'s Value,
    /// References that are being written: policies hold policies.
    within: Vec<&'s str>,
    /// Where lists of each kind of entry were written first.
    lists: &'l mut BTreeMap<String, String>,
    out: String,
}

impl<'s> Rows<'s, '_> {
    fn add(&mut self, path: &str, schema: &'s Value) {
        let target = self.resolve(schema);
        // What our units say of themselves stands in the column before.
        let own = Some(target).filter(|target| target.get("format").is_none());
        let description = std::iter::once(schema)
            .chain(own)
            .find_map(|schema| schema["description"].as_str())
            .unwrap_or("")
            .replace('\n', " ")
            .replace('|', "\\|");
        let default = match schema.get("default") {
            Some(Value::Null) | Some(Value::Object(_)) | None => String::new(),
            Some(Value::Array(items)) if items.iter().any(Value::is_object) => String::new(),
            Some(value) => format!("`{value}`").replace('"', ""),
        };
        let default = if default == "``" {
            String::new()
        } else {
            default
        };
        let kind = self.kind(target);
        let as_before = match self.written_before(target) {
            Some(before) => format!(" Its entries have the keys of `{before}`."),
            None => String::new(),
        };
        let row = format!("| `{path}` | {kind} | {default} | {description}{as_before} |\n");
        self.out.push_str(&row);

        let reference = reference_of(schema);
        if reference.is_some_and(|reference| self.within.contains(&reference)) {
            return;
        }
        self.within.extend(reference);
        self.inner(path, target);
        if reference.is_some() {
            self.within.pop();
        }
    }

    fn inner(&mut self, path: &str, target: &'s Value) {
        for (name, inner) in target["properties"].as_object().into_iter().flatten() {
            self.add(&format!("{path}.{name}"), inner);
        }
        // A choice that has keys of its own.
        for choice in target["oneOf"].as_array().into_iter().flatten() {
            for (name, inner) in choice["properties"].as_object().into_iter().flatten() {
                self.add(&format!("{path}.{name}"), inner);
            }
        }
        if let Some(value) = target.get("additionalProperties") {
            let value = self.resolve(value);
            if value.get("properties").is_some() {
                self.inner(&format!("{path}.<name>"), value);
            }
        }
        if let Some(items) = items_of(target) {
            let item = self.resolve(items);
            let reference = reference_of(items);
            let known = reference.is_some_and(|reference| {
                self.within.contains(&reference) || self.lists.contains_key(reference)
            });
            if item.get("properties").is_some() && !known {
                if let Some(reference) = reference {
                    self.lists.insert(reference.to_owned(), path.to_owned());
                }
                self.within.extend(reference);
                self.inner(&format!("{path}[]"), item);
                if reference.is_some() {
                    self.within.pop();
                }
            }
        }
    }

    /// Where a list of the same entries was written.
    fn written_before(&self, target: &Value) -> Option<&str> {
        let reference = reference_of(items_of(target)?)?;
        let before = self.lists.get(reference).map(String::as_str);
        before.filter(|_| !self.within.contains(&reference))
    }

    /// What a reference or an `Option` is about.
    fn resolve(&self, schema: &'s Value) -> &'s Value {
        match reference_of(schema) {
            Some(reference) => {
                let pointer = reference.trim_start_matches('#');
                self.root.pointer(pointer).unwrap_or(schema)
            }
            None => schema,
        }
    }

    fn kind(&self, schema: &Value) -> String {
        if let Some(format) = schema["format"].as_str() {
            match format {
                "duration-with-unit" => return "duration".to_owned(),
                "size-with-unit" => return "size".to_owned(),
                "rate-with-unit" => return "rate".to_owned(),
                _ => {}
            }
        }
        let alternatives = ["oneOf", "anyOf"]
            .iter()
            .find_map(|keyword| schema[keyword].as_array());
        let listed = match (schema["enum"].as_array(), alternatives) {
            (Some(values), _) => values.clone(),
            (None, Some(alternatives)) => (alternatives.iter())
                .flat_map(|one| match (one.get("const"), one["enum"].as_array()) {
                    (Some(value), _) => vec![value.clone()],
                    (None, Some(values)) => values.clone(),
                    (None, None) => vec![],
                })
                .collect(),
            (None, None) => vec![],
        };
        if !listed.is_empty() {
            let names = listed.iter().filter(|value| !value.is_null());
            let names: Vec<_> = names
                .map(|value| {
                    value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned)
                })
                .collect();
            let others = (alternatives.into_iter().flatten())
                .filter(|one| one.get("const").is_none() && one.get("enum").is_none())
                .map(|one| self.kind(self.resolve(one)) + ", ");
            let others: String = others.filter(|kind| kind != "value, ").collect();
            return format!("{others}`{}`", names.join("`, `"));
        }
        let of = |kind: &str| match &schema["type"] {
            Value::String(one) => one == kind,
            Value::Array(several) => several.iter().any(|one| one == kind),
            _ => false,
        };
        let words = [
            ("array", "list"),
            ("object", "section"),
            ("boolean", "true or false"),
            ("integer", "number"),
            ("number", "number"),
            ("string", "text"),
        ];
        let word = words.iter().find(|(kind, _)| of(kind));
        match word {
            Some((_, "section")) if schema.get("properties").is_none() => "keys and values",
            Some((_, word)) => word,
            None => "value",
        }
        .to_owned()
    }
}

/// What a list holds, whether or not something else may stand in its place.
fn items_of(target: &Value) -> Option<&Value> {
    let list = || {
        let alternatives = target["anyOf"].as_array()?.iter();
        alternatives.filter_map(|one| one.get("items")).next()
    };
    target.get("items").or_else(list)
}

fn reference_of(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str().or_else(|| {
        let alternatives = schema["anyOf"].as_array()?;
        let mut references = alternatives.iter().filter_map(|one| one["$ref"].as_str());
        references.next().filter(|_| references.next().is_none())
    })
}
