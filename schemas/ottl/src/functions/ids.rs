//! Ids of traces, spans and profiles, from bytes or from hexadecimal text.

use super::signature::{Args, Converter, Kind, required};
use crate::expr::Call;
use crate::value::{EvalError, Result, Value};

pub(super) const CONVERTERS: &[Converter] = &[
    Converter {
        name: "TraceID",
        parameters: &[required("target", Kind::BytesLike)],
        make: |args| id(args, |bytes| Ok(Value::TraceId(decode("TraceID", bytes)?))),
    },
    Converter {
        name: "SpanID",
        parameters: &[required("target", Kind::BytesLike)],
        make: |args| id(args, |bytes| Ok(Value::SpanId(decode("SpanID", bytes)?))),
    },
    Converter {
        name: "ProfileID",
        parameters: &[required("target", Kind::BytesLike)],
        make: |args| {
            id(args, |bytes| {
                Ok(Value::ProfileId(decode("ProfileID", bytes)?))
            })
        },
    },
];

/// An id that is a literal is made once, so that a wrong one is found when the text is compiled.
fn id(mut args: Args, make: fn(&[u8]) -> Result<Value<'static>>) -> Result<Call, String> {
    let target = args.expr(0)?;
    if let Some(literal) = target.literal() {
        let bytes = crate::value::convert::bytes_like(literal.clone());
        let made = bytes.and_then(|bytes| make(&bytes.unwrap_or_default()));
        let made = made.map_err(|error| error.to_string())?;
        return Ok(Call::any(move |_| Ok(made.clone())));
    }
    Ok(Call::any(move |at| {
        make(&target.bytes_like(at)?.unwrap_or_default())
    }))
}

fn decode<const N: usize>(function: &str, bytes: &[u8]) -> Result<[u8; N]> {
    if let Ok(id) = bytes.try_into() {
        return Ok(id);
    }
    if bytes.len() != 2 * N {
        return Err(EvalError::new(format!(
            "{function} needs {N} bytes or {} hexadecimal digits, found {}",
            2 * N,
            bytes.len()
        )));
    }
    const_hex::decode_to_array(bytes)
        .map_err(|_| EvalError::new(format!("{function} found no hexadecimal digits")))
}
