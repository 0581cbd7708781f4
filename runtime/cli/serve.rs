//! The daemon's doors: the API, webhooks, health and metrics.
//!
//! Absent: the engine. It lives on its own arbiter and takes orders from here through a channel with a bound; what does not
//! fit is answered with 503. Bodies, headers and waits are bounded before anything is read.

pub mod hooks;

use actix_web::dev::Service;
use actix_web::http::{StatusCode, header};
use actix_web::{App, FromRequest, HttpRequest, HttpResponse, HttpServer, web};
use metrics_exporter_prometheus::PrometheusHandle;
use ring::hmac;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use xops_connectors::hook::Delivery;

/// How many orders may wait for the engine.
pub const ORDERS_MAX: usize = 4_096;
/// The largest body that is read, in bytes.
const BODY_MAX: usize = 256 * 1024;
/// How long a client may take to send its request's head, and to go away.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a client may take to send its request's body.
const BODY_PATIENCE: Duration = Duration::from_secs(10);
/// The longest headers that are answered otherwise than by a refusal, in bytes of names and values.
const HEADERS_MAX: usize = 8 * 1024;

/// An order to the engine.
pub enum Order {
    /// Show the status.
    Status,
    /// Ask for work.
    Request(Json),
    /// An event of a system, proven to be from it.
    Event(String, Box<Delivery>),
    /// How an instance stands.
    Instance(u64),
    /// Pause: scope, who, why; lift the pause where there is no why.
    Pause(String, String, Option<String>),
    /// Release an instance's parked or stuck steps: number, who, decision.
    Release(u64, String, String),
    /// Decide whether two records are of one entity, or take that back.
    Decide(Json),
    /// Release something that was set aside after panics: what, who.
    Free(String, String),
    /// Turn an instance back: number, who, why.
    Backstep(u64, String, String),
    /// Show what drifted.
    Drift,
    /// Accept a drift for a while.
    Acknowledge(Json),
    /// Erase somebody: the record of the erasure.
    Erase(Json),
}

/// The answer to an order: a status and a body.
pub type Answer = (u16, Json);

/// What the doors need.
#[derive(Clone)]
pub struct Doors {
    /// To the engine.
    pub orders: mpsc::Sender<(Order, oneshot::Sender<Answer>)>,
    /// The token of the API.
    pub token: Arc<str>,
    /// The metrics.
    pub metrics: PrometheusHandle,
    /// Whether work is taken: the journal is open and nothing has failed.
    pub ready: Arc<AtomicBool>,
    /// The doors for what systems send by themselves.
    pub hooks: Arc<hooks::Hooks>,
}

/// Opens the doors; the address that was bound, and the server to run.
pub fn open(listen: &str, doors: Doors) -> std::io::Result<(String, actix_web::dev::Server)> {
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::new(doors.clone()))
            .app_data(web::PayloadConfig::new(BODY_MAX))
            .wrap_fn(|request, app| {
                let length = request
                    .headers()
                    .iter()
                    .map(|(name, value)| name.as_str().len() + value.len())
                    .sum::<usize>();
                let app = (length + request.path().len() + request.query_string().len() <= HEADERS_MAX)
                    .then(|| app.call(request));
                async move {
                    match app {
                        Some(answer) => answer.await,
                        None => Err(actix_web::error::InternalError::from_response("", too_long()).into()),
                    }
                }
            })
            .route("/healthz", web::get().to(healthz))
            .route("/readyz", web::get().to(readyz))
            .route("/metrics", web::get().to(metrics))
            .route("/v1/status", web::get().to(status))
            .route("/v1/requests", web::post().to(requests))
            .route("/v1/instances/{number}", web::get().to(instance))
            .route("/v1/instances/{number}/release", web::post().to(release))
            .route("/v1/instances/{number}/backstep", web::post().to(backstep))
            .route("/v1/releases", web::post().to(free))
            .route("/v1/pauses", web::post().to(pause))
            .route("/v1/pauses", web::delete().to(unpause))
            .route("/v1/drift", web::get().to(drift))
            .route("/v1/drift/acknowledgements", web::post().to(acknowledge))
            .route("/v1/identity/decisions", web::post().to(decide))
            .route("/v1/erasures", web::post().to(erase))
            .route("/v1/webhooks/{system}", web::post().to(hooks::only))
            .route("/v1/webhooks/{system}", web::get().to(hooks::only))
            .route("/v1/webhooks/{system}/{name}", web::post().to(hooks::named))
            .route("/v1/webhooks/{system}/{name}", web::get().to(hooks::named))
            .default_service(web::to(|| async { refuse(StatusCode::NOT_FOUND, "there is nothing here") }))
    })
    .workers(1)
    .max_connections(1_024)
    .client_request_timeout(PATIENCE)
    .client_disconnect_timeout(PATIENCE)
    .keep_alive(Duration::from_secs(30))
    .shutdown_timeout(5)
    .disable_signals()
    .bind(listen)?;
    let address = server.addrs().first().map_or_else(|| listen.to_owned(), ToString::to_string);
    Ok((address, server.run()))
}

