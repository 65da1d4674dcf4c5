//! Which attributes a resource gets of its sender.

use k8s::{Kind, Pairs};
use ottl::Value;
use regex::Regex;

use super::facts::{Sender, list};

/// What is extracted.
#[derive(Debug)]
pub(crate) struct Extracted {
    /// Of [`super::METADATA`], in its order.
    pub(crate) metadata: Vec<&'static str>,
    pub(crate) tags: Vec<Tag>,
    pub(crate) otel_annotations: bool,
    /// Attributes are named as in the stable semantic conventions.
    pub(crate) is_v1: bool,
}

/// A label or an annotation that becomes an attribute.
#[derive(Debug)]
pub(crate) struct Tag {
    pub(crate) source: FieldSource,
    pub(crate) of: Kind,
    /// The attribute; with groups of a pattern, `$1`. Without, it is named by the object and the key.
    pub(crate) name: Option<String>,
    pub(crate) key: TagKey,
}

/// Which keys are meant.
#[derive(Debug)]
pub(crate) enum TagKey {
    One(String),
    Matching(Regex),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldSource {
    Label,
    Annotation,
}

impl Extracted {
    /// The attributes of a sender. Of two with one name the first counts.
    pub(super) fn of(&self, sender: &Sender<'_>) -> Vec<(String, Value<'static>)> {
        let mut attributes: Vec<(String, Value<'static>)> = Vec::new();
        if self.otel_annotations {
            for (key, value) in sender.annotated_attributes() {
                attributes.push((key.to_owned(), Value::Text(value.to_owned().into())));
            }
        }
        for tag in &self.tags {
            tag.add(sender, self.is_v1, &mut attributes);
        }
        for name in &self.metadata {
            let Some(value) = sender.fact(name) else {
                continue;
            };
            attributes.push(match (self.is_v1, *name, value) {
                (true, "container.image.tag", Value::Text(tag)) => {
                    ("container.image.tags".to_owned(), list(&tag))
                }
                (_, name, value) => (name.to_owned(), value),
            });
        }
        attributes
    }
}

impl Tag {
    fn add(
        &self,
        sender: &Sender<'_>,
        is_v1: bool,
        attributes: &mut Vec<(String, Value<'static>)>,
    ) {
        let Some(pairs) = self.pairs(sender) else {
            return;
        };
        for (key, value) in pairs {
            let name = match &self.key {
                TagKey::One(wanted) if **wanted != **key => continue,
                TagKey::One(_) => self.name.clone(),
                TagKey::Matching(pattern) => {
                    let Some(groups) = pattern.captures(key) else {
                        continue;
                    };
                    self.name.as_ref().map(|name| {
                        let mut expanded = String::new();
                        groups.expand(name, &mut expanded);
                        expanded
                    })
                }
            };
            let name = name.unwrap_or_else(|| self.default_name(key, is_v1));
            if !name.is_empty() {
                attributes.push((name, Value::Text(value.to_string().into())));
            }
        }
    }

    fn pairs<'a>(&self, sender: &'a Sender<'_>) -> Option<&'a Pairs> {
        let (labels, annotations) = match self.of {
            Kind::Pod => (&sender.pod.labels, &sender.pod.annotations),
            kind => {
                let object = sender.object(kind)?;
                (&object.labels, &object.annotations)
            }
        };
        Some(match self.source {
            FieldSource::Label => labels,
            FieldSource::Annotation => annotations,
        })
    }

    /// `k8s.pod.labels.team`; stable: `k8s.pod.label.team`.
    fn default_name(&self, key: &str, is_v1: bool) -> String {
        let of = self.of.plural().trim_end_matches('s');
        let source = match self.source {
            FieldSource::Label => "label",
            FieldSource::Annotation => "annotation",
        };
        let many = if is_v1 { "" } else { "s" };
        format!("k8s.{of}.{source}{many}.{key}")
    }
}
