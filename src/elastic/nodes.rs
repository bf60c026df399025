//! The endpoints, each with a connection of its own: sends to the one that the pool chooses, probes those that are left out.
//!
//! A request that never left this process goes to the next endpoint at once. One that may have arrived does not: what follows
//! from that is for the cores to decide. One that is refused because of who asks goes again, once, if the file that says who
//! asks holds something else by now.

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use elasticsearch::http::Method;
use elasticsearch::http::headers::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use elasticsearch::http::response::Response;
use elasticsearch::http::transport::Transport;
use url::Url;

use super::access::{Certificates, authorization, renewed};
use super::fault::Failure;
use super::pool::{Change, Pool, Verdict};
use crate::clock::Moment;
use crate::config::{Elasticsearch, SecretFile, Tls};
use crate::metrics::Metrics;

/// Files of certificates are not read again before this.
const READ_AGAIN: Duration = Duration::from_secs(5);
/// The file of the password or the API key is not read again before this.
const RENEW: Duration = Duration::from_secs(1);

/// What is sent.
#[derive(Clone)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) content_type: &'static str,
    /// The body, and whether it is compressed.
    pub(super) body: Option<(Bytes, bool)>,
}

/// Every endpoint.
pub(super) struct Nodes {
    nodes: Vec<Node>,
    pool: Mutex<Pool>,
    certificates: Mutex<(Instant, Certificates)>,
    tls: Tls,
    secret_file: Option<SecretFile>,
    /// When that was read last.
    renewed: Mutex<Option<Instant>>,
    /// By what it held: in the place of what the endpoints have.
    authorization: RwLock<Option<HeaderValue>>,
    timeout: Duration,
    started: Instant,
    metrics: Arc<Metrics>,
}

struct Node {
    transport: RwLock<Transport>,
    authorization: Option<HeaderValue>,
    url: Url,
    /// Without user and password.
    shown: String,
}

impl Nodes {
    /// # Errors
    /// A connection cannot be prepared, in words for a person.
    pub(super) fn new(settings: &Elasticsearch, metrics: Arc<Metrics>) -> Result<Arc<Self>, String> {
        let tls = settings.tls.clone();
        let certificates = Certificates::read(&tls)?;
        let mut nodes = Vec::with_capacity(settings.endpoints.len());
        for endpoint in &settings.endpoints {
            let (url, authorization) = authorization(endpoint.expose(), settings.api_key.as_ref())?;
            let transport = RwLock::new(certificates.transport(url.clone(), &tls)?);
            let shown = url.origin().ascii_serialization();
            metrics.endpoint_up.with_label_values(&[&shown]).set(1);
            nodes.push(Node { transport, authorization, url, shown });
        }
        Ok(Arc::new(Self {
            pool: Mutex::new(Pool::new(nodes.len())),
            nodes,
            certificates: Mutex::new((Instant::now(), certificates)),
            tls,
            secret_file: settings.secret_file.clone(),
            renewed: Mutex::default(),
            authorization: RwLock::default(),
            timeout: settings.request_timeout,
            started: Instant::now(),
            metrics,
        }))
    }

    /// Sends, and gives status and body.
    pub(super) async fn send(self: &Arc<Self>, request: Request) -> Result<(u16, Bytes), Failure> {
        let mut tried = Vec::new();
        let mut refused = false;
        loop {
            self.probe();
            let number = self.pool().begin(&tried).expect("there is an endpoint, and another while one is left");
            let node = &self.nodes[number];
            let asks = self.authorization(node);
            let sent_at = self.now();
            let result = node.send(request.clone(), asks.clone(), self.timeout).await;
            self.judged(number, Some(sent_at), verdict(&result));
            if let Ok((401, _)) = &result
                && !std::mem::replace(&mut refused, true)
            {
                self.renew();
                if self.authorization(node) != asks {
                    continue;
                }
            }
            tried.push(number);
            let Err(failure) = &result else { return result };
            self.read_again();
            if !failure.not_sent || !self.pool().has_other(&tried) {
                return result
                    .map_err(|failure| Failure { why: format!("{}: {}", node.shown, failure.why), ..failure });
            }
            tracing::debug!(endpoint = node.shown, why = failure.why, "not sent; going on with another endpoint");
        }
    }

    /// Asks the endpoints that were left out for long enough whether they are back, beside what goes on.
    fn probe(self: &Arc<Self>) {
        for number in self.pool().probes(self.now()) {
            let nodes = Arc::clone(self);
            tokio::spawn(async move {
                let request =
                    Request { method: Method::Get, path: "/".into(), content_type: "application/json", body: None };
                let node = &nodes.nodes[number];
                let asks = nodes.authorization(node);
                let result = node.send(request, asks, nodes.timeout.min(Duration::from_secs(10))).await;
                nodes.judged(number, None, verdict(&result));
                if let Err(Failure { why, .. }) = result {
                    tracing::debug!(endpoint = nodes.nodes[number].shown, why, "a probe failed");
                    nodes.read_again();
                }
            });
        }
    }

