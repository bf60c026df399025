//! The section `kafka`.

use std::time::Duration;

use super::fault::{Wrong, wrong};
use super::from_file::secret_in_file;
use super::layers::Node;
use super::paths::Folders;
use super::protected::protected;
use super::read::{Read, Section, number, one_of, raw_text, text, texts};
use super::secret::{Properties, redact_url};
use super::units::{duration, show_duration};
use crate::reader::MaxUncommitted;

/// The consumer's side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kafka {
    /// The brokers to start from, `host:port`, parted by commas.
    pub bootstrap_servers: String,
    /// The consumer group.
    pub group_id: String,
    /// Further properties for librdkafka; none that the promise depends on is among them.
    pub properties: Properties,
    /// Where a partition without a commit is begun.
    pub start: Start,
    /// What to do if retention has overtaken the commit.
    pub out_of_range: OutOfRange,
    /// How long a revoke may wait for what is in flight.
    pub drain_timeout: Duration,
    /// How often offsets are committed.
    pub commit_interval: Duration,
    /// How far a partition is read ahead of its last settled record.
    pub max_uncommitted: MaxUncommitted,
}

/// Where a partition without a commit is begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// At its first record.
    Beginning,
    /// After its last record.
    End,
}

/// What to do if the committed offset is no longer there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutOfRange {
    /// Stop this partition, visibly: records were lost before they were read.
    Stop,
    /// Go on at what is there now, and count the gap.
    Beginning,
}

/// librdkafka's own default of `max.poll.interval.ms`.
const POLL_INTERVAL: Duration = Duration::from_secs(300);

/// The place is that of `drain_timeout`; sound means that it is.
pub(super) fn read(section: Section<'_>, folders: &Folders) -> Read<Kafka> {
    let bootstrap_servers = section.read("bootstrap_servers", "localhost:9092".to_owned(), servers);
    let group_id = section.read("group_id", "kelp".to_owned(), |node| text(node).map(str::to_owned));
    let starts = [("beginning", Start::Beginning), ("end", Start::End)];
    let start = section.read("start", Start::Beginning, |node| one_of(node, &starts));
    let policies = [("stop", OutOfRange::Stop), ("beginning", OutOfRange::Beginning)];
    let out_of_range = section.read("out_of_range", OutOfRange::Stop, |node| one_of(node, &policies));
    let drain_timeout = section.read("drain_timeout", Duration::from_secs(3), duration);
    let commit_interval = section.read("commit_interval", Duration::from_secs(1), duration);
    let max_uncommitted = max_uncommitted(section.section("max_uncommitted"));
    let mut properties = properties(section.section("properties"));
    properties_in_files(section.section("properties_files"), folders, &mut properties);

    let poll_interval = properties
        .get("max.poll.interval.ms")
        .and_then(|millis| millis.parse().ok())
        .map_or(POLL_INTERVAL, Duration::from_millis);
    if drain_timeout.sound && drain_timeout.value > poll_interval / 2 {
        let longest = show_duration(poll_interval / 2);
        let what = format!("{} is too long", show_duration(drain_timeout.value));
        let hint = format!("at most {longest}, half of max.poll.interval.ms: the whole group waits for it");
        section.complain(drain_timeout.place.clone(), "drain_timeout", wrong(what, hint));
    }
    if commit_interval.sound && commit_interval.value < Duration::from_millis(10) {
        let hint = "at least 10ms: each commit is a request to the broker";
        let what = format!("{} is too short", show_duration(commit_interval.value));
        section.complain(commit_interval.place.clone(), "commit_interval", wrong(what, hint));
    }
    section.finish();
    let kafka = Kafka {
        bootstrap_servers: bootstrap_servers.value,
        group_id: group_id.value,
        properties,
        start: start.value,
        out_of_range: out_of_range.value,
        drain_timeout: drain_timeout.value,
        commit_interval: commit_interval.value,
        max_uncommitted,
    };
    Read { value: kafka, place: drain_timeout.place, sound: drain_timeout.sound }
}

fn max_uncommitted(section: Section<'_>) -> MaxUncommitted {
    let records = section.read("records", 1_000_000, |node| number(node, 1000..=1_000_000_000));
    let age = section.read("age", Duration::from_secs(15 * 60), duration);
    if age.sound && age.value < Duration::from_secs(10) {
        let hint = "at least 10s: a partition that is not read waits for Elasticsearch, which may be slow for a moment";
        section.complain(age.place.clone(), "age", wrong(format!("{} is too short", show_duration(age.value)), hint));
    }
    section.finish();
    MaxUncommitted { records: records.value as u64, age: age.value }
}

fn properties(section: Section<'_>) -> Properties {
    let mut properties = Properties::default();
    for (name, key, node) in section.entries() {
        if let Some(reason) = protected(name) {
            section.complain(key.clone(), name, wrong("is not for you to set", reason));
            continue;
        }
        match raw_text(node) {
            Ok(value) => properties.insert(name, value, &node.place),
            Err(wrong) => section.complain(node.place.clone(), name, wrong),
        }
    }
    properties
}

/// Properties whose values stand in files, because they are secret.
fn properties_in_files(section: Section<'_>, folders: &Folders, properties: &mut Properties) {
    for (name, key, node) in section.entries() {
        if let Some(reason) = protected(name) {
            section.complain(key.clone(), name, wrong("is not for you to set", reason));
        } else if properties.get(name).is_some() {
            let what = format!("kafka.properties has {name:?} too");
            section.complain(key.clone(), name, wrong(what, "keep one of the two"));
        } else {
            match secret_in_file(node, folders) {
                Ok(secret) => properties.insert_secret(name, &secret, &node.place),
                Err(wrong) => section.complain(node.place.clone(), name, wrong),
            }
        }
    }
}

/// `host:port` and so on, parted by commas or as a list.
fn servers(node: &Node) -> Result<String, Wrong> {
    let hint = "host:port, several parted by commas, like kafka-1:9092,kafka-2:9092";
    let mut servers = Vec::new();
    for (item, place) in texts(node)? {
        for server in item.split(',').map(str::trim) {
            let address = server.rsplit_once("://").map_or(server, |(_, address)| address);
            let scheme = server.strip_suffix(address).unwrap_or_default();
            if !matches!(scheme, "" | "PLAINTEXT://" | "SSL://" | "SASL_PLAINTEXT://" | "SASL_SSL://") {
                return Err(wrong(format!("{:?} is not the address of a broker", redact_url(server)), hint).at(place));
            }
            let (host, port) = match address.rsplit_once(':') {
                Some((host, port)) if !host.contains(':') || host.starts_with('[') => (host, port),
                _ => (address, "9092"),
            };
            let usable = !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || "/@".contains(c));
            if !usable || !port.parse::<u16>().is_ok_and(|port| port > 0) {
                return Err(wrong(format!("{:?} is not the address of a broker", redact_url(server)), hint).at(place));
            }
            servers.push(server);
        }
    }
    Ok(servers.join(","))
}

/// A name that Kafka accepts for a topic.
pub(super) fn topic(node: &Node) -> Result<String, Wrong> {
    let text = text(node)?;
    let legal = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if !legal || text.len() > 249 || text == "." || text == ".." {
        let hint = "up to 249 letters, digits, dots, underscores and hyphens";
        return Err(wrong(format!("{text:?} is not a name for a topic"), hint));
    }
    Ok(text.to_owned())
}
