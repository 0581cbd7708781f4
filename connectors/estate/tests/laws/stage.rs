//! The estate on its feet: every system's address and secret, a client of the wire, and the control server's answers.
//!
//! - Cards are judged where they are at hand; with `CI=true` their absence is a failure.

use secrecy::SecretString;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::OnceLock;
use url::Url;
use xops_connectors::auth::{Algorithm, Auth, First, Grant, Signed, Told};
use xops_connectors::manifests::Manifests;
use xops_connectors::sample;
use xops_estate::{Options, Running, start};
use xops_kernel::value::{Value, Values};
use xops_wire::client::Client;
use xops_wire::credential::Credential;
use xops_wire::target::{Limits, Target};

/// The project's manifests, which must be without a finding.
pub(crate) fn manifests() -> &'static Manifests {
    static READ: OnceLock<Manifests> = OnceLock::new();
    READ.get_or_init(|| {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../manifests");
        let folders = [root.clone(), root.join("families")];
        let entries = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten();
        let paths = entries.map(|entry| entry.expect("the folder can be read").path());
        let hcl = paths.filter(|path| path.extension().is_some_and(|end| end == "hcl"));
        let mut files: Vec<(String, Vec<u8>)> = hcl
            .map(|path| (path.display().to_string(), std::fs::read(path).expect("the manifest can be read")))
            .collect();
        files.sort();
        let (manifests, findings) = Manifests::load(&files);
        assert!(findings.is_empty(), "the manifests have {} findings", findings.len());
        manifests
    })
}

/// Where the vendors' descriptions are.
fn cards() -> Option<PathBuf> {
    let named = std::env::var_os("XOPS_CARDS").map(PathBuf::from);
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/reference/cards");
    let found = named.or(Some(beside)).filter(|path| path.is_dir());
    assert!(
        found.is_some() || std::env::var("CI").as_deref() != Ok("true"),
        "the operation cards are not there: set XOPS_CARDS to their directory"
    );
    found
}

/// An estate and a client of it.
pub(crate) struct Stage {
    pub(crate) running: Running,
    pub(crate) client: Client,
    pub(crate) configs: BTreeMap<String, Values>,
    control: reqwest::Client,
    _dir: tempfile::TempDir,
}

impl Stage {
    /// Starts an estate, and makes a client of `systems` with the configuration that `vars` completes.
    pub(crate) fn new(systems: &[(&str, BTreeMap<String, Json>)]) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let options = Options {
            dir: dir.path().to_owned(),
            people: 3,
            cards: cards(),
            rate_limits: false,
            ..Options::default()
        };
        let running = start(options).expect("the estate starts");
        let mut targets = Vec::new();
        let mut configs = BTreeMap::new();
        for (system, vars) in systems {
            let config = config(&running, system, vars);
            targets.push(target(&running, system, &config));
            configs.insert((*system).to_owned(), config);
        }
        let client = Client::new(targets, Limits::default()).expect("every target has its parts");
        let control = reqwest::Client::builder().no_proxy().build().expect("the estate answers");
        Self { running, client, configs, control, _dir: dir }
    }

    /// Asks the control server.
    pub(crate) async fn control(&self, method: &str, path: &str, body: &Json) -> Json {
        let url = format!("{}{path}", self.running.control_url);
        let request = self.control.request(method.parse().expect("the estate answers"), url);
        let request = if body.is_null() { request } else { request.body(body.to_string()) };
        let answer = request.send().await.expect("the estate answers");
        let ok = answer.status().is_success();
        let text = answer.text().await.expect("the estate answers");
        assert!(ok, "{method} {path} {body}: {text}");
        serde_json::from_str(&text).expect("the estate answers")
    }

    /// All objects of a system.
    pub(crate) async fn state(&self, system: &str) -> Json {
        self.control("GET", &format!("/state?system={system}"), &Json::Null).await[system]["objects"].take()
    }

    /// Switches a fault on for the next call of a system that matches `operation`.
    pub(crate) async fn fault(&self, system: &str, operation: &str, kind: &str, more: &Json) {
        let mut order = json!({"system": system, "operation": operation, "kind": kind, "times": 1});
        for (name, value) in more.as_object().into_iter().flatten() {
            order[name] = value.clone();
        }
        self.control("POST", "/faults", &order).await;
    }
}

fn config(running: &Running, system: &str, vars: &BTreeMap<String, Json>) -> Values {
    let manifest = manifests().manifest(system).expect("the system has a manifest");
    let address = running.systems.get(system).unwrap_or_else(|| panic!("the estate has no {system}"));
    let mut config = sample::config(manifest);
    config.insert("base_url".to_owned(), address.base_url.as_str().into());
    for (name, value) in address.description.as_object().into_iter().flatten() {
        if manifest.vars.contains_key(name)
            && let Some(text) = value.as_str()
        {
            config.insert(name.clone(), text.into());
        }
    }
    for base in manifests().bases(system) {
        config.insert(base.to_owned(), address.base_url.as_str().into());
    }
    for (name, value) in vars {
        config.insert(name.clone(), read(value));
    }
    config
}

/// A value of JSON.
pub(crate) fn read(value: &Json) -> Value {
    xops_connectors::json::parse(value.to_string().as_bytes()).expect("the estate answers")
}

