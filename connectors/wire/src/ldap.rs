//! Directories: one system that speaks LDAP 3 (RFC 4511), ready to be asked.
//!
//! Absent: retries, referrals (listed, never followed), SASL, and reading ahead. Invariants: a request goes to its own host alone,
//! in private but for this machine; everything counts against one deadline, and every size is bounded before it is kept; a lost
//! request says whether a byte of it had been given to the connection; a listing goes on on the connection that it began on,
//! because its cookie is good nowhere else.

mod ask;
mod ber;
mod line;
#[cfg(test)]
mod tests;
mod told;

use crate::address::{Reach, reach};
use crate::lost::{Error, Lost};
use crate::scrub::Scrub;
use crate::target::{Limits, Target};
use crate::turns::Turns;
use ask::Asked;
use line::{Line, Private, Site, Unmade};
use rustls_platform_verifier::BuilderVerifierExt;
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use url::Url;
use xops_connectors::auth::Auth;
use xops_kernel::port::{Request, Response};

/// The ports of RFC 4516 and of `ldaps`.
const PORTS: [(&str, u16); 2] = [("ldap", 389), ("ldaps", 636)];
/// How long a connection waits for the next page of its listing.
const LISTING_MAX: Duration = Duration::from_mins(5);

/// A directory that may be asked.
pub(crate) struct Directory {
    site: Site,
    home: (String, String, u16),
    who: Option<(String, SecretString)>,
    scrub: Scrub,
    limits: Limits,
    turns: Turns,
    lines: AtomicU64,
    idle: Mutex<Vec<(Line, Instant)>>,
    listing: Mutex<BTreeMap<u64, (Line, Instant)>>,
    listing_max: usize,
}

/// The scheme, host and port of an address.
fn home(url: &Url) -> Result<(String, String, u16), String> {
    let usual = PORTS.iter().find(|(scheme, _)| *scheme == url.scheme());
    let (_, port) = usual.ok_or_else(|| format!("has the scheme `{}`: use `ldaps`", url.scheme()))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("holds a user name or password: move it to the credential".to_owned());
    }
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or("has no host: write it in full")?;
    Ok((url.scheme().to_owned(), host.to_lowercase(), url.port().unwrap_or(*port)))
}

impl Directory {
    /// The directory of `target`, or the rule that it breaks.
    pub(crate) fn new(target: &Target, limits: &Limits) -> Result<Self, Error> {
        crate::transport::install_crypto();
        let builder = rustls::ClientConfig::builder().with_platform_verifier();
        let config = builder.map_err(|error| Error::Tls(crate::exchange::chain(&error)))?;
        Self::trusting(target, limits, config.with_no_client_auth())
    }

    fn trusting(target: &Target, limits: &Limits, tls: rustls::ClientConfig) -> Result<Self, Error> {
        let refused = |why: String| Error::Target { system: target.system.clone(), why };
        let home = home(&target.base_url).map_err(|why| refused(format!("`base_url` {why}")))?;
        let (scheme, host, port) = home.clone();
        let literal: Option<IpAddr> = host.trim_start_matches('[').trim_end_matches(']').parse().ok();
        let far = match (literal, host.as_str()) {
            (Some(ip), _) => reach(ip),
            (None, "localhost") => Reach::Loopback,
            (None, _) => Reach::Public,
        };
        if far == Reach::Never || (far != Reach::Public && !target.allow_private) {
            return Err(refused(format!(
                "`base_url` leads to `{host}`, which is private or reserved: declare `allow_private` if that is meant"
            )));
        }
        let tls = Arc::new(tls);
        let private = match scheme.as_str() {
            "ldaps" => Private::Tls(tls),
            _ if far == Reach::Loopback => Private::No,
            _ => Private::StartTls(tls),
        };
        let mut scrub = Scrub::new(target.credential.values());
        let who = credential(target)?;
        if let Some((_, password)) = &who {
            scrub.add_secret(password.expose_secret());
        }
        Ok(Self {
            site: Site { host, port, allow_private: target.allow_private, private },
            home,
            who,
            scrub,
            limits: *limits,
            turns: Turns::new(target.concurrency, limits.waiting_max).map_err(refused)?,
            lines: AtomicU64::new(1),
            idle: Mutex::new(Vec::new()),
            listing: Mutex::new(BTreeMap::new()),
            listing_max: target.concurrency.min(limits.idle_connections_max).max(1),
        })
    }

    /// Sends `request` and reads the whole answer.
    pub(crate) async fn send(&self, request: &Request, until: Instant) -> Result<Response, Lost> {
        let said = |why: &str| self.scrub.text(why, None);
        let asked = self.asked(request, until).map_err(|why| Lost::NotSent(said(&why)))?;
        let _turn = self.turns.take(until).await?;
        let sent = AtomicBool::new(false);
        let result = timeout_at(until, self.exchange(&asked, until, &sent)).await;
        let lost = |why: &str| {
            let left = sent.load(Ordering::SeqCst);
            if left { Lost::AfterSend(said(why)) } else { Lost::NotSent(said(why)) }
        };
        match result {
            Ok(Ok(mut response)) => {
                self.scrub.echoes(&mut response, None);
                Ok(response)
            }
            Ok(Err(Unmade::Refused(why))) => Err(Lost::AuthFailed(said(&why))),
            Ok(Err(Unmade::Failed(why))) => Err(lost(&why)),
            Err(_) => Err(lost("the deadline passed before the answer was whole")),
        }
    }

