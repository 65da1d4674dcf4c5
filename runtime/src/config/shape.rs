//! The tree held against the JSON schema of the configuration type: unknown keys, wrong types and values, all of them at
//! once, and the JSON value that the type is deserialised from.
//!
//! Knows the part of JSON schema that schemars writes for our types: references, objects, arrays, enumerations, number ranges and
//! alternatives. A keyword it doesn't know constrains nothing here; deserialisation follows and has the last word.

use serde_json::{Map, Value};

use super::report::Finding;
use super::scalar::{self, shown};
use super::suggest;
use super::tree::{Kind, Node};

/// The value that `node` means under `schema`, with everything that is wrong added to `findings`.
pub(super) fn fit(root: &Value, node: &Node, findings: &mut Vec<Finding>) -> Value {
    Shape { root }.fit(node, root, "", findings)
}

struct Shape<'s> {
    root: &'s Value,
}

impl Shape<'_> {
    fn fit(&self, node: &Node, schema: &Value, path: &str, findings: &mut Vec<Finding>) -> Value {
        let schema = self.resolve(schema);
        if let Some(alternatives) = alternatives(schema) {
            return self.best(node, schema, alternatives, path, findings);
        }
        match &node.kind {
            Kind::Unknown => Value::Null,
            Kind::Mapping(_) if accepts(schema, "object") => {
                self.object(node, schema, path, findings)
            }
            Kind::Sequence(items) if accepts(schema, "array") => {
                let any = Value::Bool(true);
                let item_schema = schema.get("items").unwrap_or(&any);
                let fitted = items.iter().enumerate().map(|(index, item)| {
                    self.fit(item, item_schema, &format!("{path}[{index}]"), findings)
                });
                Value::Array(fitted.collect())
            }
            Kind::Scalar(_) if node.is_blank() && says(schema, "object") => {
                let blank = Node {
                    place: node.place,
                    kind: Kind::Mapping(Vec::new()),
                };
                self.object(&blank, schema, path, findings)
            }
            Kind::Scalar(written) => match scalar::fit(written, schema) {
                Ok(value) => value,
                Err(mismatch) => {
                    let message = prefixed(path, &mismatch.message);
                    let finding = Finding::at(node.place, message)
                        .with_help(mismatch.help)
                        .weighing(mismatch.weight);
                    findings.push(finding);
                    Value::Null
                }
            },
            Kind::Mapping(_) | Kind::Sequence(_) => {
                let message = format!("expected {}, found {}", scalar::wanted(schema), shown(node));
                findings.push(Finding::at(node.place, prefixed(path, &message)).weighing(8));
                Value::Null
            }
        }
    }

    fn resolve<'v>(&'v self, mut schema: &'v Value) -> &'v Value {
        while let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let pointer = reference.trim_start_matches('#');
            match self.root.pointer(pointer) {
                Some(target) => schema = target,
                None => break,
            }
        }
        schema
    }

    fn object(
        &self,
        node: &Node,
        schema: &Value,
        path: &str,
        findings: &mut Vec<Finding>,
    ) -> Value {
        let Kind::Mapping(entries) = &node.kind else {
            return Value::Null;
        };
        let none = Map::new();
        let properties = (schema.get("properties").and_then(Value::as_object)).unwrap_or(&none);
        let closed = ["additionalProperties", "unevaluatedProperties"]
            .iter()
            .any(|name| schema.get(name) == Some(&Value::Bool(false)));
        let any = Value::Bool(true);
        let others = schema.get("additionalProperties").unwrap_or(&any);

        let required_keys = || {
            let keys = schema.get("required").and_then(Value::as_array);
            keys.into_iter().flatten().filter_map(Value::as_str)
        };
        let required = |key: &str| required_keys().any(|required| required == key);
        let mut object = Map::new();
        for entry in entries {
            let known = properties.get(&entry.key);
            if known.is_none() && closed {
                let place = match path {
                    "" => String::new(),
                    path => format!(" in {path}"),
                };
                let finding = Finding::at(
                    entry.key_place,
                    format!("unknown key `{}`{place}", entry.key),
                );
                let known = properties.keys().map(String::as_str);
                let help = suggest::foreign(schema, &entry.key)
                    .or_else(|| suggest::key(self.root, &entry.key, known));
                let finding = finding.with_help(help).left_out_of(path);
                findings.push(finding.weighing(3));
                continue;
            }
            let (at, before) = (join(path, &entry.key), findings.len());
            let value = self.fit(&entry.value, known.unwrap_or(others), &at, findings);
            let wrong = &mut findings[before..];
            // A wrong value is left out like an unknown key where its section is whole without it: what else is wrong can be said.
            if let ([wrong], Kind::Scalar(_), false) =
                (wrong, &entry.value.kind, required(&entry.key))
            {
                wrong.left_out_of.get_or_insert_with(|| path.to_owned());
                continue;
            }
            object.insert(entry.key.clone(), value);
        }
        for key in required_keys() {
            if !entries.iter().any(|entry| entry.key == key) {
                let message = prefixed(path, &format!("the key `{key}` is missing"));
                findings.push(Finding::at(node.place, message).weighing(3));
            }
        }
        Value::Object(object)
    }

    /// What fits none of the alternatives is reported against the one that it comes nearest to.
    fn best(
        &self,
        node: &Node,
        schema: &Value,
        alternatives: &[Value],
        path: &str,
        findings: &mut Vec<Finding>,
    ) -> Value {
        if let Some(values) = suggest::enumeration(alternatives)
            && let Kind::Scalar(_) = node.kind
        {
            let listed = serde_json::json!({ "enum": values });
            return self.fit(node, &listed, path, findings);
        }
        let tagged = self.tagged(node, alternatives, path, findings);
        let Ok(tagged) = tagged else {
            return Value::Null;
        };
        let alternatives = tagged.map_or(alternatives, std::slice::from_ref);
        // Whoever wrote something didn't mean nothing, however wrong it is.
        let may_be_meant = |schema: &Value| match &node.kind {
            Kind::Scalar(written) => !says(schema, "null") || scalar::fit(written, schema).is_ok(),
            _ => !says(schema, "null"),
        };
        let meant = (alternatives.iter()).filter(|one| may_be_meant(self.resolve(one)));
        let tried = meant.map(|alternative| {
            let mut findings = Vec::new();
            let merged = self.merged(schema, alternative);
            let value = self.fit(node, &merged, path, &mut findings);
            let weight: u32 = findings.iter().map(|finding| finding.weight).sum();
            (weight, value, findings)
        });
        match tried.min_by_key(|(weight, ..)| *weight) {
            Some((_, value, found)) => {
                findings.extend(found);
                value
            }
            None => Value::Null,
        }
    }

    /// Where alternatives are told apart by a tag (`type: latency`): the one whose tag it is, or else a finding that lists the tags.
    fn tagged<'v>(
        &self,
        node: &Node,
        alternatives: &'v [Value],
        path: &str,
        findings: &mut Vec<Finding>,
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
            findings.push(Finding::at(node.place, message).weighing(3));
            return Err(());
        };
        let tags = alternatives.iter().filter_map(|one| constant(one, tag));
        let listed: Vec<_> = tags.cloned().collect();
        let any_of_them = serde_json::json!({ "enum": listed });
        let before = findings.len();
        let value = self.fit(&entry.value, &any_of_them, &join(path, tag), findings);
        match findings.len() == before {
            true => Ok(listed
                .iter()
                .position(|one| *one == value)
                .map(|index| &alternatives[index])),
            false => Err(()),
        }
    }

    fn properties<'v>(&'v self, schema: &'v Value) -> Option<&'v Map<String, Value>> {
        self.resolve(schema).get("properties")?.as_object()
    }

    fn property<'v>(&'v self, schema: &'v Value, name: &str) -> Option<&'v Value> {
        self.properties(schema)?.get(name)
    }

    /// An alternative together with what stands beside the alternatives (flattened structs).
    fn merged(&self, schema: &Value, alternative: &Value) -> Value {
        let (Some(beside), Some(alternative)) =
            (schema.as_object(), self.resolve(alternative).as_object())
        else {
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

fn alternatives(schema: &Value) -> Option<&[Value]> {
    (schema.get("anyOf").or_else(|| schema.get("oneOf")))
        .and_then(Value::as_array)
        .map(Vec::as_slice)
}

/// Whether the schema takes values of this type, and says so.
pub(super) fn says(schema: &Value, kind: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(one)) => one == kind,
        Some(Value::Array(several)) => several.iter().any(|one| one == kind),
        _ => kind == "object" && schema.get("properties").is_some(),
    }
}

/// Whether the schema takes values of this type, if only by not saying anything.
fn accepts(schema: &Value, kind: &str) -> bool {
    let unsaid = ["type", "properties", "enum", "const"]
        .iter()
        .all(|keyword| schema.get(keyword).is_none());
    unsaid || says(schema, kind)
}

pub(super) fn join(path: &str, key: &str) -> String {
    match path {
        "" => key.to_owned(),
        path => format!("{path}.{key}"),
    }
}

pub(super) fn prefixed(path: &str, message: &str) -> String {
    match path {
        "" => message.to_owned(),
        path => format!("{path}: {message}"),
    }
}
