//! What ClickHouse answers, and what follows from it for the batch. Pure.
//!
//! An exception has a code, in the header `X-ClickHouse-Exception-Code` and in its text. It decides, and not the status: most exceptions come
//! as 500, and one may even come with 200. Source of the codes: `src/Common/ErrorCodes.cpp`.

use std::time::SystemTime;

use http::HeaderMap;

use crate::outcome::{Failure, FailureKind};
use crate::transport::client::Answer;
use crate::transport::refusal::printable;
use crate::transport::status;

const EXCEPTION_CODE: &str = "x-clickhouse-exception-code";
/// One of these is in each answer of ClickHouse.
const OURS: [&str; 3] = [
    "x-clickhouse-query-id",
    "x-clickhouse-server-display-name",
    "x-clickhouse-summary",
];

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub failure: Failure,
    /// What we know of the tables may be out of date.
    pub about_tables: bool,
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            about_tables: false,
        }
    }
}

/// What a code means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    /// Passes by itself.
    Passes,
    /// The server's limits: of this batch, or of everything at once.
    Fault,
    /// User, password, rights, or the server's configuration.
    Denied,
    /// The table isn't what it was, or never was.
    Tables,
    /// The contents of the batch, or tables that changed.
    Contents,
    /// The batch as a whole; parts of it may do.
    TooLarge,
    Unknown,
}

/// `TOO_MANY_PARTS`: of the table, which passes; or partitions that one insert has rows for, which doesn't.
const TOO_MANY_PARTS: u32 = 252;
const TOO_MANY_PARTITIONS: &str = "Too many partitions";

fn meaning(code: u32, text: &str) -> Meaning {
    match code {
        TOO_MANY_PARTS if text.contains(TOO_MANY_PARTITIONS) => Meaning::TooLarge,
        // QUOTA_EXCEEDED, TOO_MANY_SIMULTANEOUS_QUERIES, NO_FREE_CONNECTION, SOCKET_TIMEOUT, NETWORK_ERROR, NO_ZOOKEEPER, TABLE_IS_READ_ONLY,
        // NOT_ENOUGH_SPACE, TOO_MANY_PARTS, ALL_CONNECTION_TRIES_FAILED, TOO_FEW_LIVE_REPLICAS, UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE,
        // UNKNOWN_STATUS_OF_INSERT, QUERY_WAS_CANCELLED, DEADLOCK_AVOIDED, S3_ERROR, TABLE_IS_BEING_RESTARTED, KEEPER_EXCEPTION; and
        // READONLY, which an administrator sets for a while.
        164 | 201 | 202 | 203 | 209 | 210 | 225 | 242 | 243 | TOO_MANY_PARTS | 279 | 285 | 286
        | 319 | 394 | 473 | 499 | 733 | 999 => Meaning::Passes,
        // TIMEOUT_EXCEEDED, TOO_SLOW, MEMORY_LIMIT_EXCEEDED.
        159 | 160 | 241 => Meaning::Fault,
        // UNKNOWN_SETTING, UNKNOWN_USER, WRONG_PASSWORD, REQUIRED_PASSWORD, IP_ADDRESS_NOT_ALLOWED, DATABASE_ACCESS_DENIED, SUPPORT_IS_DISABLED,
        // SETTING_CONSTRAINT_VIOLATION, ACCESS_DENIED, AUTHENTICATION_FAILED.
        115 | 192..=195 | 291 | 344 | 452 | 497 | 516 => Meaning::Denied,
        // NO_SUCH_COLUMN_IN_TABLE, UNKNOWN_IDENTIFIER, TYPE_MISMATCH, UNKNOWN_TABLE, UNKNOWN_DATABASE.
        16 | 47 | 53 | 60 | 81 => Meaning::Tables,
        // CANNOT_PARSE_TEXT, ATTEMPT_TO_READ_AFTER_EOF, CANNOT_READ_ALL_DATA, ARGUMENT_OUT_OF_BOUND, INCORRECT_DATA, TOO_LARGE_ARRAY_SIZE,
        // TOO_LARGE_STRING_SIZE, SIZES_OF_ARRAYS_DONT_MATCH, VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE, FUNCTION_THROW_IF_VALUE_IS_NON_ZERO,
        // DECIMAL_OVERFLOW, VIOLATED_CONSTRAINT.
        6 | 32 | 33 | 69 | 117 | 128 | 131 | 190 | 321 | 395 | 407 | 469 => Meaning::Contents,
        _ => Meaning::Unknown,
    }
}

