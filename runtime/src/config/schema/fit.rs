//! The tree held against the JSON schema of the configuration type: unknown keys, wrong types and values, all of them at
//! once, and the JSON value that the type is deserialised from.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::super::gap::Gap;
use super::super::path::{join, prefixed};
use super::super::report::{Finding, Place};
use super::super::yaml::{Entry, Kind, Node, Scalar};
use super::keywords::{accepts, alternatives, enumeration, foreign_key, patterned, resolve, says};
use super::scalar::{self, shown};
use super::stand_in;
use super::suggest;

/// What was found on the way.
#[derive(Default)]
pub struct Found {
    pub findings: Vec<Finding>,
    pub gaps: Vec<Gap>,
}

impl Found {
    fn push(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    fn extend(&mut self, more: Self) {
        self.findings.extend(more.findings);
        self.gaps.extend(more.gaps);
    }
}

/// The value that `node` means under `schema`, with everything that is wrong added to `found`. What is wrong is left out of it, or stood in
/// for where it is required; `None`: the whole is wrong.
pub fn fit(root: &Value, node: &Node, found: &mut Found) -> Option<Value> {
    Fitting { root }.fit(node, root, "", found)
}

struct Fitting<'s> {
    root: &'s Value,
}

impl Fitting<'_> {
    fn fit(&self, node: &Node, schema: &Value, path: &str, found: &mut Found) -> Option<Value> {
        let schema = resolve(self.root, schema);
        if let Some(alternatives) = alternatives(schema) {
            return self.best(node, schema, alternatives, path, found);
        }
        match &node.kind {
            Kind::Unknown | Kind::Unset(_) => None,
            Kind::Mapping(entries) if accepts(schema, "object") => {
                Some(self.object(node.place, entries, schema, path, found))
            }
            Kind::Sequence(items) if accepts(schema, "array") => {
                Some(self.list(items, schema, path, found))
            }
            Kind::Scalar(_) if node.is_blank() && says(schema, "object") => {
                Some(self.object(node.place, &[], schema, path, found))
            }
            Kind::Scalar(written) => match scalar::fit(written, schema) {
                Ok(value) => Some(value),
                Err(mismatch) => {
                    let message = prefixed(path, &mismatch.message);
                    let finding = Finding::at(node.place, message)
                        .with_help(mismatch.help)
                        .weighing(mismatch.weight);
                    found.push(finding);
                    None
                }
            },
            Kind::Mapping(_) | Kind::Sequence(_) => {
                let message = format!("expected {}, found {}", scalar::wanted(schema), shown(node));
                found.push(Finding::at(node.place, prefixed(path, &message)).weighing(8));
                None
            }
        }
    }

    fn list(&self, items: &[Node], schema: &Value, path: &str, found: &mut Found) -> Value {
        let any = Value::Bool(true);
        let item_schema = schema.get("items").unwrap_or(&any);
        let fitted = items.iter().enumerate().map(|(index, item)| {
            let at = format!("{path}[{index}]");
            self.fit(item, item_schema, &at, found).unwrap_or_else(|| {
                // The others keep their numbers.
                found.gaps.push(Gap::at(at));
                stand_in::of(self.root, item_schema)
            })
        });
        Value::Array(fitted.collect())
    }

    fn object(
        &self,
        place: Place,
        entries: &[Entry],
        schema: &Value,
        path: &str,
        found: &mut Found,
    ) -> Value {
        let none = Map::new();
        let properties = (schema.get("properties").and_then(Value::as_object)).unwrap_or(&none);
        let closed = ["additionalProperties", "unevaluatedProperties"]
            .iter()
            .any(|name| schema.get(name) == Some(&Value::Bool(false)));
        let any = Value::Bool(true);
        let others = schema.get("additionalProperties").unwrap_or(&any);
        let mut object = Map::new();
        for entry in entries {
            let known = (properties.get(&entry.key)).or_else(|| patterned(schema, &entry.key));
            if known.is_none() && closed {
                self.unknown_key(entry, schema, properties, path, found);
                continue;
            }
            let at = join(path, &entry.key);
            match self.fit(&entry.value, known.unwrap_or(others), &at, found) {
                Some(value) => {
                    object.insert(entry.key.clone(), value);
                }
                None => found.gaps.push(Gap::at(at)),
            }
        }
        let required = schema.get("required").and_then(Value::as_array);
        for key in required.into_iter().flatten().filter_map(Value::as_str) {
            if !entries.iter().any(|entry| entry.key == key) {
                let message = prefixed(path, &format!("the key `{key}` is missing"));
                found.push(Finding::at(place, message).weighing(3));
                found.gaps.push(Gap::at(join(path, key)));
            }
            if !object.contains_key(key) {
                let value = stand_in::of(self.root, properties.get(key).unwrap_or(others));
                object.insert(key.to_owned(), value);
            }
        }
        Value::Object(object)
    }

    fn unknown_key(
        &self,
        entry: &Entry,
        schema: &Value,
        properties: &Map<String, Value>,
        path: &str,
        found: &mut Found,
    ) {
        let place = match path {
            "" => String::new(),
            path => format!(" in {path}"),
        };
        let known = properties.keys().map(String::as_str);
        let meant = suggest::nearest(&entry.key, known.clone()).map(str::to_owned);
        let help =
            foreign_key(schema, &entry.key).or_else(|| suggest::key(self.root, &entry.key, known));
        let message = format!("unknown key `{}`{place}", entry.key);
        let finding = Finding::at(entry.key_place, message).with_help(help);
        found.push(finding.weighing(3));
        let path = join(path, &entry.key);
        found.gaps.push(Gap { path, meant });
    }

    /// What fits none of the alternatives is reported against the one that it comes nearest to.
    fn best(
        &self,
        node: &Node,
        schema: &Value,
        alternatives: &[Value],
        path: &str,
        found: &mut Found,
    ) -> Option<Value> {
        if let Some(values) = enumeration(alternatives)
            && let Kind::Scalar(_) = node.kind
        {
            let listed = serde_json::json!({ "enum": values });
            return self.fit(node, &listed, path, found);
        }
        let node = &self.as_text(node, alternatives);
        let Ok(tagged) = self.tagged(node, alternatives, path, found) else {
            return None;
        };
        let alternatives = tagged.map_or(alternatives, std::slice::from_ref);
        // Whoever wrote something didn't mean nothing, however wrong it is.
        let may_be_meant = |schema: &Value| match &node.kind {
            Kind::Scalar(written) => !says(schema, "null") || scalar::fit(written, schema).is_ok(),
            _ => !says(schema, "null"),
        };
        // Nor did whoever wrote a list mean a text, however much is wrong within it.
        let has_its_form = |schema: &Value| match &node.kind {
            Kind::Mapping(_) => accepts(schema, "object"),
            Kind::Sequence(_) => accepts(schema, "array"),
            _ => true,
        };
        let meant: Vec<_> = (alternatives.iter())
            .filter(|one| may_be_meant(resolve(self.root, one)))
            .collect();
        let of_its_form = |one: &&&Value| has_its_form(resolve(self.root, one));
        let some_have_it = meant.iter().any(|one| of_its_form(&one));
        let candidates = (meant.iter()).filter(|one| !some_have_it || of_its_form(one));
        let tried = candidates.map(|alternative| {
            let mut found = Found::default();
            let merged = self.merged(schema, alternative);
            let value = self.fit(node, &merged, path, &mut found);
            let weight: u32 = found.findings.iter().map(|finding| finding.weight).sum();
            (weight, value, found)
        });
        let (_, value, best) = tried.min_by_key(|(weight, ..)| *weight)?;
        found.extend(best);
        value
    }

    /// In quotes, what a variable holds is text if any of the alternatives takes text: it isn't tried as a number first.
    fn as_text<'n>(&self, node: &'n Node, alternatives: &[Value]) -> Cow<'n, Node> {
        let takes_text =
            || (alternatives.iter()).any(|one| scalar::takes_text(resolve(self.root, one)));
        match &node.kind {
            Kind::Scalar(scalar) if !scalar.plain && scalar.substituted && takes_text() => {
                let scalar = Scalar {
                    substituted: false,
                    ..scalar.clone()
                };
                Cow::Owned(Node {
                    place: node.place,
                    kind: Kind::Scalar(scalar),
                })
            }
            _ => Cow::Borrowed(node),
        }
    }

    /// Where alternatives are told apart by a tag (`type: latency`): the one whose tag it is, or else a finding that lists the tags.
    fn tagged<'v>(
        &self,
        node: &Node,
        alternatives: &'v [Value],
        path: &str,
        found: &mut Found,
    ) -> Result<Option<&'v Value>, ()> {
        let constant = |one, tag: &str| self.property(one, tag)?.get("const");
        let is_tag = |tag: &&String| alternatives.iter().all(|one| constant(one, tag).is_some());
        let properties = alternatives.first().and_then(|one| self.properties(one));
        let tag = properties.and_then(|properties| properties.keys().find(is_tag));
        let (Some(tag), Kind::Mapping(entries)) = (tag, &node.kind) else {
            return Ok(None);
        };
        let Some(entry) = entries.iter().find(|entry| &entry.key == tag) else {
            let message = prefixed(path, &format!("the key `{tag}` is missing"));
            found.push(Finding::at(node.place, message).weighing(3));
            return Err(());
        };
        let tags = alternatives.iter().filter_map(|one| constant(one, tag));
        let listed: Vec<_> = tags.cloned().collect();
        let any_of_them = serde_json::json!({ "enum": listed });
        let value = self.fit(&entry.value, &any_of_them, &join(path, tag), found);
        let Some(value) = value else {
            return Err(());
        };
        let index = listed.iter().position(|one| *one == value);
        Ok(index.map(|index| &alternatives[index]))
    }

    fn properties<'v>(&'v self, schema: &'v Value) -> Option<&'v Map<String, Value>> {
        resolve(self.root, schema).get("properties")?.as_object()
    }

    fn property<'v>(&'v self, schema: &'v Value, name: &str) -> Option<&'v Value> {
        self.properties(schema)?.get(name)
    }

    /// An alternative together with what stands beside the alternatives (flattened structs).
    fn merged(&self, schema: &Value, alternative: &Value) -> Value {
        let (Some(beside), Some(alternative)) = (
            schema.as_object(),
            resolve(self.root, alternative).as_object(),
        ) else {
            return alternative.clone();
        };
        let mut merged = alternative.clone();
        for (name, value) in beside {
            match (name.as_str(), merged.get_mut(name), value) {
                ("anyOf" | "oneOf" | "$defs" | "title" | "description", ..) => {}
                ("properties", Some(Value::Object(own)), Value::Object(more)) => {
                    own.extend(more.clone());
                }
                ("required", Some(Value::Array(own)), Value::Array(more)) => {
                    own.extend(more.iter().cloned());
                }
                (_, Some(_), _) => {}
                (_, None, value) => {
                    merged.insert(name.clone(), value.clone());
                }
            }
        }
        Value::Object(merged)
    }
}