    /// `sent_at` is that of a request; a probe has none.
    fn judged(&self, number: usize, sent_at: Option<Moment>, (verdict, why): (Verdict, String)) {
        let now = self.now();
        let mut pool = self.pool();
        let verdict = pool.weighed(now, number, sent_at.unwrap_or(now), verdict);
        if let ([only], Some(verdict)) = (&*self.nodes, verdict) {
            // Nothing is left out, and yet it is worth knowing that it does not answer.
            self.metrics.endpoint_up.with_label_values(&[&only.shown]).set(i64::from(verdict == Verdict::Good));
        }
        let change = match sent_at {
            None => pool.probed(now, number, verdict),
            Some(_) => pool.ended(now, number, verdict),
        };
        drop(pool);
        let endpoint = &self.nodes[number].shown;
        match change {
            None => return,
            Some(Change::Ejected) => {
                tracing::warn!(
                    endpoint,
                    why,
                    "an endpoint is left out until it answers again; the others take its requests"
                );
            }
            Some(Change::Returned) => tracing::info!(endpoint, "an endpoint is back"),
        }
        self.metrics.endpoint_up.with_label_values(&[endpoint]).set(i64::from(change == Some(Change::Returned)));
    }

    /// Reads the file of the password or the API key again; from now on requests have what it holds.
    pub(super) fn renew(&self) {
        let Some(file) = &self.secret_file else { return };
        let mut last = self.renewed.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|last| last.elapsed() < RENEW) {
            return;
        }
        *last = Some(Instant::now());
        match renewed(file) {
            Ok(fresh) => {
                if self.nodes.iter().any(|node| self.authorization(node).as_ref() != Some(&fresh)) {
                    tracing::info!(
                        "the file of elasticsearch's password or API key has changed: asking with what it has now"
                    );
                    *self.authorization.write().unwrap_or_else(PoisonError::into_inner) = Some(fresh);
                }
            }
            Err(why) => {
                tracing::warn!(why, "the secret for elasticsearch cannot be read again; keeping the one before")
            }
        }
    }

    fn authorization(&self, node: &Node) -> Option<HeaderValue> {
        let renewed = self.authorization.read().unwrap_or_else(PoisonError::into_inner);
        renewed.as_ref().or(node.authorization.as_ref()).cloned()
    }

    /// Looks whether the files of certificates have changed, and connects with what they have now.
    fn read_again(&self) {
        if self.tls == Tls::default() {
            return;
        }
        let mut last = self.certificates.lock().unwrap_or_else(PoisonError::into_inner);
        if last.0.elapsed() < READ_AGAIN {
            return;
        }
        last.0 = Instant::now();
        let fresh = match Certificates::read(&self.tls) {
            Ok(fresh) if fresh == last.1 => return,
            Ok(fresh) => fresh,
            Err(why) => return tracing::warn!(why, "a file of elasticsearch.tls cannot be read; keeping what it had"),
        };
        for node in &self.nodes {
            match fresh.transport(node.url.clone(), &self.tls) {
                Ok(transport) => *node.transport.write().unwrap_or_else(PoisonError::into_inner) = transport,
                Err(why) => {
                    return tracing::warn!(why, "the files of elasticsearch.tls have changed and cannot be used");
                }
            }
        }
        tracing::info!("the files of elasticsearch.tls have changed: connecting with what they have now");
        last.1 = fresh;
    }

    fn pool(&self) -> std::sync::MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Moment {
        Moment(self.started.elapsed())
    }
}

impl Node {
    async fn send(
        &self,
        request: Request,
        authorization: Option<HeaderValue>,
        timeout: Duration,
    ) -> Result<(u16, Bytes), Failure> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(request.content_type));
        if let Some((_, true)) = request.body {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if let Some(authorization) = authorization {
            headers.insert(AUTHORIZATION, authorization);
        }
        let transport = self.transport.read().unwrap_or_else(PoisonError::into_inner).clone();
        let body = request.body.map(|(body, _)| body);
        let answer = transport.send(request.method, &request.path, headers, None::<&()>, body, Some(timeout)).await;
        let answer = answer.map_err(|error| Failure::of_request(&error))?;
        let status = answer.status_code().as_u16();
        let body = Response::bytes(answer).await.map_err(|error| Failure::of_answer(&error))?;
        Ok((status, body))
    }
}

/// What a result says about the endpoint, and why.
fn verdict(result: &Result<(u16, Bytes), Failure>) -> (Verdict, String) {
    match result {
        Ok((status @ 502..=504, _)) => (Verdict::Faulty, format!("status {status}")),
        Ok(_) => (Verdict::Good, String::new()),
        Err(failure) if failure.late => (Verdict::Late, failure.why.clone()),
        Err(failure) => (Verdict::Faulty, failure.why.clone()),
    }
}
