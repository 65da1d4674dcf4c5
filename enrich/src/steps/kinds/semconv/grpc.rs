//! The status codes of gRPC. Source: <https://github.com/grpc/grpc/blob/master/doc/statuscodes.md>

/// The names of the codes, each at its number.
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// A code by its number or by its name, as the protocol writes it or as Go does: `DEADLINE_EXCEEDED`, `DeadlineExceeded`.
pub(super) fn code(text: &str) -> Option<i64> {
    if let Ok(code) = text.parse() {
        return Some(code);
    }
    if text.eq_ignore_ascii_case("canceled") {
        return Some(1);
    }
    let letters = |text: &'static str| text.bytes().filter(|byte| *byte != b'_');
    let is_named = |name: &&'static str| {
        let given = text.bytes().filter(|byte| *byte != b'_');
        given
            .map(|byte| byte.to_ascii_uppercase())
            .eq(letters(name))
    };
    let named = CODES.iter().position(is_named);
    named.map(|code| code as i64)
}

/// The name of a code.
pub(super) fn name(code: i64) -> Option<&'static str> {
    usize::try_from(code)
        .ok()
        .and_then(|code| CODES.get(code).copied())
}
