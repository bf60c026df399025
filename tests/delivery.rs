//! Delivery: records come through, once, whatever happens on the way. The real binary, the real servers; each test has its
//! own topic, group, indices and dead letters, and ends with the census.

mod chaos;
mod codecs;
mod contract;
mod endpoints;
mod faults;
mod group;
mod grown;
mod guarded;
mod held;
mod killed;
mod letters;
mod main_job;
mod opensearch;
mod outage;
mod own_faults;
mod refused;
mod reload;
mod remade;
mod retention;
mod secrets;
mod signals;
mod statics;
mod templates;
mod topics;
mod traced;
mod transactions;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rdkafka::message::{Headers, Message as _};
use serde_json::Value;

use crate::lab::census::{self, Report};
use crate::lab::elastic::Client;
use crate::lab::generate::{Generated, Generator, Kind};
use crate::lab::kelp::{Config, Metrics};
use crate::lab::produce::produce_log;
use crate::lab::{Census, Kelp, Message, Servers, produce};

/// Far more than any run here takes; what waits this long has failed.
const LONG: Duration = Duration::from_secs(120);

/// What one test has to itself: a topic, a group, indices and dead letters of one name, and a folder.
pub(crate) struct Scene {
    pub(crate) name: String,
    bootstrap: String,
    pub(crate) elastic: Client,
    partitions: i32,
    folder: tempfile::TempDir,
}

impl Scene {
    /// Makes the topic.
    pub(crate) fn new(servers: &Servers, name: &str, partitions: i32) -> Self {
        Self::of(servers.kafka.bootstrap(), servers, name, partitions)
    }

