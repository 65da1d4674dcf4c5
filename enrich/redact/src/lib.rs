//! Redaction of OTLP bytes where they lie: attributes are deleted, hashed and set, text is masked by patterns.
//!
//! A [`Redaction`] says what to do and compiles to [`Rules`]. A [`Rewriter`] applies them: it walks a request by the tables of
//! [`schemas::otlp::schema`], notes what has to change, and writes the request anew with everything else copied as it stands.
//!
//! It fails closed. A request that can't be understood is refused, or those of its items that can't. Every place of the protocol where text
//! can stand is named there; what isn't named is removed, because nobody could vouch for it.
//!
//! The crate performs no I/O, keeps no state beyond a memo of texts, and needs no async runtime. What becomes of refused items is the caller's business.
//!
//! ```
//! use std::sync::Arc;
//! use redact::{HashKey, Mask, Outcome, Redaction, Rewriter, Rules};
//! use schemas::Signal;
//! use schemas::json::{from_protobuf, to_protobuf};
//!
//! let rules = Rules::compile(&Redaction {
//!     delete: vec!["session.id".into()],
//!     hash: vec!["user.id".into()],
//!     hash_key: HashKey(b"a secret of at least 16 bytes".to_vec()),
//!     masks: vec![Mask { name: "email".into(), pattern: r"[\w.+-]+@[\w-]+\.[\w.]+".into(), with: "****".into() }],
//!     ..Redaction::default()
//! }).expect("a valid redaction");
//!
//! let request = to_protobuf(Signal::Traces, br#"{"resourceSpans": [{"scopeSpans": [{"spans": [{
//!     "name": "mail to ann@example.org",
//!     "attributes": [{"key": "session.id", "value": {"stringValue": "77"}}]
//! }]}]}]}"#)?;
//! let mut rewriter = Rewriter::new(Arc::new(rules));
//! let mut clean = Vec::new();
//! let done = rewriter.transform(Signal::Traces, &request, &mut clean).expect("a sound request");
//!
//! assert_eq!((done.items, done.outcome), (1, Outcome::Changed));
//! let mut json = Vec::new();
//! from_protobuf(Signal::Traces, &clean, &mut json)?;
//! assert_eq!(
//!     String::from_utf8(json)?,
//!     r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"mail to ****"}]}]}]}"#
//! );
//! let counted: Vec<_> = rewriter.rules().counters().iter().zip(rewriter.counts()).filter(|(_, n)| **n > 0).collect();
//! assert_eq!(counted, [(&"delete".to_owned(), &1), (&"mask/email".to_owned(), &1)]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod hash_key;
mod outcome;
pub mod pii;
mod place;
mod rewrite;
mod rules;
mod trace_state;

pub use hash_key::HashKey;
pub use outcome::{Done, Outcome, Reason, Refused};
pub use rewrite::Rewriter;
pub use rules::{At, Fixed, Hasher, Mask, Problem, Redaction, Rules};
