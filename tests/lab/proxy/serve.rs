//! One request: its fault is carried out, or it is passed on.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::http::request::Parts;
use hyper::{Request, Response, StatusCode};
use serde_json::Value;
use tokio::net::TcpStream;

use super::answer::{Shaped, respond};
use super::{Fault, Mode, State, items};

/// Where a request came in.
#[derive(Debug)]
pub struct Visit {
    pub state: Arc<State>,
    /// The number of the door.
    pub door: usize,
    /// The connection, for resets.
    pub twin: TcpStream,
}

impl Visit {
    /// From now on the connection's end is a reset.
    fn reset(&self) -> io::Error {
        match self.twin.set_zero_linger() {
            Ok(()) => io::Error::other("reset"),
            Err(error) => error,
        }
    }
}

type Passed = std::result::Result<(StatusCode, Bytes), Box<dyn std::error::Error + Send + Sync>>;

/// Answers, or fails so that the connection ends.
pub async fn serve(request: Request<Incoming>, visit: &Visit) -> io::Result<Response<Shaped>> {
    let (began, state) = (Instant::now(), &visit.state);
    if state.mode.lock().expect("nothing panics with it").0 == Mode::Page {
        request.into_body().collect().await.map_err(io::Error::other)?;
        return respond(StatusCode::OK, Shaped::whole(Bytes::from_static(b"<html>Please log in</html>")));
    }
    let index = request.uri().path().strip_suffix("/_bulk").map(|path| path.trim_matches('/').to_owned());
    let (fault, detail) = draw(state, index.is_some());
    let count = |fault| state.faults.lock().expect("counting does not panic").add(fault);
    let blind = || state.submissions.blind(visit.door, u64::from(index.is_some()));
    let (parts, mut incoming) = request.into_parts();
    if let Some(fault @ (Fault::ResetBefore | Fault::ResetWithin)) = fault {
        blind();
        count(fault);
        if fault == Fault::ResetWithin {
            // Whatever has come by now; more may be under way.
            incoming.frame().await.transpose().ok();
        }
        return Err(visit.reset());
    }
    let body = match incoming.collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => {
            blind();
            return Err(io::Error::other(error));
        }
    };
    // Its end is noted when this ends, before the client can know the answer.
    let under_way = match &index {
        Some(index) => Some(state.submissions.begin(visit.door, index, began, &body).map_err(io::Error::other)?),
        None => None,
    };
    let answer = spoil(parts, &body, state, fault, detail, index.is_some()).await;
    drop(under_way);
    let spoiled = answer.map_err(io::Error::other)?;
    let (status, bytes) = spoiled.answer;
    let Some(fault) = spoiled.fault else { return respond(status, Shaped::whole(bytes)) };
    count(fault);
    match fault {
        Fault::ResetAfter | Fault::Lost => Err(visit.reset()),
        Fault::Slow => respond(status, Shaped::slow(&bytes, Duration::from_millis(100 + detail % 7000))),
        Fault::Cut if !bytes.is_empty() => respond(status, Shaped::cut(&bytes, detail as usize % bytes.len())),
        _ => respond(status, Shaped::whole(bytes)),
    }
}

/// The detail of a fault that spares no item.
const EVERY_ITEM: u64 = u64::MAX;

/// What happens to the next request.
fn draw(state: &State, bulk: bool) -> (Option<Fault>, u64) {
    let mut mode = state.mode.lock().expect("nothing panics with it");
    mode.1 += u64::from(bulk);
    match &mut mode.0 {
        Mode::Weather(weather) => weather.next(bulk).map_or((None, 0), |(fault, detail)| (Some(fault), detail)),
        Mode::Pass | Mode::Page => (None, 0),
        _ if !bulk => (None, 0),
        Mode::Refuse(status) => (Some(Fault::Status(*status)), 0),
        Mode::Lose => (Some(Fault::Lost), 0),
        Mode::RefuseItems => (Some(Fault::Items(0)), 0),
        Mode::RefuseAllItems => (Some(Fault::Items(429)), EVERY_ITEM),
    }
}

struct Spoiled {
    /// The fault that really happened.
    fault: Option<Fault>,
    answer: (StatusCode, Bytes),
}

