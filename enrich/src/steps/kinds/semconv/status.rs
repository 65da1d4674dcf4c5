//! `status`: spans that failed by their protocol, and whose sender said nothing of it, get the status ERROR.
//!
//! By the semantic conventions for HTTP and gRPC spans, "Status". What was set by anybody is left alone: OK as well as ERROR.

use ottl::{Draft, EvalError, Part, Value};

use super::super::effect::Effect;
use super::grpc;

const UNSET: i64 = 0;
const ERROR: i64 = 2;

/// Whose fault a failed call is depends on the side that tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Server,
    Client,
}

impl Side {
    /// By the number of the span's kind.
    fn of(kind: i64) -> Option<Self> {
        match kind {
            2 => Some(Self::Server),
            3 => Some(Self::Client),
            _ => None,
        }
    }
}

/// Which protocols are looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Status {
    pub(crate) http: bool,
    pub(crate) grpc: bool,
}

impl Status {
    pub(in crate::steps) fn apply(self, draft: &mut Draft<'_>) -> Effect {
        match self.judge(draft) {
            Ok(changed) => Effect {
                changed,
                ..Effect::default()
            },
            Err(error) => error.into(),
        }
    }

    fn judge(self, draft: &mut Draft<'_>) -> Result<bool, EvalError> {
        let Some(side) = Side::of(draft.span_kind()?) else {
            return Ok(false);
        };
        if draft.span_status()? != UNSET {
            return Ok(false);
        }
        let failed =
            self.http && http_failed(side, draft)? || self.grpc && grpc_failed(side, draft)?;
        if failed {
            draft.set_span_status(ERROR)?;
        }
        Ok(failed)
    }
}

/// A server is not to blame for what a client asked for.
fn http_failed(side: Side, draft: &Draft<'_>) -> Result<bool, EvalError> {
    let code = first(draft, &["http.response.status_code", "http.status_code"])?;
    let least = match side {
        Side::Server => 500,
        Side::Client => 400,
    };
    Ok(number(&code).is_some_and(|code| code >= least))
}

fn grpc_failed(side: Side, draft: &Draft<'_>) -> Result<bool, EvalError> {
    let mut code = Value::Nil;
    // Of other systems the codes mean other things.
    if is_grpc(draft)? {
        code = draft.attribute(Part::Span, "rpc.response.status_code")?;
    }
    if code == Value::Nil {
        code = draft.attribute(Part::Span, "rpc.grpc.status_code")?;
    }
    let code = match &code {
        Value::Text(text) => grpc::code(text),
        other => number(other),
    };
    Ok(match (side, code) {
        (_, None) => false,
        // UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS.
        (Side::Server, Some(code)) => matches!(code, 2 | 4 | 12..=15),
        (Side::Client, Some(code)) => code != 0,
    })
}

/// Whether the call was one of gRPC, as far as the span says.
fn is_grpc(draft: &Draft<'_>) -> Result<bool, EvalError> {
    let system = first(draft, &["rpc.system.name", "rpc.system"])?;
    Ok(match system {
        Value::Nil => true,
        Value::Text(system) => system == "grpc",
        _ => false,
    })
}

/// The first of these attributes that is there.
fn first<'a>(draft: &Draft<'a>, keys: &[&str]) -> Result<Value<'a>, EvalError> {
    for key in keys {
        let value = draft.attribute(Part::Span, key)?;
        if value != Value::Nil {
            return Ok(value);
        }
    }
    Ok(Value::Nil)
}

fn number(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        Value::Text(text) => text.parse().ok(),
        _ => None,
    }
}
