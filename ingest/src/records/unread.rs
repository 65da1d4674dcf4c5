//! What of a request was not read before it was split, and what its sender hears about that.

use schemas::json::{Tally, Translated};
use schemas::wire::Fields;

use super::split::Rejected;

/// Nothing, for a request in protobuf.
#[derive(Debug, Default)]
pub struct Unread {
    rejected: Tally,
    fault: Option<String>,
    unknown: Vec<String>,
}

impl Unread {
    /// Of a request in JSON; what was read of it stays where it is.
    pub fn of(translated: &mut Translated) -> Self {
        Self {
            rejected: translated.rejected,
            fault: translated.fault.take().map(|fault| fault.to_string()),
            unknown: std::mem::take(&mut translated.unknown),
        }
    }

    /// Adds what could not be read to the rejected items; returns what was not understood, in words.
    pub fn report(self, request: &[u8], rejected: &mut Rejected) -> Vec<String> {
        let mut unknown = self.unknown;
        if is_foreign(request) {
            unknown.push("the request has fields, and none of them is OTLP's".to_owned());
        }
        match self.fault {
            Some(fault) if self.rejected.items > 0 => rejected.add_unread(self.rejected, fault),
            Some(fault) => unknown.push(fault),
            None => {}
        }
        unknown
    }
}

/// Something is in the request, but no resources, which are field 1 of all three signals.
pub fn is_foreign(request: &[u8]) -> bool {
    !request.is_empty()
        && Fields::new(request)
            .map_while(Result::ok)
            .all(|field| field.number != 1)
}