/// The rows of a `SELECT` or `DESC`, or nothing where nothing was asked.
///
/// # Errors
/// The server refused, or it isn't ClickHouse.
pub fn read(answer: &Answer, now: SystemTime) -> Result<&[u8], Refusal> {
    let headers = &answer.head.headers;
    let text = printable(&answer.body);
    let code = exception(headers, &text);
    if let Some(code) = code {
        return Err(refused(answer, code, &text, now));
    }
    if !answer.head.status.is_success() {
        return Err(without_code(answer, &text, now).into());
    }
    if !OURS.iter().any(|name| headers.contains_key(*name)) {
        let reason = format!(
            "HTTP status {} without a header of ClickHouse's: is this its HTTP interface? {text}",
            answer.head.status
        );
        return Err(denied(reason).into());
    }
    Ok(&answer.body)
}

/// Of an `INSERT`, which is answered with nothing.
///
/// # Errors
/// As [`read`].
pub fn accepted(answer: &Answer, now: SystemTime) -> Result<(), Refusal> {
    match read(answer, now)? {
        [] => Ok(()),
        body => Err(Failure::retry(format!(
            "HTTP status {} to an INSERT, with a body, which says that something went wrong: {}",
            answer.head.status,
            printable(body)
        ))
        .into()),
    }
}

/// The code of an exception.
fn exception(headers: &HeaderMap, text: &str) -> Option<u32> {
    if let Some(code) = headers.get(EXCEPTION_CODE) {
        return Some(
            code.to_str()
                .ok()
                .and_then(|code| code.trim().parse().ok())
                .unwrap_or(0),
        );
    }
    // An exception that comes when the answer has begun has no header.
    let from = text.find("DB::Exception")?;
    let (_, code) = text[..from].rsplit_once("Code: ")?;
    code.split('.').next()?.trim().parse().ok()
}

fn refused(answer: &Answer, code: u32, text: &str, now: SystemTime) -> Refusal {
    let meaning = meaning(code, text);
    let kind = match meaning {
        Meaning::Passes => FailureKind::Retry {
            after: status::retry_after(&answer.head.headers, now),
        },
        Meaning::Fault => FailureKind::Fault,
        Meaning::Denied | Meaning::Tables => FailureKind::Denied { certain: true },
        // Where other batches are accepted it is this one, which is divided then; where none is, we write what the table doesn't take.
        Meaning::Contents => FailureKind::Denied { certain: false },
        Meaning::TooLarge => FailureKind::Split,
        Meaning::Unknown if answer.head.status.is_client_error() => {
            FailureKind::Denied { certain: false }
        }
        Meaning::Unknown => FailureKind::Fault,
    };
    Refusal {
        failure: Failure {
            kind,
            reason: match text {
                "" => format!("ClickHouse's exception {code}"),
                text => text.to_owned(),
            },
        },
        about_tables: matches!(meaning, Meaning::Tables | Meaning::Contents),
    }
}

/// A proxy in between, or a server that isn't ClickHouse.
fn without_code(answer: &Answer, text: &str, now: SystemTime) -> Failure {
    let code = answer.head.status;
    let kind = match status::failure_kind(code, status::retry_after(&answer.head.headers, now)) {
        // ClickHouse itself says what it doesn't like with a code.
        FailureKind::Split if code != http::StatusCode::PAYLOAD_TOO_LARGE => {
            FailureKind::Denied { certain: false }
        }
        kind => kind,
    };
    Failure {
        kind,
        reason: format!("HTTP status {code}, not of ClickHouse: {text}"),
    }
}

fn denied(reason: String) -> Failure {
    Failure {
        kind: FailureKind::Denied { certain: true },
        reason,
    }
}
