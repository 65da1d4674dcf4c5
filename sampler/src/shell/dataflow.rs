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
use std::sync::mpsc::{Receiver, Sender, TryRecvError};
use std::sync::{Arc, Mutex};

use timely::WorkerConfig;
use timely::communication::WorkerGuards;
use timely::dataflow::channels::pact::{Exchange, Pipeline};
use timely::dataflow::operators::generic::operator::source;
use timely::dataflow::operators::{Capability, ConnectLoop, Feedback, Operator};
use timely::scheduling::SyncActivator;
use timely::worker::Worker;

use crate::epoch::command::Command;
use crate::fleet::Fleet;
use crate::shell::commit::FromWorkers;
use crate::shell::gather::Gatherer;
use crate::shell::report::{LinkToKeep, Report, worker_of};
use crate::shell::worker::Partitions;

/// What one worker gets for one epoch.
type Input = Vec<Command>;

/// The reports of all workers of one epoch.
type Reports = Vec<Report>;

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

/// Starts the workers. They end when the inlets are dropped.
pub fn start(
    workers: usize,
    partitions: impl Fn() -> Partitions + Send + Sync + 'static,
    fleet: Option<Arc<Fleet>>,
    commit: Sender<FromWorkers>,
) -> anyhow::Result<(Inlets, WorkerGuards<()>)> {
    let mut senders = Vec::new();
    let mut receivers = Vec::new();
    for _ in 0..workers {
        let (sender, receiver) = std::sync::mpsc::channel();
        senders.push(sender);
        receivers.push(Some(receiver));
    }
    let receivers = Mutex::new(receivers);
    let commits = Mutex::new(commit);
    let (hello, hellos) = std::sync::mpsc::channel();
    let hello = Mutex::new(hello);
    let config = if workers == 1 {
        timely::Config::thread()
    } else {
        timely::Config::process(workers)
    };
    let config = timely::Config {
        worker: WorkerConfig::default(),
        ..config
    };
    let guards = timely::execute(config, move |worker| {
        let index = worker.index();
        let receiver = receivers
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .get_mut(index)
            .and_then(Option::take);
        let Some(receiver) = receiver else { return };
        let commit = commits
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .clone();
        let activator = build(worker, receiver, partitions(), fleet.clone(), commit);
        let _ = hello
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .send((index, activator));
        while worker.has_dataflows() {
            worker.step_or_park(None);
        }
    })
    .map_err(|error| anyhow::anyhow!("cannot start {workers} dataflow workers: {error}"))?;
    let mut activators: Vec<(usize, SyncActivator)> = hellos.iter().take(workers).collect();
    activators.sort_by_key(|(index, _)| *index);
    let workers = senders
        .into_iter()
        .zip(activators.into_iter().map(|(_, activator)| activator))
        .collect();
    Ok((
        Inlets {
            workers,
            next_epoch: 0,
        },
        guards,
    ))
}

