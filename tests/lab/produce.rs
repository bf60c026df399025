//! Writing records: a few by hand, or a whole generated log at full speed.

// A producer gives a record back together with its error, whatever its size.
#![allow(clippy::result_large_err)]

use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, Message as _, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext, ThreadedProducer};
use std::sync::{Arc, Mutex};

use super::generate::{Generator, Made};
use super::{Result, kafka};

/// A record that a test writes.
#[derive(Debug, Clone, Default)]
pub struct Message {
    /// Where it goes.
    pub partition: i32,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value; `None` is a tombstone.
    pub payload: Option<Vec<u8>>,
    /// Milliseconds since 1970; `None` is now.
    pub timestamp: Option<i64>,
    /// Its headers.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Message {
    /// A record of a partition with a value and nothing else.
    pub fn new(partition: i32, payload: impl Into<Vec<u8>>) -> Self {
        Self { partition, payload: Some(payload.into()), ..Self::default() }
    }
}

/// Collects what the broker said about each record, in the order of sending.
#[derive(Clone, Default)]
struct Deliveries(Arc<Mutex<Vec<Delivery>>>);

/// The record's place in the order of sending and its offset, or why it was refused.
type Delivery = std::result::Result<(usize, i64), String>;

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Box<usize>;

    fn delivery(&self, result: &DeliveryResult<'_>, index: Box<usize>) {
        let told = match result {
            Ok(message) => Ok((*index, message.offset())),
            Err((error, _)) => Err(error.to_string()),
        };
        self.0.lock().expect("a delivery does not panic").push(told);
    }
}

/// Writes records and waits until the broker has them all. Gives their offsets, in the order given.
///
/// # Errors
/// One of them was refused.
pub fn produce(bootstrap: &str, topic: &str, messages: &[Message]) -> Result<Vec<i64>> {
    let deliveries = Deliveries::default();
    let mut config = kafka::client(bootstrap);
    config.set("enable.idempotence", "true").set("compression.type", "lz4").set("linger.ms", "5");
    // Before compression: what is too large for a topic is the broker's to say.
    config.set("message.max.bytes", "100000000");
    let producer: ThreadedProducer<Deliveries> = config.create_with_context(deliveries.clone())?;
    for (index, message) in messages.iter().enumerate() {
        let mut headers = OwnedHeaders::new();
        for (key, value) in &message.headers {
            headers = headers.insert(Header { key, value: value.as_ref() });
        }
        let mut record =
            BaseRecord::<[u8], [u8], _>::with_opaque_to(topic, Box::new(index)).partition(message.partition);
        record.payload = message.payload.as_deref();
        record.key = message.key.as_deref();
        record.timestamp = message.timestamp;
        record.headers = (!message.headers.is_empty()).then_some(headers);
        send(record, |record| producer.send(record), || std::thread::sleep(Duration::from_millis(2)))?;
    }
    producer.flush(Duration::from_secs(60))?;
    let mut offsets = vec![-1; messages.len()];
    for told in deliveries.0.lock().expect("a delivery does not panic").drain(..) {
        let (index, offset) = told?;
        offsets[index] = offset;
    }
    if offsets.contains(&-1) {
        return Err("Kafka did not say what became of a record".into());
    }
    Ok(offsets)
}

/// Counts refusals only: what a generated log needs.
#[derive(Default)]
struct Failures(Arc<Mutex<Option<String>>>);

impl ClientContext for Failures {}

impl ProducerContext for Failures {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            *self.0.lock().expect("a delivery does not panic") = Some(error.to_string());
        }
    }
}

/// Writes a generated log at full speed and waits until the broker has it all. `progress` is called with the number of
/// records handed over, every 10,000; its error ends the writing.
///
/// # Errors
/// A record was refused, or `progress` failed.
pub fn produce_log(
    bootstrap: &str,
    topic: &str,
    log: Generator,
    mut progress: impl FnMut(u64) -> Result<()>,
) -> Result<Made> {
    let failures = Failures::default();
    let refused = failures.0.clone();
    let mut config = kafka::client(bootstrap);
    config.set("enable.idempotence", "true").set("compression.type", "lz4").set("linger.ms", "20");
    config.set("batch.size", "1000000").set("queue.buffering.max.messages", "500000");
    let producer: BaseProducer<Failures> = config.create_with_context(failures)?;
    let mut made = Made::default();
    for generated in log {
        let mut record = BaseRecord::<str, [u8]>::to(topic).partition(generated.partition);
        record.payload = generated.payload.as_deref();
        record.key = generated.key.as_deref();
        record.timestamp = Some(generated.timestamp);
        send(
            record,
            |record| producer.send(record),
            || {
                producer.poll(Duration::from_millis(20));
            },
        )?;
        made.count(&generated);
        if made.records % 10_000 == 0 {
            producer.poll(Duration::ZERO);
            progress(made.records)?;
        }
    }
    producer.flush(Duration::from_secs(120))?;
    match refused.lock().expect("a delivery does not panic").take() {
        None => Ok(made),
        Some(error) => Err(format!("Kafka refuses a record: {error}").into()),
    }
}

/// Hands one record over, waiting while the producer's queue is full.
fn send<R>(mut record: R, send: impl Fn(R) -> std::result::Result<(), (KafkaError, R)>, wait: impl Fn()) -> Result<()> {
    loop {
        match send(record) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                record = back;
                wait();
            }
            Err((error, _)) => return Err(error.into()),
        }
    }
}
