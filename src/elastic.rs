//! The edge to Elasticsearch: the only place that names the `elasticsearch` crate.
//!
//! It sends what it is given and reports what came back; what follows from that is decided by the cores. One single-node
//! transport is kept per endpoint, and the one with the least requests under way is taken: the crate's own pools do not
//! notice a node that is down.

mod template;

use std::error::Error as _;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use elasticsearch::auth::Credentials;
use elasticsearch::http::Method;
use elasticsearch::http::headers::{CONTENT_TYPE, HeaderMap, HeaderValue};
use elasticsearch::http::request::Body;
use elasticsearch::http::response::Response;
use elasticsearch::http::transport::{SingleNodeConnectionPool, Transport, TransportBuilder};
use serde_json::{Value, json};
use url::Url;

use crate::bulk::{ErrorCause, FILTER_PATH, parse_answer};
use crate::dispatch::{Found, NameIs, Outcome};

pub use template::Templates;

/// Connections to every endpoint.
pub struct Elastic {
    nodes: Vec<Node>,
    timeout: Duration,
}

struct Node {
    transport: Transport,
    /// Without user and password.
    shown: String,
    under_way: AtomicUsize,
    /// Failures in a row: a node that fails is asked last.
    failures: AtomicU32,
}

/// A request that came to nothing.
struct Failure {
    /// True if no byte can have arrived.
    refused: bool,
    why: String,
}

impl Elastic {
    /// Connects to nothing yet. `timeout` is for a whole request.
    ///
    /// # Errors
    /// The HTTP client cannot be built, in words for a person.
    pub fn new(endpoints: &[Url], timeout: Duration) -> Result<Self, String> {
        let nodes = endpoints.iter().map(Node::new).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { nodes, timeout })
    }

    /// Sends one bulk body.
    pub async fn bulk(&self, index: &str, body: Bytes) -> Outcome {
        let path = format!("/{}/_bulk?filter_path={FILTER_PATH}", encoded(index));
        let response = match self.send(Method::Post, &path, "application/x-ndjson", Some(body)).await {
            Ok((status, body)) => (status, body),
            Err(Failure { refused: true, why }) => return Outcome::NotSent(why),
            Err(Failure { refused: false, why }) => return Outcome::Unknown(why),
        };
        match response {
            (200, body) => match parse_answer(&body) {
                Ok(answer) => Outcome::Answer(answer),
                Err(error) => Outcome::Unknown(format!("an answer that cannot be read: {error}")),
            },
            (status, body) => Outcome::Status(status, cause(&body)),
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
        let (200, answer) = answer else { return Err(format!("{path} answered {}: {}", answer.0, answer.1)) };
        let docs = answer.get("docs").and_then(Value::as_array).ok_or("an answer to _mget without docs")?;
        if docs.len() != ids.len() {
            return Err(format!("an answer to _mget with {} documents to {} ids", docs.len(), ids.len()));
        }
        docs.iter()
            .zip(ids)
            .map(|(doc, (id, field))| match (doc.get("found").and_then(Value::as_bool), doc.get("error")) {
                (Some(true), _) => Ok(Some(doc["_source"].get(&**field).cloned().unwrap_or(Value::Null))),
                (Some(false), _) => Ok(None),
                (None, error) => Err(format!("looking up {id}: {}", error.unwrap_or(&Value::Null))),
            })
            .collect()
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
            200 if has("aliases").is_some() => Ok(NameIs::Other(format!("{index} is an alias"))),
            200 if has("data_streams").is_some() => Ok(NameIs::Other(format!("{index} is a data stream"))),
            200 if has("indices").is_some() => Ok(NameIs::Index),
            200 | 404 => Ok(NameIs::Free),
            // A matter of this name alone: the others go on.
            400 | 403 => Ok(NameIs::Other(format!("it cannot be told what {index} is: status {status}: {answer}"))),
            _ => Err(format!("{path} answered {status}: {answer}")),
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
                    (200, _) => continue,
                    (404, _) => {}
                    (status, answer) => return Err(format!("{path} answered {status}: {answer}")),
                }
            }
            let (status, answer) = self.json(Method::Put, &path, Some(body.clone())).await?;
            if status != 200 {
                return Err(format!("the index template {name} is refused with status {status}: {answer}"));
            }
            tracing::info!(template = name, "index template installed");
        }
        if templates.is_empty() {
            let (status, answer) = self.json(Method::Get, "/", None).await?;
            if status != 200 {
                return Err(format!("/ answered {status}: {answer}"));
            }
        }
        Ok(())
    }

    async fn json(&self, method: Method, path: &str, body: Option<Value>) -> Result<(u16, Value), String> {
        let body = body.map(|body| Bytes::from(body.to_string()));
        let (status, body) = self.send(method, path, "application/json", body).await.map_err(|failure| failure.why)?;
        Ok((status, serde_json::from_slice(&body).unwrap_or_else(|_| String::from_utf8_lossy(&body).into())))
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        content_type: &'static str,
        body: Option<Bytes>,
    ) -> Result<(u16, Bytes), Failure> {
        let node = self.choose();
        node.under_way.fetch_add(1, Ordering::Relaxed);
        let result = node.send(method, path, content_type, body, self.timeout).await;
        node.under_way.fetch_sub(1, Ordering::Relaxed);
        match &result {
            Ok(_) => node.failures.store(0, Ordering::Relaxed),
            Err(_) => {
                node.failures.fetch_add(1, Ordering::Relaxed);
            }
        }
        result.map_err(|failure| Failure { why: format!("{}: {}", node.shown, failure.why), ..failure })
    }

    /// The node with the fewest failures in a row, among these the one with the fewest requests under way.
    fn choose(&self) -> &Node {
        let rank = |node: &&Node| (node.failures.load(Ordering::Relaxed), node.under_way.load(Ordering::Relaxed));
        self.nodes.iter().min_by_key(rank).expect("the configuration has at least one endpoint")
    }
}

