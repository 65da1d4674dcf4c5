//! The shop: simulated traffic over a real socket, until the demo is over.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ::load::{Access, Compression, Mix, Protocol, Report, Request, SendOptions, Summary, Traffic};
use anyhow::Context;
use tokio::task::JoinHandle;

/// Traffic under way.
pub struct Shop {
    sending: JoinHandle<anyhow::Result<Report>>,
    over: Arc<AtomicBool>,
    generated: mpsc::Receiver<Summary>,
}

impl Shop {
    /// Begins to send: `spans_per_second` until `settle` before the end of `duration`.
    ///
    /// # Errors
    /// The host's clock stands before 1970.
    pub fn open(
        spans_per_second: f64,
        seed: u64,
        duration: Duration,
        settle: Duration,
        to: SocketAddr,
    ) -> anyhow::Result<Self> {
        let mix = Mix {
            spans_per_second,
            spans_per_request: 100,
            late_seconds_max: 8,
            signals: vec!["traces", "logs", "metrics"],
            ..Mix::default()
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos() as u64;
        let length = duration - settle;
        let seconds = length.saturating_sub(Duration::from_secs(3)).as_secs_f64();
        let (summary, generated) = mpsc::channel();
        let over = Arc::new(AtomicBool::new(false));
        let requests = Requests {
            traffic: Traffic::new(mix, seed, (spans_per_second * seconds) as u64, now),
            length,
            over: over.clone(),
            summary,
        };
        let options = SendOptions {
            endpoint: format!("http://{to}"),
            access: Access::default(),
            protocol: Protocol::Grpc,
            compression: Compression::None,
            connections: 2,
            paced: true,
            connect_for: duration,
            retry_for: duration,
        };
        Ok(Self {
            sending: tokio::spawn(::load::send(requests, options, |_| ())),
            over,
            generated,
        })
    }

    pub fn has_sent_all(&self) -> bool {
        self.sending.is_finished()
    }

    /// Ends the traffic: what was answered, and what was made.
    pub async fn close(self) -> anyhow::Result<(Report, Summary)> {
        self.over.store(true, Ordering::Relaxed);
        let report = self.sending.await??;
        let sent = self
            .generated
            .recv()
            .context("the traffic left no summary")?;
        Ok((report, sent))
    }
}

/// The traffic's requests, until it is over; leaves a summary when it is dropped.
struct Requests {
    traffic: Traffic,
    length: Duration,
    over: Arc<AtomicBool>,
    summary: mpsc::Sender<Summary>,
}

impl Iterator for Requests {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        if self.over.load(Ordering::Relaxed) {
            return None;
        }
        let mut request = self.traffic.next()?;
        // Slow traces and late spans would take longer than the demo: the last of them come at its end.
        request.due = request.due.min(self.length);
        Some(request)
    }
}

impl Drop for Requests {
    fn drop(&mut self) {
        let _ = self.summary.send(self.traffic.summary().clone());
    }
}
