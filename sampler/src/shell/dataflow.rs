//! The timely computation: a worker per core, timely time is the epoch.
//!
//! ```text
//! consumer ──epoch n──▶ source ▶ sample ──parts──▶ commit thread
//!                                 ▲  │ counts          ▲
//!                           links │  ▼                 │ epoch n is complete
//!                              feedback ◀── gather ────┘   (exchange to worker 0)
//! ```
//!
//! Spans stay on the worker that owns their partition. Only counts by key and links to traces of other partitions are exchanged,
//! one small message a worker and epoch, and it is also what tells `gather` that every worker has finished the epoch: the consistent cut.
//! Epoch n waits for what was gathered from epoch n − 1, so the order of timely's steps can't matter to them. Rate budgets (`budget.rs`) are shared by the workers
//! directly: which of two workers gets the last tokens of an epoch does depend on it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use timely::WorkerConfig;
use timely::communication::WorkerGuards;
use timely::dataflow::channels::pact::{Exchange, Pipeline};
use timely::dataflow::operators::generic::operator::source;
use timely::dataflow::operators::{ConnectLoop, Feedback, Operator};
use timely::scheduling::SyncActivator;
use timely::worker::Worker;

use crate::epoch::command::Command;
use crate::fleet::Fleet;
use crate::shell::commit::FromWorkers;
use crate::shell::gather::Gatherer;
use crate::shell::operators::{Input, Reports, Sample, Source, Waiting};
use crate::shell::report::{LinkToKeep, Report, worker_of};
use crate::shell::worker::Partitions;

/// The consumer's end: one channel and one activator a worker.
pub struct Inlets {
    workers: Vec<(Sender<(u64, Input)>, SyncActivator)>,
    next_epoch: u64,
}

impl Inlets {
    /// Sends the commands to the workers that own their partitions; returns the epoch that they make up.
    pub fn send(&mut self, commands: Vec<Command>) -> u64 {
        let epoch = self.next_epoch;
        self.next_epoch += 1;
        let count = self.workers.len();
        let mut inputs: Vec<Input> = (0..count).map(|_| Input::new()).collect();
        for command in commands {
            match (command.partition(), &command) {
                (Some(partition), _) => inputs[worker_of(partition, count)].push(command),
                (None, Command::Reconfigure(change)) => (inputs.iter_mut())
                    .for_each(|input| input.push(Command::Reconfigure(change.clone()))),
                (None, _) => {}
            }
        }
        for ((sender, activator), input) in self.workers.iter().zip(inputs) {
            // A worker that is gone has failed; its failure is reported by the commit thread.
            let _ = sender.send((epoch, input));
            let _ = activator.activate();
        }
        epoch
    }

    pub fn next_epoch(&self) -> u64 {
        self.next_epoch
    }
}

impl Drop for Inlets {
    /// A parked worker doesn't see by itself that its channel is gone: it has to be woken.
    fn drop(&mut self) {
        for (sender, activator) in self.workers.drain(..) {
            drop(sender);
            let _ = activator.activate();
        }
    }
}

/// One mutex's content, whoever panicked while holding it: the panic itself is reported.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts the workers. They end when the inlets are dropped.
pub fn start(
    workers: usize,
    partitions: impl Fn() -> Partitions + Send + Sync + 'static,
    fleet: Option<Arc<Fleet>>,
    commit: Sender<FromWorkers>,
) -> anyhow::Result<(Inlets, WorkerGuards<()>)> {
    let (senders, receivers): (Vec<_>, Vec<_>) =
        (0..workers).map(|_| std::sync::mpsc::channel()).unzip();
    let receivers: Vec<_> = receivers.into_iter().map(Some).collect();
    let (receivers, commits) = (Mutex::new(receivers), Mutex::new(commit));
    let (hello, hellos) = std::sync::mpsc::channel();
    let hello = Mutex::new(hello);
    let config = match workers {
        1 => timely::Config::thread(),
        _ => timely::Config::process(workers),
    };
    let config = timely::Config {
        worker: WorkerConfig::default(),
        ..config
    };
    let guards = timely::execute(config, move |worker| {
        let index = worker.index();
        let receiver = lock(&receivers).get_mut(index).and_then(Option::take);
        let Some(receiver) = receiver else { return };
        let commit = lock(&commits).clone();
        let activator = build(worker, receiver, partitions(), fleet.clone(), commit);
        let _ = lock(&hello).send((index, activator));
        while worker.has_dataflows() {
            worker.step_or_park(None);
        }
    })
    .map_err(|error| anyhow::anyhow!("cannot start {workers} dataflow workers: {error}"))?;
    let mut activators: Vec<(usize, SyncActivator)> = hellos.iter().take(workers).collect();
    activators.sort_by_key(|(index, _)| *index);
    let activators = activators.into_iter().map(|(_, activator)| activator);
    let inlets = Inlets {
        workers: senders.into_iter().zip(activators).collect(),
        next_epoch: 0,
    };
    Ok((inlets, guards))
}

