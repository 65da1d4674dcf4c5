//! Whether the brokers can be reached, told once when they can't and once when they can again.
//!
//! Each client of librdkafka reports a broker that is away several times a second, and a process has a dozen clients. They share this: the first
//! report that no broker is left is a warning with what to do, everything after it is at level DEBUG, and the first answer ends the outage.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::error::RDKafkaErrorCode;

/// A client that reports an outage this soon after its end tells of an attempt made before that.
const STALE: Duration = Duration::from_secs(5);
/// What failed during an outage may be told this long after its end.
const AFTERMATH: Duration = Duration::from_secs(15);
/// The reason of an outage comes after the news of it, with the next attempt to connect.
const REASON_WITHIN: Duration = Duration::from_secs(3);
/// One broker of several that is away this long is worth a warning of its own.
const ONE_BROKER: Duration = Duration::from_secs(10);
/// Attempts further apart than this don't belong to one absence.
const APART: Duration = Duration::from_secs(30);

/// Of one bus, shared by all of its clients.
#[derive(Debug, Default)]
pub(in crate::kafka) struct Outage {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The brokers have answered before: until then, whoever opens the bus says what is wrong.
    reached: bool,
    away_since: Option<Instant>,
    /// No broker is left, which wasn't said yet for want of a reason.
    unsaid_since: Option<Instant>,
    back_at: Option<Instant>,
    /// First and last failure to reach some broker, while others answer, and whether it was said.
    one_broker: Option<(Instant, Instant, bool)>,
    reason: String,
}

/// What a report came to.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::kafka) enum News {
    /// Nothing that isn't known.
    None,
    /// No broker can be reached, for this reason.
    Away(String),
    /// Some broker can't be reached, for this reason; others can.
    OneAway(String),
}

impl Outage {
    /// A client failed to reach brokers, and says why.
    pub fn report(&self, code: RDKafkaErrorCode, reason: &str, now: Instant) -> News {
        let mut state = self.state();
        let all_down = code == RDKafkaErrorCode::AllBrokersDown;
        if !all_down {
            state.reason = plain(reason);
        }
        let stale = state
            .back_at
            .is_some_and(|back| now.saturating_duration_since(back) < STALE);
        if !state.reached || state.away_since.is_some() || stale {
            return News::None;
        }
        if all_down {
            state.unsaid_since.get_or_insert(now);
        } else if needs_somebody(code) {
            state.unsaid_since = Some(now);
        }
        if let Some(since) = state.unsaid_since {
            let waited = now.saturating_duration_since(since) >= REASON_WITHIN;
            if state.reason.is_empty() && !waited {
                return News::None;
            }
            (state.away_since, state.unsaid_since, state.one_broker) = (Some(since), None, None);
            let reason = match state.reason.as_str() {
                "" => plain(reason),
                known => known.to_owned(),
            };
            return News::Away(reason);
        }
        let together =
            (state.one_broker).filter(|(_, last, _)| now.saturating_duration_since(*last) < APART);
        let (first, _, said) = together.unwrap_or((now, now, false));
        let long = now.saturating_duration_since(first) >= ONE_BROKER;
        state.one_broker = Some((first, now, said || long));
        match long && !said {
            true => News::OneAway(state.reason.clone()),
            false => News::None,
        }
    }

    /// The brokers answered; how long they had been away, if that was said.
    pub fn answered(&self, now: Instant) -> Option<Duration> {
        let mut state = self.state();
        state.reached = true;
        state.unsaid_since = None;
        state.reason.clear();
        let since = state.away_since.take()?;
        state.back_at = Some(now);
        Some(now.saturating_duration_since(since))
    }

