//! Errors of librdkafka in words of ours: worth a retry, a right that is missing, or somebody must act.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::Error;

/// `attempted`: what failed, with what, for the message.
pub(in crate::kafka) fn error(attempted: &str, error: &KafkaError) -> Error {
    let code = match error {
        KafkaError::Transaction(error) => Some(error.code()),
        error => error.rdkafka_error_code(),
    };
    let message = format!("{attempted}: {error}");
    match code {
        Some(code) if lacks_right(code) => Error::Denied(message),
        Some(code) if needs_somebody(code) => Error::Fatal(message),
        None => Error::Fatal(message),
        Some(_) => Error::Unavailable(message),
    }
}

/// The brokers know us, and don't allow this. Rights are given and taken while everything runs.
pub(in crate::kafka) fn lacks_right(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode::*;
    matches!(
        code,
        TopicAuthorizationFailed
            | GroupAuthorizationFailed
            | ClusterAuthorizationFailed
            | TransactionalIdAuthorizationFailed
    )
}

/// No retry will cure these, unless a right is given.
pub(in crate::kafka) fn needs_somebody(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode::*;
    matches!(
        code,
        Fatal
            | InvalidArgument
            | NotImplemented
            | NotConfigured
            | UnsupportedFeature
            | UnsupportedVersion
            | UnsupportedSASLMechanism
            | UnsupportedForMessageFormat
            | SaslAuthenticationFailed
            | Authentication
            | SSL
            | TopicAuthorizationFailed
            | GroupAuthorizationFailed
            | ClusterAuthorizationFailed
            | TransactionalIdAuthorizationFailed
            | InvalidTransactionTimeout
            | InvalidTopic
            | InvalidConfig
            | PolicyViolation
            | InvalidReplicationFactor
            | InvalidPartitions
            | MessageSizeTooLarge
            | InvalidMessageSize
            | InvalidRecord
            | UnknownPartition
            | OffsetMetadataTooLarge
    )
}

/// The group says that this member isn't, or is no longer, what it claims to be.
pub(in crate::kafka) fn not_a_member(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode::*;
    matches!(
        code,
        IllegalGeneration
            | UnknownMemberId
            | FencedInstanceId
            | RebalanceInProgress
            | AssignmentLost
    )
}
