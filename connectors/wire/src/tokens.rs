//! OAuth 2.0 client credentials (RFC 6749, section 4.4): one token a system, fetched once for all who need it.
//!
//! Absent: the caller's retry budget. A token is fetched before the request exists, so a token endpoint that is down costs no
//! attempt. One fetch is under way at a time; who needs a token meanwhile waits for it up to its own deadline, or goes on with
//! one that is still good. A failed endpoint is left alone for a pause, so that a hundred waiting requests are not a hundred
//! logins; if it says itself for how long, a caller whose deadline reaches so far waits.

use crate::answer;
use crate::exchange::{Failure, Outgoing, exchange};
use crate::lost::Lost;
use crate::retry_after::retry_after;
use crate::scheme::secret_header;
use crate::scrub::{Forms, Scrub};
use crate::target::Limits;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use std::sync::{Arc, Mutex as Lock, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until, timeout_at};
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

/// How often one call asks the token endpoint.
const FETCHES_MAX: usize = 3;
/// A token endpoint's answer is a few KiB.
const ANSWER_BYTES_MAX: usize = 256 << 10;

/// A token.
pub(crate) struct Token {
    number: u64,
    pub(crate) forms: Forms,
    pub(crate) header: HeaderValue,
    stale_at: Instant,
    dead_at: Instant,
}

/// The token endpoint is left alone until then.
#[derive(Clone)]
struct Pause {
    until: Instant,
    /// Whether the endpoint said so itself, so that waiting is what it asks for.
    asked: bool,
    lost: Lost,
}

#[derive(Default)]
struct Kept {
    token: Option<Arc<Token>>,
    count: u64,
    pause: Option<Pause>,
}

/// The tokens of one system.
pub(crate) struct Tokens {
    url: Url,
    form: SecretString,
    pair: SecretString,
    basic: Option<HeaderValue>,
    limits: Limits,
    kept: Lock<Kept>,
    flight: Mutex<()>,
}