    /// Whether failures are explained: the brokers are away, or were until a moment ago.
    pub fn explains(&self, now: Instant) -> bool {
        let state = self.state();
        let aftermath = |back| now.saturating_duration_since(back) < AFTERMATH;
        let away = state.away_since.or(state.unsaid_since).is_some();
        away || !state.reached || state.back_at.is_some_and(aftermath)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an error says that brokers can't be reached, or let nobody in.
pub(in crate::kafka) fn concerns(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode::*;
    needs_somebody(code)
        || matches!(
            code,
            AllBrokersDown | BrokerTransportFailure | Resolve | OperationTimedOut
        )
}

/// Trying again won't do: no other broker will let us in either.
fn needs_somebody(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode::*;
    matches!(code, SSL | Authentication | SaslAuthenticationFailed)
}

/// librdkafka's reason without its threads and states: `[thrd:a:9092/1]: a:9092/1: Connect to … failed: Connection refused (after 0ms in state
/// CONNECT, 5 identical error(s) suppressed)`.
pub(in crate::kafka) fn plain(reason: &str) -> String {
    let reason = match reason.strip_prefix("[thrd:") {
        Some(rest) => rest.split_once("]: ").map_or(rest, |(_, rest)| rest),
        None => reason,
    };
    let said = match reason.rfind(" (after ") {
        Some(at) => &reason[..at],
        None => reason,
    };
    let said = said.trim_end_matches([':', ' ']);
    match hung_up(reason) {
        true => format!("{said}: it hung up at our first words"),
        false => said.to_owned(),
    }
}

/// The broker closed the connection as soon as we spoke.
pub(in crate::kafka) fn hung_up(reason: &str) -> bool {
    reason.contains("in state APIVERSION_QUERY")
}

/// The brokers say that we aren't who we say.
pub fn refuses_login(reason: &str) -> bool {
    LOGIN.iter().any(|word| reason.contains(word))
}

const LOGIN: &[&str] = &["Authentication", "authentication", "SASL"];

/// By words of librdkafka and OpenSSL, the more special ones first.
const ADVICE: &[(&[&str], &str)] = &[
    (
        &["certificate has expired", "certificate expired"],
        "a certificate has expired: renew it (the broker's, or ours in bus.kafka.tls.cert_file)",
    ),
    (
        &[
            "alert bad certificate",
            "alert certificate unknown",
            "alert certificate required",
            "alert unknown ca",
            "alert handshake failure",
        ],
        "the broker refuses our certificate, or wants one: set bus.kafka.tls.cert_file and key_file to one that it trusts",
    ),
    (
        &[
            "hostname mismatch",
            "Hostname mismatch",
            "host name mismatch",
        ],
        "the broker's certificate is for another host name: name the broker in bus.kafka.brokers as its certificate does",
    ),
    (
        &["wrong version number"],
        "the broker speaks plain text on this port: take its TLS port, or leave bus.kafka.tls out",
    ),
    (
        &[
            "certificate verify failed",
            "self-signed",
            "unable to get local issuer",
        ],
        "nobody whom we trust has signed the broker's certificate: set bus.kafka.tls.ca_file to the file of its authority",
    ),
    (
        &["SSL listener", "hung up"],
        "the broker may want TLS or a login on this port: set bus.kafka.tls or bus.kafka.sasl, or take its plain-text port",
    ),
    (
        LOGIN,
        "the broker refuses our login: correct the mechanism, and user and password or token, in bus.kafka.sasl",
    ),
    (
        &["Failed to resolve", "Name or service not known"],
        "the host name is unknown here: correct bus.kafka.brokers, or advertised.listeners of the brokers",
    ),
    (
        &["no answer within"],
        "nothing answers there: start the brokers, or correct bus.kafka.brokers; if they speak TLS on this port, set bus.kafka.tls",
    ),
    (
        // librdkafka says so of whatever ends a handshake.
        &["PLAINTEXT"],
        "TLS is cut as soon as it is there: if the broker speaks plain text on this port, take its TLS port or leave bus.kafka.tls out; else look at what is between here and the brokers",
    ),
    (
        &["Disconnected", "connection reset"],
        "the connection is cut as soon as it is there: look at what is between here and the brokers, and whether bus.kafka.tls and bus.kafka.sasl are as this port wants it",
    ),
    (
        &["timed out", "No route", "unreachable"],
        "nothing answers there: look at the network and firewall between here and the brokers, and at their advertised.listeners",
    ),
];

/// What to do about a reason.
pub(in crate::kafka) fn advice(reason: &str) -> &'static str {
    (ADVICE.iter())
        .find(|(words, _)| words.iter().any(|word| reason.contains(word)))
        .map_or(
            "start the brokers, or correct bus.kafka.brokers",
            |(_, advice)| advice,
        )
}

#[cfg(test)]
mod tests {
    use RDKafkaErrorCode::{AllBrokersDown, BrokerTransportFailure, SSL};

    use super::*;

    const REFUSED: &str = "127.0.0.1:9092/1: Connect to ipv4#127.0.0.1:9092 failed: Connection refused (after 0ms in state CONNECT, 17 identical error(s) suppressed)";

