//! The properties of librdkafka: our defaults, the user's, and those that the promise depends on, which cannot be set.

use std::collections::BTreeMap;

use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaConfRes;

use crate::config::{is_secret, protected};
use crate::yaml::nearest;

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
    /// What is wrong with it.
    pub what: String,
    /// What to do instead.
    pub hint: String,
}

/// Properties that people set, for a hint to those who misspell one.
const USUAL: &[&str] = &[
    "security.protocol",
    "sasl.mechanism",
    "sasl.mechanisms",
    "sasl.username",
    "sasl.password",
    "sasl.kerberos.service.name",
    "sasl.kerberos.principal",
    "sasl.kerberos.keytab",
    "sasl.oauthbearer.method",
    "sasl.oauthbearer.client.id",
    "sasl.oauthbearer.client.secret",
    "sasl.oauthbearer.token.endpoint.url",
    "ssl.ca.location",
    "ssl.ca.pem",
    "ssl.certificate.location",
    "ssl.certificate.pem",
    "ssl.key.location",
    "ssl.key.pem",
    "ssl.key.password",
    "ssl.keystore.location",
    "ssl.keystore.password",
    "ssl.endpoint.identification.algorithm",
    "enable.ssl.certificate.verification",
    "client.id",
    "client.rack",
    "group.instance.id",
    "group.protocol",
    "session.timeout.ms",
    "heartbeat.interval.ms",
    "max.poll.interval.ms",
    "fetch.min.bytes",
    "fetch.wait.max.ms",
    "fetch.max.bytes",
    "fetch.message.max.bytes",
    "max.partition.fetch.bytes",
    "message.max.bytes",
    "compression.type",
    "linger.ms",
    "broker.address.family",
    "socket.timeout.ms",
    "reconnect.backoff.ms",
    "reconnect.backoff.max.ms",
    "debug",
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
        if let Some(reason) = protected(key) {
            let problem =
                PropertyProblem { key: key.clone(), what: "is not for you to set".into(), hint: reason.into() };
            problems.push(problem);
            continue;
        }
        let mut config = ClientConfig::new();
        config.set(key, value);
        let Err(error) = config.create_native_config() else { continue };
        let (what, hint) = match error {
            KafkaError::ClientConfig(RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN, ..) => {
                let hint = match nearest(key, USUAL.iter().copied()) {
                    Some(near) => format!("did you mean {near:?}?"),
                    None => "see the list of properties in librdkafka's documentation".to_owned(),
                };
                ("librdkafka knows no such property".to_owned(), hint)
            }
            // The value may be secret, and what librdkafka says may name it.
            _ if is_secret(key) => ("librdkafka refuses its value".to_owned(), "check the value".to_owned()),
            KafkaError::ClientConfig(_, why, ..) => {
                (format!("librdkafka refuses its value: {why}"), "see librdkafka's documentation".to_owned())
            }
            other => (format!("librdkafka refuses it: {other}"), "see librdkafka's documentation".to_owned()),
        };
        problems.push(PropertyProblem { key: key.clone(), what, hint });
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
            // What is fetched is as much again, and some times that if it was compressed.
            (settings.queue_kbytes_per_partition / 4).min(1024).saturating_mul(1024).to_string(),
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

/// The configuration of a client that only fetches: of the group it has no more than the name.
pub(super) fn aside(settings: &KafkaSettings) -> ClientConfig {
    let mut config = consumer(settings);
    config.remove("group.instance.id").remove("group.remote.assignor").remove("partition.assignment.strategy");
    config.set("group.protocol", "classic");
    config
}

/// The configuration of the producer of the dead letters.
pub(super) fn producer(settings: &KafkaSettings) -> ClientConfig {
    let mut config = base(settings);
    config.set("linger.ms", "5").set("compression.type", "lz4").set("queue.buffering.max.kbytes", "131072");
    set_all(&mut config, settings, CONSUMER_ONLY);
    config.set("acks", "all").set("enable.idempotence", "true").set("message.timeout.ms", "0");
    // What a topic takes is the broker's to say; it is checked at the start.
    if config.get("message.max.bytes").is_none() {
        config.set("message.max.bytes", "100000000");
    }
    // A letter that is larger than the whole queue would never be taken, however empty that is. (What letters take of memory is
    // counted before they come here.)
    let number = |key: &str| config.get(key).and_then(|text| text.parse::<u64>().ok());
    let largest = number("message.max.bytes").unwrap_or(0).div_ceil(1024);
    if number("queue.buffering.max.kbytes").is_some_and(|room| room < largest) {
        config.set("queue.buffering.max.kbytes", largest.to_string());
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
    use crate::config::PROTECTED;

    #[test]
    fn protected_and_unknown_properties_are_refused_with_the_reason() {
        let of = |pairs: &[(&str, &str)]| {
            check(&pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
        };
        for (key, _) in PROTECTED {
            let problems = of(&[(key, "1")]);
            assert!(problems.len() == 1 && problems[0].what == "is not for you to set", "{key}: {problems:?}");
        }
        assert_eq!(
            of(&[("security.protocol", "sasl_ssl"), ("group.instance.id", "a"), ("group.protocol", "consumer")]),
            []
        );
        assert_eq!(of(&[("no.such.thing", "1"), ("socket.timeout.ms", "x")]).len(), 2);
        let secret = of(&[("enable.sasl.oauthbearer.unsecure.jwt", "hunter2"), ("sasl.password", "p")]);
        assert!(secret.len() == 1, "{secret:?}");
        let misspelt = of(&[("sasl.pasword", "hunter2")]);
        assert_eq!(misspelt[0].hint, r#"did you mean "sasl.password"?"#);
        assert!(!format!("{misspelt:?}{secret:?}").contains("hunter2"));
        for property in USUAL {
            let known = of(&[(property, "1")]);
            assert!(known.iter().all(|problem| problem.what != "librdkafka knows no such property"), "{known:?}");
        }
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

    #[test]
    fn the_largest_letter_has_room_in_the_queue() {
        for (properties, room) in [
            (&[][..], 131_072),
            (&[("queue.buffering.max.kbytes", "64")], 97_657),
            (&[("message.max.bytes", "1000000000")], 976_563),
            (&[("message.max.bytes", "2048"), ("queue.buffering.max.kbytes", "64")], 64),
        ] {
            let settings = KafkaSettings {
                bootstrap_servers: "b:1".into(),
                group_id: "g".into(),
                properties: properties.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
                queue_kbytes_per_partition: 1024,
            };
            let config = producer(&settings);
            assert_eq!(config.get("queue.buffering.max.kbytes"), Some(&*room.to_string()), "{properties:?}");
            config.create_native_config().unwrap();
        }
    }
}
