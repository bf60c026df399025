//! Reading where every document came from: one scroll for each index, several at once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::Census;
use super::ledger::Ledger;
use crate::lab::Result;

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
    #[serde(default)]
    fields: BTreeMap<String, Vec<Value>>,
    #[serde(rename = "_source", default)]
    source: Value,
}

/// Where one document came from, as it says.
struct Origin {
    id: String,
    place: Option<(String, i32, u64)>,
    failed: bool,
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
            let (elastic, origin_field) = (census.elastic.clone(), census.origin_field.clone());
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(name) = indices.get(index) else { return };
                    let give = |page| sender.send(Ok((index, page))).is_ok();
                    // A receiver that is gone has failed already: nobody wants this error.
                    if let Err(error) = scroll(&elastic, name, &origin_field, give)
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
                note(census, ledger, &mut documents, &indices[index], origin);
            }
        }
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
    })?;
    Ok(documents)
}

fn note(census: &Census, ledger: &mut Ledger, documents: &mut Documents, index: &str, origin: Origin) {
    documents.failures += u64::from(origin.failed);
    let Some((topic, partition, offset)) = origin.place else {
        ledger.malformed_origins.push(format!("{index}/{}", origin.id));
        return;
    };
    if census.check_ids && !id_fits(&origin.id, partition, offset, census.many) {
        documents.wrong_ids += 1;
        if documents.wrong_id_samples.len() < SAMPLES {
            documents.wrong_id_samples.push(format!("{index}/{} of {topic}-{partition}@{offset}", origin.id));
        }
    }
    let account = ledger.partitions.entry((topic, partition)).or_default();
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

fn scroll(
    elastic: &crate::lab::elastic::Client,
    index: &str,
    origin_field: &str,
    give: impl Fn(Vec<Origin>) -> bool,
) -> Result<()> {
    let body = json!({"size": PAGE, "sort": ["_doc"], "track_total_hits": true});
    let body = fields(elastic, index, origin_field, body)?;
    let mut page: Page = serde_json::from_value(elastic.post(&format!("/{index}/_search?scroll=5m"), &body)?)?;
    let total = page.hits.total.value;
    let mut read = 0;
    loop {
        if page.timed_out || page.shards.failed > 0 {
            return Err(format!("a page of {index} is incomplete").into());
        }
        if page.hits.hits.is_empty() {
            break;
        }
        read += page.hits.hits.len() as u64;
        if !give(page.hits.hits.into_iter().map(|hit| origin(hit, origin_field)).collect()) {
            return Ok(());
        }
        let next = json!({"scroll": "5m", "scroll_id": page.scroll_id});
        page = serde_json::from_value(elastic.post("/_search/scroll", &next)?)?;
    }
    elastic.call(reqwest::Method::DELETE, "/_search/scroll", Some(&json!({"scroll_id": page.scroll_id})))?;
    if read != total {
        return Err(format!("{index} has {total} documents, but {read} were read").into());
    }
    Ok(())
}

/// Asks for column values where the mapping has them, and for the source otherwise: columns are twice as quick.
fn fields(elastic: &crate::lab::elastic::Client, index: &str, origin: &str, mut body: Value) -> Result<Value> {
    let names = ["topic", "partition", "offset"].map(|name| format!("{origin}.{name}"));
    let wanted: Vec<_> = names.iter().map(String::as_str).chain(["tags"]).collect();
    let known = elastic.get(&format!("/{index}/_field_caps?fields={}", wanted.join(",")))?;
    let column = |name: &str, types: &[&str]| types.iter().any(|kind| known["fields"][name].get(kind).is_some());
    let numbers = ["long", "integer", "short"];
    let tags = &known["fields"]["tags"];
    let columns = column(&names[0], &["keyword"])
        && column(&names[1], &numbers)
        && column(&names[2], &numbers)
        && (tags.is_null() || column("tags", &["keyword"]));
    if columns {
        let mut asked: Vec<_> = names.to_vec();
        asked.extend((!tags.is_null()).then(|| "tags".to_owned()));
        body["_source"] = false.into();
        body["docvalue_fields"] = asked.into();
    } else {
        body["_source"] = json!([format!("{origin}.*"), "tags", names[0], names[1], names[2]]);
    }
    Ok(body)
}

fn origin(hit: Hit, origin_field: &str) -> Origin {
    let field = |name: &str| {
        let path = format!("{origin_field}.{name}");
        let column = hit.fields.get(&path).filter(|values| values.len() == 1).map(|values| &values[0]);
        column.or_else(|| hit.source.get(&path)).or_else(|| hit.source.get(origin_field)?.get(name))
    };
    let place = (|| {
        let topic = field("topic")?.as_str()?.to_owned();
        Some((topic, i32::try_from(field("partition")?.as_u64()?).ok()?, field("offset")?.as_u64()?))
    })();
    let tagged = |tag: &Value| tag.as_str().is_some_and(|tag| FAILURE_TAGS.contains(&tag));
    let failed = match hit.fields.get("tags") {
        Some(tags) => tags.iter().any(tagged),
        None => match &hit.source["tags"] {
            Value::Array(tags) => tags.iter().any(tagged),
            tag => tagged(tag),
        },
    };
    Origin { id: hit.id, place, failed }
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
