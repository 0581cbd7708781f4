//! Talking to a running daemon, over its API on this machine.

use crate::apply;
use crate::arguments::{Apply, Common};
use crate::exit::{Exit, Failure, Outcome};
use crate::session::Places;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::time::Duration;
use xops_kernel::value::Values;

/// What a running daemon says of itself, in a file that only its user can read.
#[derive(Debug, Serialize, Deserialize)]
pub struct Daemon {
    /// Its process.
    pub pid: u32,
    /// Where its API is.
    pub url: String,
    /// The token of its API.
    pub token: String,
}

/// A running daemon.
pub struct Client {
    daemon: Daemon,
    http: reqwest::Client,
}

/// How long one request to the daemon may take. Waiting for an instance is done by asking again.
const REQUEST_MAX: Duration = Duration::from_mins(2);
/// How often an instance is asked after.
const POLL: Duration = Duration::from_millis(100);

/// The running daemon of a tenant, if there is one.
pub async fn daemon(common: &Common, tenant: &str) -> Result<Option<Client>, Failure> {
    let path = Places::of(common, tenant).daemon;
    let Ok(text) = std::fs::read_to_string(&path) else { return Ok(None) };
    let daemon: Daemon = serde_json::from_str(&text).map_err(|error| {
        Failure::plain(format!("`{}` does not describe a daemon: {error}", path.display()))
    })?;
    let http = reqwest::Client::builder().no_proxy().timeout(REQUEST_MAX).build().map_err(Failure::plain)?;
    let client = Client { daemon, http };
    // The file of a daemon that was killed stays behind; nobody answers there.
    let health = client.http.get(format!("{}/healthz", client.daemon.url)).timeout(Duration::from_secs(2));
    Ok(health.send().await.is_ok().then_some(client))
}

/// The failure of a command that needs a daemon.
pub fn needs_daemon() -> Failure {
    let note = "start one with `xops run`, and name the same --data".to_owned();
    Failure::plain("no daemon runs for this data folder").with([note])
}

impl Client {
    /// Asks for something.
    pub async fn get(&self, path: &str) -> Result<Json, Failure> {
        self.send(self.http.get(self.url(path))).await
    }

    /// Tells it something.
    pub async fn post(&self, path: &str, body: &Json) -> Result<Json, Failure> {
        let request = self.http.post(self.url(path)).header("content-type", "application/json");
        self.send(request.body(body.to_string())).await
    }

    /// Takes something back.
    pub async fn delete(&self, path: &str) -> Result<Json, Failure> {
        self.send(self.http.delete(self.url(path))).await
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.daemon.url)
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Json, Failure> {
        let request = request.header("authorization", format!("Bearer {}", self.daemon.token));
        let unreachable =
            |error: reqwest::Error| Failure::plain(format!("the daemon does not answer: {error}"));
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let text = response.text().await.map_err(unreachable)?;
        let body: Json = serde_json::from_str(&text).unwrap_or(Json::Null);
        if status.is_success() {
            return Ok(body);
        }
        let why =
            body["error"].as_str().map_or_else(|| format!("the daemon answered {status}"), str::to_owned);
        let reasons =
            body["reasons"].as_array().into_iter().flatten().filter_map(Json::as_str).map(str::to_owned);
        let exit = if status.is_client_error() { Exit::Refused } else { Exit::Failed };
        Err(Failure::new(exit, why).with(reasons.collect::<Vec<_>>()))
    }

    /// Has the daemon apply, and waits.
    pub async fn apply(&self, common: &Common, kind: &str, find: &Values, apply: &Apply) -> Outcome {
        let find: serde_json::Map<_, _> =
            find.iter().map(|(name, value)| (name.clone(), Json::from(value.to_string()))).collect();
        let body = json!({
            "id": apply::unique(&apply.target.entity),
            "entity": kind,
            "find": find,
            "outcome": apply.target.outcome,
            "release": apply.release,
            "principal": apply::principal(),
        });
        let answer = self.post("/v1/requests", &body).await?;
        if answer["state"] == "unchanged" {
            let satisfied = answer["satisfied"].as_u64().and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
            apply::unchanged(
                common,
                &apply.target.entity,
                answer["handle"].as_str().unwrap_or_default(),
                satisfied,
            )?;
            return Ok(Exit::Done);
        }
        let number =
            answer["number"].as_u64().ok_or_else(|| Failure::plain("the daemon named no instance"))?;
        loop {
            let state = self.get(&format!("/v1/instances/{number}")).await?;
            let word = state["state"].as_str().unwrap_or_default();
            if ["completed", "undone", "superseded", "parked", "stuck"].contains(&word) {
                return apply::ended(common, number, word);
            }
            tokio::time::sleep(POLL).await;
        }
    }
}
