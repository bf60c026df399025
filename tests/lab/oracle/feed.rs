//! Producing so that the oracle knows: what the broker has taken, where it put it, and whether its transaction held.

// A producer gives a record back together with its error, whatever its size.
#![allow(clippy::result_large_err)]

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message as _};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};

use super::{Shared, Told, lock};
use crate::lab::generate::{Generated, Generator, Kind, Random};
use crate::lab::{Result, kafka};

/// Far longer than a broker is ever away.
const PATIENCE: Duration = Duration::from_secs(180);
/// Timestamps of a load differ from those of the loads before by what is left of a division by this.
/// More of them than a campaign has: with as many, one making's record could be taken for another's.
const LOADS: i64 = 4096;

/// How a topic is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TopicKind {
    /// Record by record.
    Plain,
    /// In transactions, one in four of which is aborted.
    Transactional,
    /// With keys, of which the broker keeps the last records only.
    Compacted,
}

/// What to produce.
#[derive(Debug, Clone)]
pub struct Load {
    /// Kafka's `host:port`.
    pub bootstrap: String,
    /// Where to.
    pub topic: String,
    /// Which making of it.
    pub making: usize,
    /// How.
    pub kind: TopicKind,
    /// How many partitions it has.
    pub partitions: i32,
    /// The partition that gets all of them, if one does.
    pub only: Option<i32>,
    /// How many records.
    pub records: u64,
    /// The same seed gives the same records.
    pub seed: u64,
    /// The number of the load, which tells its records from those of others.
    pub number: u64,
}

/// A transaction's records: partition, offset, to be dropped.
type Open = Vec<(i32, i64, bool)>;

#[derive(Clone)]
struct Deliveries {
    oracle: Shared,
    load: Arc<Load>,
    open: Arc<Mutex<Open>>,
    refused: Arc<Mutex<Option<String>>>,
}

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Box<Told>;

    fn delivery(&self, result: &DeliveryResult<'_>, told: Box<Told>) {
        match result {
            Ok(message) => {
                let (partition, offset) = (message.partition(), message.offset());
                lock(&self.oracle).note(&self.load.topic, self.load.making, partition, (offset, &told));
                if told.open {
                    self.open.lock().expect("nothing panics with it").push((partition, offset, told.drop));
                }
            }
            Err((error, _)) => *self.refused.lock().expect("nothing panics with it") = Some(error.to_string()),
        }
    }
}

/// Produces and waits until the broker has it all.
///
/// # Errors
/// The broker refused a record, or was away for 3 minutes.
pub fn feed(oracle: &Shared, load: Load) -> Result<()> {
    let mut config = kafka::client(&load.bootstrap);
    config.set("enable.idempotence", "true").set("compression.type", "lz4").set("linger.ms", "5");
    config.set("message.timeout.ms", "170000");
    if load.kind == TopicKind::Transactional {
        config.set("transactional.id", format!("feed-{}", load.topic)).set("transaction.timeout.ms", "170000");
    }
    let log = Generator::new(load.seed, load.records, load.partitions);
    let deliveries =
        Deliveries { oracle: Arc::clone(oracle), load: Arc::new(load), open: Arc::default(), refused: Arc::default() };
    let producer: BaseProducer<Deliveries> = config.create_with_context(deliveries.clone())?;
    let feeder = Feeder { producer, deliveries };
    if feeder.deliveries.load.kind == TopicKind::Transactional {
        feeder.in_transactions(log)
    } else {
        log.enumerate().try_for_each(|(number, one)| feeder.send(number, &one))?;
        feeder.producer.flush(PATIENCE)?;
        feeder.refused()
    }
}

struct Feeder {
    producer: BaseProducer<Deliveries>,
    deliveries: Deliveries,
}

impl Feeder {
    fn refused(&self) -> Result<()> {
        match self.deliveries.refused.lock().expect("nothing panics with it").take() {
            None => Ok(()),
            Some(error) => Err(format!("Kafka refuses a record of {}: {error}", self.deliveries.load.topic).into()),
        }
    }

    fn send(&self, index: usize, generated: &Generated) -> Result<()> {
        let load = &self.deliveries.load;
        // Half of the keys come once, the others again and again.
        let key = match load.kind {
            TopicKind::Compacted if index.is_multiple_of(2) => Some(index as u64 % 50),
            TopicKind::Compacted => Some((load.number << 40) + 1000 + index as u64),
            _ => None,
        };
        let number = load.number as i64;
        assert!(number < LOADS, "there are too many loads to tell their records apart");
        let timestamp = generated.timestamp - generated.timestamp % LOADS + number;
        let drop = matches!(generated.kind, Kind::Empty | Kind::Tombstone);
        let told = Told { timestamp, drop, key, open: load.kind == TopicKind::Transactional };
        let key = key.map(|key| format!("key-{key}"));
        let mut record = BaseRecord::<str, [u8], _>::with_opaque_to(&load.topic, Box::new(told));
        record.partition = Some(load.only.unwrap_or(generated.partition));
        record.timestamp = Some(timestamp);
        record.payload = generated.payload.as_deref();
        record.key = key.as_deref().or(generated.key.as_deref());
        loop {
            match self.producer.send(record) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    self.producer.poll(Duration::from_millis(20));
                }
                Err((error, _)) => return Err(error.into()),
            }
        }
        if index.is_multiple_of(1000) {
            self.producer.poll(Duration::ZERO);
        }
        Ok(())
    }

    fn in_transactions(&self, log: Generator) -> Result<()> {
        let load = &self.deliveries.load;
        let mut random = Random::new(load.seed ^ 0x7472_616e_7361);
        patiently(|| self.producer.init_transactions(Duration::from_secs(10)))?;
        let mut log = log.enumerate().peekable();
        while log.peek().is_some() {
            let (records, aborts) = (random.below(400) as usize + 1, random.chance(250));
            self.producer.begin_transaction()?;
            log.by_ref().take(records).try_for_each(|(number, one)| self.send(number, &one))?;
            let wait = Duration::from_secs(10);
            let mut committed = false;
            if aborts {
                // What was not sent yet is thrown away by an abort: there should be something to abort.
                self.producer.flush(PATIENCE)?;
            } else {
                match patiently(|| self.producer.commit_transaction(wait)) {
                    Ok(()) => committed = true,
                    Err(KafkaError::Transaction(error)) if error.txn_requires_abort() => {}
                    Err(error) => return Err(error.into()),
                }
            }
            if committed {
                self.refused()?;
            } else {
                patiently(|| self.producer.abort_transaction(wait))?;
                // Records that were purged are refused, and nothing follows from it.
                self.refused().ok();
            }
            let open = std::mem::take(&mut *self.deliveries.open.lock().expect("nothing panics with it"));
            lock(&self.deliveries.oracle).ended(&load.topic, load.making, &open, committed);
        }
        Ok(())
    }
}

/// Tries again what may be tried again, while the broker is away.
fn patiently(mut attempt: impl FnMut() -> std::result::Result<(), KafkaError>) -> std::result::Result<(), KafkaError> {
    let begin = Instant::now();
    loop {
        match attempt() {
            Err(KafkaError::Transaction(error)) if error.is_retriable() && begin.elapsed() < PATIENCE => {}
            // A commit sends first what was not sent yet, and may have no time left for itself.
            Err(KafkaError::Flush(_)) if begin.elapsed() < PATIENCE => {}
            other => return other,
        }
    }
}
