//! The network: one door for each system and one for control, all on loopback, all served by a few threads.
//!
//! - No decision: it translates bytes into a request, asks the engine, and does to the reply what the answer says.
//! - Bodies, connections and waits are bounded.

use crate::control;
use crate::engine::{Ending, Estate};
use crate::wire::{Reply, Request};
use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::Extensions;
use actix_web::http::StatusCode;
use actix_web::rt::net::TcpStream;
use actix_web::web::{Bytes, Data, PayloadConfig};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use std::any::Any;
use std::collections::BTreeMap;
use std::io;
use std::net::{Shutdown, TcpListener};
use std::os::fd::AsFd as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Sleep, sleep};

/// Bytes of a request body at most.
pub(crate) const BODY_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Connections that one thread serves at once.
const CONNECTIONS_MAX: usize = 2_048;
/// Threads that serve all doors.
const THREADS: usize = 2;
/// How long an idle connection is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long the first half of a broken body gets to reach the client.
const HALF_WAY_MS: u64 = 50;

/// The doors of the house by port; no name is the control server.
#[derive(Debug)]
pub(crate) struct House {
    pub(crate) estate: Estate,
    pub(crate) doors: BTreeMap<u16, Door>,
}

/// One listening port.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    pub(crate) system: Option<&'static str>,
    pub(crate) base: String,
}

/// A second handle on the connection, so that a fault can break it without a word.
struct Line(std::net::TcpStream);

/// Serves until `stop` is told or dropped; runs on the thread of its caller.
pub(crate) fn serve(
    house: Arc<House>,
    listeners: Vec<TcpListener>,
    stop: oneshot::Receiver<()>,
) -> io::Result<()> {
    actix_web::rt::System::new().block_on(async move {
        let house = Data::from(house);
        let mut server = HttpServer::new(move || {
            App::new()
                .app_data(house.clone())
                .app_data(PayloadConfig::new(BODY_BYTES_MAX))
                .default_service(web::to(answer))
        })
        .on_connect(remember)
        .workers(THREADS)
        .max_connections(CONNECTIONS_MAX)
        .keep_alive(KEEP_ALIVE)
        .shutdown_timeout(1)
        .disable_signals();
        for listener in listeners {
            server = server.listen(listener)?;
        }
        let running = server.run();
        let handle = running.handle();
        actix_web::rt::spawn(async move {
            // A dropped sender means the same as a told one.
            drop(stop.await);
            handle.stop(false).await;
        });
        running.await
    })
}

fn remember(connection: &dyn Any, data: &mut Extensions) {
    if let Some(stream) = connection.downcast_ref::<TcpStream>()
        && let Ok(twin) = stream.as_fd().try_clone_to_owned()
    {
        data.insert(Line(std::net::TcpStream::from(twin)));
    }
}

async fn answer(http: HttpRequest, body: Result<Bytes, actix_web::Error>) -> HttpResponse {
    let Some(house) = http.app_data::<Data<House>>() else {
        return HttpResponse::InternalServerError().finish();
    };
    let Some(door) = house.doors.get(&http.app_config().local_addr().port()) else {
        return HttpResponse::NotFound().finish();
    };
    let mut request = translated(&http, &door.base);
    let Ok(bytes) = body else {
        if let Some(system) = door.system {
            house.estate.oversized(system, &request);
        }
        return HttpResponse::PayloadTooLarge().finish();
    };
    request.body = bytes.to_vec();
    let Some(system) = door.system else { return written(control::serve(house, &request)) };
    let answer = house.estate.process(system, &request);
    match answer.ending {
        Ending::Answer => written(answer.reply),
        Ending::Late(delay_ms) => {
            sleep(Duration::from_millis(delay_ms)).await;
            written(answer.reply)
        }
        Ending::Hold(delay_ms) => {
            sleep(Duration::from_millis(delay_ms)).await;
            broken(&http)
        }
        Ending::Close => broken(&http),
        Ending::MidBody => half(answer.reply),
    }
}

fn translated(http: &HttpRequest, base: &str) -> Request {
    let headers = http.headers().iter();
    Request {
        method: http.method().to_string(),
        path: http.path().to_owned(),
        query: url::form_urlencoded::parse(http.query_string().as_bytes()).into_owned().collect(),
        headers: headers
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
            .collect(),
        body: Vec::new(),
        base: base.to_owned(),
    }
}

fn head(reply: &Reply) -> actix_web::HttpResponseBuilder {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    if !reply.content_type.is_empty() {
        response.content_type(reply.content_type);
    }
    for (name, value) in &reply.headers {
        response.append_header((name.as_str(), value.as_str()));
    }
    response
}

fn written(reply: Reply) -> HttpResponse {
    head(&reply).body(reply.body)
}

/// Closes the connection; the response is for the types only and reaches nobody.
fn broken(http: &HttpRequest) -> HttpResponse {
    if let Some(Line(stream)) = http.conn_data::<Line>() {
        // The client may have gone first: then there is nothing left to break.
        drop(stream.shutdown(Shutdown::Both));
    }
    HttpResponse::ServiceUnavailable().force_close().finish()
}

fn half(reply: Reply) -> HttpResponse {
    let mut response = head(&reply);
    let length = reply.body.len().max(2);
    // A body of nothing promises two bytes as well, and sends none of them.
    let half = (length / 2).min(reply.body.len());
    let first = Bytes::from(reply.body).slice(..half);
    let rest = Box::pin(sleep(Duration::from_millis(HALF_WAY_MS)));
    response.force_close().body(Half { length: length as u64, first: Some(first), rest })
}

/// A body that promises `length` bytes, sends half of them and fails.
struct Half {
    length: u64,
    first: Option<Bytes>,
    rest: Pin<Box<Sleep>>,
}

impl MessageBody for Half {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.length)
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, io::Error>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        // Pending once, so that the first half is flushed before the connection breaks.
        self.rest.as_mut().poll(context).map(|()| Some(Err(io::ErrorKind::ConnectionReset.into())))
    }
}
