//! Reading where every document came from: one scroll for each index, several at once.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use reqwest::Method;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::Census;
use super::ledger::Ledger;
use crate::lab::Result;
use crate::lab::elastic::Client;

const PAGE: u64 = 10_000;
const READERS: usize = 3;
const SAMPLES: usize = 10;
/// The tags that events carry whose pipeline or codec failed.
const FAILURE_TAGS: [&str; 3] = ["_parse_failure", "_pipeline_failure", "_codec_failure"];

/// What the indices hold.
#[derive(Debug, Default)]
pub struct Documents {
    /// How many documents each index has.
    pub by_index: BTreeMap<String, u64>,
    /// Documents with a tag that tells of a failure.
    pub failures: u64,
    /// Documents whose id does not end with their partition and offset.
    pub wrong_ids: u64,
    /// A few of these.
    pub wrong_id_samples: Vec<String>,
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(rename = "_scroll_id")]
    scroll_id: String,
    timed_out: bool,
    #[serde(rename = "_shards")]
    shards: Shards,
    #[serde(borrow)]
    hits: Hits<'a>,
}

#[derive(Deserialize)]
struct Shards {
    failed: u64,
}

#[derive(Deserialize)]
struct Hits<'a> {
    total: Total,
    #[serde(borrow)]
    hits: Vec<Hit<'a>>,
}

#[derive(Deserialize)]
struct Total {
    value: u64,
}

/// Borrowed as far as can be: there are millions.
#[derive(Deserialize)]
struct Hit<'a> {
    /// Empty where ids are not asked for.
    #[serde(rename = "_id", borrow, default)]
    id: Cow<'a, str>,
    #[serde(borrow, default)]
    fields: BTreeMap<&'a str, &'a RawValue>,
    #[serde(rename = "_source", default)]
    source: Value,
}

/// Where one document came from, as it says.
struct Origin {
    place: Option<(String, i32, u64)>,
    failed: bool,
    /// Kept only if it will be told of: no place, or an id that does not fit it.
    id: Option<String>,
}

/// What a reader thread has to know.
#[derive(Clone)]
struct Reader {
    elastic: Client,
    /// The fields of topic, partition and offset.
    names: [String; 3],
    origin_field: String,
    check_ids: bool,
    many: bool,
}

/// Reads all documents of all indices that match.
pub fn read(census: &Census, ledger: &mut Ledger) -> Result<Documents> {
    census.elastic.refresh(&census.indices)?;
    let indices = census.elastic.indices(&census.indices)?;
    let mut documents = Documents::default();
    let (sender, pages) = mpsc::sync_channel::<Result<(usize, Vec<Origin>)>>(2 * READERS);
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..READERS {
            let (sender, next, indices) = (sender.clone(), &next, &indices);
            let reader = Reader {
                elastic: census.elastic.clone(),
                names: ["topic", "partition", "offset"].map(|name| format!("{}.{name}", census.origin_field)),
                origin_field: census.origin_field.clone(),
                check_ids: census.check_ids,
                many: census.many,
            };
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(name) = indices.get(index) else { return };
                    let give = |page| sender.send(Ok((index, page))).is_ok();
                    // A receiver that is gone has failed already: nobody wants this error.
                    if let Err(error) = reader.scroll(name, give)
                        && sender.send(Err(error)).is_err()
                    {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for page in pages {
            let (index, origins) = page?;
            *documents.by_index.entry(indices[index].clone()).or_default() += origins.len() as u64;
            for origin in origins {
                note(ledger, &mut documents, &indices[index], origin);
            }
        }
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
    })?;
    Ok(documents)
}

fn note(ledger: &mut Ledger, documents: &mut Documents, index: &str, origin: Origin) {
    documents.failures += u64::from(origin.failed);
    let Some((topic, partition, offset)) = origin.place else {
        ledger.malformed_origins.push(format!("{index}/{}", origin.id.unwrap_or_default()));
        return;
    };
    if let Some(id) = origin.id {
        documents.wrong_ids += 1;
        if documents.wrong_id_samples.len() < SAMPLES {
            documents.wrong_id_samples.push(format!("{index}/{id} of {topic}-{partition}@{offset}"));
        }
    }
    let account = ledger.account(&topic, partition);
    if !account.indexed.insert(offset) {
        account.again += 1;
    }
}

/// True if the id's last numbers are the partition and the offset, or these and a sub-index.
fn id_fits(id: &str, partition: i32, offset: u64, many: bool) -> bool {
    let ends = |id: &str| {
        let mut parts = id.rsplit('-').map(|part| part.parse::<u64>().ok());
        parts.next() == Some(Some(offset)) && parts.next() == Some(u64::try_from(partition).ok())
    };
    ends(id) || many && id.rsplit_once('-').is_some_and(|(rest, _)| ends(rest))
}

