//! Tokens: one a system, fetched once for all who need it.
//!
//! Absent: the caller's retry budget. A token is fetched before the request exists, so a token endpoint that is down costs no
//! attempt. One fetch is under way at a time; who needs a token meanwhile waits for it up to its own deadline, or goes on with
//! one that is still good. A failed endpoint is left alone for a pause, so that a hundred waiting requests are not a hundred
//! logins; if it says itself for how long, a caller whose deadline reaches so far waits.

use crate::answer::Minted;
use crate::exchange::{Failure, exchange};
use crate::lost::Lost;
use crate::mint::{Mint, Step};
use crate::retry_after::retry_after;
use crate::scheme::secret_header;
use crate::scrub::{Forms, Scrub};
use crate::target::Limits;
use reqwest::header::{HeaderName, HeaderValue};
use secrecy::ExposeSecret;
use std::sync::{Arc, Mutex as Lock, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until, timeout_at};

/// How often one call asks the token endpoint.
const FETCHES_MAX: usize = 3;
/// A token endpoint's answer is a few KiB.
const ANSWER_BYTES_MAX: usize = 256 << 10;

/// Seconds since 1970, for signatures and for tokens that say when they end. It decides nothing but that: what is waited for is
/// counted by a clock that is never set back.
fn now_s() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or_default()
}

/// A token.
pub(crate) struct Token {
    number: u64,
    pub(crate) forms: Forms,
    pub(crate) header: (HeaderName, HeaderValue),
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
    mint: Mint,
    /// The header that carries a token, and what stands before it.
    header: HeaderName,
    prefix: String,
    limits: Limits,
    kept: Lock<Kept>,
    flight: Mutex<()>,
}

impl Tokens {
    /// Tokens made by `mint`, carried by `header` behind `prefix`.
    pub(crate) fn new(mint: Mint, header: HeaderName, prefix: String, limits: Limits) -> Self {
        Self {
            mint,
            header,
            prefix,
            limits: Limits { response_body_bytes_max: ANSWER_BYTES_MAX, ..limits },
            kept: Lock::default(),
            flight: Mutex::default(),
        }
    }

    /// Whether it asks for TLS.
    pub(crate) fn is_tls(&self) -> bool {
        self.mint.is_tls()
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
        let (began, now_s) = (Instant::now(), now_s());
        let outgoing = match self.mint.begin(now_s) {
            Ok(Step::Made(minted)) => return self.keep(&minted, began),
            Ok(Step::Ask(outgoing)) => *outgoing,
            Err(lost) => {
                self.leave_alone(None, &lost);
                return Err(lost);
            }
        };
        let response = exchange(http, outgoing, &self.limits, until).await.map_err(|failure| {
            let lost = Lost::NotSent(scrub.text(&format!("no token: {}", failure.why), None));
            self.note_failure(&failure, &lost);
            lost
        })?;
        match self.mint.read(&response, scrub, now_s) {
            Ok(minted) => self.keep(&minted, began),
            Err(lost) => {
                let asked = retry_after(&response).filter(|_| matches!(lost, Lost::NotSent(_)));
                self.leave_alone(asked, &lost);
                Err(lost)
            }
        }
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

    fn keep(&self, minted: &Minted, began: Instant) -> Result<Arc<Token>, Lost> {
        let (secret, life) = (minted.secret.expose_secret(), minted.life);
        let value = secret_header(&format!("{}{secret}", self.prefix))
            .ok_or_else(|| Lost::NotSent("no token: it cannot stand in a header".to_owned()))?;
        let margin = self.limits.token_margin.min(life / 2);
        let mut kept = self.kept();
        kept.count += 1;
        kept.pause = None;
        let (stale_at, dead_at) = (began + life.saturating_sub(margin), began + life);
        let (number, forms) = (kept.count, Forms::of(secret));
        let header = (self.header.clone(), value);
        let token = Arc::new(Token { number, forms, header, stale_at, dead_at });
        kept.token = Some(Arc::clone(&token));
        Ok(token)
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
