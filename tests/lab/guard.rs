//! Stands in front of a server that can do neither TLS nor passwords, and does both: a request with the right
//! credentials is passed on, another one is answered as Elasticsearch would. It can be closed and opened again on its port.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use super::Result;
use super::authority::{Authority, Identity};

/// What is demanded.
#[derive(Default)]
pub struct Rules<'a> {
    /// TLS, with this certificate.
    pub tls: Option<Identity>,
    /// A certificate signed by this authority.
    pub client: Option<&'a Authority>,
    /// The header `Authorization`.
    pub authorization: Option<String>,
}

struct State {
    target: String,
    http: reqwest::Client,
    authorization: Mutex<Option<String>>,
    passed: AtomicU64,
    refused: AtomicU64,
    compressed: AtomicU64,
}

/// A running guard. Dropping it closes it.
pub struct Guard {
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    state: Arc<State>,
    runtime: Option<Runtime>,
}

impl Guard {
    /// Listens on a port, in front of `target` (`http://host:port`).
    ///
    /// # Errors
    /// There is no port, or a certificate cannot be used.
    pub fn start(target: &str, rules: Rules<'_>) -> Result<Self> {
        let [port] = super::ports::free()?;
        let state = State {
            target: target.into(),
            http: reqwest::Client::builder().no_proxy().build()?,
            authorization: Mutex::new(rules.authorization.clone()),
            passed: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            compressed: AtomicU64::new(0),
        };
        let tls = match &rules.tls {
            Some(identity) => Some(TlsAcceptor::from(Arc::new(server_config(identity, rules.client)?))),
            None => None,
        };
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut guard = Self { address, tls, state: Arc::new(state), runtime: None };
        guard.open()?;
        Ok(guard)
    }

    /// Its address.
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Its address with a user before it.
    pub fn url_of(&self, user: &str) -> String {
        self.url().replace("://", &format!("://{user}@"))
    }

    /// Listens, if it does not.
    ///
    /// # Errors
    /// Somebody else has the port.
    pub fn open(&mut self) -> Result<()> {
        if self.runtime.is_some() {
            return Ok(());
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind(self.address))?;
        runtime.spawn(accept(listener, self.tls.clone(), Arc::clone(&self.state)));
        self.runtime = Some(runtime);
        Ok(())
    }

    /// Breaks every connection off and takes no more.
    pub fn close(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    /// Changes what header is demanded from now on.
    pub fn demand(&self, authorization: Option<&str>) {
        *self.state.authorization.lock().unwrap_or_else(PoisonError::into_inner) = authorization.map(str::to_owned);
    }

    /// How many bulk requests were passed on.
    pub fn passed(&self) -> u64 {
        self.state.passed.load(Ordering::Relaxed)
    }

    /// How many requests were refused for their credentials.
    pub fn refused(&self) -> u64 {
        self.state.refused.load(Ordering::Relaxed)
    }

    /// How many of the requests that were passed on were compressed.
    pub fn compressed(&self) -> u64 {
        self.state.compressed.load(Ordering::Relaxed)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.close();
    }
}

fn server_config(identity: &Identity, client: Option<&Authority>) -> Result<ServerConfig> {
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let builder = match client {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes())?)?;
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes())?;
    Ok(builder.with_single_cert(vec![certificate], PrivateKeyDer::from_pem_slice(identity.key.as_bytes())?)?)
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, state: Arc<State>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (state, tls) = (Arc::clone(&state), tls.clone());
        tokio::spawn(async move {
            match tls {
                None => converse(stream, &state).await,
                Some(tls) => {
                    // A client that does not accept the certificate is what this is for.
                    if let Ok(stream) = tls.accept(stream).await {
                        converse(stream, &state).await;
                    }
                }
            }
        });
    }
}

async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin, state: &State) {
    let service = service_fn(|request| serve(request, state));
    // A connection that breaks off is the client's affair.
    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
}

async fn serve(request: Request<Incoming>, state: &State) -> io::Result<Response<Full<Bytes>>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let demanded = state.authorization.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let given = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if demanded.is_some() && given != demanded.as_deref() {
        state.refused.fetch_add(1, Ordering::Relaxed);
        let body = r#"{"error":{"type":"security_exception","reason":"unable to authenticate"},"status":401}"#;
        return answer(StatusCode::UNAUTHORIZED, body.into());
    }
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    if parts.uri.path().ends_with("/_bulk") {
        state.passed.fetch_add(1, Ordering::Relaxed);
        let compressed = parts.headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding == "gzip");
        state.compressed.fetch_add(u64::from(compressed), Ordering::Relaxed);
    }
    let mut passed = state.http.request(parts.method.clone(), format!("{}{path}", state.target)).body(body);
    for name in [CONTENT_TYPE, CONTENT_ENCODING] {
        if let Some(value) = parts.headers.get(&name) {
            passed = passed.header(name, value);
        }
    }
    let answered = passed.send().await.map_err(io::Error::other)?;
    let status = answered.status();
    answer(status, answered.bytes().await.map_err(io::Error::other)?)
}

fn answer(status: StatusCode, body: Bytes) -> io::Result<Response<Full<Bytes>>> {
    let answer = Response::builder().status(status).header(CONTENT_TYPE, "application/json");
    answer.body(Full::new(body)).map_err(io::Error::other)
}
