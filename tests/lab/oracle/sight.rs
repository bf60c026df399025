//! What is there: every document of every index and every dead letter, each by the record that it came from.

use std::collections::BTreeMap;

use rdkafka::message::{Headers, Message as _};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Oracle, Shared, lock};
use crate::lab::census::{self, Offsets};
use crate::lab::elastic::Client;
use crate::lab::{Result, proxy};

const PAGE: u64 = 10_000;
const SAMPLES: usize = 10;

/// What was found of one partition of one making of a topic.
#[derive(Debug, Default)]
pub struct Found {
    /// Offsets with a document, by the incarnation that stands in its id.
    pub indexed: BTreeMap<String, Offsets>,
    /// Offsets with a dead letter.
    pub dead: Offsets,
    /// Documents beyond the first of a record, under the same incarnation.
    pub again: u64,
}

impl Found {
    /// True if there is a document of the record.
    pub fn is_indexed(&self, offset: u64) -> bool {
        self.indexed.values().any(|offsets| offsets.contains(offset))
    }
}

/// Everything found.
#[derive(Debug, Default)]
pub struct Sight {
    /// By topic, making and partition.
    pub found: BTreeMap<(String, usize, i32), Found>,
    /// How many documents there are.
    pub documents: u64,
    /// How many dead letters there are, repeats included.
    pub letters: u64,
    /// Documents and letters of records that a killed broker had kept without saying so, and that compaction has removed since.
    pub compacted: u64,
    /// Documents and letters that came from no record that was produced, or should not be there.
    pub unexpected: u64,
    /// A few of these.
    pub samples: Vec<String>,
}

#[derive(Deserialize)]
struct Page {
    #[serde(rename = "_scroll_id")]
    scroll_id: String,
    timed_out: bool,
    #[serde(rename = "_shards")]
    shards: Shards,
    hits: Hits,
}

#[derive(Deserialize)]
struct Shards {
    failed: u64,
}

#[derive(Deserialize)]
struct Hits {
    total: Total,
    hits: Vec<Hit>,
}

#[derive(Deserialize)]
struct Total {
    value: u64,
}

#[derive(Deserialize)]
struct Hit {
    #[serde(rename = "_id")]
    id: String,
    fields: Fields,
}

#[derive(Deserialize)]
struct Fields {
    #[serde(rename = "kafka.topic")]
    topic: Vec<String>,
    #[serde(rename = "kafka.partition")]
    partition: Vec<i32>,
    #[serde(rename = "kafka.offset")]
    offset: Vec<u64>,
    #[serde(rename = "kafka.timestamp")]
    timestamp: Vec<String>,
}

impl Sight {
    /// Looks at all indices of a pattern and at the dead letters. Nobody may be producing.
    ///
    /// # Errors
    /// Something could not be read to its end.
    pub fn take(oracle: &Shared, elastic: &Client, indices: &str, letters: (&str, &str)) -> Result<Self> {
        let mut sight = Self::default();
        elastic.refresh(indices)?;
        for index in elastic.indices(indices)? {
            sight.read(oracle, elastic, &index)?;
        }
        let (bootstrap, topic) = letters;
        census::each(bootstrap, topic, |message| {
            let header = |name: &str| -> Result<&str> {
                let found = message.headers().and_then(|headers| headers.iter().find(|header| header.key == name));
                let value = found.and_then(|header| header.value).ok_or_else(|| format!("a letter without {name}"))?;
                Ok(std::str::from_utf8(value)?)
            };
            let place = (header("kelp.topic")?, header("kelp.partition")?.parse()?, header("kelp.offset")?.parse()?);
            let timestamp = header("kelp.timestamp")?.parse::<jiff::Timestamp>()?.as_millisecond();
            sight.letters += 1;
            let id = header("kelp.id")?;
            let (topic, partition, offset) = place;
            let oracle = lock(oracle);
            match sight.find(&oracle, place, timestamp) {
                Some(found) if proxy::is_poisoned(id) => {
                    found.dead.insert(offset);
                }
                None if oracle.was_sent_again(topic, partition, offset, timestamp) => sight.compacted += 1,
                _ => sight.strange(format!("a dead letter of {id}: {}", header("kelp.reason")?)),
            }
            Ok(())
        })?;
        Ok(sight)
    }

    fn strange(&mut self, what: String) {
        self.unexpected += 1;
        if self.samples.len() < SAMPLES {
            self.samples.push(what);
        }
    }

    fn find(&mut self, oracle: &Oracle, place: (&str, i32, u64), timestamp: i64) -> Option<&mut Found> {
        let (topic, partition, offset) = place;
        let making = oracle.making_of(topic, partition, offset, timestamp)?;
        Some(self.found.entry((topic.to_owned(), making, partition)).or_default())
    }

    fn read(&mut self, oracle: &Shared, elastic: &Client, index: &str) -> Result<()> {
        let body = json!({
            "size": PAGE, "sort": ["_doc"], "track_total_hits": true, "_source": false,
            "docvalue_fields": ["kafka.topic", "kafka.partition", "kafka.offset",
                {"field": "kafka.timestamp", "format": "epoch_millis"}],
        });
        let mut text = elastic.text(Method::POST, &format!("/{index}/_search?scroll=5m"), Some(&body))?;
        let mut read = 0;
        loop {
            let page: Page = serde_json::from_str(&text)
                .map_err(|error| format!("{index} has a document without an origin: {error}"))?;
            if page.timed_out || page.shards.failed > 0 {
                return Err(format!("a page of {index} is incomplete").into());
            }
            if page.hits.hits.is_empty() {
                let scroll: Value = json!({"scroll_id": page.scroll_id});
                elastic.call(Method::DELETE, "/_search/scroll", Some(&scroll))?;
                self.documents += read;
                if read != page.hits.total.value {
                    return Err(format!("{index} has {} documents, but {read} were read", page.hits.total.value).into());
                }
                return Ok(());
            }
            read += page.hits.hits.len() as u64;
            let oracle = lock(oracle);
            for hit in page.hits.hits {
                self.note(&oracle, index, &hit)?;
            }
            drop(oracle);
            let next = json!({"scroll": "5m", "scroll_id": page.scroll_id});
            text = elastic.text(Method::POST, "/_search/scroll", Some(&next))?;
        }
    }

    fn note(&mut self, oracle: &Oracle, index: &str, hit: &Hit) -> Result<()> {
        let (Fields { topic, partition, offset, timestamp }, id) = (&hit.fields, &hit.id);
        let ([topic], [partition], [offset], [timestamp]) =
            (topic.as_slice(), partition.as_slice(), offset.as_slice(), timestamp.as_slice())
        else {
            return Err(format!("{index}/{id} has several origins").into());
        };
        let timestamp = timestamp.parse()?;
        let incarnation = proxy::place(id)
            .filter(|(_, of, at)| (of, at) == (partition, offset))
            .and_then(|(name, ..)| name.strip_prefix(topic)?.strip_prefix('-'));
        let found = self.find(oracle, (topic, *partition, *offset), timestamp);
        match (found, incarnation) {
            (Some(found), Some(incarnation)) => {
                if !found.indexed.entry(incarnation.to_owned()).or_default().insert(*offset) {
                    found.again += 1;
                }
            }
            (None, Some(_)) if oracle.was_sent_again(topic, *partition, *offset, timestamp) => self.compacted += 1,
            _ => self.strange(format!("{index}/{id} says {topic}-{partition}@{offset} of {timestamp}")),
        }
        Ok(())
    }
}
