//! Bytes as text and back.

use base64::Engine;
use base64::alphabet::{Alphabet, STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::expr::Call;
use crate::functions::signature::{Args, Converter, Kind, optional, required};
use crate::value::{EvalError, Result, Value};

pub(super) const CONVERTERS: &[Converter] = &[
    Converter {
        name: "Hex",
        parameters: &[required("target", Kind::BytesLike)],
        make: |mut args| {
            let target = args.expr(0)?;
            Ok(Call::any(move |at| {
                Ok(Value::owned(const_hex::encode(
                    target.bytes_like(at)?.unwrap_or_default(),
                )))
            }))
        },
    },
    Converter {
        name: "Base64Decode",
        parameters: &[required("target", Kind::Text)],
        make: |mut args| {
            let target = args.expr(0)?;
            Ok(Call::any(move |at| {
                Encoding::Base64(BASE64).decode(target.text(at)?.as_bytes())
            }))
        },
    },
    Converter {
        name: "Base64Encode",
        parameters: &[
            required("target", Kind::Text),
            optional("variant", Kind::Text),
        ],
        make: base64_encode,
    },
    Converter {
        name: "Decode",
        parameters: &[
            required("target", Kind::Any),
            required("encoding", Kind::Text),
        ],
        make: decode,
    },
];

/// Like Go's decoders: padding must be right, bits that are left over need not be zero.
const fn engine(alphabet: &Alphabet, padded: bool) -> GeneralPurpose {
    let padding = if padded {
        DecodePaddingMode::RequireCanonical
    } else {
        DecodePaddingMode::RequireNone
    };
    let config = GeneralPurposeConfig::new()
        .with_encode_padding(padded)
        .with_decode_padding_mode(padding)
        .with_decode_allow_trailing_bits(true);
    GeneralPurpose::new(alphabet, config)
}

const BASE64: &GeneralPurpose = &engine(&STANDARD, true);
const BASE64_RAW: &GeneralPurpose = &engine(&STANDARD, false);
const BASE64_URL: &GeneralPurpose = &engine(&URL_SAFE, true);
const BASE64_RAW_URL: &GeneralPurpose = &engine(&URL_SAFE, false);

fn base64_variant(name: &str) -> Option<&'static GeneralPurpose> {
    Some(match name {
        "base64" => BASE64,
        "base64-raw" => BASE64_RAW,
        "base64-url" => BASE64_URL,
        "base64-raw-url" => BASE64_RAW_URL,
        _ => return None,
    })
}

fn base64_encode(mut args: Args) -> Result<Call, String> {
    let (target, variant) = (args.expr(0)?, args.optional_expr(1));
    Ok(Call::any(move |at| {
        let target = target.text(at)?;
        let engine = match &variant {
            None => BASE64,
            Some(variant) => {
                let name = variant.text(at)?;
                let unknown = || EvalError::new(format!("no base64 variant {name:?}"));
                base64_variant(&name).ok_or_else(unknown)?
            }
        };
        Ok(Value::owned(engine.encode(target.as_bytes())))
    }))
}

enum Encoding {
    Base64(&'static GeneralPurpose),
    Utf8,
    Ascii,
    Latin1,
    Utf16 { big_endian: bool },
}

impl Encoding {
    fn named(name: &str) -> Result<Self> {
        if let Some(engine) = base64_variant(name) {
            return Ok(Self::Base64(engine));
        }
        Ok(match name.to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" | "utf-8-raw" | "nop" => Self::Utf8,
            "ascii" | "us-ascii" => Self::Ascii,
            "iso-8859-1" | "latin1" => Self::Latin1,
            "utf-16" | "utf16" | "utf-16le" => Self::Utf16 { big_endian: false },
            "utf-16be" => Self::Utf16 { big_endian: true },
            _ => return Err(EvalError::new(format!("no encoding {name:?}"))),
        })
    }

    fn decode(&self, bytes: &[u8]) -> Result<Value<'static>> {
        let text = match self {
            Self::Base64(engine) => {
                let plain: Vec<u8> = bytes
                    .iter()
                    .copied()
                    .filter(|byte| !b"\r\n".contains(byte))
                    .collect();
                let decoded = engine.decode(plain);
                let decoded =
                    decoded.map_err(|error| EvalError::new(format!("no base64: {error}")))?;
                String::from_utf8(decoded)
                    .map_err(|_| EvalError::new("what was decoded is not UTF-8"))?
            }
            Self::Utf8 | Self::Ascii => String::from_utf8_lossy(bytes).into_owned(),
            Self::Latin1 => bytes.iter().map(|byte| char::from(*byte)).collect(),
            Self::Utf16 { big_endian } => {
                let unit = |pair: &[u8; 2]| match big_endian {
                    true => u16::from_be_bytes(*pair),
                    false => u16::from_le_bytes(*pair),
                };
                let units: Vec<u16> = bytes.as_chunks().0.iter().map(unit).collect();
                String::from_utf16_lossy(&units)
            }
        };
        Ok(Value::owned(text))
    }
}

/// An encoding that is a literal is looked up once, so that a wrong name is found when the text is compiled.
fn decode(mut args: Args) -> Result<Call, String> {
    let (target, encoding) = (args.expr(0)?, args.expr(1)?);
    let fixed = match encoding.literal() {
        Some(Value::Text(name)) => Some(Encoding::named(name).map_err(|error| error.to_string())?),
        _ => None,
    };
    Ok(Call::any(move |at| {
        let target = target.eval(at)?;
        let named;
        let encoding = match &fixed {
            Some(encoding) => encoding,
            None => {
                named = Encoding::named(&encoding.text(at)?)?;
                &named
            }
        };
        match &target {
            Value::Text(text) => encoding.decode(text.as_bytes()),
            Value::Bytes(bytes) => encoding.decode(bytes),
            other => Err(other.is_not("string or bytes")),
        }
    }))
}