impl Tokens {
    /// For the endpoint at `url`. With `in_form` the client's id and secret go into the form, else into a basic header, each
    /// encoded as a form first (RFC 6749, section 2.3.1).
    pub(crate) fn new(
        url: Url,
        id: &str,
        secret: &str,
        scope: Option<&str>,
        in_form: bool,
        limits: Limits,
    ) -> Self {
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        if let Some(scope) = scope {
            form.append_pair("scope", scope);
        }
        if in_form {
            form.append_pair("client_id", id).append_pair("client_secret", secret);
        }
        let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let pair = STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret)));
        Self {
            url,
            form: SecretString::from(form.finish()),
            // Base64 always fits a header.
            basic: if in_form { None } else { secret_header(&format!("Basic {pair}")) },
            pair: SecretString::from(pair),
            limits: Limits { response_body_bytes_max: ANSWER_BYTES_MAX, ..limits },
            kept: Lock::default(),
            flight: Mutex::default(),
        }
    }

    /// Whether the endpoint asks for TLS.
    pub(crate) fn is_tls(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The id and secret as a basic header would show them.
    pub(crate) fn pair(&self) -> &str {
        self.pair.expose_secret()
    }

    /// A token that is good, fetched if need be; never `rejected`, which the system turned away.
    pub(crate) async fn get(
        &self,
        http: &reqwest::Client,
        scrub: &Scrub,
        until: Instant,
        rejected: Option<&Token>,
    ) -> Result<Arc<Token>, Lost> {
        let usable = match self.look(rejected) {
            Some((token, true)) => return Ok(token),
            Some((token, false)) => Some(token),
            None => None,
        };
        let _flight = match (self.flight.try_lock(), &usable) {
            (Ok(flight), _) => flight,
            (Err(_), Some(token)) => return Ok(Arc::clone(token)),
            (Err(_), None) => timeout_at(until, self.flight.lock()).await.map_err(|_| {
                Lost::NotSent("the deadline passed while another call was fetching the token".to_owned())
            })?,
        };
        // Whoever was in flight before may have brought what is needed.
        if let Some((token, true)) = self.look(rejected) {
            return Ok(token);
        }
        let fetched = if usable.is_some() {
            // The old token is still good: its renewal may not eat the whole deadline, nor wait.
            let now = Instant::now();
            self.fetch_once(http, scrub, now + until.saturating_duration_since(now) / 2).await
        } else {
            self.fetch_until(http, scrub, until).await
        };
        fetched.or_else(|lost| usable.ok_or(lost))
    }

    /// Fetches, waits as the endpoint asks, and fetches again, within the deadline. Called in flight.
    async fn fetch_until(
        &self,
        http: &reqwest::Client,
        scrub: &Scrub,
        until: Instant,
    ) -> Result<Arc<Token>, Lost> {
        let mut result = self.fetch_once(http, scrub, until).await;
        for _ in 1..FETCHES_MAX {
            match self.pause() {
                Some(pause) if result.is_err() && pause.asked && pause.until < until => {
                    sleep_until(pause.until).await;
                }
                _ => return result,
            }
            result = self.fetch_once(http, scrub, until).await;
        }
        result
    }

    /// Asks the endpoint, unless it is to be left alone. Called in flight.
    async fn fetch_once(
        &self,
        http: &reqwest::Client,
        scrub: &Scrub,
        until: Instant,
    ) -> Result<Arc<Token>, Lost> {
        if let Some(pause) = self.pause() {
            return Err(pause.lost);
        }
        let began = Instant::now();
        let response = exchange(http, self.outgoing(), &self.limits, until).await.map_err(|failure| {
            let lost = Lost::NotSent(scrub.text(&format!("no token: {}", failure.why), None));
            self.note_failure(&failure, &lost);
            lost
        })?;
        match answer::read(&response, scrub) {
            Ok((secret, header, life)) => Ok(self.keep(&secret, header, began, life)),
            Err(lost) => {
                let asked = retry_after(&response).filter(|_| matches!(lost, Lost::NotSent(_)));
                self.leave_alone(asked, &lost);
                Err(lost)
            }
        }
    }

    fn outgoing(&self) -> Outgoing {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        if let Some(basic) = &self.basic {
            headers.insert(AUTHORIZATION, basic.clone());
        }
        let body = Bytes::copy_from_slice(self.form.expose_secret().as_bytes());
        Outgoing { method: Method::POST, url: self.url.clone(), headers, body }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The kept token, if it is not `rejected` and not dead, and whether it is fresh.
    fn look(&self, rejected: Option<&Token>) -> Option<(Arc<Token>, bool)> {
        let mut kept = self.kept();
        let token = kept.token.as_ref()?;
        let now = Instant::now();
        if now >= token.dead_at || rejected.is_some_and(|rejected| rejected.number == token.number) {
            kept.token = None;
            return None;
        }
        Some((Arc::clone(token), now < token.stale_at))
    }

    /// The pause, if it is not over.
    fn pause(&self) -> Option<Pause> {
        self.kept().pause.clone().filter(|pause| Instant::now() < pause.until)
    }

    fn keep(&self, secret: &SecretString, header: HeaderValue, began: Instant, life: Duration) -> Arc<Token> {
        let margin = self.limits.token_margin.min(life / 2);
        let mut kept = self.kept();
        kept.count += 1;
        kept.pause = None;
        let (stale_at, dead_at) = (began + life.saturating_sub(margin), began + life);
        let token = Arc::new(Token {
            number: kept.count,
            forms: Forms::of(secret.expose_secret()),
            header,
            stale_at,
            dead_at,
        });
        kept.token = Some(Arc::clone(&token));
        token
    }

    /// A deadline that passed says more about the caller than about the endpoint: only other failures earn a pause.
    fn note_failure(&self, failure: &Failure, lost: &Lost) {
        if !failure.timed_out {
            self.leave_alone(None, lost);
        }
    }

    /// Never for less than the own pause: an endpoint that says 0 seconds and fails again would be asked in a loop.
    fn leave_alone(&self, asked: Option<Duration>, lost: &Lost) {
        let wait = asked.unwrap_or_default().max(self.limits.token_pause).min(self.limits.token_pause_max);
        self.kept().pause =
            Some(Pause { until: Instant::now() + wait, asked: asked.is_some(), lost: lost.clone() });
    }
}
