//! Drafts against a plain model: a list of pairs that is changed as statements say.

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use ottl::{Context, Draft, Statement};
use proptest::prelude::*;
use prost::Message;
use schemas::Signal;
use schemas::otlp::{Item, ResourceHead, ScopeHead};

/// What a statement does to attributes or to another field.
#[derive(Clone, Debug)]
enum Change {
    Set(usize, i64),
    Copy(usize, usize),
    Delete(usize),
    Keep(Vec<usize>),
    Rename(String),
    Fail(i64),
    Message(String),
}

const KEYS: [&str; 5] = ["a", "b", "c", "d", "e"];

impl Change {
    fn statement(&self) -> String {
        let attribute = |key: usize| format!("attributes[\"{}\"]", KEYS[key]);
        match self {
            Self::Set(key, value) => format!("set({}, {value})", attribute(*key)),
            Self::Copy(to, from) => format!("set({}, {})", attribute(*to), attribute(*from)),
            Self::Delete(key) => format!("delete_key(attributes, \"{}\")", KEYS[*key]),
            Self::Keep(keys) => {
                let keys: Vec<_> = keys
                    .iter()
                    .map(|key| format!("\"{}\"", KEYS[*key]))
                    .collect();
                format!("keep_keys(attributes, [{}])", keys.join(", "))
            }
            Self::Rename(name) => format!("set(name, \"{name}\")"),
            Self::Fail(code) => format!("set(status.code, {code})"),
            Self::Message(text) => format!("set(status.message, \"{text}\")"),
        }
    }

    fn apply(&self, span: &mut Span) {
        let pairs = &mut span.attributes;
        match self {
            Self::Set(key, value) => set(pairs, KEYS[*key], Some(Any::IntValue(*value))),
            Self::Copy(to, from) => {
                let found = pairs.iter().find(|pair| pair.key == KEYS[*from]);
                let value = found.and_then(|pair| pair.value.clone()?.value);
                // Nil sets nothing.
                if value.is_some() {
                    set(pairs, KEYS[*to], value);
                }
            }
            Self::Delete(key) => pairs.retain(|pair| pair.key != KEYS[*key]),
            Self::Keep(keys) => pairs.retain(|pair| keys.iter().any(|key| pair.key == KEYS[*key])),
            Self::Rename(name) => span.name.clone_from(name),
            Self::Fail(code) => span.status.get_or_insert_default().code = *code as i32,
            Self::Message(text) => span.status.get_or_insert_default().message.clone_from(text),
        }
    }
}

fn set(pairs: &mut Vec<KeyValue>, key: &str, value: Option<Any>) {
    let value = Some(AnyValue { value });
    match pairs.iter_mut().find(|pair| pair.key == key) {
        Some(pair) => pair.value = value,
        None => pairs.push(KeyValue {
            key: key.to_owned(),
            value,
            ..KeyValue::default()
        }),
    }
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let key = || 0..KEYS.len();
    let change = prop_oneof![
        (key(), any::<i64>()).prop_map(|(key, value)| Change::Set(key, value)),
        (key(), key()).prop_map(|(to, from)| Change::Copy(to, from)),
        key().prop_map(Change::Delete),
        prop::collection::vec(key(), 0..4).prop_map(Change::Keep),
        "[a-z ]{0,8}".prop_map(Change::Rename),
        (0..3_i64).prop_map(Change::Fail),
        "[a-z]{0,8}".prop_map(Change::Message),
    ];
    prop::collection::vec(change, 0..12)
}

/// Keys may be there more than once.
fn span() -> impl Strategy<Value = Span> {
    let pair = (0..KEYS.len(), any::<i64>()).prop_map(|(key, value)| KeyValue {
        key: KEYS[key].to_owned(),
        value: Some(AnyValue {
            value: Some(Any::IntValue(value)),
        }),
        ..KeyValue::default()
    });
    let status = prop::option::of(("[a-z]{0,3}", 0..3_i32));
    (prop::collection::vec(pair, 0..6), "[a-z]{0,3}", status).prop_map(
        |(attributes, name, status)| {
            let status =
                status.map(
                    |(message, code)| opentelemetry_proto::tonic::trace::v1::Status {
                        message,
                        code,
                    },
                );
            Span {
                trace_id: vec![1; 16],
                attributes,
                name,
                status,
                dropped_links_count: 3,
                ..Span::default()
            }
        },
    )
}

/// Attributes without their order, which means nothing: a key that went and came again stands elsewhere.
fn sorted(mut span: Span) -> Span {
    span.attributes.sort_by(|a, b| a.key.cmp(&b.key));
    span
}

proptest! {
    #[test]
    fn a_draft_is_what_its_statements_made_of_it(before in span(), changes in changes()) {
        let bytes = before.encode_to_vec();
        let item = Item {
            resource: ResourceHead::new(&[], 0),
            scope: ScopeHead::new(&[], 0),
            body: &bytes,
        };
        let mut draft = Draft::of(Signal::Traces, &item).expect("a span");
        let mut model = before.clone();
        for change in &changes {
            let statement = Statement::compile(Context::Span, &change.statement()).expect("sound");
            prop_assert_eq!(statement.execute(&mut draft), Ok(true));
            change.apply(&mut model);
            // What is read now is what was written.
            for key in KEYS {
                let expected = model.attributes.iter().any(|pair| pair.key == key);
                prop_assert_eq!(draft.has_attribute(ottl::Part::Span, key), Ok(expected));
            }
        }
        let mut out = Vec::new();
        draft.write_item(&mut out).expect("sound");
        if !draft.is_item_changed() {
            prop_assert_eq!(&out, &bytes);
        }
        let found = Span::decode(&out[..]).expect("a span");
        prop_assert_eq!(sorted(found), sorted(model));
    }
}