    fn asked(&self, request: &Request, until: Instant) -> Result<Asked, String> {
        let url = Url::parse(&request.url).map_err(|error| format!("its address cannot be read: {error}"))?;
        let other = home(&url).map_err(|why| format!("its address {why}"))?;
        if other != self.home {
            return Err(format!(
                "the address leads to `{}`, and the system lives at `{}`",
                other.1, self.home.1
            ));
        }
        if request.body.len() > self.limits.request_body_bytes_max {
            return Err(format!("its body is longer than {} bytes", self.limits.request_body_bytes_max));
        }
        let left = until.saturating_duration_since(Instant::now()).as_secs().max(1);
        ask::asked(request, &url, i64::try_from(left).unwrap_or(i64::from(i32::MAX)))
    }

    /// One operation on a connection that is fit for it. `sent` is set before the first byte leaves.
    async fn exchange(&self, asked: &Asked, until: Instant, sent: &AtomicBool) -> Result<Response, Unmade> {
        let mut line = self.line(asked.line, until).await?;
        let number = line.number;
        sent.store(true, Ordering::SeqCst);
        let id = line.send(&asked.operation, &asked.controls).await.map_err(Unmade::Failed)?;
        let mut gathered = told::Gathered::new(self.limits.response_body_bytes_max);
        let response = loop {
            let content = line.receive(gathered.left()).await.map_err(Unmade::Failed)?;
            let message = told::message(&content).map_err(Unmade::Failed)?;
            if message.id == 0 {
                // RFC 4511, 4.4.1: the notice of disconnection.
                let why = told::ended(message.content).map_or_else(|why| why, |ended| ended.words);
                return Err(Unmade::Failed(format!("the directory ends the connection: {why}")));
            }
            if message.id != i64::from(id) {
                return Err(Unmade::Failed("the directory answers what was not asked".to_owned()));
            }
            if let Some(response) = gathered.take(&message, asked, number).map_err(Unmade::Failed)? {
                break response;
            }
        };
        // A listing that goes on has its connection to itself: another one on it would end it.
        let goes_on = !asked.controls.is_empty() && is_continued(&response);
        self.keep(line, goes_on);
        Ok(response)
    }

    /// The connection of the listing, an idle one, or a new one.
    async fn line(&self, listing: Option<u64>, until: Instant) -> Result<Line, Unmade> {
        if let Some(number) = listing {
            let kept = locked(&self.listing).remove(&number);
            let line = kept.filter(|(_, since)| since.elapsed() < LISTING_MAX).map(|(line, _)| line);
            let gone = "the connection on which the listing began is gone: read it again from its beginning";
            return line.ok_or_else(|| Unmade::Failed(gone.to_owned()));
        }
        loop {
            let kept = locked(&self.idle).pop();
            let Some((mut line, since)) = kept else { break };
            if since.elapsed() < self.limits.idle_max && line.is_quiet().await {
                return Ok(line);
            }
        }
        let number = self.lines.fetch_add(1, Ordering::SeqCst);
        let who = self.who.as_ref().map(|(dn, password)| (dn.as_str(), password.expose_secret()));
        let until = until.min(Instant::now() + self.limits.connect_max);
        match timeout_at(until, Line::open(&self.site, number, who)).await {
            Ok(made) => made,
            Err(_) => Err(Unmade::Failed("the deadline passed before there was a connection".to_owned())),
        }
    }

    fn keep(&self, line: Line, goes_on: bool) {
        let now = Instant::now();
        if goes_on {
            let mut listing = locked(&self.listing);
            listing.retain(|_, (_, since)| since.elapsed() < LISTING_MAX);
            while listing.len() >= self.listing_max {
                listing.pop_first();
            }
            listing.insert(line.number, (line, now));
        } else {
            let mut idle = locked(&self.idle);
            idle.retain(|(_, since)| since.elapsed() < self.limits.idle_max);
            if idle.len() < self.limits.idle_connections_max {
                idle.push((line, now));
            }
        }
    }
}

/// Whether the answer names a next page: the body is ours, so this is no guess about a stranger's text.
fn is_continued(response: &Response) -> bool {
    let body = serde_json::from_slice::<serde_json::Value>(&response.body);
    body.is_ok_and(|body| body.get("cookie").is_some())
}

/// What a panic elsewhere left is as good as before: connections are taken out whole.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Who asks: nobody, or a name with a password.
fn credential(target: &Target) -> Result<Option<(String, SecretString)>, Error> {
    let part = |name: &str| {
        let missing = || Error::PartMissing { system: target.system.clone(), part: name.to_owned() };
        target.credential.part(name).cloned().ok_or_else(missing)
    };
    let refused = |why: &str| Error::Target { system: target.system.clone(), why: why.to_owned() };
    match &target.auth {
        Auth::None => Ok(None),
        Auth::Basic { username, password } => {
            let (dn, password) = (part(username)?, part(password)?);
            // RFC 4513, 5.1.2: a name without a password is taken for nobody, and succeeds.
            if dn.expose_secret().is_empty() || password.expose_secret().is_empty() {
                return Err(refused(
                    "its name or its password is empty, which a directory takes for nobody: set both",
                ));
            }
            Ok(Some((dn.expose_secret().to_owned(), password)))
        }
        _ => Err(refused(
            "a directory is told who asks by `auth \"basic\"` or `auth \"none\"`: correct the manifest",
        )),
    }
}
