//! The properties of librdkafka that are not for the user to set.
//!
//! The one list of them: the configuration refuses them with their place, and the edge to Kafka refuses them again.

const COMMITS: &str = "offsets are committed only when every record below them is settled";
const GROUP: &str = "offsets belong to the consumer group, so that another process can take over";
const REPLICAS: &str = "a dead letter counts only when every replica in sync has it";
const WAITS: &str = "a dead letter that cannot be delivered is waited for, never dropped";

/// The properties that the promise depends on or that have keys of their own, each with the reason.
pub const PROTECTED: &[(&str, &str)] = &[
    ("bootstrap.servers", "set kafka.bootstrap_servers instead"),
    ("metadata.broker.list", "set kafka.bootstrap_servers instead"),
    ("group.id", "set kafka.group_id instead"),
    ("enable.auto.commit", COMMITS),
    ("auto.commit.enable", COMMITS),
    ("auto.commit.interval.ms", "set kafka.commit_interval instead"),
    ("enable.auto.offset.store", COMMITS),
    ("offset.store.method", GROUP),
    ("offset.store.path", GROUP),
    ("offset.store.sync.interval.ms", GROUP),
    ("auto.offset.reset", "a reset would pass over records unseen; set kafka.start and kafka.out_of_range instead"),
    ("isolation.level", "records of transactions that were aborted must not be indexed"),
    ("enable.partition.eof", "it moves the position past a record that was not read"),
    ("partition.assignment.strategy", "partitions are handed over one at a time, which cooperative-sticky does"),
    ("queued.max.messages.kbytes", "it follows from memory_limit"),
    ("acks", REPLICAS),
    ("request.required.acks", REPLICAS),
    ("enable.idempotence", "dead letters are written by an idempotent producer"),
    ("transactional.id", "dead letters are written without transactions"),
    ("message.timeout.ms", WAITS),
    ("delivery.timeout.ms", WAITS),
    ("retries", WAITS),
    ("message.send.max.retries", WAITS),
    ("test.mock.num.brokers", "it replaces the real brokers by pretended ones"),
    ("plugin.library.paths", "plugins can change what is delivered"),
];

/// Why a property of this name is not for the user to set, if it is not.
pub fn protected(name: &str) -> Option<&'static str> {
    PROTECTED.iter().find(|(protected, _)| *protected == name).map(|(_, reason)| *reason)
}
