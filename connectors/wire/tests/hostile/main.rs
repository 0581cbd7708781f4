//! The client against hostile servers on loopback: whatever they do, it answers within its deadline and its bounds, says
//! truly whether the request may have arrived, and keeps its secrets.

#![expect(clippy::unwrap_used, reason = "a test's helpers panic as the test does")]

mod rules;
mod secrets;
mod server;
mod tokens;
mod transport;

use secrecy::SecretString;
use server::Server;
use std::time::Duration;
use url::Url;
use xops_connectors::auth::Auth;
use xops_kernel::port::{Request, Response};
use xops_kernel::value::Values;
use xops_wire::client::Client;
use xops_wire::credential::Credential;
use xops_wire::lost::Lost;
use xops_wire::target::{Limits, Target};

/// A deadline that no test waits for.
const LONG: Duration = Duration::from_secs(20);

/// A target at `base`, on this machine.
fn target(base: &str, auth: Auth, parts: &[(&str, &str)]) -> Target {
    let with = |credential: Credential, (name, value): &(&str, &str)| {
        credential.with(name, SecretString::from(*value))
    };
    Target {
        system: "okta".to_owned(),
        base_url: Url::parse(base).unwrap(),
        more_urls: Vec::new(),
        auth,
        credential: parts.iter().fold(Credential::none(), with),
        vars: Values::new(),
        allow_private: true,
        concurrency: 4,
    }
}

/// A client of one target.
fn client(target: Target) -> Client {
    Client::new(vec![target], Limits::default()).unwrap()
}

/// A client without a credential.
fn plain(server: &Server) -> Client {
    client(target(&server.url(), Auth::None, &[]))
}

/// A request to `base`.
fn request(method: &str, base: &str, path: &str, body: &str) -> Request {
    Request {
        system: "okta".to_owned(),
        method: method.to_owned(),
        url: format!("{base}{path}"),
        query: Vec::new(),
        headers: Vec::new(),
        content_type: (!body.is_empty()).then(|| "text/plain".to_owned()),
        body: body.as_bytes().to_vec(),
    }
}

/// Sends a POST to `server`.
async fn post(client: &Client, server: &Server, deadline: Duration) -> Result<Response, Lost> {
    client.send(&request("POST", &server.url(), "/act", "order"), deadline).await
}