impl Reader {
    /// Reads one index, page by page, until it ends or nobody takes the pages.
    fn scroll(&self, index: &str, give: impl Fn(Vec<Origin>) -> bool) -> Result<()> {
        let body = self.ask(index)?;
        let mut text = self.elastic.text(Method::POST, &format!("/{index}/_search?scroll=5m"), Some(&body))?;
        let (mut read, mut total) = (0, None);
        loop {
            let page: Page<'_> = serde_json::from_str(&text)?;
            if page.timed_out || page.shards.failed > 0 {
                return Err(format!("a page of {index} is incomplete").into());
            }
            let total = *total.get_or_insert(page.hits.total.value);
            let scroll_id = page.scroll_id;
            if page.hits.hits.is_empty() {
                self.elastic.call(Method::DELETE, "/_search/scroll", Some(&json!({"scroll_id": scroll_id})))?;
                if read != total {
                    return Err(format!("{index} has {total} documents, but {read} were read").into());
                }
                return Ok(());
            }
            read += page.hits.hits.len() as u64;
            if !give(page.hits.hits.iter().map(|hit| self.origin(hit)).collect()) {
                return Ok(());
            }
            let next = json!({"scroll": "5m", "scroll_id": scroll_id});
            text = self.elastic.text(Method::POST, "/_search/scroll", Some(&next))?;
        }
    }

    /// Asks for column values where the mapping has them, and for the source otherwise: columns are twice as quick.
    fn ask(&self, index: &str) -> Result<Value> {
        let wanted: Vec<_> = self.names.iter().map(String::as_str).chain(["tags"]).collect();
        let known = self.elastic.get(&format!("/{index}/_field_caps?fields={}", wanted.join(",")))?;
        let column = |name: &str, types: &[&str]| types.iter().any(|kind| known["fields"][name].get(kind).is_some());
        let numbers = ["long", "integer", "short"];
        let tags = &known["fields"]["tags"];
        let columns = column(&self.names[0], &["keyword"])
            && column(&self.names[1], &numbers)
            && column(&self.names[2], &numbers)
            && (tags.is_null() || column("tags", &["keyword"]));
        let mut body = json!({"size": PAGE, "sort": ["_doc"], "track_total_hits": true});
        if columns {
            let mut asked = self.names.to_vec();
            asked.extend((!tags.is_null()).then(|| "tags".to_owned()));
            body["docvalue_fields"] = asked.into();
            // An id is stored beside the source: to read it is to unpack both.
            if self.check_ids {
                body["_source"] = false.into();
            } else {
                body["stored_fields"] = "_none_".into();
            }
        } else {
            let all = format!("{}.*", self.origin_field);
            body["_source"] = json!([all, "tags", self.names[0], self.names[1], self.names[2]]);
        }
        Ok(body)
    }

    fn origin(&self, hit: &Hit<'_>) -> Origin {
        let place = if hit.fields.is_empty() { self.place_in_source(&hit.source) } else { self.place_in_columns(hit) };
        let tagged = |tag: &Value| tag.as_str().is_some_and(|tag| FAILURE_TAGS.contains(&tag));
        let failed = match hit.fields.get("tags") {
            Some(tags) => FAILURE_TAGS.iter().any(|tag| tags.get().contains(&format!("\"{tag}\""))),
            None => match &hit.source["tags"] {
                Value::Array(tags) => tags.iter().any(tagged),
                tag => tagged(tag),
            },
        };
        let told = match &place {
            None => true,
            Some((_, partition, offset)) => self.check_ids && !id_fits(&hit.id, *partition, *offset, self.many),
        };
        Origin { place, failed, id: told.then(|| hit.id.clone().into_owned()) }
    }

    /// A column is an array, of one value here: a document that claims several origins has none.
    fn place_in_columns(&self, hit: &Hit<'_>) -> Option<(String, i32, u64)> {
        let column = |name: &String| hit.fields.get(name.as_str()).map(|raw| raw.get());
        let [topic]: [String; 1] = serde_json::from_str(column(&self.names[0])?).ok()?;
        let [partition] = serde_json::from_str(column(&self.names[1])?).ok()?;
        let [offset] = serde_json::from_str(column(&self.names[2])?).ok()?;
        Some((topic, partition, offset))
    }

    fn place_in_source(&self, source: &Value) -> Option<(String, i32, u64)> {
        let field = |index: usize, name: &str| {
            source.get(&self.names[index]).or_else(|| source.get(&self.origin_field)?.get(name))
        };
        let topic = field(0, "topic")?.as_str()?.to_owned();
        let partition = i32::try_from(field(1, "partition")?.as_u64()?).ok()?;
        Some((topic, partition, field(2, "offset")?.as_u64()?))
    }
}

#[cfg(test)]
mod tests {
    use super::id_fits;

    #[test]
    fn an_id_ends_with_partition_and_offset() {
        assert!(id_fits("web-access-a1b2-00003-0000000000000000017", 3, 17, false));
        assert!(!id_fits("web-access-a1b2-00003-0000000000000000018", 3, 17, false));
        assert!(!id_fits("web-access-a1b2-00004-0000000000000000017", 3, 17, false));
        assert!(!id_fits("t-0-00003-0000000000000000017-00002", 3, 17, false));
        assert!(id_fits("t-0-00003-0000000000000000017-00002", 3, 17, true));
        assert!(!id_fits("kQx7", 3, 17, true));
    }
}