/// Builds one worker's part of the dataflow; by what it gives, the worker is woken.
fn build(
    worker: &mut Worker,
    receiver: Receiver<(u64, Input)>,
    owned: Partitions,
    fleet: Option<Arc<Fleet>>,
    commit: Sender<FromWorkers>,
) -> SyncActivator {
    // Long: three operators and the arrows between them are one picture.
    let index = worker.index() as u64;
    let gatherer = Gatherer::new(
        owned.rules(),
        owned.common().clone(),
        fleet,
        owned.total(),
        worker.peers(),
    );
    let gatherer = Rc::new(RefCell::new(gatherer));
    let mut sample = Sample {
        owned,
        to_keep: BTreeMap::new(),
        gatherer: gatherer.clone(),
        parts: commit.clone(),
    };
    let slot: Arc<Mutex<Option<SyncActivator>>> = Arc::default();
    let filled = slot.clone();
    worker.dataflow::<u64, _, _>(|scope| {
        let inputs = source(scope, "source", |capability, info| {
            let activator = scope.worker().sync_activator_for(info.address.to_vec());
            *lock(&filled) = Some(activator);
            let mut source = Source {
                receiver,
                capability: Some(capability),
            };
            move |output| source.pull(|capability, input| output.session(capability).give(input))
        })
        .container::<Vec<Input>>();

        let (feedback, gathered) = scope.feedback::<Vec<(u64, LinkToKeep)>>(1);
        let to_worker = Exchange::new(|(worker, _): &(u64, LinkToKeep)| *worker);
        let reports = inputs
            .binary_frontier(gathered, Pipeline, to_worker, "sample", |_, _| {
                let mut waiting = Waiting::<Input>::new();
                move |(inputs, inputs_frontier), (gathered, gathered_frontier), output| {
                    inputs.for_each_stamp(|stamp, batches| {
                        if let Some(capability) = stamp.retain_least(output.output_index()) {
                            let input = waiting.entry(capability);
                            batches.for_each(|batch| input.extend(batch.drain(..).flatten()));
                        }
                    });
                    gathered.for_each_stamp(|stamp, batches| {
                        if let Some(capability) = stamp.retain_least(output.output_index()) {
                            let links = sample.to_keep.entry(*capability.time()).or_default();
                            batches.for_each(|batch| {
                                links.extend(batch.drain(..).map(|(_, link)| link));
                            });
                        }
                    });
                    let may_come = |epoch: &u64| {
                        inputs_frontier.less_equal(epoch) || gathered_frontier.less_equal(epoch)
                    };
                    while let Some((capability, input)) = waiting.complete(may_come) {
                        let report = sample.work(*capability.time(), input);
                        output.session(&capability).give((index, report));
                    }
                }
            })
            .container::<Vec<(u64, Report)>>();

        let to_first = Exchange::new(|_: &(u64, Report)| 0);
        reports
            .unary_frontier(to_first, "gather", |_, _| {
                let mut waiting = Waiting::<Reports>::new();
                move |(reports, frontier), output| {
                    reports.for_each_stamp(|stamp, batches| {
                        if let Some(capability) = stamp.retain_least(output.output_index()) {
                            let all = waiting.entry(capability);
                            batches.for_each(|batch| {
                                all.extend(batch.drain(..).map(|(_, report)| report));
                            });
                        }
                    });
                    while let Some((capability, reports)) =
                        waiting.complete(|epoch| frontier.less_equal(epoch))
                    {
                        let mut session = output.session(&capability);
                        let tell = |worker, link| session.give((worker, link));
                        gatherer.borrow_mut().gather(reports, tell);
                        drop(session);
                        let epoch = *capability.time();
                        let _ = commit.send(FromWorkers::Complete { epoch });
                    }
                }
            })
            .container::<Vec<(u64, LinkToKeep)>>()
            .connect_loop(feedback);
    });
    #[allow(
        clippy::expect_used,
        reason = "`source` runs its constructor before `dataflow` returns"
    )]
    let activator = lock(&slot).take().expect("the source was built");
    activator
}
