//! The administrative address: `/metrics`, `/livez`, `/readyz` and a page that names them.
//!
//! It only reads: counters, heartbeats and conditions that others keep. It says nothing secret, and it is bound to
//! loopback unless the configuration says otherwise.

pub mod health;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

pub use health::{Condition, Health, Heart, Pulse};

use crate::metrics::Metrics;

const PAGE: &str = concat!(
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>kelp</title>",
    "<h1>kelp ",
    env!("CARGO_PKG_VERSION"),
    "</h1><ul><li><a href=\"/metrics\">/metrics</a> what it counts, for Prometheus",
    "<li><a href=\"/livez\">/livez</a> is every thread alive",
    "<li><a href=\"/readyz\">/readyz</a> is it at work, and if not, why</ul></html>\n"
);

/// Binds the administrative address and logs the one that it got (port 0 takes a free one).
///
/// # Errors
/// Where the address cannot be had, such as when another process has it.
pub async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address).await?;
    tracing::info!(address = %listener.local_addr()?, "admin listening");
    Ok(listener)
}

/// Serves until its runtime ends.
///
/// # Errors
/// Where the listener fails for good.
pub async fn serve(listener: TcpListener, metrics: Arc<Metrics>, health: Arc<Health>) -> io::Result<()> {
    axum::serve(listener, router(metrics, health)).await
}

fn router(metrics: Arc<Metrics>, health: Arc<Health>) -> Router {
    let measured = Router::new().route("/metrics", get(show_metrics)).with_state((metrics, Arc::clone(&health)));
    Router::new()
        .route("/", get(|| async { Html(PAGE) }))
        .route("/livez", get(show_liveness))
        .route("/readyz", get(show_readiness))
        .with_state(health)
        .merge(measured)
}

async fn show_metrics(State((metrics, health)): State<(Arc<Metrics>, Arc<Health>)>) -> Response {
    for (condition, holds) in health.conditions() {
        metrics.condition_met.with_label_values(&[condition.as_str()]).set(i64::from(holds));
    }
    match metrics.text() {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn show_liveness(State(health): State<Arc<Health>>) -> Response {
    verdict(health.liveness(health.now()))
}

async fn show_readiness(State(health): State<Arc<Health>>) -> Response {
    verdict(health.readiness())
}

fn verdict((well, body): (bool, serde_json::Value)) -> Response {
    let status = if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CONTENT_TYPE, "application/json")], format!("{body}\n")).into_response()
}