    /// Makes the topic at another broker.
    fn of(bootstrap: &str, servers: &Servers, name: &str, partitions: i32) -> Self {
        crate::lab::kafka::create_topic(bootstrap, name, partitions, &[]).unwrap();
        Self {
            name: name.into(),
            bootstrap: bootstrap.into(),
            elastic: (*servers.elastic).clone(),
            partitions,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Writes a generated log, and gives it.
    fn write_log(&self, seed: u64, records: u64) -> Vec<Generated> {
        let log = Generator::new(seed, records, self.partitions);
        produce_log(&self.bootstrap, &self.name, log.clone(), |_| Ok(())).unwrap();
        log.collect()
    }

    /// Writes records of 4000 bytes, one in fifty a tombstone, and gives them.
    fn write_heavy(&self, records: u64) -> Vec<Message> {
        let text = "x".repeat(4000);
        let message = |n: u64| Message {
            partition: (n % self.partitions as u64) as i32,
            payload: (n % 50 != 7).then(|| format!("number {n} {text}").into()),
            ..Message::default()
        };
        let all: Vec<_> = (0..records).map(message).collect();
        // A few at a time: the producer keeps them all.
        for some in all.chunks(2000) {
            self.write(some);
        }
        all
    }

    /// For these: the least memory that can be configured, and a pipeline that does nothing.
    fn heavy_config(&self) -> Config {
        let pipeline =
            self.pipeline("source: {topics: [NAME]}\nprocessors: []\ndestination: {index: \"NAME-%{+yyyy.MM}\"}\n");
        let mut config = self.config(&pipeline);
        config.more.push("memory_limit: 64MiB".into());
        config.elastic.push("bulk: {max_bytes: 256KiB}".into());
        config
    }

    pub(crate) fn write(&self, messages: &[Message]) -> Vec<i64> {
        produce(&self.bootstrap, &self.name, messages).unwrap()
    }

    /// The shipped pipeline of access logs, for this topic and these indices.
    fn web_access(&self) -> PathBuf {
        let shipped = crate::lab::home::project().join("pipelines/web-access.yaml");
        let text = std::fs::read_to_string(shipped).unwrap();
        let (here, there) = (format!("topics: [{}]", self.name), format!("index: \"{}-%", self.name));
        let changed = text.replace("topics: [web-access]", &here).replace("index: \"web-access-%", &there);
        assert!(changed.contains(&here) && changed.contains(&there), "the shipped pipeline is not as expected");
        // Its tests name the indices that it was shipped with.
        self.pipeline(&changed.replace("index: web-access-", &format!("index: {}-", self.name)))
    }

    /// Writes a pipeline; `NAME` in it stands for the name of topic and indices.
    pub(crate) fn pipeline(&self, text: &str) -> PathBuf {
        let file = self.folder.path().join("pipeline.yaml");
        std::fs::write(&file, text.replace("NAME", &self.name)).unwrap();
        file
    }

    fn letters_topic(&self) -> String {
        format!("{}.dead-letters", self.name)
    }

    pub(crate) fn config(&self, pipeline: &Path) -> Config {
        let mut config = Config::new(&self.bootstrap, &self.name, self.elastic.url(), &[pipeline]);
        config.more.push(format!("dead_letters: {{topic: {}}}", self.letters_topic()));
        // A killed member is missed soon.
        config.kafka.push("commit_interval: 200ms".into());
        config.kafka.push("properties: {session.timeout.ms: 3000, heartbeat.interval.ms: 500}".into());
        config
    }

    pub(crate) fn start(&self, config: &Config, arguments: &[&str]) -> Kelp {
        Kelp::start(&binary(), self.folder.path(), config, arguments).unwrap()
    }

    /// Runs until everything is done, and demands that it was.
    fn catch_up(&self, config: &Config) -> Kelp {
        let mut kelp = self.start(config, &["--until-caught-up"]);
        kelp.expect_exit(0, LONG).unwrap();
        assert!(
            last_line(&kelp).contains("everything that was to be done is settled and committed"),
            "{}",
            last_line(&kelp)
        );
        kelp
    }

    fn census(&self) -> Census {
        let mut census = Census::new(&self.bootstrap, &self.elastic, &self.name, &format!("{}-*", self.name));
        census.dead_letters = Some(self.letters_topic());
        census.check_ids = true;
        census
    }

    /// Takes the usual census, and demands that all is there, once.
    fn expect_good(&self) -> Report {
        let report = self.census().take().unwrap();
        assert!(report.is_good(), "{report}");
        report
    }

    /// The offsets committed, 0 where there is none yet.
    fn committed(&self, servers: &Servers) -> Vec<i64> {
        let committed = servers.kafka.committed(&self.name, &self.name, self.partitions).unwrap();
        committed.into_iter().map(Option::unwrap_or_default).collect()
    }

    fn expect_all_committed(&self, servers: &Servers) {
        assert_eq!(self.committed(servers), servers.kafka.ends(&self.name, self.partitions).unwrap());
    }

    /// Every document by partition, offset and id.
    fn documents(&self) -> BTreeMap<(i64, i64, String), Value> {
        let indices = format!("{}-*", self.name);
        self.elastic.refresh(&indices).unwrap();
        let body = serde_json::json!({"size": 10_000});
        let answer = self.elastic.post(&format!("/{indices}/_search?ignore_unavailable=true"), &body).unwrap();
        let hits = answer["hits"]["hits"].as_array().unwrap();
        let key = |hit: &Value| {
            let origin = &hit["_source"]["kafka"];
            let id = hit["_id"].as_str().unwrap().to_owned();
            (origin["partition"].as_i64().unwrap(), origin["offset"].as_i64().unwrap(), id)
        };
        hits.iter().map(|hit| (key(hit), hit["_source"].clone())).collect()
    }

    /// Every dead letter: its headers and its value.
    fn letters(&self) -> Vec<Letter> {
        let mut letters = Vec::new();
        census::each(&self.bootstrap, &self.letters_topic(), |message| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
            letters.push(Letter {
                headers: headers.map(|one| (one.key.to_owned(), one.value.map(text).unwrap_or_default())).collect(),
                key: message.key().map(<[u8]>::to_vec),
                payload: message.payload().map(<[u8]>::to_vec),
            });
            Ok(())
        })
        .unwrap();
        letters
    }
}

/// One dead letter.
#[derive(Debug, PartialEq)]
struct Letter {
    headers: BTreeMap<String, String>,
    key: Option<Vec<u8>>,
    payload: Option<Vec<u8>>,
}

/// The binary under test: the one built with these tests, unless `LAB_KELP` names another, such as a release build.
fn binary() -> PathBuf {
    std::env::var_os("LAB_KELP").map_or_else(|| env!("CARGO_BIN_EXE_kelp").into(), PathBuf::from)
}

fn last_line(kelp: &Kelp) -> String {
    kelp.output().unwrap().lines().last().unwrap_or_default().to_owned()
}

/// The sum of a family, 0 while nothing was counted.
fn count(metrics: &Metrics, family: &str) -> u64 {
    metrics.sum(family).unwrap_or_default() as u64
}

/// The sum of a family where a label has a value.
fn count_where(metrics: &Metrics, family: &str, label: &str, value: &str) -> u64 {
    metrics.sum_where(family, &[(label, value)]).unwrap_or_default() as u64
}

/// How many of a log are of a kind.
fn of_kind(log: &[Generated], kind: Kind) -> u64 {
    log.iter().filter(|one| one.kind == kind).count() as u64
}

/// Small requests, one at a time: so that a run has a middle.
fn slow(config: &mut Config) {
    config.elastic.extend(["concurrency: 1".into(), "bulk: {max_documents: 50, linger: 20ms}".into()]);
    config.more.push("memory_limit: 64MiB".into());
}

/// A member is missed late: where nobody is killed, a busy machine must not cost it its partitions.
fn patient(config: &mut Config) {
    missed_after(config, 20);
}

/// So many seconds is a member missed after.
fn missed_after(config: &mut Config, seconds: u32) {
    for line in &mut config.kafka {
        *line = line.replace("session.timeout.ms: 3000", &format!("session.timeout.ms: {seconds}000"));
    }
}
