//! One request, one response, one deadline.
//!
//! Everything counts against the deadline: connecting, sending, waiting, and the last byte of the body. Every size is bounded
//! before it is kept. A failure says whether a connection ever took the request.

use crate::lost::Lost;
use crate::parcel::{Parcel, Watched};
use crate::target::Limits;
use bytes::Bytes;
use reqwest::header::HeaderMap;
use reqwest::{Body, Method};
use tokio::time::{Instant, timeout_at};
use url::Url;
use xops_kernel::port::Response;

/// A request with its credential.
#[derive(Clone)]
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Why there is no whole response. `why` is not yet scrubbed.
pub(crate) struct Failure {
    pub(crate) may_have_arrived: bool,
    pub(crate) timed_out: bool,
    pub(crate) why: String,
}

impl Failure {
    /// After a response began: the request arrived.
    fn late(why: String) -> Self {
        Self { may_have_arrived: true, timed_out: false, why }
    }

    /// For the caller, with `say` to scrub the text.
    pub(crate) fn lost(self, say: impl FnOnce(&str) -> String) -> Lost {
        let why = say(&self.why);
        if self.may_have_arrived { Lost::AfterSend(why) } else { Lost::NotSent(why) }
    }
}

/// Sends `outgoing` and reads the whole response.
pub(crate) async fn exchange(
    http: &reqwest::Client,
    outgoing: Outgoing,
    limits: &Limits,
    until: Instant,
) -> Result<Response, Failure> {
    let (parcel, receipt) = Parcel::new(outgoing.body);
    let mut request = reqwest::Request::new(outgoing.method, outgoing.url);
    *request.headers_mut() = outgoing.headers;
    *request.body_mut() = Some(Body::wrap(parcel));

    let mut call = Watched::new(http.execute(request));
    let answer = timeout_at(until, &mut call).await;
    // Only when the call is gone does the receipt say all that it will ever say.
    drop(call);
    match answer {
        Ok(Ok(response)) => read(response, limits, until).await,
        Ok(Err(error)) => Err(Failure {
            may_have_arrived: !receipt.is_unsent(),
            timed_out: error.is_timeout(),
            why: chain(&error.without_url()),
        }),
        Err(_) if receipt.is_unsent() => Err(Failure {
            may_have_arrived: false,
            timed_out: true,
            why: "the deadline passed before there was a connection".to_owned(),
        }),
        Err(_) => Err(Failure {
            may_have_arrived: true,
            timed_out: true,
            why: "the deadline passed before an answer began".to_owned(),
        }),
    }
}

/// Reads a response whole, within the bounds.
async fn read(mut response: reqwest::Response, limits: &Limits, until: Instant) -> Result<Response, Failure> {
    let status = response.status().as_u16();
    let headers = headers(response.headers(), limits.response_header_bytes_max)
        .map_err(|why| Failure::late(format!("status {status}: {why}")))?;
    let most = limits.response_body_bytes_max;
    let too_long = || Failure::late(format!("status {status}: the body is longer than {most} bytes"));
    // What announces more than the bound need not be read up to it.
    if response.content_length().is_some_and(|announced| announced > most as u64) {
        return Err(too_long());
    }
    let mut body = Vec::new();
    loop {
        let chunk = timeout_at(until, response.chunk()).await.map_err(|_| Failure {
            may_have_arrived: true,
            timed_out: true,
            why: format!("status {status}: the deadline passed after {} bytes of the body", body.len()),
        })?;
        let chunk = chunk.map_err(|error| {
            let why = chain(&error.without_url());
            Failure::late(format!("status {status}: the body broke off after {} bytes: {why}", body.len()))
        })?;
        match chunk {
            Some(chunk) if body.len() + chunk.len() > most => return Err(too_long()),
            Some(chunk) => body.extend_from_slice(&chunk),
            None => return Ok(Response { status, headers, body }),
        }
    }
}

/// The headers as text; bytes that are none are replaced.
fn headers(map: &HeaderMap, most: usize) -> Result<Vec<(String, String)>, String> {
    let bytes: usize = map.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if bytes > most {
        return Err(format!("the headers are longer than {most} bytes"));
    }
    let pair = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    Ok(map.iter().map(pair).collect())
}

/// An error and its causes on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}
