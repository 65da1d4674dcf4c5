//! Stages that run together, and end in the order in which data flows.
//!
//! Each stage has a [`Drain`] of its own. When the process is told to stop, the first stage drains; when it has ended, the next does,
//! and so on, all within one deadline: so that what an upstream stage writes last is still carried on. A stage that ends
//! without being told to is a failure: the others drain, and the process reports it.

use std::future::Future;
use std::time::Duration;

use anyhow::{Context, anyhow};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::Drain;

/// How a stage ended.
type Ended = anyhow::Result<()>;

/// Running stages, in the order in which data flows.
#[derive(Default)]
pub struct Stages {
    running: Vec<Running>,
}

struct Running {
    name: &'static str,
    drain: Drain,
    ended: oneshot::Receiver<Ended>,
}

impl Stages {
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a stage that blocks, on a thread of its own; the next one downstream of those that were started before.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub fn start_blocking(
        &mut self,
        name: &'static str,
        run: impl FnOnce(Drain) -> Ended + Send + 'static,
    ) -> anyhow::Result<()> {
        let (drain, report) = self.register(name);
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || report.send(run(drain)))
            .with_context(|| format!("cannot start a thread for {name}"))?;
        Ok(())
    }

    /// Starts an asynchronous stage, likewise. To be called within a tokio runtime.
    pub fn start<F>(&mut self, name: &'static str, run: impl FnOnce(Drain) -> F)
    where
        F: Future<Output = Ended> + Send + 'static,
    {
        let (drain, report) = self.register(name);
        let stage = run(drain);
        tokio::spawn(async move { report.send(stage.await) });
    }

    fn register(&mut self, name: &'static str) -> (Drain, oneshot::Sender<Ended>) {
        let drain = Drain::new();
        let (report, ended) = oneshot::channel();
        self.running.push(Running {
            name,
            drain: drain.clone(),
            ended,
        });
        (drain, report)
    }

    /// Waits until `stop` completes or a stage ends by itself, then drains all that still run, within `deadline`.
    ///
    /// # Errors
    /// The first failure of a stage; or which stages had not ended at the deadline. Their threads may still be running then: end the
    /// process.
    pub async fn run(mut self, stop: impl Future<Output = ()>, deadline: Duration) -> Ended {
        let mut outcome = Ok(());
        tokio::select! {
            () = stop => {}
            (index, ended) = first_ended(&mut self.running) => {
                let stage = self.running.remove(index);
                let failure = match ended {
                    Ok(()) => anyhow!("{} ended without being asked to", stage.name),
                    Err(error) => error.context(format!("{} failed", stage.name)),
                };
                tracing::error!(error = format!("{failure:#}"), "stopping");
                outcome = Err(failure);
            }
        }
        let drained = self.drain(Instant::now() + deadline).await;
        outcome.and(drained)
    }

    async fn drain(self, deadline: Instant) -> Ended {
        let mut outcome = Ok(());
        let mut running = self.running.into_iter();
        while let Some(mut stage) = running.next() {
            let began = Instant::now();
            stage.drain.request();
            match tokio::time::timeout_at(deadline, stage.end()).await {
                Ok(Ok(())) => {
                    let took_ms = began.elapsed().as_millis() as u64;
                    tracing::info!(stage = stage.name, took_ms, "drained");
                }
                Ok(Err(error)) => {
                    let error = error.context(format!("{} failed while draining", stage.name));
                    tracing::error!(
                        error = format!("{error:#}"),
                        "going on with what is downstream"
                    );
                    outcome = outcome.and(Err(error));
                }
                Err(_) => {
                    let names = std::iter::once(stage.name).chain(running.map(|next| next.name));
                    let names: Vec<_> = names.collect();
                    let late = anyhow!(
                        "{} did not drain in time; what they held is on the bus and is read again; shutdown.deadline gives them longer",
                        names.join(", ")
                    );
                    return outcome.and(Err(late));
                }
            }
        }
        outcome
    }
}

