//! A bus in memory that does as it is told: acknowledge, hold back, fail. Only for what a real bus can't be made to do.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bus::{
    Ack, Committer, Error, GroupOptions, Member, Publisher, Reader, Rebalance, Record, Result,
    TopicPartition, TopicSpec,
};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

pub const PARTITIONS: u32 = 4;
pub const RECORD_BYTES_MAX: usize = 1 << 20;

/// What becomes of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Acknowledge,
    Hold,
    Fail,
    QueueFull,
    TooLarge,
}

#[derive(Clone)]
pub struct FakeBus {
    state: Arc<State>,
}

struct State {
    mode: Mutex<Mode>,
    records: Mutex<Vec<(TopicPartition, Record)>>,
    held: Mutex<Vec<Ack>>,
}

impl FakeBus {
    pub fn new() -> Self {
        let state = State {
            mode: Mutex::new(Mode::Acknowledge),
            records: Mutex::default(),
            held: Mutex::default(),
        };
        Self {
            state: Arc::new(state),
        }
    }

    pub fn set(&self, mode: Mode) {
        *self.state.mode.lock().unwrap() = mode;
    }

    /// Acknowledges what was held back.
    pub fn release(&self) {
        let held = std::mem::take(&mut *self.state.held.lock().unwrap());
        for ack in held {
            ack(Ok(0));
        }
    }

    /// Everything that was acknowledged or is held back, in order.
    pub fn records(&self) -> Vec<(TopicPartition, Record)> {
        self.state.records.lock().unwrap().clone()
    }

    /// The records of the traces topic, decoded.
    pub fn trace_requests(&self) -> Vec<(u32, ExportTraceServiceRequest)> {
        self.decoded("tailwater.traces.raw")
    }

    pub fn decoded<M: Message + Default>(&self, topic: &str) -> Vec<(u32, M)> {
        let decode = |(at, record): (TopicPartition, Record)| {
            (at.partition, M::decode(record.value).unwrap())
        };
        let records = self.records().into_iter();
        records
            .filter(|(at, _)| &*at.topic == topic)
            .map(decode)
            .collect()
    }

    /// All spans on the bus, each with its partition.
    pub fn spans(&self) -> Vec<(u32, Span)> {
        let spans = |(partition, request): (u32, ExportTraceServiceRequest)| {
            let scopes = request
                .resource_spans
                .into_iter()
                .flat_map(|resource| resource.scope_spans);
            scopes
                .flat_map(|scope| scope.spans)
                .map(move |span| (partition, span))
        };
        self.trace_requests().into_iter().flat_map(spans).collect()
    }
}

impl Publisher for FakeBus {
    fn publish(&self, to: TopicPartition, record: Record, ack: Ack) -> Result<()> {
        let mode = *self.state.mode.lock().unwrap();
        match mode {
            Mode::Acknowledge => {
                self.state.records.lock().unwrap().push((to, record));
                ack(Ok(0));
            }
            Mode::Hold => {
                self.state.records.lock().unwrap().push((to, record));
                self.state.held.lock().unwrap().push(ack);
            }
            Mode::Fail => ack(Err(Error::Unavailable("no broker answers".into()))),
            Mode::QueueFull => return Err(Error::QueueFull),
            Mode::TooLarge => ack(Err(Error::RecordTooLarge {
                bytes: record.value.len(),
                limit: 1,
            })),
        }
        Ok(())
    }

    fn flush(&self, _: Duration) -> Result<()> {
        Ok(())
    }
}

impl bus::Bus for FakeBus {
    fn ensure_topics(&self, _: &[TopicSpec]) -> Result<()> {
        Ok(())
    }
    fn partition_count(&self, _: &str) -> Result<u32> {
        match *self.state.mode.lock().unwrap() {
            Mode::Fail => Err(Error::Unavailable("no broker answers".into())),
            _ => Ok(PARTITIONS),
        }
    }
    fn timestamps(&self, _: &str) -> Result<bus::Timestamps> {
        Ok(bus::Timestamps::LogAppend)
    }
    fn record_bytes_max(&self) -> usize {
        RECORD_BYTES_MAX
    }
    fn publisher(&self) -> Result<Arc<dyn Publisher>> {
        Ok(Arc::new(self.clone()))
    }
    fn reader(&self) -> Result<Box<dyn Reader>> {
        unimplemented!("ingest reads nothing")
    }
    fn join(
        &self,
        _: GroupOptions,
        _: Arc<dyn Rebalance>,
    ) -> Result<(Box<dyn Member>, Box<dyn Committer>)> {
        unimplemented!("ingest reads nothing")
    }
    fn lag(&self, _: &str, _: &str) -> Result<u64> {
        unimplemented!("ingest reads nothing")
    }
}
