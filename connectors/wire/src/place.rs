//! One system, ready to be talked to: its address, its credential, its turn.

use crate::address::Home;
use crate::exchange::{Outgoing, exchange};
use crate::lost::{Error, Lost};
use crate::outgoing::outgoing;
use crate::scheme::Scheme;
use crate::schemes::{Schemes, schemes};
use crate::scrub::{Forms, Scrub};
use crate::target::{Limits, Target};
use crate::tokens::{Token, Tokens};
use crate::turns::Turns;
use std::sync::Arc;
use tokio::time::Instant;
use xops_connectors::auth::SUBJECT_HEADER;
use xops_kernel::port::{Request, Response};

/// A system that may be talked to.
pub(crate) struct Place {
    homes: Vec<Home>,
    schemes: Schemes,
    scrub: Scrub,
    limits: Limits,
    turns: Turns,
}

/// Whom `request` acts for, if anybody.
fn subject(request: &Request) -> Option<&str> {
    request.headers.iter().find(|(name, _)| name == SUBJECT_HEADER).map(|(_, value)| value.as_str())
}

impl Place {
    /// The place of `target`, or the rule that it breaks.
    pub(crate) fn new(target: &Target, limits: &Limits) -> Result<Self, Error> {
        let refused = |why: String| Error::Target { system: target.system.clone(), why };
        let mut homes =
            vec![Home::declared("`base_url`", &target.base_url, target.allow_private).map_err(refused)?];
        for url in &target.more_urls {
            homes.push(Home::declared("a base address", url, target.allow_private).map_err(refused)?);
        }
        let turns = Turns::new(target.concurrency, limits.waiting_max).map_err(refused)?;
        let (schemes, scrub) = schemes(target, limits)?;
        Ok(Self { homes, schemes, scrub, limits: *limits, turns })
    }

    /// Whether anything here asks for TLS.
    pub(crate) fn is_tls(&self) -> bool {
        self.homes.iter().any(Home::is_tls) || self.schemes.is_tls()
    }

    /// Sends `request` with the credential.
    pub(crate) async fn send(
        &self,
        http: &reqwest::Client,
        request: &Request,
        until: Instant,
    ) -> Result<Response, Lost> {
        let refused = |why: String| Lost::NotSent(self.scrub.text(&why, None));
        let mut outgoing = outgoing(request, &self.homes, &self.limits).map_err(refused)?;
        let scheme = self.schemes.of(&outgoing.url);
        if let Scheme::Missing(_) = scheme {
            scheme.apply(&mut outgoing).map_err(|why| Lost::AuthFailed(self.scrub.text(&why, None)))?;
        }
        scheme.apply(&mut outgoing).map_err(refused)?;
        let _turn = self.turns.take(until).await?;
        // Whatever waited for its turn is signed as of now.
        let signature = scheme.sign(&mut outgoing).map_err(refused)?;
        match scheme {
            Scheme::Tokens(tokens) => self.with_token(http, outgoing, tokens, until).await,
            Scheme::Acting(acting) => {
                let tokens = acting.of(subject(request)).map_err(refused)?;
                self.with_token(http, outgoing, &tokens, until).await
            }
            _ => self.once(http, outgoing, signature.as_ref(), until).await,
        }
    }

    /// Sends with a token. A 401 means that the request was not carried out: then once more, with a new token.
    async fn with_token(
        &self,
        http: &reqwest::Client,
        outgoing: Outgoing,
        tokens: &Tokens,
        until: Instant,
    ) -> Result<Response, Lost> {
        let token = tokens.get(http, &self.scrub, until, None).await?;
        let response = self.bearing(http, outgoing.clone(), &token, until).await?;
        if response.status != 401 {
            return Ok(response);
        }
        tracing::debug!("the token was turned away, one more is fetched");
        let token: Arc<Token> = tokens.get(http, &self.scrub, until, Some(&token)).await?;
        self.bearing(http, outgoing, &token, until).await
    }

    /// Sends once, with `token`.
    async fn bearing(
        &self,
        http: &reqwest::Client,
        mut outgoing: Outgoing,
        token: &Token,
        until: Instant,
    ) -> Result<Response, Lost> {
        let (name, value) = token.header.clone();
        outgoing.headers.insert(name, value);
        self.once(http, outgoing, Some(&token.forms), until).await
    }

    /// Sends once. `forms` is what of this request alone is secret.
    async fn once(
        &self,
        http: &reqwest::Client,
        outgoing: Outgoing,
        forms: Option<&Forms>,
        until: Instant,
    ) -> Result<Response, Lost> {
        match exchange(http, outgoing, &self.limits, until).await {
            Ok(mut response) => {
                self.scrub.echoes(&mut response, forms);
                Ok(response)
            }
            Err(failure) => Err(failure.lost(|why| self.scrub.text(why, forms))),
        }
    }
}