impl Running {
    async fn end(&mut self) -> Ended {
        // The sender is dropped unused when the stage panicked.
        (&mut self.ended)
            .await
            .unwrap_or_else(|_| Err(anyhow!("it panicked")))
    }
}

async fn first_ended(running: &mut [Running]) -> (usize, Ended) {
    std::future::poll_fn(|context| {
        for (index, stage) in running.iter_mut().enumerate() {
            let end = std::pin::pin!(stage.end());
            if let std::task::Poll::Ready(ended) = end.poll(context) {
                return std::task::Poll::Ready((index, ended));
            }
        }
        std::task::Poll::Pending
    })
    .await
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    type Journal = Arc<Mutex<Vec<&'static str>>>;

    fn stage(journal: &Journal, name: &'static str) -> impl FnOnce(Drain) -> Ended + use<> {
        let journal = journal.clone();
        move |drain| {
            while !drain.is_requested() {
                std::thread::yield_now();
            }
            journal.lock().unwrap().push(name);
            Ok(())
        }
    }

    #[tokio::test]
    async fn stages_end_in_the_order_in_which_data_flows() {
        let journal = Journal::default();
        let mut stages = Stages::new();
        stages.start("ingest", |drain| {
            let journal = journal.clone();
            async move {
                drain.requested().await;
                journal.lock().unwrap().push("ingest");
                Ok(())
            }
        });
        stages
            .start_blocking("sampler", stage(&journal, "sampler"))
            .unwrap();
        stages
            .start_blocking("export", stage(&journal, "export"))
            .unwrap();
        stages.run(std::future::ready(()), LONG).await.unwrap();
        assert_eq!(*journal.lock().unwrap(), ["ingest", "sampler", "export"]);
    }

    #[tokio::test]
    async fn a_stage_that_ends_by_itself_drains_the_others_and_is_the_error() {
        async fn check(run: fn(Drain) -> Ended, expected: &str) {
            let journal = Journal::default();
            let mut stages = Stages::new();
            stages
                .start_blocking("ingest", stage(&journal, "ingest"))
                .unwrap();
            stages.start_blocking("sampler", run).unwrap();
            stages
                .start_blocking("export", stage(&journal, "export"))
                .unwrap();
            let error = stages.run(std::future::pending(), LONG).await.unwrap_err();
            assert_eq!(format!("{error:#}"), expected);
            assert_eq!(*journal.lock().unwrap(), ["ingest", "export"]);
        }
        check(|_| Err(anyhow!("no disk")), "sampler failed: no disk").await;
        check(|_| Ok(()), "sampler ended without being asked to").await;
        check(|_| panic!("on purpose"), "sampler failed: it panicked").await;
    }

    #[tokio::test]
    async fn an_error_while_draining_does_not_keep_the_rest_from_draining() {
        let journal = Journal::default();
        let mut stages = Stages::new();
        stages.start("ingest", |drain| async move {
            drain.requested().await;
            Err(anyhow!("stuck"))
        });
        stages
            .start_blocking("export", stage(&journal, "export"))
            .unwrap();
        let error = stages.run(std::future::ready(()), LONG).await.unwrap_err();
        assert_eq!(format!("{error:#}"), "ingest failed while draining: stuck");
        assert_eq!(*journal.lock().unwrap(), ["export"]);
    }

    #[tokio::test(start_paused = true)]
    async fn one_deadline_holds_for_all() {
        let mut stages = Stages::new();
        stages.start("ingest", |drain| async move {
            drain.requested().await;
            tokio::time::sleep(Duration::from_secs(8)).await;
            Ok(())
        });
        stages.start("sampler", |drain| async move {
            drain.requested().await;
            tokio::time::sleep(Duration::from_secs(8)).await;
            Ok(())
        });
        stages.start("export", |_| std::future::pending());
        let began = Instant::now();
        let deadline = Duration::from_secs(10);
        let error = stages
            .run(std::future::ready(()), deadline)
            .await
            .unwrap_err();
        assert_eq!(began.elapsed(), deadline);
        assert!(
            error
                .to_string()
                .starts_with("sampler, export did not drain"),
            "{error}"
        );
    }
}
