//! Elasticsearch's REST interface as tests use it: JSON in, JSON out, anything but success is an error with its text.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use crate::lab::Result;

/// A client of one node. Cheap to clone. Blocking: not for async code.
#[derive(Debug, Clone)]
pub struct Client {
    url: String,
    http: reqwest::blocking::Client,
}

impl Client {
    /// Points to `url` (`http://host:port`).
    ///
    /// # Errors
    /// The HTTP client cannot be made.
    pub fn new(url: &str) -> Result<Self> {
        let http = reqwest::blocking::Client::builder().timeout(Duration::from_secs(120)).no_proxy().build()?;
        Ok(Self { url: url.trim_end_matches('/').into(), http })
    }

    /// `http://host:port`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Sends a request; `path` begins with a slash. A body that is a string goes as it is (newline-delimited JSON).
    ///
    /// # Errors
    /// No answer, or an answer other than 2xx (its status and text are in the message).
    pub fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let text = self.text(method, path, body)?;
        Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Like [`Client::call`], but leaves the answer as it is: large ones are read by those who know their shape.
    ///
    /// # Errors
    /// As for [`Client::call`].
    pub fn text(&self, method: Method, path: &str, body: Option<&Value>) -> Result<String> {
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.url));
        match body {
            Some(Value::String(lines)) => {
                request = request.header("content-type", "application/x-ndjson").body(lines.clone());
            }
            Some(json) => request = request.json(json),
            None => {}
        }
        let answer = request.send()?;
        let status = answer.status();
        let text = answer.text()?;
        if !status.is_success() {
            return Err(format!("{method} {path}: {status}: {text}").into());
        }
        Ok(text)
    }

    /// GET.
    ///
    /// # Errors
    /// As for [`Client::call`].
    pub fn get(&self, path: &str) -> Result<Value> {
        self.call(Method::GET, path, None)
    }

    /// PUT.
    ///
    /// # Errors
    /// As for [`Client::call`].
    pub fn put(&self, path: &str, body: &Value) -> Result<Value> {
        self.call(Method::PUT, path, Some(body))
    }

    /// POST.
    ///
    /// # Errors
    /// As for [`Client::call`].
    pub fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.call(Method::POST, path, Some(body))
    }

    /// DELETE.
    ///
    /// # Errors
    /// As for [`Client::call`].
    pub fn delete(&self, path: &str) -> Result<Value> {
        self.call(Method::DELETE, path, None)
    }

    /// Sends newline-delimited actions and documents.
    ///
    /// # Errors
    /// The request or any of its items fails.
    pub fn bulk(&self, lines: String) -> Result<Value> {
        let answer = self.post("/_bulk", &Value::String(lines))?;
        if answer["errors"] != Value::Bool(false) {
            return Err(format!("a bulk had failures: {answer}").into());
        }
        Ok(answer)
    }

    /// Makes everything written so far visible to searches.
    ///
    /// # Errors
    /// As for [`Client::call`].
    pub fn refresh(&self, indices: &str) -> Result<()> {
        self.call(Method::POST, &format!("/{indices}/_refresh?ignore_unavailable=true"), None).map(drop)
    }

    /// The concrete indices that match a pattern, in order.
    ///
    /// # Errors
    /// As for [`Client::call`].
    pub fn indices(&self, pattern: &str) -> Result<Vec<String>> {
        let listed = self.get(&format!("/_cat/indices/{pattern}?format=json&h=index&s=index&expand_wildcards=all"))?;
        let rows = listed.as_array().ok_or("the list of indices is not an array")?;
        Ok(rows.iter().filter_map(|row| row["index"].as_str()).map(str::to_owned).collect())
    }

    /// How many documents the indices of a pattern have; 0 if there is none. Refreshes first.
    ///
    /// # Errors
    /// As for [`Client::call`].
    pub fn count(&self, pattern: &str) -> Result<u64> {
        self.refresh(pattern)?;
        let answer = self.get(&format!("/{pattern}/_count?ignore_unavailable=true"))?;
        answer["count"].as_u64().ok_or_else(|| format!("not a count: {answer}").into())
    }

    /// One document's source.
    ///
    /// # Errors
    /// As for [`Client::call`]; there is none.
    pub fn document(&self, index: &str, id: &str) -> Result<Value> {
        self.get(&format!("/{index}/_doc/{id}")).map(|mut answer| answer["_source"].take())
    }

    /// Up to 10,000 sources of the documents that match a query in URI form (`*` for all).
    ///
    /// # Errors
    /// As for [`Client::call`].
    pub fn search(&self, pattern: &str, query: &str) -> Result<Vec<Value>> {
        self.refresh(pattern)?;
        let body = serde_json::json!({"size": 10_000, "query": {"query_string": {"query": query}}});
        let mut answer = self.post(&format!("/{pattern}/_search?ignore_unavailable=true"), &body)?;
        let hits = answer["hits"]["hits"].as_array_mut().ok_or("a search without hits")?;
        Ok(hits.iter_mut().map(|hit| hit["_source"].take()).collect())
    }
}