/// Carries out what is to be carried out, and makes the bytes of the answer.
async fn spoil(
    parts: Parts,
    body: &Bytes,
    state: &State,
    fault: Option<Fault>,
    detail: u64,
    bulk: bool,
) -> std::result::Result<Spoiled, Box<dyn std::error::Error + Send + Sync>> {
    // A single document that is too large is a fault of the document, and this one is not.
    let fault = fault.filter(|fault| *fault != Fault::Status(413) || memchr::memchr_iter(b'\n', body).count() > 2);
    match fault {
        Some(Fault::Status(status)) => {
            let text = format!(r#"{{"error":{{"type":"refused_by_proxy","reason":"refused"}},"status":{status}}}"#);
            return Ok(Spoiled { fault, answer: (StatusCode::from_u16(status)?, text.into()) });
        }
        Some(Fault::ResetAfter) => return Ok(Spoiled { fault, answer: (StatusCode::OK, Bytes::new()) }),
        _ => {}
    }
    let refused = match fault {
        Some(Fault::Items(status)) => Some((status, detail)),
        _ => None,
    };
    let (status, bytes) = if bulk && (refused.is_some() || state.poison) {
        pass_some(parts, body, state, refused).await?
    } else {
        send(parts, body.clone(), state).await?
    };
    if status != StatusCode::OK {
        // Elasticsearch has something to say itself.
        let fault = fault.filter(|fault| !matches!(fault, Fault::Garbled | Fault::Short | Fault::Items(_)));
        return Ok(Spoiled { fault, answer: (status, bytes) });
    }
    let bytes = match fault {
        Some(Fault::Garbled) => garbled(&bytes, detail),
        Some(Fault::Short) => short(&bytes, detail)?,
        _ => bytes,
    };
    Ok(Spoiled { fault, answer: (status, bytes) })
}

/// Passes on what is not refused.
async fn pass_some(parts: Parts, body: &Bytes, state: &State, refused: Option<(u16, u64)>) -> Passed {
    let (passed, refusals) = {
        let mut seen = state.seen.lock().expect("nothing panics with it");
        let mut place = 0;
        items::part(body, |id| {
            place += 1;
            if state.poison && items::is_poisoned(id) {
                state.faults.lock().expect("counting does not panic").add(Fault::Poison);
                return Some(400);
            }
            let status = match refused {
                // By turns, and every document once.
                Some((0, _)) => {
                    let turn = seen.insert(id.to_owned()) && seen.len().is_multiple_of(3);
                    turn.then(|| if state.refused_items.load(Ordering::Relaxed) % 2 == 1 { 429 } else { 503 })
                }
                Some((status, detail)) => (detail == EVERY_ITEM || place % (2 + detail % 7) == 0).then_some(status),
                None => None,
            };
            state.refused_items.fetch_add(u64::from(status.is_some()), Ordering::Relaxed);
            status
        })?
    };
    let (status, bytes) = if passed.is_empty() {
        (StatusCode::OK, Bytes::from_static(b"{\"took\":1,\"errors\":true,\"items\":[]}"))
    } else {
        send(parts, passed.into(), state).await?
    };
    if status != StatusCode::OK || refusals.iter().all(Option::is_none) {
        return Ok((status, bytes));
    }
    Ok((status, items::merge(&bytes, refusals)?.into()))
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

/// Bytes that no careful reader takes for the answer.
fn garbled(bytes: &Bytes, detail: u64) -> Bytes {
    match detail % 4 {
        0 => Bytes::new(),
        1 => bytes.slice(..bytes.len() / 2),
        2 => Bytes::from_static(b"<html><body><h1>It works!</h1></body></html>"),
        _ => {
            // Every bracket of a list is another one: no JSON any more.
            let bent = bytes.iter().map(|byte| if *byte == b']' { b'}' } else { *byte });
            [bent.collect::<Vec<_>>(), vec![b'}']].concat().into()
        }
    }
}

/// The answer without one of its items.
fn short(bytes: &Bytes, detail: u64) -> std::result::Result<Bytes, serde_json::Error> {
    let mut answer: Value = serde_json::from_slice(bytes)?;
    if let Some(items) = answer["items"].as_array_mut() {
        let which = detail as usize % items.len().max(1);
        items.drain(which..items.len().min(which + 1));
    }
    Ok(answer.to_string().into())
}