    #[test]
    fn an_outage_is_told_once_and_ends_once() {
        let (outage, start) = (Outage::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let report = |code, seconds| outage.report(code, REFUSED, at(seconds));
        // Before the bus was open, its opener tells.
        assert_eq!(report(AllBrokersDown, 0), News::None);
        assert_eq!(outage.answered(at(1)), None);
        assert_eq!(report(BrokerTransportFailure, 2), News::None);
        let why = "127.0.0.1:9092/1: Connect to ipv4#127.0.0.1:9092 failed: Connection refused";
        assert_eq!(report(AllBrokersDown, 2), News::Away(why.to_owned()));
        for second in 2..40 {
            assert_eq!(report(AllBrokersDown, second), News::None);
            assert_eq!(report(BrokerTransportFailure, second), News::None);
        }
        assert_eq!(outage.answered(at(40)), Some(Duration::from_secs(38)));
        assert_eq!(outage.answered(at(41)), None);
        assert!(outage.explains(at(50)) && !outage.explains(at(56)));
        // A client that is late to notice.
        assert_eq!(report(AllBrokersDown, 42), News::None);
        // The reason comes later, or not at all.
        assert_eq!(report(AllBrokersDown, 60), News::None);
        assert!(outage.explains(at(60)));
        let again = report(BrokerTransportFailure, 61);
        assert_eq!(again, News::Away(why.to_owned()));
        outage.answered(at(70));
        assert_eq!(report(AllBrokersDown, 80), News::None);
        assert_eq!(outage.answered(at(81)), None, "it was never said");
        assert_eq!(report(AllBrokersDown, 90), News::None);
        assert!(matches!(report(AllBrokersDown, 94), News::Away(_)));
    }

    #[test]
    fn one_broker_of_several_is_told_when_it_stays_away() {
        let (outage, start) = (Outage::default(), Instant::now());
        outage.answered(start);
        let report = |seconds| {
            let at = start + Duration::from_secs(seconds);
            outage.report(BrokerTransportFailure, REFUSED, at)
        };
        let told = |from: u64, to: u64| {
            let news = (from..to).step_by(2).map(report);
            news.filter(|news| matches!(news, News::OneAway(_))).count()
        };
        assert_eq!(told(0, 8), 0, "a restart is no news");
        assert_eq!(told(100, 140), 1);
        assert!(!outage.explains(start + Duration::from_secs(140)));
    }

    #[test]
    fn who_lets_nobody_in_is_told_at_once() {
        let outage = Outage::default();
        outage.answered(Instant::now());
        let reason = "ssl://b:9093/bootstrap: SSL handshake failed: certificate verify failed";
        let news = outage.report(SSL, reason, Instant::now());
        assert_eq!(news, News::Away(reason.to_owned()));
    }

    /// The reasons are librdkafka's own.
    #[test]
    fn a_reason_has_its_advice() {
        let check = |reason: &str, words: &str| {
            assert!(
                advice(reason).contains(words),
                "{reason}: {}",
                advice(reason)
            );
        };
        check(REFUSED, "start the brokers");
        let closed = "b:9093/bootstrap: Disconnected: connection closed by peer: receive 0 after POLLIN (after 0ms in state APIVERSION_QUERY)";
        check(&plain(closed), "TLS or a login");
        check(
            "nohost:9092/bootstrap: Failed to resolve 'nohost:9092': Name or service not known",
            "host name is unknown",
        );
        check(
            "ssl://b:9093/bootstrap: SSL handshake failed: error:0A000086:SSL routines::certificate verify failed: broker certificate could not be verified, verify that ssl.ca.location is correctly configured or root CA certificates are installed",
            "bus.kafka.tls.ca_file",
        );
        check(
            "ssl://b:9093/bootstrap: SSL handshake failed: error:0A00010B:SSL routines::wrong version number: connecting to a PLAINTEXT broker listener?",
            "plain text",
        );
        check(
            "ssl://b:9093/bootstrap: SSL handshake failed: Disconnected: connection reset by peer: connecting to a PLAINTEXT broker listener?",
            "TLS is cut as soon as it is there",
        );
        check(
            "b:9093/bootstrap: Disconnected while requesting ApiVersion: might be caused by incorrect security.protocol configuration (connecting to a SSL listener?) or broker version is < 0.10",
            "bus.kafka.tls or",
        );
        check(
            "sasl_ssl://b:9093/bootstrap: SASL authentication error: Authentication failed during authentication due to invalid credentials with SASL mechanism SCRAM-SHA-512",
            "user and password or token, in bus.kafka.sasl",
        );
        check(
            "ssl://b:9093/bootstrap: Receive failed: error:0A000412:SSL routines::ssl/tls alert bad certificate: SSL alert number 42",
            "bus.kafka.tls.cert_file",
        );
        check(
            "sasl_ssl://b:9093/bootstrap: Disconnected: connection reset by peer",
            "cut as soon as it is there",
        );
        check(
            "ssl://b:9093/1: SSL handshake failed: certificate has expired",
            "renew",
        );
        check(
            "b:9092/1: Connection setup timed out in state CONNECT",
            "firewall",
        );
    }
}
