//! An Elasticsearch that accepts everything and keeps nothing: what remains of a measurement is Kelp's own work.
//!
//! It answers each item of each bulk with 201. It counts actions as half the lines, so it knows of no `delete`.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::Result;

/// What came in.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Stats {
    /// Actions of all bulks.
    pub documents: u64,
    /// Bytes of their bodies.
    pub bytes: u64,
    /// Bulk requests.
    pub requests: u64,
    /// When the first one had come in whole.
    pub first: Option<Instant>,
    /// When the last one had.
    pub last: Option<Instant>,
    /// Actions of the first one.
    pub first_documents: u64,
}

/// A bulk that was kept.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Where it was sent to, with its query.
    pub path: String,
    /// Its body.
    pub file: PathBuf,
}

#[derive(Debug, Default)]
struct State {
    stats: Mutex<Stats>,
    /// Where bodies are kept, if they are.
    folder: Option<PathBuf>,
    recorded: Mutex<Vec<Recorded>>,
    templates: Mutex<BTreeMap<String, Value>>,
}

/// The running sink. Dropping it closes it.
#[derive(Debug)]
pub struct Sink {
    address: SocketAddr,
    state: Arc<State>,
    // Holds the threads that serve.
    _runtime: Runtime,
}

impl Sink {
    /// Listens on `listen` (`127.0.0.1:0` for a free port), with two threads.
    ///
    /// # Errors
    /// The port is taken.
    pub fn start(listen: &str) -> Result<Self> {
        Self::with(listen, State::default())
    }

    /// The same, and keeps every bulk in `folder`.
    ///
    /// # Errors
    /// As for [`Sink::start`].
    pub fn recording(listen: &str, folder: &Path) -> Result<Self> {
        Self::with(listen, State { folder: Some(folder.into()), ..State::default() })
    }

    fn with(listen: &str, state: State) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind(listen))?;
        let address = listener.local_addr()?;
        let state = Arc::new(state);
        runtime.spawn(accept(listener, Arc::clone(&state)));
        Ok(Self { address, state, _runtime: runtime })
    }

    /// `http://host:port`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What came in so far.
    pub fn stats(&self) -> Stats {
        *self.state.stats.lock().expect("counting does not panic")
    }

    /// What was kept, in the order of its coming.
    pub fn recorded(&self) -> Vec<Recorded> {
        self.state.recorded.lock().expect("keeping does not panic").clone()
    }

    /// Starts counting anew.
    pub fn reset(&self) {
        *self.state.stats.lock().expect("counting does not panic") = Stats::default();
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, mostly: it passes.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let service = service_fn(|request| serve(request, &state));
            // A client that breaks its connection off is the client's business.
            stream.set_nodelay(true).ok();
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
        });
    }
}

async fn serve(request: Request<Incoming>, state: &State) -> std::result::Result<Response<Full<Bytes>>, Infallible> {
    let (status, body) = match answer(request, state).await {
        Ok(answer) => answer,
        Err(error) => (StatusCode::BAD_REQUEST, json!({"error": error.to_string()}).to_string().into_bytes()),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("application/json"));
    headers.insert("x-elastic-product", hyper::header::HeaderValue::from_static("Elasticsearch"));
    Ok(response)
}

async fn answer(request: Request<Incoming>, state: &State) -> Result<(StatusCode, Vec<u8>)> {
    let path = request.uri().path().trim_end_matches('/').to_owned();
    let method = request.method().clone();
    let encoded = request.headers().contains_key(CONTENT_ENCODING);
    let ok = |value: Value| Ok((StatusCode::OK, value.to_string().into_bytes()));
    if path.ends_with("/_bulk") {
        return if encoded {
            Err("the sink does not unpack: send plain bodies".into())
        } else {
            bulk(request, state).await
        };
    }
    let body = request.into_body().collect().await?.to_bytes();
    match path.as_str() {
        "" => ok(json!({
            "name": "sink", "cluster_name": "sink", "cluster_uuid": "sink",
            "version": {"number": "7.17.28", "build_flavor": "default", "lucene_version": "8.11.3",
                "minimum_wire_compatibility_version": "6.8.0", "minimum_index_compatibility_version": "6.0.0-beta1"},
            "tagline": "You Know, for Search",
        })),
        "/_cluster/health" => ok(json!({"cluster_name": "sink", "status": "green", "timed_out": false})),
        "/_sink/stats" => {
            let stats = *state.stats.lock().expect("counting does not panic");
            let seconds = stats.first.zip(stats.last).map_or(0.0, |(first, last)| (last - first).as_secs_f64());
            ok(
                json!({"documents": stats.documents, "bytes": stats.bytes, "requests": stats.requests, "seconds": seconds}),
            )
        }
        _ => match path.strip_prefix("/_index_template/") {
            Some(name) if method == Method::PUT => {
                let template = serde_json::from_slice(&body)?;
                state.templates.lock().expect("a map does not panic").insert(name.into(), template);
                ok(json!({"acknowledged": true}))
            }
            Some(name) => match state.templates.lock().expect("a map does not panic").get(name) {
                Some(template) => ok(json!({"index_templates": [{"name": name, "index_template": template}]})),
                None => not_found(name),
            },
            None if method == Method::PUT => ok(json!({"acknowledged": true})),
            None => not_found(path.rsplit('/').next().unwrap_or_default()),
        },
    }
}