fn target(running: &Running, system: &str, config: &Values) -> Target {
    let address = &running.systems[system];
    let token_url = address.description["token_url"].as_str().unwrap_or_default();
    let auth = at_home(manifests().auth(system).expect("the system has a manifest"), token_url);
    let mut credential = Credential::none();
    let secret = address.credentials.get("secret").cloned().unwrap_or_else(|| "unused".to_owned());
    let mut parts = BTreeMap::new();
    named(&auth, &mut parts);
    for (part, usual) in parts {
        let own = address.credentials.get(&part).cloned();
        let value = own.unwrap_or_else(|| usual.unwrap_or_else(|| secret.clone()));
        credential = credential.with(&part, SecretString::from(value));
    }
    let base_url = Url::parse(&address.base_url).expect("the estate answers");
    Target {
        system: system.to_owned(),
        more_urls: vec![base_url.clone()],
        base_url,
        auth,
        credential,
        vars: config.clone(),
        allow_private: true,
        concurrency: 4,
    }
}

/// A key that signs tokens. The estate does not check signatures, so one algorithm stands for all.
fn key() -> String {
    let random = ring::rand::SystemRandom::new();
    let algorithm = &ring::signature::ECDSA_P256_SHA256_FIXED_SIGNING;
    let bytes =
        ring::signature::EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("the estate answers");
    let text = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes.as_ref());
    format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
}

fn resigned(signed: &Signed) -> Signed {
    Signed { algorithm: Algorithm::Es256, ..signed.clone() }
}

/// The scheme with its token endpoint in the estate.
fn at_home(auth: &Auth, here: &str) -> Auth {
    match auth {
        Auth::Several { by_path, otherwise } => Auth::Several {
            by_path: by_path.iter().map(|(paths, auth)| (paths.clone(), at_home(auth, here))).collect(),
            otherwise: Box::new(at_home(otherwise, here)),
        },
        Auth::OAuth2 { grant, scope, form, .. } => Auth::OAuth2 {
            token_url: here.to_owned(),
            grant: match grant {
                Grant::Assertion { word, signed } => {
                    Grant::Assertion { word: word.clone(), signed: resigned(signed) }
                }
                Grant::Bearer(signed) => Grant::Bearer(resigned(signed)),
                other => other.clone(),
            },
            scope: scope.clone(),
            form: form.clone(),
        },
        Auth::Jwt { signed, header, prefix } => {
            Auth::Jwt { signed: resigned(signed), header: header.clone(), prefix: prefix.clone() }
        }
        other => other.clone(),
    }
}

type Parts = BTreeMap<String, Option<String>>;

fn part(name: &str, usual: Option<String>, parts: &mut Parts) {
    parts.insert(name.to_owned(), usual);
}

fn told<'a>(all: impl IntoIterator<Item = &'a Told>, parts: &mut Parts) {
    for one in all {
        if let Told::Part(name) = one {
            part(name, None, parts);
        }
    }
}

fn signer(signed: &Signed, parts: &mut Parts) {
    part("private_key", Some(key()), parts);
    told([&signed.issuer], parts);
    told([&signed.subject, &signed.otherwise, &signed.audience].into_iter().flatten(), parts);
}

fn granted(grant: &Grant, parts: &mut Parts) {
    match grant {
        Grant::Given { part: name } => part(name, None, parts),
        Grant::Bearer(signed) | Grant::Assertion { signed, .. } => {
            part("client_id", Some("client".to_owned()), parts);
            signer(signed, parts);
        }
        Grant::Client { .. } | Grant::Refresh { .. } => {
            part("client_id", Some("client".to_owned()), parts);
            part("client_secret", None, parts);
            part("refresh_token", None, parts);
        }
    }
}

/// The parts that a scheme names, with a value where it is no shared secret.
fn named(auth: &Auth, parts: &mut Parts) {
    match auth {
        Auth::Several { by_path, otherwise } => {
            for (_, auth) in by_path {
                named(auth, parts);
            }
            named(otherwise, parts);
        }
        Auth::None => {}
        Auth::ApiKey { part: name, .. } | Auth::ApiKeyQuery { part: name, .. } => part(name, None, parts),
        Auth::Basic { username, password } => {
            part(username, None, parts);
            part(password, None, parts);
        }
        Auth::OAuth2 { grant, form, .. } => {
            granted(grant, parts);
            told(form.iter().map(|(_, one)| one), parts);
        }
        Auth::TwoStep { first, .. } => match first {
            First::Basic => {
                part("username", Some("user".to_owned()), parts);
                part("password", None, parts);
            }
            First::Header { part: name, .. } => part(name, None, parts),
            First::Json(fields) | First::Form(fields) => told(fields.iter().map(|(_, one)| one), parts),
        },
        Auth::Jwt { signed, .. } => signer(signed, parts),
        Auth::Duo { .. } => {
            part("integration_key", Some("key".to_owned()), parts);
            part("secret_key", None, parts);
        }
        Auth::AwsSigV4 { .. } => {
            part("access_key_id", Some("key".to_owned()), parts);
            part("secret_access_key", None, parts);
        }
        Auth::WsSecurity => {
            part("username", None, parts);
            part("password", None, parts);
        }
    }
}
