//! A client beside the consumer, for what has to be known or made before anything is read: whether the topics are there, how
//! many partitions they have, and the topic of the dead letters.

use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, ConfigResource, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::settings::{self, KafkaSettings};

/// What a letter's headers may add to the record, in bytes.
const ROOM_FOR_HEADERS: i64 = 64 * 1024;
/// What brokers take where nothing else is said.
const DEFAULT_MAX_MESSAGE: i64 = 1_048_588;

/// Asks and administers.
pub struct Side {
    client: AdminClient<DefaultClientContext>,
}

impl Side {
    /// Makes the client; it connects by itself.
    ///
    /// # Errors
    /// librdkafka refuses the configuration.
    pub fn new(settings: &KafkaSettings) -> Result<Self, KafkaError> {
        Ok(Self { client: settings::side(settings).create()? })
    }

    /// How many partitions the topics have together.
    ///
    /// # Errors
    /// In words for a person: the brokers cannot be reached, or a topic is not there.
    pub fn partitions(&self, topics: &[&str], timeout: Duration) -> Result<usize, String> {
        let mut count = 0;
        for topic in topics {
            let metadata = self.client.inner().fetch_metadata(Some(topic), timeout);
            let metadata =
                metadata.map_err(|error| format!("no answer from kafka about the topic {topic}: {error}"))?;
            let partitions = metadata.topics().iter().find(|found| found.name() == *topic && found.error().is_none());
            match partitions.map(|found| found.partitions().len()) {
                None | Some(0) => {
                    return Err(format!(
                        "the topic {topic} is not there: make it, or correct source.topics of its pipeline"
                    ));
                }
                Some(partitions) => count += partitions,
            }
        }
        Ok(count)
    }

    /// Makes the topic of the dead letters if it is missing, and checks that it takes what the sources can hold.
    ///
    /// # Errors
    /// In words for a person.
    pub fn ensure_dead_letters(&self, topic: &str, sources: &[&str], timeout: Duration) -> Result<(), String> {
        let options = AdminOptions::new().request_timeout(Some(timeout)).operation_timeout(Some(timeout));
        let mut largest = DEFAULT_MAX_MESSAGE;
        for source in sources {
            if let Some(size) = self.config(source, "max.message.bytes", &options)?.and_then(|size| size.parse().ok()) {
                largest = largest.max(size);
            }
        }
        let needed = largest + ROOM_FOR_HEADERS;
        let metadata = self.client.inner().fetch_metadata(Some(topic), timeout);
        let metadata = metadata.map_err(|error| format!("no answer from kafka about the topic {topic}: {error}"))?;
        let there = metadata.topics().iter().any(|found| found.name() == topic && found.error().is_none());
        if !there {
            return self.create(topic, needed, &options);
        }
        if let Some(size) = self.config(topic, "max.message.bytes", &options)?.and_then(|size| size.parse::<i64>().ok())
            && size < needed
        {
            tracing::warn!(
                topic,
                max_message_bytes = size,
                needed,
                "the topic of the dead letters takes smaller records than its sources can hold: set its max.message.bytes to what is needed, or a large dead letter will hold its partition up"
            );
        }
        if self.config(topic, "cleanup.policy", &options)?.is_some_and(|policy| policy.contains("compact")) {
            return Err(format!(
                "the topic of the dead letters, {topic}, is compacted, which would drop letters: set its cleanup.policy to delete"
            ));
        }
        Ok(())
    }

    fn create(&self, topic: &str, max_message: i64, options: &AdminOptions) -> Result<(), String> {
        let max_message = max_message.to_string();
        // A month to notice and to redrive; letters are few.
        let new = NewTopic::new(topic, 1, TopicReplication::Fixed(-1))
            .set("max.message.bytes", &max_message)
            .set("retention.ms", "2592000000")
            .set("cleanup.policy", "delete");
        let made = block_on(self.client.create_topics([&new], options)).map_err(|error| error.to_string())?;
        for result in made {
            match result {
                Ok(_) => tracing::info!(topic, "made the topic of the dead letters"),
                Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((_, code)) => {
                    return Err(format!(
                        "the topic of the dead letters, {topic}, cannot be made: {code}; make it by hand, or allow it"
                    ));
                }
            }
        }
        Ok(())
    }

    fn config(&self, topic: &str, key: &str, options: &AdminOptions) -> Result<Option<String>, String> {
        let about = [ResourceSpecifier::Topic(topic)];
        let answers = block_on(self.client.describe_configs(&about, options)).map_err(|error| error.to_string())?;
        match answers.into_iter().next() {
            Some(Ok(ConfigResource { entries, .. })) => {
                Ok(entries.into_iter().find(|entry| entry.name == key).and_then(|entry| entry.value))
            }
            // Not being allowed to ask is no reason not to work.
            Some(Err(code)) => {
                tracing::debug!(topic, key, %code, "the configuration of a topic cannot be read");
                Ok(None)
            }
            None => Ok(None),
        }
    }
}

/// Waits for an answer of the administration; its client has threads of its own.
fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime without drivers needs nothing of the system")
        .block_on(future)
}
