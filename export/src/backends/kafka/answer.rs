//! What an error of a cluster means for a batch.

use bus::Error;
use bus::kafka::refuses_login;

use crate::outcome::{Failure, FailureKind};

/// `sure`: what is refused is refused to all batches; else topics differ by tenant, and others may be there.
pub fn failure(error: Error, sure: bool) -> Failure {
    let kind = match &error {
        Error::QueueFull => FailureKind::Retry { after: None },
        Error::RecordTooLarge { .. } => FailureKind::Split,
        Error::Unavailable(reason) if refuses_login(reason) => {
            FailureKind::Denied { certain: true }
        }
        Error::Unavailable(_) => FailureKind::Retry { after: None },
        Error::Denied(_) | Error::Fatal(_) => FailureKind::Denied { certain: sure },
    };
    Failure {
        kind,
        reason: error.to_string(),
    }
}
