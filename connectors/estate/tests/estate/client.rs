//! A blocking HTTP/1.1 client over a plain socket, and an estate to call with it.
//!
//! - No keep-alive: a connection a call, so that a broken one is seen at once.

use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;
use tempfile::TempDir;
use xops_estate::{Options, Running, start};

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub(crate) fn headers(&self, name: &str) -> Vec<&str> {
        let own = self.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        own.map(|(_, value)| value.as_str()).collect()
    }

    /// The target of the link with this relation, whichever way the vendor lists links.
    pub(crate) fn link(&self, relation: &str) -> Option<String> {
        let all = self.headers("link").join(",");
        let one = all.split(",<").find(|one| one.contains(&format!("rel=\"{relation}\"")))?;
        Some(one.trim_start_matches('<').split('>').next()?.to_owned())
    }
}

/// Calls and gives what came back, or why nothing whole did.
pub(crate) fn call(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Result<Answer, String> {
    let rest = url.strip_prefix("http://").ok_or("not a plain URL")?;
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let mut stream = TcpStream::connect(host).map_err(|error| error.to_string())?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).map_err(|error| error.to_string())?;
    let mut text = format!(
        "{method} {} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n",
        if path.is_empty() { "/" } else { path }
    );
    for (name, value) in headers {
        text.extend([name, ": ", value, "\r\n"]);
    }
    if !body.is_empty() || method != "GET" {
        text.extend(["Content-Length: ", &body.len().to_string(), "\r\n"]);
    }
    text.push_str("\r\n");
    stream.write_all(format!("{text}{body}").as_bytes()).map_err(|error| error.to_string())?;
    let mut raw = Vec::new();
    stream.read_to_end(&mut raw).map_err(|error| error.to_string())?;
    let raw = String::from_utf8(raw).map_err(|error| error.to_string())?;
    let (head, body) = raw.split_once("\r\n\r\n").ok_or("no answer")?;
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).ok_or("no status")?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(key, _)| key.eq_ignore_ascii_case("content-length"));
    let length: usize = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
    if body.len() < length {
        return Err(format!("{} of {length} bytes", body.len()));
    }
    Ok(Answer { status, headers, body: body.to_owned() })
}

/// An estate of a story, and its files.
pub(crate) struct Stage {
    pub(crate) running: Running,
    pub(crate) dir: TempDir,
    tokens: std::cell::RefCell<std::collections::BTreeMap<String, String>>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(set: impl FnOnce(&mut Options)) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let mut options = Options { dir: dir.path().to_owned(), people: 25, seed: 7, ..Options::default() };
        set(&mut options);
        Self { running: start(options).expect("an estate"), dir, tokens: std::cell::RefCell::default() }
    }

    pub(crate) fn base(&self, system: &str) -> String {
        self.running.systems[system].base_url.clone()
    }

    pub(crate) fn secret(&self, system: &str, name: &str) -> String {
        self.running.systems[system].credentials[name].clone()
    }

    /// A token by client credentials, fetched once unless `anew`.
    pub(crate) fn token(&self, system: &str, anew: bool) -> String {
        if let Some(token) = self.tokens.borrow().get(system).filter(|_| !anew) {
            return token.clone();
        }
        let form = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default",
            self.secret(system, "client_id"),
            self.secret(system, "client_secret")
        );
        let url = self.running.systems[system].description["token_url"].as_str().expect("a URL").to_owned();
        let kind = [("Content-Type", "application/x-www-form-urlencoded")];
        let answer = call("POST", &url, &kind, &form).expect("an answer");
        let token = answer.json()["access_token"].as_str().expect("a token").to_owned();
        self.tokens.borrow_mut().insert(system.to_owned(), token.clone());
        token
    }

    fn authorization(&self, system: &str) -> String {
        match system {
            "okta" => format!("SSWS {}", self.secret("okta", "api_token")),
            "slack" => format!("Bearer {}", self.secret("slack", "bot_token")),
            other => format!("Bearer {}", self.token(other, false)),
        }
    }

    /// A call of a JSON system with its credentials; a path that is a URL stands for itself.
    pub(crate) fn try_call(
        &self,
        system: &str,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Result<Answer, String> {
        let url =
            if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base(system)) };
        let authorization = self.authorization(system);
        let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
        let kept = if body.is_null() { 1 } else { 2 };
        let text = if body.is_null() { String::new() } else { body.to_string() };
        call(method, &url, &headers[..kept], &text)
    }

    pub(crate) fn call(&self, system: &str, method: &str, path: &str, body: &Value) -> Answer {
        self.try_call(system, method, path, body).expect("an answer")
    }

    pub(crate) fn get(&self, system: &str, path: &str) -> Answer {
        self.call(system, "GET", path, &Value::Null)
    }

    /// A call of the control server.
    pub(crate) fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let answer =
            call(method, &format!("{}{path}", self.running.control_url), &[], &text).expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    pub(crate) fn fault(&self, order: &Value) {
        self.control("POST", "/faults", order);
    }

    pub(crate) fn digest(&self, system: &str) -> String {
        self.control("GET", "/digests", &Value::Null)[system]["digest"].as_str().expect("a digest").to_owned()
    }

    /// A new Okta identity of one of the planted people; its id.
    pub(crate) fn okta_user(&self, login: &str) -> String {
        let email = format!("{login}@acme.example");
        let (first, last) = login.split_once('.').expect("two names");
        let profile = json!({"login": email, "email": email, "firstName": first, "lastName": last});
        let answer = self.call("okta", "POST", "/api/v1/users?activate=false", &json!({"profile": profile}));
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["id"].as_str().expect("an id").to_owned()
    }
}