fn build(
    worker: &mut Worker,
    receiver: Receiver<(u64, Input)>,
    mut owned: Partitions,
    fleet: Option<Arc<Fleet>>,
    commit: Sender<FromWorkers>,
) -> SyncActivator {
    let index = worker.index();
    let count = worker.peers();
    // Both operators of a worker run on its thread.
    let gatherer = Rc::new(RefCell::new(Gatherer::new(
        owned.rules(),
        owned.common().clone(),
        fleet,
        owned.total(),
        count,
    )));
    let informed = gatherer.clone();
    let slot: Arc<Mutex<Option<SyncActivator>>> = Arc::default();
    let filled = slot.clone();
    worker.dataflow::<u64, _, _>(|scope| {
        let inputs = source(scope, "source", |capability, info| {
            let activator = scope.worker().sync_activator_for(info.address.to_vec());
            *filled
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(activator);
            let mut capability: Option<Capability<u64>> = Some(capability);
            move |output| {
                loop {
                    match receiver.try_recv() {
                        Ok((epoch, input)) => {
                            if let Some(capability) = capability.as_mut() {
                                output.session(&*capability).give(input);
                                capability.downgrade(&(epoch + 1));
                            }
                        }
                        Err(TryRecvError::Empty) => break,
                        Err(TryRecvError::Disconnected) => {
                            capability = None;
                            break;
                        }
                    }
                }
            }
        })
        .container::<Vec<Input>>();

        let (feedback, gathered) = scope.feedback::<Vec<(u64, LinkToKeep)>>(1);
        let parts = commit.clone();
        let reports = inputs
            .binary_frontier(
                gathered,
                Pipeline,
                Exchange::new(|(worker, _): &(u64, LinkToKeep)| *worker),
                "sample",
                |_, _| {
                    let mut waiting: BTreeMap<u64, (Capability<u64>, Input)> = BTreeMap::new();
                    let mut told: BTreeMap<u64, Vec<LinkToKeep>> = BTreeMap::new();
                    move |(inputs, input_frontier), (gathered, gathered_frontier), output| {
                        inputs.for_each_stamp(|stamp, batches| {
                            if let Some(capability) = stamp.retain_least(output.output_index()) {
                                let epoch = *capability.time();
                                let (_, input) = waiting
                                    .entry(epoch)
                                    .or_insert_with(|| (capability, Input::new()));
                                for batch in batches {
                                    batch.drain(..).for_each(|commands| input.extend(commands));
                                }
                            }
                        });
                        gathered.for_each_stamp(|stamp, batches| {
                            if let Some(capability) = stamp.retain_least(output.output_index()) {
                                let told = told.entry(*capability.time()).or_default();
                                for batch in batches {
                                    told.extend(batch.drain(..).map(|(_, told)| told));
                                }
                            }
                        });
                        while let Some(next) = waiting.first_entry() {
                            let epoch = *next.key();
                            if input_frontier.less_equal(&epoch)
                                || gathered_frontier.less_equal(&epoch)
                            {
                                break;
                            }
                            let (capability, input) = next.remove();
                            let later = told.split_off(&(epoch + 1));
                            let now = std::mem::replace(&mut told, later);
                            for (partition, linked) in now.into_values().flatten() {
                                owned.keep(partition, linked);
                            }
                            let part = owned.work(input);
                            let mut gatherer = informed.borrow_mut();
                            gatherer.configure(owned.rules(), owned.follows_links());
                            drop(gatherer);
                            let report = Report {
                                owned: owned.owned(),
                                tallied: owned.take_news(),
                                restored: owned.take_restored(),
                                links: owned.take_links(),
                            };
                            // The part is sent before the capability goes, hence before `gather` can see the epoch complete.
                            let _ = parts.send(FromWorkers::Part { epoch, part });
                            output.session(&capability).give((index as u64, report));
                        }
                    }
                },
            )
            .container::<Vec<(u64, Report)>>();

        reports
            .unary_frontier(Exchange::new(|_: &(u64, Report)| 0), "gather", |_, _| {
                let mut waiting: BTreeMap<u64, (Capability<u64>, Reports)> = BTreeMap::new();
                move |(reports, frontier), output| {
                    reports.for_each_stamp(|stamp, batches| {
                        if let Some(capability) = stamp.retain_least(output.output_index()) {
                            let (_, all) = waiting
                                .entry(*capability.time())
                                .or_insert_with(|| (capability, Reports::new()));
                            for batch in batches {
                                all.extend(batch.drain(..).map(|(_, report)| report));
                            }
                        }
                    });
                    while let Some(next) = waiting.first_entry() {
                        let epoch = *next.key();
                        if frontier.less_equal(&epoch) {
                            break;
                        }
                        let (capability, reports) = next.remove();
                        let mut session = output.session(&capability);
                        let tell = |worker, told| session.give((worker, told));
                        gatherer.borrow_mut().gather(reports, tell);
                        drop(session);
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
    let activator = slot
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
        .take()
        .expect("the source was built");
    activator
}