fn refuse(status: StatusCode, why: &str) -> HttpResponse {
    HttpResponse::build(status).json(json!({ "error": why }))
}

fn too_long() -> HttpResponse {
    let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    refuse(status, &format!("the address and the headers are longer than {HEADERS_MAX} bytes"))
}

async fn healthz() -> HttpResponse {
    HttpResponse::Ok().body("ok\n")
}

async fn readyz(doors: web::Data<Doors>) -> HttpResponse {
    if doors.ready.load(Ordering::Relaxed) {
        HttpResponse::Ok().body("ready\n")
    } else {
        HttpResponse::ServiceUnavailable().body("not ready\n")
    }
}

async fn metrics(doors: web::Data<Doors>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(doors.metrics.render())
}

/// Whether the request carries the API's token, compared in constant time.
fn admitted(doors: &Doors, request: &HttpRequest) -> bool {
    let given = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"xops api token");
    let tag = hmac::sign(&key, doors.token.as_bytes());
    hmac::verify(&key, given.as_bytes(), tag.as_ref()).is_ok()
}

fn stranger() -> HttpResponse {
    refuse(StatusCode::UNAUTHORIZED, "the API's token is missing or wrong: it stands in daemon.json")
}

async fn pass(doors: &Doors, request: &HttpRequest, order: Order) -> HttpResponse {
    if admitted(doors, request) { hand_over(doors, order).await } else { stranger() }
}

/// Reads the body of a request that carries the token, and hands over what `order` makes of it. A stranger's body is not
/// read at all.
async fn pass_body(
    doors: &Doors,
    request: &HttpRequest,
    payload: web::Payload,
    order: impl FnOnce(Json) -> Order,
) -> HttpResponse {
    if !admitted(doors, request) {
        return stranger();
    }
    match read(request, payload).await.and_then(|body| parse(&body)) {
        Ok(body) => hand_over(doors, order(body)).await,
        Err(refused) => *refused,
    }
}

/// The body of a request, bounded in bytes and in time.
async fn read(request: &HttpRequest, payload: web::Payload) -> Result<web::Bytes, Box<HttpResponse>> {
    let body = web::Bytes::from_request(request, &mut payload.into_inner());
    match tokio::time::timeout(BODY_PATIENCE, body).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(error)) => {
            let status = error.as_response_error().status_code();
            Err(Box::new(refuse(
                status,
                &format!("the body was not taken: {error}; at most {BODY_MAX} bytes are"),
            )))
        }
        Err(_) => {
            let mut slow = refuse(StatusCode::REQUEST_TIMEOUT, "the body did not come in time");
            slow.head_mut().set_connection_type(actix_web::http::ConnectionType::Close);
            Err(Box::new(slow))
        }
    }
}

/// Says when to try again.
fn later(mut response: HttpResponse) -> HttpResponse {
    response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
    response
}

async fn hand_over(doors: &Doors, order: Order) -> HttpResponse {
    match answered(doors, order).await {
        Ok((status, body)) => told(status, body),
        Err(refused) => *refused,
    }
}

/// Hands over several, one after the other. The first that is not taken is the answer to all: whoever sends them again has those
/// before it known again. Otherwise the answer is that of one that was new, if one was.
async fn hand_over_each(doors: &Doors, orders: impl Iterator<Item = Order>) -> HttpResponse {
    let mut answer = (StatusCode::ACCEPTED, serde_json::json!({ "state": "noticed" }));
    for (at, order) in orders.enumerate() {
        match answered(doors, order).await {
            Ok((status, body)) if !status.is_success() => return told(status, body),
            Ok((status, body)) if at == 0 || body["state"] != "repeated" => answer = (status, body),
            Ok(_) => {}
            Err(refused) => return *refused,
        }
    }
    told(answer.0, answer.1)
}

