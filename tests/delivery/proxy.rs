//! Stands in front of Elasticsearch and spoils its answers to bulk requests: refuses them, or loses the answer after the
//! request was carried out.

use std::collections::HashSet;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::lab::Result;

/// What is done with a bulk request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It is carried out and answered.
    Pass,
    /// It is answered with this status and not carried out.
    Refuse(u16),
    /// It is carried out, and the connection ends without an answer.
    Lose,
    /// Of the documents that were not seen before, every third is answered with 429 or 503 by turns, and not passed on.
    RefuseItems,
}

#[derive(Debug)]
struct State {
    target: String,
    http: reqwest::Client,
    /// The mode and how many bulk requests it has been applied to.
    mode: Mutex<(Mode, u64)>,
    items: Mutex<Items>,
}

/// A running proxy. Dropping it closes it.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
    // Holds the threads that serve.
    _runtime: Runtime,
}

impl Proxy {
    /// Listens on a free port, in front of `target` (`http://host:port`).
    ///
    /// # Errors
    /// There is no port.
    pub fn start(target: &str, mode: Mode) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        let http = reqwest::Client::builder().no_proxy().build()?;
        let state =
            Arc::new(State { target: target.into(), http, mode: Mutex::new((mode, 0)), items: Mutex::default() });
        runtime.spawn(accept(listener, Arc::clone(&state)));
        Ok(Self { address, state, _runtime: runtime })
    }

    /// `http://host:port`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Changes what is done from now on.
    pub fn set(&self, mode: Mode) {
        *self.state.mode.lock().expect("nothing panics with it") = (mode, 0);
    }

    /// How many bulk requests the mode has been applied to.
    pub fn applied(&self) -> u64 {
        self.state.mode.lock().expect("nothing panics with it").1
    }

    /// How many items were refused alone.
    pub fn refused_items(&self) -> u64 {
        self.state.items.lock().expect("nothing panics with it").refused
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let service = service_fn(|request| serve(request, &state));
            // A connection that is broken off is what this is for.
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
        });
    }
}

async fn serve(request: Request<Incoming>, state: &State) -> io::Result<Response<Full<Bytes>>> {
    let mode = if request.uri().path().ends_with("/_bulk") {
        let mut mode = state.mode.lock().expect("nothing panics with it");
        mode.1 += 1;
        mode.0
    } else {
        Mode::Pass
    };
    if let Mode::Refuse(status) = mode {
        // Read to its end: the refusal is for the client to see, not a connection that breaks while it sends.
        request.into_body().collect().await.map_err(io::Error::other)?;
        let body = format!(r#"{{"error":{{"type":"refused_by_test","reason":"refused"}},"status":{status}}}"#);
        return answer(StatusCode::from_u16(status).map_err(io::Error::other)?, body.into());
    }
    if mode == Mode::RefuseItems {
        let (status, body) = refuse_items(request, state).await.map_err(io::Error::other)?;
        return answer(status, body);
    }
    let (status, body) = forward(request, state).await.map_err(io::Error::other)?;
    if mode == Mode::Lose {
        return Err(io::Error::other("lost"));
    }
    answer(status, body)
}

type Passed = std::result::Result<(StatusCode, Bytes), Box<dyn std::error::Error + Send + Sync>>;

/// Passes on what is not refused, and puts the refused items into the answer at their places.
async fn refuse_items(request: Request<Incoming>, state: &State) -> Passed {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let (passed, refusals) = state.items.lock().expect("nothing panics with it").part(&body)?;
    let (status, bytes) = if passed.is_empty() {
        (StatusCode::OK, Bytes::from_static(b"{\"took\":1,\"errors\":true,\"items\":[]}"))
    } else {
        send(parts, passed.into(), state).await?
    };
    if status != StatusCode::OK {
        return Ok((status, bytes));
    }
    let mut answer: Value = serde_json::from_slice(&bytes)?;
    let mut given = answer["items"].take().as_array().cloned().unwrap_or_default().into_iter();
    let items = refusals.into_iter().map(|refusal| refusal.or_else(|| given.next()));
    answer["items"] = items.collect::<Option<Vec<_>>>().ok_or("too few items")?.into();
    answer["errors"] = true.into();
    Ok((status, answer.to_string().into()))
}

/// What became of single items.
#[derive(Debug, Default)]
struct Items {
    seen: HashSet<String>,
    refused: u64,
}

impl Items {
    /// The body without the items that are refused; and for each item its refusal, if there is one.
    fn part(&mut self, body: &[u8]) -> Result<(Vec<u8>, Vec<Option<Value>>)> {
        let (mut passed, mut refusals) = (Vec::new(), Vec::new());
        let mut lines = body.split_inclusive(|byte| *byte == b'\n');
        while let (Some(action), Some(document)) = (lines.next(), lines.next()) {
            let parsed: Value = serde_json::from_slice(action)?;
            let id = parsed["create"]["_id"].as_str().ok_or("an action that is no create with an id")?;
            if self.seen.insert(id.to_owned()) && self.seen.len().is_multiple_of(3) {
                self.refused += 1;
                let status = if self.refused.is_multiple_of(2) { 429 } else { 503 };
                let error = json!({"type": "refused_by_test", "reason": "refused"});
                refusals.push(Some(json!({"create": {"status": status, "error": error}})));
            } else {
                refusals.push(None);
                passed.extend_from_slice(action);
                passed.extend_from_slice(document);
            }
        }
        Ok((passed, refusals))
    }
}

async fn forward(request: Request<Incoming>, state: &State) -> Passed {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    send(parts, body, state).await
}

async fn send(parts: Parts, body: Bytes, state: &State) -> Passed {
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut passed = state.http.request(parts.method, format!("{}{path}", state.target));
    if let Some(kind) = parts.headers.get(CONTENT_TYPE) {
        passed = passed.header(CONTENT_TYPE, kind);
    }
    let answer = passed.body(body).send().await?;
    Ok((answer.status(), answer.bytes().await?))
}

fn answer(status: StatusCode, body: Bytes) -> io::Result<Response<Full<Bytes>>> {
    let answer = Response::builder().status(status).header(CONTENT_TYPE, "application/json");
    answer.header("x-elastic-product", "Elasticsearch").body(Full::new(body)).map_err(io::Error::other)
}
