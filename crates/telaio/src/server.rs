//! The listening server: pages and API on one address, figures for monitoring on another, and a quiet end.
//!
//! On SIGTERM or Ctrl-C nothing new is accepted, what is being answered is finished, workers end their step.
//! Figures are drawn when they are asked for. No page and no rule is made here.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use app::App;
use app::use_cases::exchange::Exchange;
use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::commands::Stop;

/// How long what is being answered may take after the signal to end.
const GRACE: Duration = Duration::from_secs(20);

/// Upper bounds of the buckets of durations, in seconds.
const BUCKETS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// What the monitoring routes need.
#[derive(Clone)]
struct Watched {
    app: Arc<App>,
    figures: PrometheusHandle,
}

/// Listeners of a server: the public one, and one for monitoring where it must be apart.
pub struct Listeners {
    /// Pages and API.
    pub public: TcpListener,
    /// `/metrics` and `/readyz`; none: they stand on the public one (the demo).
    pub monitoring: Option<TcpListener>,
}

/// Starts everything that works by itself beside the pages: outbox, inbox, nightly registers, warnings.
pub fn work(exchange: Exchange) -> JoinHandle<()> {
    tokio::spawn(async move {
        let house = app::workers::run_house(exchange.app.clone());
        let texts = app::workers::run_texts(exchange.app.clone());
        let scans = app::workers::run_scans(exchange.app.clone());
        tokio::join!(app::workers::run_exchange(exchange), house, texts, scans);
    })
}

/// Binds an address, or says in words why not.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, Stop> {
    TcpListener::bind(address)
        .await
        .map_err(|error| Stop::Failed(format!("cannot listen on {address}: {error}")))
}

/// Serves until a signal comes; `ended` is turned to true then, for the workers.
pub async fn serve(app: Arc<App>, listeners: Listeners, ended: watch::Sender<bool>) -> Result<(), Stop> {
    let figures = PrometheusBuilder::new()
        .set_buckets(BUCKETS)
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|error| Stop::Failed(format!("the figures for monitoring cannot begin: {error}")))?;
    let watched = Watched { app: app.clone(), figures };
    let monitoring =
        Router::new().route("/metrics", get(metrics)).route("/readyz", get(readyz)).with_state(watched);
    let pages = web::router(web::AppState { app }).layer(middleware::from_fn(measure));
    let mut stop = ended.subscribe();
    tokio::spawn(async move {
        signal().await;
        let _ = ended.send(true);
        tokio::time::sleep(GRACE).await;
        // Connections that never end must not keep the process: whatever was acknowledged is on disk.
        tracing::warn!("ending with answers still open");
        std::process::exit(0);
    });
    let public = match listeners.monitoring {
        None => pages.merge(monitoring),
        Some(listener) => {
            tokio::spawn(async move { axum::serve(listener, monitoring).await });
            pages
        }
    };
    let service = public.into_make_service_with_connect_info::<SocketAddr>();
    let until = async move {
        let _ = stop.wait_for(|ended| *ended).await;
    };
    axum::serve(listeners.public, service)
        .with_graceful_shutdown(until)
        .await
        .map_err(|error| Stop::Failed(format!("the server ended: {error}")))
}

/// Returns at SIGTERM or Ctrl-C.
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        },
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}

/// Counts and times every answer by route, never by path: paths hold ids.
async fn measure(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let route = route.unwrap_or_else(|| "(none)".to_owned());
    let method = request.method().as_str().to_owned();
    let begun = Instant::now();
    let response = next.run(request).await;
    let status = response.status().as_u16().to_string();
    let labels = [("route", route), ("method", method), ("status", status)];
    metrics::counter!("telaio_http_answers_total", &labels).increment(1);
    metrics::histogram!("telaio_http_seconds", &labels[..1]).record(begun.elapsed().as_secs_f64());
    response
}

/// `GET /metrics`.
async fn metrics(State(watched): State<Watched>) -> impl IntoResponse {
    let store = &watched.app.store;
    let figures = store.figures();
    metrics::counter!("telaio_store_groups_total").absolute(figures.groups);
    metrics::counter!("telaio_store_writes_total", "end" => "kept").absolute(figures.kept);
    metrics::counter!("telaio_store_writes_total", "end" => "undone").absolute(figures.undone);
    metrics::counter!("telaio_store_writes_total", "end" => "lost").absolute(figures.lost);
    metrics::gauge!("telaio_store_writes_waiting").set(figures.waiting as f64);
    metrics::gauge!("telaio_clock_behind_seconds").set(store.clock_behind() as f64 / 1e6);
    for part in app::health::look(&watched.app).await {
        let bad = part.state == app::health::State::Fails || part.state == app::health::State::Warns;
        metrics::gauge!("telaio_part_needs_somebody", "part" => part.name).set(f64::from(u8::from(bad)));
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], watched.figures.render())
}

/// `GET /readyz`: one line per dependency; 503 when one fails without which nothing can be answered.
async fn readyz(State(watched): State<Watched>) -> impl IntoResponse {
    let parts = app::health::look(&watched.app).await;
    let status = match parts.iter().any(app::health::Part::stops_work) {
        false => axum::http::StatusCode::OK,
        true => axum::http::StatusCode::SERVICE_UNAVAILABLE,
    };
    let lines: Vec<String> =
        parts.iter().map(|part| format!("{} {}\n", part.name, part.state.name())).collect();
    (status, lines.concat())
}