fn told(status: StatusCode, body: Json) -> HttpResponse {
    let response = HttpResponse::build(status).json(body);
    if status == StatusCode::SERVICE_UNAVAILABLE { later(response) } else { response }
}

async fn answered(doors: &Doors, order: Order) -> Result<(StatusCode, Json), Box<HttpResponse>> {
    let (reply, answered) = oneshot::channel();
    let stopping = |why| Box::new(refuse(StatusCode::SERVICE_UNAVAILABLE, why));
    if doors.orders.try_send((order, reply)).is_err() {
        return Err(Box::new(later(*stopping("too much is waiting: try again later"))));
    }
    let (status, body) = answered.await.map_err(|_| stopping("the engine is stopping"))?;
    Ok((StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), body))
}

async fn status(doors: web::Data<Doors>, request: HttpRequest) -> HttpResponse {
    pass(&doors, &request, Order::Status).await
}

fn parse(body: &[u8]) -> Result<Json, Box<HttpResponse>> {
    let refused = |error| refuse(StatusCode::BAD_REQUEST, &format!("the body is no JSON: {error}"));
    serde_json::from_slice(body).map_err(|error| Box::new(refused(error)))
}

fn text(body: &Json, name: &str) -> String {
    body[name].as_str().unwrap_or_default().chars().take(1_000).collect()
}

async fn requests(doors: web::Data<Doors>, request: HttpRequest, payload: web::Payload) -> HttpResponse {
    pass_body(&doors, &request, payload, Order::Request).await
}

async fn instance(doors: web::Data<Doors>, request: HttpRequest, number: web::Path<u64>) -> HttpResponse {
    pass(&doors, &request, Order::Instance(*number)).await
}

async fn release(
    doors: web::Data<Doors>,
    request: HttpRequest,
    number: web::Path<u64>,
    payload: web::Payload,
) -> HttpResponse {
    let order = |body: Json| Order::Release(*number, text(&body, "by"), text(&body, "decision"));
    pass_body(&doors, &request, payload, order).await
}

async fn free(doors: web::Data<Doors>, request: HttpRequest, payload: web::Payload) -> HttpResponse {
    let order = |body: Json| Order::Free(text(&body, "what"), text(&body, "by"));
    pass_body(&doors, &request, payload, order).await
}

async fn backstep(
    doors: web::Data<Doors>,
    request: HttpRequest,
    number: web::Path<u64>,
    payload: web::Payload,
) -> HttpResponse {
    let order = |body: Json| Order::Backstep(*number, text(&body, "by"), text(&body, "why"));
    pass_body(&doors, &request, payload, order).await
}

async fn erase(doors: web::Data<Doors>, request: HttpRequest, payload: web::Payload) -> HttpResponse {
    pass_body(&doors, &request, payload, Order::Erase).await
}

async fn decide(doors: web::Data<Doors>, request: HttpRequest, payload: web::Payload) -> HttpResponse {
    pass_body(&doors, &request, payload, Order::Decide).await
}

async fn drift(doors: web::Data<Doors>, request: HttpRequest) -> HttpResponse {
    pass(&doors, &request, Order::Drift).await
}

async fn acknowledge(doors: web::Data<Doors>, request: HttpRequest, payload: web::Payload) -> HttpResponse {
    pass_body(&doors, &request, payload, Order::Acknowledge).await
}

async fn pause(doors: web::Data<Doors>, request: HttpRequest, payload: web::Payload) -> HttpResponse {
    let order = |body: Json| Order::Pause(text(&body, "scope"), text(&body, "by"), Some(text(&body, "why")));
    pass_body(&doors, &request, payload, order).await
}

async fn unpause(
    doors: web::Data<Doors>,
    request: HttpRequest,
    query: web::Query<BTreeMap<String, String>>,
) -> HttpResponse {
    let word = |name: &str| query.get(name).cloned().unwrap_or_default();
    pass(&doors, &request, Order::Pause(word("scope"), word("by"), None)).await
}
