//! Reading what Kafka holds, from each partition's beginning to its end.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::{Offset, TopicPartitionList};

use super::Census;
use super::ledger::{Ledger, Reason};
use crate::lab::{Result, kafka};

const PATIENCE: Duration = Duration::from_secs(30);

/// Notes every record of a topic.
pub fn read(census: &Census, topic: &str, ledger: &mut Ledger) -> Result<()> {
    let known = each(&census.bootstrap, topic, |message| {
        let drop = match message.payload() {
            None => Some(Reason::Tombstone),
            Some([]) => Some(Reason::Empty),
            Some(value) => census.drop_rule.as_ref().is_some_and(|rule| rule(value)).then_some(Reason::Rule),
        };
        ledger.produced(topic, message.partition(), u64::try_from(message.offset())?, drop);
        Ok(())
    })?;
    if known { Ok(()) } else { Err(format!("there is no topic {topic}").into()) }
}

/// Notes every dead letter by the origin that its headers tell. Gives how many there are, repeats included.
pub fn read_dead_letters(census: &Census, topic: &str, ledger: &mut Ledger) -> Result<u64> {
    let mut letters = 0;
    each(&census.bootstrap, topic, |message| {
        let header = |name: &str| {
            let found = message.headers().and_then(|headers| headers.iter().find(|header| header.key == name));
            let value = found.and_then(|header| header.value).and_then(|value| std::str::from_utf8(value).ok());
            value.ok_or_else(|| format!("the dead letter at offset {} has no {name}", message.offset()))
        };
        let (partition, offset) = (header("kelp.partition")?.parse()?, header("kelp.offset")?.parse()?);
        if census.topics.iter().any(|topic| Ok(topic.as_str()) == header("kelp.topic")) {
            letters += 1;
            let account = ledger.account(header("kelp.topic")?, partition);
            account.dead.insert(offset);
        }
        Ok(())
    })?;
    Ok(letters)
}

/// Calls `note` for every committed record of a topic. False if there is no such topic.
///
/// # Errors
/// The topic cannot be read to its end, or `note` failed.
pub fn each(bootstrap: &str, topic: &str, mut note: impl FnMut(&BorrowedMessage<'_>) -> Result<()>) -> Result<bool> {
    let mut config = kafka::client(bootstrap);
    // The group is only a formality of the library: nothing is committed, nobody joins.
    config.set("group.id", "census").set("enable.auto.commit", "false").set("isolation.level", "read_committed");
    config.set("auto.offset.reset", "error").set("enable.partition.eof", "true").set("fetch.wait.max.ms", "50");
    let consumer: BaseConsumer = config.create()?;
    let metadata = consumer.fetch_metadata(Some(topic), PATIENCE)?;
    let partitions = metadata.topics().first().map_or(0, |topic| topic.partitions().len());
    let mut list = TopicPartitionList::new();
    for partition in 0..i32::try_from(partitions)? {
        let (low, high) = consumer.fetch_watermarks(topic, partition, PATIENCE)?;
        if low < high {
            list.add_partition_offset(topic, partition, Offset::Offset(low))?;
        }
    }
    let mut open = list.count();
    consumer.assign(&list)?;
    let mut heard = Instant::now();
    // The end of each partition is told by the broker, after its last record.
    while open > 0 {
        match consumer.poll(Duration::from_millis(200)) {
            Some(Ok(message)) => note(&message)?,
            Some(Err(KafkaError::PartitionEOF(_))) => open -= 1,
            Some(Err(KafkaError::MessageConsumption(code))) if code != RDKafkaErrorCode::AutoOffsetReset => continue,
            Some(Err(error)) => return Err(error.into()),
            None if heard.elapsed() > PATIENCE => return Err(format!("Kafka is silent on topic {topic}").into()),
            None => continue,
        }
        heard = Instant::now();
    }
    Ok(partitions > 0)
}
