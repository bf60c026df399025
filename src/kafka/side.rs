//! A client beside the consumer, for what has to be known or made before anything is read: whether the topics are there, how
//! many partitions they have, and the topic of the dead letters.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::admin::{AdminClient, AdminOptions, ConfigResource, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::Metadata;

use super::events::log;
use super::settings::{self, KafkaSettings};

/// What a letter's headers may add to the record, in bytes.
const ROOM_FOR_HEADERS: i64 = 64 * 1024;
/// What brokers take where nothing else is said.
const DEFAULT_MAX_MESSAGE: i64 = 1_048_588;

/// How long it is waited for another of librdkafka's events.
const DRAIN: Duration = Duration::from_millis(50);

/// What librdkafka said last about a connection that failed: the errors of its calls say no more than that there was no
/// answer.
#[derive(Debug, Default)]
struct Connections(Mutex<Option<String>>);

impl Connections {
    fn last(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ClientContext for Connections {
    fn error(&self, error: KafkaError, reason: &str) {
        // That all are down is said after each of them has said why.
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::AllBrokersDown) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.to_owned());
        }
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        log(level, facility, text);
    }
}

impl ConsumerContext for Connections {}

/// What librdkafka says about a connection, and what to do about it.
const ADVICE: &[(&str, &str)] = &[
    (
        "certificate verify failed",
        "set ssl.ca.location in kafka.properties to the certificate of the authority that signed the brokers'; or theirs has expired, or is for another name than kafka.bootstrap_servers has",
    ),
    ("SASL authentication error", "check sasl.username, sasl.password and sasl.mechanism in kafka.properties"),
    ("uthentication failed", "check sasl.username, sasl.password and sasl.mechanism in kafka.properties"),
    ("ecurity.protocol", "check security.protocol in kafka.properties: the listener speaks another one"),
    ("PLAINTEXT broker listener", "check security.protocol in kafka.properties: the listener speaks another one"),
    // The first four bytes of an answer, taken for its length: "HTTP", and a TLS alert.
    (
        "Invalid response size 1213486160",
        "a web server answers there, such as Elasticsearch: kafka.bootstrap_servers names Kafka's brokers",
    ),
    (
        "Invalid response size 3525",
        "set security.protocol in kafka.properties to ssl or sasl_ssl: the listener speaks TLS",
    ),
    (
        "ApiVersionRequest failed: Local: Timed out",
        "what listens there is no broker, or speaks TLS: check kafka.bootstrap_servers, and security.protocol in kafka.properties",
    ),
    ("Connection refused", "check the address and the port in kafka.bootstrap_servers, and that the broker is up"),
    ("Failed to resolve", "check the names in kafka.bootstrap_servers"),
    (
        "current SASL state",
        "the listener wants no user: leave SASL out of security.protocol in kafka.properties, or take the listener's port that wants one",
    ),
    (
        "alert",
        "the brokers do not accept our certificate: set ssl.certificate.location and ssl.key.location in kafka.properties",
    ),
];

fn advice(reason: &str) -> Option<&'static str> {
    ADVICE.iter().find(|(sign, _)| reason.contains(sign)).map(|(_, advice)| *advice)
}

/// Asks and administers.
pub struct Side {
    client: AdminClient<DefaultClientContext>,
    /// A consumer without a group, for metadata: unlike the other client it can be polled for what went wrong.
    asker: BaseConsumer<Connections>,
}

impl Side {
    /// Makes the clients; they connect by themselves.
    ///
    /// # Errors
    /// librdkafka refuses the configuration.
    pub fn new(settings: &KafkaSettings) -> Result<Self, KafkaError> {
        let config = settings::side(settings);
        // A broker that just hangs up is worth knowing of: it may expect TLS.
        let mut asker = config.clone();
        asker.set("log.connection.close", "true");
        Ok(Self { client: config.create()?, asker: asker.create_with_context(Connections::default())? })
    }

    fn metadata(&self, topic: Option<&str>, timeout: Duration) -> Result<Metadata, String> {
        self.asker.fetch_metadata(topic, timeout).map_err(|error| {
            // With no time at all a poll ends at the first line of librdkafka's log, before the error that follows it.
            while self.asker.poll(DRAIN).is_some() {}
            let about = topic.map_or_else(|| "its topics".to_owned(), |topic| format!("the topic {topic}"));
            let mut text = format!("no answer from kafka about {about}: {error}");
            match self.asker.context().last() {
                Some(reason) => {
                    let advice = advice(&reason).map_or_else(String::new, |advice| format!("; {advice}"));
                    text.push_str(&format!("{advice} ({reason})"));
                }
                // Brokers that expect TLS hang up without a word.
                None => text.push_str(
                    "; check kafka.bootstrap_servers (does a broker listen there, and not Elasticsearch?), and security.protocol in kafka.properties",
                ),
            }
            text
        })
    }

    /// The names of all topics that this user may see.
    ///
    /// # Errors
    /// In words for a person: the brokers cannot be reached.
    pub fn topics(&self, timeout: Duration) -> Result<Vec<String>, String> {
        let metadata = self.metadata(None, timeout)?;
        let usable = metadata.topics().iter().filter(|topic| topic.error().is_none() && !topic.partitions().is_empty());
        Ok(usable.map(|topic| topic.name().to_owned()).collect())
    }

    /// How many partitions the topics have together.
    ///
    /// # Errors
    /// In words for a person: the brokers cannot be reached, or a topic is not there.
    pub fn partitions(&self, topics: &[&str], timeout: Duration) -> Result<usize, String> {
        let mut count = 0;
        for topic in topics {
            let metadata = self.metadata(Some(topic), timeout)?;
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
        let metadata = self.metadata(Some(topic), timeout)?;
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

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;

    fn why(address: &str) -> String {
        let settings = KafkaSettings {
            bootstrap_servers: address.to_owned(),
            group_id: "any".to_owned(),
            properties: Default::default(),
            queue_kbytes_per_partition: 0,
        };
        Side::new(&settings).unwrap().topics(Duration::from_secs(2)).unwrap_err()
    }

    #[test]
    fn the_first_answer_that_does_not_come_says_why_already() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let told = why(&free.to_string());
        assert!(told.contains("Connection refused") && told.contains("check the address and the port"), "{told}");
    }

    #[test]
    fn a_web_server_is_told_from_a_broker() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in server.incoming() {
                let mut stream = stream.unwrap();
                let mut request = [0; 512];
                // A client that has gone needs no answer.
                if stream.read(&mut request).is_ok() {
                    stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").ok();
                }
            }
        });
        let told = why(&address.to_string());
        assert!(told.contains("a web server answers there, such as Elasticsearch"), "{told}");
    }
}