impl Node {
    fn new(endpoint: &Url) -> Result<Self, String> {
        let mut url = endpoint.clone();
        let user = percent_decoded(endpoint.username());
        let password = percent_decoded(endpoint.password().unwrap_or_default());
        // A URL that cannot have a user has none to take away.
        if url.set_username("").is_err() || url.set_password(None).is_err() {
            return Err(format!("{endpoint} is not a URL that can be connected to"));
        }
        let shown = url.origin().ascii_serialization();
        let mut builder = TransportBuilder::new(SingleNodeConnectionPool::new(url)).disable_proxy();
        if !user.is_empty() {
            builder = builder.auth(Credentials::Basic(user, password));
        }
        let transport = builder.build().map_err(|error| format!("{shown}: {error}"))?;
        Ok(Self { transport, shown, under_way: AtomicUsize::new(0), failures: AtomicU32::new(0) })
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        content_type: &'static str,
        body: Option<impl Body>,
        timeout: Duration,
    ) -> Result<(u16, Bytes), Failure> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        let answer = self.transport.send(method, path, headers, None::<&()>, body, Some(timeout)).await;
        let answer = answer.map_err(|error| Failure { refused: is_refused(&error), why: explain(&error) })?;
        let status = answer.status_code().as_u16();
        let body = Response::bytes(answer).await;
        // The request went out: an answer that breaks off says nothing about what was done.
        let body = body.map_err(|error| Failure { refused: false, why: explain(&error) })?;
        Ok((status, body))
    }
}

fn is_refused(error: &elasticsearch::Error) -> bool {
    let mut source = error.source();
    while let Some(inner) = source {
        if inner.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
            return true;
        }
        source = inner.source();
    }
    false
}

/// The error with its causes, none twice.
fn explain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let more = inner.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        source = inner.source();
    }
    text
}

fn cause(body: &[u8]) -> Option<ErrorCause> {
    let body: Value = serde_json::from_slice(body).ok()?;
    body.get("error").map(ErrorCause::from_json)
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

fn percent_decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = tail
            .get(..2)
            .and_then(|two| std::str::from_utf8(two).ok())
            .and_then(|two| u8::from_str_radix(two, 16).ok());
        match code.filter(|_| *first == b'%') {
            Some(code) => {
                out.push(code);
                rest = &tail[2..];
            }
            None => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_segment_of_a_path() {
        assert_eq!(encoded("web-access-2026.11.20"), "web-access-2026.11.20");
        assert_eq!(encoded("a/b é%?"), "a%2Fb%20%C3%A9%25%3F");
    }

    #[test]
    fn a_password_is_taken_from_the_url_and_never_shown() {
        assert_eq!(percent_decoded("p%40ss%3aw%zz%4"), "p@ss:w%zz%4");
        let node = Node::new(&Url::parse("http://elastic:p%40ss@localhost:9200").unwrap()).unwrap();
        assert_eq!(node.shown, "http://localhost:9200");
    }
}
