//! The edge to Elasticsearch: the only place that names the `elasticsearch` crate.
//!
//! It sends what it is given and reports what came back; what follows from that is decided by the cores. One single-node
//! transport is kept for each endpoint, and a pool of our own chooses among them: the crate's own pools do not notice a node
//! that is down. Which product or version answers is not asked: what is used of the interface is the same in all of them.

mod access;
mod fault;
mod gzip;
mod nodes;
mod pool;
mod template;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use elasticsearch::http::Method;
use serde_json::{Value, json};

use crate::bulk::{ErrorCause, FILTER_PATH, parse_answer};
use crate::config::{Compression, Elasticsearch};
use crate::dispatch::{Found, NameIs, Outcome};
use crate::metrics::Metrics;
use fault::Failure;
use nodes::{Nodes, Request};

pub use template::Templates;

/// Connections to every endpoint.
pub struct Elastic {
    nodes: Arc<Nodes>,
    compression: Compression,
    timeout: Duration,
}

impl Elastic {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// The HTTP client cannot be built, because of a certificate mostly; in words for a person.
    pub fn new(settings: &Elasticsearch, metrics: Arc<Metrics>) -> Result<Self, String> {
        if !settings.tls.verify {
            tracing::error!(
                "elasticsearch.tls.verify is false: whoever answers at the endpoints is believed, and can read and change everything that is sent, passwords too; set elasticsearch.tls.ca_file instead"
            );
        }
        let (compression, timeout) = (settings.compression, settings.request_timeout);
        Ok(Self { nodes: Nodes::new(settings, metrics)?, compression, timeout })
    }

    /// Sends one bulk body.
    pub async fn bulk(&self, index: &str, body: Bytes) -> Outcome {
        let body = match self.compression {
            Compression::None => (body, false),
            Compression::Gzip => {
                // Not on the threads of the requests, which have answers to wait for; no more at once than there are
                // requests.
                match tokio::task::spawn_blocking(move || gzip::gzip(&body)).await {
                    Ok(Ok(compressed)) => (compressed, true),
                    Ok(Err(error)) => return Outcome::NotSent(format!("the body cannot be compressed: {error}")),
                    Err(error) => return Outcome::NotSent(format!("the body was not compressed: {error}")),
                }
            }
        };
        let request = Request {
            method: Method::Post,
            path: bulk_path(index, self.timeout),
            content_type: "application/x-ndjson",
            body: Some(body),
        };
        match self.nodes.send(request).await {
            Err(Failure { not_sent: true, why, .. }) => Outcome::NotSent(why),
            Err(Failure { not_sent: false, why, .. }) => Outcome::Unknown(why),
            Ok((200, body)) => match parse_answer(&body) {
                Ok(answer) => Outcome::Answer(answer),
                Err(error) => {
                    let begin = shortened(&String::from_utf8_lossy(&body));
                    Outcome::Unknown(format!("an answer that cannot be read ({error}): {begin:?}"))
                }
            },
            Ok((status, body)) => Outcome::Status(status, cause(&body)),
        }
    }

    /// Fetches the origin fields of documents by id, in the order of the ids.
    ///
    /// # Errors
    /// In words for a person.
    pub async fn look_up(&self, index: &str, ids: &[(String, Arc<str>)]) -> Result<Vec<Found>, String> {
        let docs: Vec<Value> = ids.iter().map(|(id, field)| json!({"_id": id, "_source": [&**field]})).collect();
        let path = format!("/{}/_mget", encoded(index));
        let answer = self.json(Method::Post, &path, Some(json!({ "docs": docs }))).await?;
        let (200, answer) = answer else { return Err(refused(&path, answer.0, &answer.1)) };
        let docs = answer.get("docs").and_then(Value::as_array).ok_or("an answer to _mget without docs")?;
        if docs.len() != ids.len() {
            return Err(format!("an answer to _mget with {} documents to {} ids", docs.len(), ids.len()));
        }
        Ok(docs.iter().zip(ids).map(|(doc, (id, field))| found(doc, id, field)).collect())
    }

    /// Reads the file of the password or the API key again, if there is one.
    pub fn renew(&self) {
        self.nodes.renew();
    }

    /// Finds out what a name stands for.
    ///
    /// # Errors
    /// In words for a person.
    pub async fn check(&self, index: &str) -> Result<NameIs, String> {
        let path = format!("/_resolve/index/{}", encoded(index));
        let (status, answer) = self.json(Method::Get, &path, None).await?;
        let has = |kind: &str| {
            let names = answer.get(kind).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            names.iter().find(|each| each.get("name").and_then(Value::as_str) == Some(index)).cloned()
        };
        match status {
            200 | 404 if !answer.is_object() => Err(foreign(&path, &answer)),
            200 if has("aliases").is_some() => Ok(NameIs::Other(format!("{index} is an alias"))),
            200 if has("data_streams").is_some() => Ok(NameIs::Other(format!("{index} is a data stream"))),
            200 if has("indices").is_some() => Ok(NameIs::Index),
            200 | 404 => Ok(NameIs::Free),
            // A matter of this name alone: the others go on.
            400 | 403 => Ok(NameIs::Other(format!("it cannot be told what {index} is: status {status}: {answer}"))),
            _ => Err(refused(&path, status, &answer)),
        }
    }