/// No index exists, no alias, no data stream; any may be made.
fn not_found(name: &str) -> Result<(StatusCode, Vec<u8>)> {
    let cause =
        json!({"type": "index_not_found_exception", "reason": format!("no such index [{name}]"), "index": name});
    let body =
        json!({"error": {"root_cause": [cause], "type": cause["type"], "reason": cause["reason"]}, "status": 404});
    Ok((StatusCode::NOT_FOUND, body.to_string().into_bytes()))
}

async fn bulk(request: Request<Incoming>, state: &State) -> Result<(StatusCode, Vec<u8>)> {
    let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let mut body = request.into_body();
    let (mut lines, mut bytes) = (0, 0);
    let mut kept = state.folder.is_some().then(Vec::new);
    // Counted as it comes in: unless it is to be kept, no body is ever held whole.
    while let Some(frame) = body.frame().await {
        if let Some(data) = frame?.data_ref() {
            lines += memchr::memchr_iter(b'\n', data).count();
            bytes += data.len() as u64;
            if let Some(kept) = &mut kept {
                kept.extend_from_slice(data);
            }
        }
    }
    if let (Some(folder), Some(kept)) = (&state.folder, kept) {
        let mut recorded = state.recorded.lock().expect("keeping does not panic");
        let file = folder.join(recorded.len().to_string());
        std::fs::write(&file, kept)?;
        recorded.push(Recorded { path, file });
    }
    let actions = lines / 2;
    {
        let mut stats = state.stats.lock().expect("counting does not panic");
        let now = Instant::now();
        if stats.first.is_none() {
            stats.first = Some(now);
            stats.first_documents = actions as u64;
        }
        stats.last = Some(now);
        stats.documents += actions as u64;
        stats.bytes += bytes;
        stats.requests += 1;
    }
    let item: &[u8] = br#"{"create":{"status":201,"result":"created"}},"#;
    let mut answer = br#"{"took":1,"errors":false,"items":["#.to_vec();
    answer.reserve_exact(actions * item.len() + 2);
    for _ in 0..actions {
        answer.extend_from_slice(item);
    }
    if actions > 0 {
        answer.pop();
    }
    answer.extend_from_slice(b"]}");
    Ok((StatusCode::OK, answer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::elastic::Client;

    #[test]
    fn every_action_is_counted_and_answered() {
        let sink = Sink::start("127.0.0.1:0").unwrap();
        let client = Client::new(&sink.url()).unwrap();
        assert_eq!(client.get("/").unwrap()["version"]["number"], "7.17.28");
        let answer = client.bulk("{\"create\":{}}\n{\"a\":1}\n".repeat(3)).unwrap();
        assert_eq!(answer["items"].as_array().unwrap().len(), 3);
        assert_eq!(client.bulk(String::new()).unwrap()["items"], json!([]));
        let stats = sink.stats();
        assert_eq!((stats.documents, stats.requests, stats.bytes), (3, 2, 66));
        assert!(client.get("/some-index").unwrap_err().to_string().contains("index_not_found_exception"));
        let template = json!({"index_patterns": ["a-*"]});
        client.put("/_index_template/kelp", &template).unwrap();
        let got = client.get("/_index_template/kelp").unwrap();
        assert_eq!(got["index_templates"][0]["index_template"], template);
    }
}
