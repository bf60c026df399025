//! The properties of librdkafka: our defaults, the user's, and those that the promise depends on, which cannot be set.

use std::collections::BTreeMap;

use rdkafka::ClientConfig;

/// What a client of Kafka is made of. Its properties may be secret: it has no `Debug`.
#[derive(Clone)]
pub struct KafkaSettings {
    /// `host:port` with commas between.
    pub bootstrap_servers: String,
    /// The consumer group.
    pub group_id: String,
    /// The user's own properties.
    pub properties: BTreeMap<String, String>,
    /// What librdkafka may fetch ahead for one partition, in KiB.
    pub queue_kbytes_per_partition: u32,
}

/// A property that cannot be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PropertyProblem {
    /// The property.
    pub key: String,
    /// Why, and what to do instead.
    pub why: String,
}

/// Properties that the promise depends on, each with the reason.
const PROTECTED: &[(&str, &str)] = &[
    ("bootstrap.servers", "it has a key of its own: kafka.bootstrap_servers"),
    ("metadata.broker.list", "it has a key of its own: kafka.bootstrap_servers"),
    ("group.id", "it has a key of its own: kafka.group_id"),
    ("enable.auto.commit", "kelp commits an offset only when everything below it is settled"),
    ("auto.commit.enable", "kelp commits an offset only when everything below it is settled"),
    ("auto.commit.interval.ms", "kelp commits by itself: kafka.commit_interval"),
    ("enable.auto.offset.store", "kelp commits an offset only when everything below it is settled"),
    ("offset.store.method", "offsets are kept by the broker"),
    ("auto.offset.reset", "a silent reset loses or repeats records: see kafka.start and kafka.out_of_range"),
    ("enable.partition.eof", "the end of a partition is found in another way"),
    ("partition.assignment.strategy", "kelp gives partitions back one by one, which needs cooperative-sticky"),
    ("acks", "a dead letter counts only when all replicas in sync have it"),
    ("request.required.acks", "a dead letter counts only when all replicas in sync have it"),
    ("enable.idempotence", "dead letters are produced idempotently"),
    ("transactional.id", "dead letters are not transactional"),
    ("message.timeout.ms", "a dead letter that cannot be delivered waits and is never dropped"),
    ("delivery.timeout.ms", "a dead letter that cannot be delivered waits and is never dropped"),
    ("test.mock.num.brokers", "it replaces the real brokers by pretended ones"),
    ("plugin.library.paths", "plugins can change what is delivered"),
    ("queued.max.messages.kbytes", "it follows from memory_limit"),
];

/// Properties of the consumer that a producer only warns about, and the other way round, by their beginnings.
const CONSUMER_ONLY: &[&str] = &[
    "fetch.",
    "queued.",
    "session.timeout.ms",
    "heartbeat.interval.ms",
    "max.poll.interval.ms",
    "group.",
    "isolation.level",
    "check.crcs",
    "client.rack",
    "coordinator.query.interval.ms",
    "consume.callback.max.messages",
    "max.partition.fetch.bytes",
];
const PRODUCER_ONLY: &[&str] = &[
    "queue.buffering.",
    "linger.ms",
    "batch.",
    "compression.",
    "message.send.max.retries",
    "retries",
    "retry.backoff.ms",
    "partitioner",
    "sticky.partitioning",
    "delivery.report",
    "enable.gapless.guarantee",
    "request.timeout.ms",
];

/// Finds what is wrong with the user's properties: protected ones, and ones that librdkafka does not know.
pub fn check(properties: &BTreeMap<String, String>) -> Vec<PropertyProblem> {
    let mut problems = Vec::new();
    for (key, value) in properties {
        if let Some((_, why)) = PROTECTED.iter().find(|(protected, _)| protected == key) {
            problems.push(PropertyProblem { key: key.clone(), why: format!("cannot be set: {why}") });
            continue;
        }
        let mut config = ClientConfig::new();
        config.set(key, value);
        if let Err(error) = config.create_native_config() {
            // The value may be secret; the error names it only where it is not one of the known values.
            let why = error.to_string();
            let why = if crate::config::is_secret(key) { "librdkafka refuses its value".to_owned() } else { why };
            problems.push(PropertyProblem { key: key.clone(), why });
        }
    }
    problems
}