    /// Has the index templates there: those that are missing are put, none is overwritten.
    ///
    /// # Errors
    /// In words for a person.
    pub async fn prepare(&self, templates: &Templates) -> Result<(), String> {
        for (name, body, overwrite) in templates.iter() {
            let path = format!("/_index_template/{}", encoded(name));
            if !overwrite {
                match self.json(Method::Get, &path, None).await? {
                    (200, answer) if answer["index_templates"].is_array() => continue,
                    (404, answer) if answer.is_object() => {}
                    (200 | 404, answer) => return Err(foreign(&path, &answer)),
                    (status, answer) => return Err(refused(&path, status, &answer)),
                }
            }
            match self.json(Method::Put, &path, Some(body.clone())).await? {
                (200, answer) if answer["acknowledged"] == true => {}
                (200, answer) if answer.is_object() => {
                    return Err(format!("the index template {name} is not acknowledged: {answer}"));
                }
                (200, answer) => return Err(foreign(&path, &answer)),
                (status, answer) => {
                    let why = refused(&path, status, &answer);
                    return Err(format!("the index template {name} is refused: {why}"));
                }
            }
            tracing::info!(template = name, "index template installed");
        }
        if templates.is_empty() {
            match self.json(Method::Get, "/", None).await? {
                (200, answer) if answer["version"].is_object() => {}
                (200, answer) => return Err(foreign("/", &answer)),
                (status, answer) => return Err(refused("/", status, &answer)),
            }
        }
        Ok(())
    }

    async fn json(&self, method: Method, path: &str, body: Option<Value>) -> Result<(u16, Value), String> {
        let body = body.map(|body| (Bytes::from(body.to_string()), false));
        let request = Request { method, path: path.to_owned(), content_type: "application/json", body };
        let (status, body) = self.nodes.send(request).await.map_err(|failure| failure.why)?;
        Ok((status, serde_json::from_slice(&body).unwrap_or_else(|_| String::from_utf8_lossy(&body).into())))
    }
}

/// What one part of an answer to _mget says; one shard that is away is told in its documents alone.
fn found(doc: &Value, id: &str, field: &str) -> Found {
    match (doc.get("found").and_then(Value::as_bool), doc.get("error")) {
        (Some(true), _) => Found::Origin(doc["_source"].get(field).cloned().unwrap_or(Value::Null)),
        (Some(false), _) => Found::Nothing,
        // Without the index there is no document; to send it again tells what is the matter with the index.
        (None, Some(error)) if is_no_index(error) => Found::Nothing,
        (None, error) => Found::Unknown(format!("looking up {id}: {}", error.unwrap_or(&Value::Null))),
    }
}

/// True if an index is not there, or is closed.
fn is_no_index(error: &Value) -> bool {
    let kind = error.get("type").and_then(Value::as_str).unwrap_or_default();
    ["index_not_found_exception", "index_closed_exception"].contains(&kind)
}

/// An answer that may come from anything that speaks HTTP, such as a login page.
fn foreign(path: &str, answer: &Value) -> String {
    let answer = answer.as_str().map_or_else(|| answer.to_string(), str::to_owned);
    let answer = shortened(&answer);
    format!(
        "{path} is not answered as Elasticsearch does: look whether elasticsearch.endpoints names another server, or a proxy answers in its stead: {answer:?}"
    )
}

/// The beginning of a text.
fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(200).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// A status that is not what was hoped for.
fn refused(path: &str, status: u16, answer: &Value) -> String {
    let advice = match status {
        401 => "give a user in elasticsearch.endpoints, or elasticsearch.api_key; or the one given is wrong: ",
        403 => "the user, or the API key, is not allowed this: ",
        _ => "",
    };
    format!("{advice}{path} answered with status {status}: {answer}")
}

fn cause(body: &[u8]) -> Option<ErrorCause> {
    let body: Value = serde_json::from_slice(body).ok()?;
    body.get("error").map(ErrorCause::from_json)
}

/// Where a bulk body is posted to. Elasticsearch waits for a shard that is away for half the time that is waited for the answer here,
/// at least 1 s: so it is the documents of that index that are refused (503), and the outcome is known.
fn bulk_path(index: &str, request_timeout: Duration) -> String {
    let waits = (request_timeout / 2).max(Duration::from_secs(1)).as_millis();
    format!("/{}/_bulk?timeout={waits}ms&filter_path={FILTER_PATH}", encoded(index))
}

/// An index name as a segment of a path.
fn encoded(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elasticsearch_gives_up_a_shard_before_it_is_given_up_itself() {
        for (seconds, timeout) in [(60, "timeout=30000ms"), (5, "timeout=2500ms"), (1, "timeout=1000ms")] {
            let path = bulk_path("a b", Duration::from_secs(seconds));
            assert_eq!(path, format!("/a%20b/_bulk?{timeout}&filter_path={FILTER_PATH}"));
        }
    }

    #[test]
    fn a_look_up_tells_of_each_document_on_its_own() {
        let told = |doc: Value| found(&doc, "a-1", "kelp");
        assert_eq!(
            told(json!({"found": true, "_source": {"kelp": {"offset": 1}}})),
            Found::Origin(json!({"offset": 1}))
        );
        assert_eq!(told(json!({"found": true, "_source": {}})), Found::Origin(Value::Null));
        assert_eq!(told(json!({"found": false})), Found::Nothing);
        assert_eq!(told(json!({"error": {"type": "index_not_found_exception"}})), Found::Nothing);
        let away = json!({"error": {"type": "no_shard_available_action_exception", "reason": "of [web][0]"}});
        let Found::Unknown(why) = told(away) else { panic!() };
        assert!(why.contains("a-1") && why.contains("of [web][0]"), "{why}");
        assert!(matches!(told(json!({})), Found::Unknown(_)));
    }

    #[test]
    fn a_name_is_one_segment_of_a_path() {
        assert_eq!(encoded("web-access-2026.11.20"), "web-access-2026.11.20");
        assert_eq!(encoded("a/b é%?"), "a%2Fb%20%C3%A9%25%3F");
    }
}
