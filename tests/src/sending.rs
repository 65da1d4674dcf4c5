//! The load of a test: seeded shop traffic over real OTLP sockets, counted as it is sent.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use load::{Access, Compression, Mix, Protocol, Report, Request, SendOptions, Traffic};

use schemas::Signal;

use crate::tally::Tally;
use crate::troubled::Troubled;

/// Longer than any outage of a test: what is sent is taken in the end.
const RETRY_FOR: Duration = Duration::from_secs(180);

fn now_unix_nano() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_nanos() as u64
}

/// The mix of a test: all signals, more of what is rare.
pub fn mix() -> Mix {
    Mix {
        error: 0.04,
        slow: 0.02,
        duplicate: 0.02,
        spans_per_request: 100,
        signals: vec!["traces", "logs", "metrics"],
        ..Mix::default()
    }
}

/// Whole traffic of about this many spans, with what is in it.
pub fn traffic(seed: u64, spans: u64) -> (Vec<Request>, Tally) {
    let requests: Vec<_> = Traffic::new(mix(), seed, spans, now_unix_nano()).collect();
    let mut tally = Tally::default();
    for request in &requests {
        tally.add(request.signal, &request.bytes);
    }
    (requests, tally)
}

pub fn options(endpoint: String, protocol: Protocol, compression: Compression) -> SendOptions {
    SendOptions {
        endpoint,
        access: Access::default(),
        protocol,
        compression,
        connections: 2,
        paced: false,
        connect_for: RETRY_FOR,
        retry_for: RETRY_FOR,
    }
}

/// Sends each of these at the same time, as fast as they are taken; every one must be taken whole.
pub fn send_all(parts: Vec<(Vec<Request>, SendOptions)>) {
    let tokio = runtime();
    let sending: Vec<_> = parts
        .into_iter()
        .map(|(requests, options)| tokio.spawn(load::send(requests.into_iter(), options, |_| ())))
        .collect();
    for part in sending {
        let report = tokio.block_on(part).unwrap().expect("the endpoint answers");
        assert_all_taken(&report);
    }
}

fn assert_all_taken(report: &Report) {
    assert_eq!(
        (report.failed_items, report.rejected_items),
        (0, 0),
        "refused: {report:?}"
    );
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// Traces alone, without end.
fn endless(seed: u64, spans_per_second: f64) -> Traffic {
    let mix = Mix {
        spans_per_second,
        spans_per_request: 50,
        signals: vec!["traces"],
        ..mix()
    };
    Traffic::new(mix, seed, u64::MAX, now_unix_nano())
}

/// Load that goes on, at a rate, until it is stopped.
pub struct Load {
    tokio: tokio::runtime::Runtime,
    stop: Arc<AtomicBool>,
    sent: Arc<Mutex<Tally>>,
    sending: tokio::task::JoinHandle<anyhow::Result<Report>>,
}

impl Load {
    /// Traces alone, over gRPC.
    pub fn start(endpoint: String, seed: u64, spans_per_second: f64) -> Self {
        Self::start_patient(endpoint, seed, spans_per_second, RETRY_FOR)
    }

    /// Likewise; each request is tried for so long.
    pub fn start_patient(
        endpoint: String,
        seed: u64,
        spans_per_second: f64,
        retry_for: Duration,
    ) -> Self {
        Self::start_with(endpoint, endless(seed, spans_per_second), retry_for)
    }

    /// With late errors and links, see [`Troubled`].
    pub fn start_troubled(endpoint: String, seed: u64, spans_per_second: f64) -> Self {
        let requests = Troubled::new(endless(seed, spans_per_second), seed);
        Self::start_with(endpoint, requests, RETRY_FOR)
    }

    fn start_with(
        endpoint: String,
        requests: impl Iterator<Item = Request> + Send + 'static,
        retry_for: Duration,
    ) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let sent = Arc::new(Mutex::new(Tally::default()));
        let (until, tally) = (stop.clone(), sent.clone());
        let requests = requests
            .take_while(move |_| !until.load(Ordering::Relaxed))
            .inspect(move |request| {
                tally.lock().unwrap().add(request.signal, &request.bytes);
            });
        let options = SendOptions {
            paced: true,
            connect_for: retry_for,
            retry_for,
            ..options(endpoint, Protocol::Grpc, Compression::None)
        };
        let tokio = runtime();
        let sending = tokio.spawn(load::send(requests, options, |_| ()));
        Self {
            tokio,
            stop,
            sent,
            sending,
        }
    }

    /// Spans handed over to be sent so far.
    pub fn sent(&self) -> u64 {
        self.sent.lock().unwrap().count(Signal::Traces)
    }

    /// Stops, waits until everything that was sent is acknowledged, and says what that was.
    pub fn stop(self) -> Tally {
        self.stop.store(true, Ordering::Relaxed);
        let report = self.tokio.block_on(self.sending).unwrap();
        assert_all_taken(&report.expect("the endpoint answers"));
        std::mem::take(&mut *self.sent.lock().unwrap())
    }
}