fn base(settings: &KafkaSettings) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("client.id", "kelp").set("socket.keepalive.enable", "true").set("log.connection.close", "false");
    config.set("bootstrap.servers", &settings.bootstrap_servers);
    config
}

fn set_all(config: &mut ClientConfig, settings: &KafkaSettings, not: &[&str]) {
    for (key, value) in &settings.properties {
        if !not.iter().any(|prefix| key.starts_with(prefix)) {
            config.set(key, value);
        }
    }
}

/// The configuration of the consumer.
pub(super) fn consumer(settings: &KafkaSettings) -> ClientConfig {
    let mut config = base(settings);
    config
        .set("fetch.wait.max.ms", "100")
        .set("fetch.min.bytes", "1")
        .set(
            "fetch.message.max.bytes",
            (settings.queue_kbytes_per_partition / 4).clamp(256, 1024).saturating_mul(1024).to_string(),
        )
        .set("fetch.max.bytes", "67108864")
        .set("queued.min.messages", "20000")
        .set("fetch.queue.backoff.ms", "20")
        .set("check.crcs", "true")
        .set("isolation.level", "read_committed")
        .set("statistics.interval.ms", "1000");
    set_all(&mut config, settings, PRODUCER_ONLY);
    if config.get("group.protocol") != Some("consumer") {
        config.set("partition.assignment.strategy", "cooperative-sticky");
    }
    config
        .set("queued.max.messages.kbytes", settings.queue_kbytes_per_partition.to_string())
        .set("group.id", &settings.group_id)
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("enable.partition.eof", "false")
        .set("auto.offset.reset", "error");
    config
}

/// The configuration of the producer of the dead letters.
pub(super) fn producer(settings: &KafkaSettings) -> ClientConfig {
    let mut config = base(settings);
    config.set("linger.ms", "5").set("compression.type", "lz4").set("queue.buffering.max.kbytes", "16384");
    set_all(&mut config, settings, CONSUMER_ONLY);
    config.set("acks", "all").set("enable.idempotence", "true").set("message.timeout.ms", "0");
    // What a topic takes is the broker's to say; it is checked at the start.
    if config.get("message.max.bytes").is_none() {
        config.set("message.max.bytes", "100000000");
    }
    config
}

/// The configuration of the client that only asks and administers.
pub(super) fn side(settings: &KafkaSettings) -> ClientConfig {
    let mut config = base(settings);
    let mut not = CONSUMER_ONLY.to_vec();
    not.extend(PRODUCER_ONLY);
    not.push("statistics.interval.ms");
    set_all(&mut config, settings, &not);
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protected_and_unknown_properties_are_refused_with_the_reason() {
        let of = |pairs: &[(&str, &str)]| {
            check(&pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
        };
        for (key, _) in PROTECTED {
            let problems = of(&[(key, "1")]);
            assert!(problems.len() == 1 && problems[0].why.starts_with("cannot be set: "), "{key}: {problems:?}");
        }
        assert_eq!(
            of(&[("security.protocol", "sasl_ssl"), ("group.instance.id", "a"), ("group.protocol", "consumer")]),
            []
        );
        assert_eq!(of(&[("no.such.thing", "1"), ("socket.timeout.ms", "x")]).len(), 2);
        let secret = of(&[("enable.sasl.oauthbearer.unsecure.jwt", "hunter2"), ("sasl.password", "p")]);
        assert!(secret.len() == 1, "{secret:?}");
    }

    #[test]
    fn the_promise_cannot_be_configured_away() {
        let settings = KafkaSettings {
            bootstrap_servers: "b:1".into(),
            group_id: "g".into(),
            properties: PROTECTED.iter().map(|(key, _)| ((*key).to_owned(), "evil".to_owned())).collect(),
            queue_kbytes_per_partition: 1024,
        };
        let config = consumer(&settings);
        for (key, value) in [("enable.auto.commit", "false"), ("auto.offset.reset", "error"), ("group.id", "g")] {
            assert_eq!(config.get(key), Some(value));
        }
        assert_eq!(producer(&settings).get("acks"), Some("all"));
    }
}
