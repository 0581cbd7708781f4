//! The `auth` block: which scheme, and what it needs to know.
//!
//! Absent: secrets. What a scheme takes is a literal, a variable of the tenant (`"var:x"`) or a part of the credential
//! (`"part:x"`), and only the name of it stands in a manifest.

use super::Context;
use crate::auth::{Algorithm, Auth, First, Grant, Hash, Signed, Told};
use crate::code;
use xops_source::finding::suggest;
use xops_source::reader::{Reader, listed};
use xops_source::syntax::Block;

const SCHEMES: [&str; 15] = [
    "none",
    "api_key",
    "api_key_query",
    "bearer",
    "basic",
    "oauth2_client_credentials",
    "oauth2_jwt_bearer",
    "oauth2_refresh",
    "google_service_account",
    "two_step",
    "jwt",
    "hmac",
    "aws_sigv4",
    "snowflake_jwt",
    "ws_security",
];
/// Google's token endpoint, and the life that it allows an assertion (service accounts, HTTP/REST).
const GOOGLE_TOKEN_URL: &str = "https://oauth2.googleapis.com/token";
/// How long a signed token is good where nothing is declared: long enough for a clock that is off, short enough to be lost.
const LIFETIME_MS: u64 = 300_000;
/// The longest life of a signed token: an hour is what the strictest vendors allow.
const LIFETIME_MS_MAX: u64 = 3_600_000;

/// Reads the `auth` block; `None` where there is none or it has a mistake.
pub(super) fn auth(reader: &mut Reader<'_, '_>, context: &Context<'_>, must: bool) -> Option<Auth> {
    let blocks = reader.blocks("auth", &["scheme"]);
    if blocks.is_empty() && must {
        reader.missing("`auth` block");
    }
    let (mut by_path, mut otherwise) = (Vec::new(), None);
    for block in blocks {
        let (paths, auth) = one(reader, context, block);
        if !paths.is_empty() {
            by_path.extend(auth.map(|auth| (paths, auth)));
        } else if otherwise.is_some() {
            let finding = reader
                .error(code::DUPLICATE, block.head(), "a manifest has one `auth`", "another one")
                .help("a second one says for which paths it is: paths = [\"/api/\"]".to_owned());
            reader.report(finding);
        } else {
            otherwise = auth;
        }
    }
    if by_path.is_empty() {
        return otherwise;
    }
    // Paths of no scheme are asked without a credential.
    Some(Auth::Several { by_path, otherwise: Box::new(otherwise.unwrap_or(Auth::None)) })
}

fn one(reader: &mut Reader<'_, '_>, context: &Context<'_>, block: &Block) -> (Vec<String>, Option<Auth>) {
    let label = &block.labels[0];
    let mut inner = Scheme { reader: reader.within(block), context };
    let paths = inner.reader.list_of_texts("paths").into_iter().map(|(path, _)| path).collect();
    let auth = match label.text.as_str() {
        "none" => Some(Auth::None),
        "api_key" => inner.api_key(),
        "api_key_query" => inner.api_key_query(),
        "bearer" => {
            let part = inner.part("token");
            Some(Auth::ApiKey { header: "authorization".to_owned(), prefix: "Bearer ".to_owned(), part })
        }
        "basic" => Some(Auth::Basic {
            username: inner.reader.text("username").unwrap_or_else(|| "username".to_owned()),
            password: inner.reader.text("password").unwrap_or_else(|| "password".to_owned()),
        }),
        "oauth2_client_credentials" => inner.client_credentials(),
        "oauth2_jwt_bearer" => inner.jwt_bearer(),
        "oauth2_refresh" => inner.refresh(),
        "google_service_account" => inner.google(),
        "two_step" => inner.two_step(),
        "jwt" | "snowflake_jwt" => inner.jwt(),
        "hmac" => inner.hmac(),
        "aws_sigv4" => inner.aws(),
        "ws_security" => Some(Auth::WsSecurity),
        other => {
            let help =
                suggest(other, SCHEMES).unwrap_or_else(|| format!("it is one of {}", listed(&SCHEMES)));
            let message = format!("there is no way to authenticate called `{other}`");
            let finding =
                inner.reader.error(xops_source::code::CHOICE, label.span.clone(), message, "not a scheme");
            inner.reader.rest();
            inner.reader.report(finding.help(help));
            None
        }
    };
    inner.reader.finish();
    (paths, auth)
}

struct Scheme<'a, 'f, 'c> {
    reader: Reader<'a, 'f>,
    context: &'c Context<'c>,
}

impl Scheme<'_, '_, '_> {
    fn part(&mut self, default: &str) -> String {
        self.reader.text("part").unwrap_or_else(|| default.to_owned())
    }

    /// A text that may name a variable, which must be declared.
    fn told(&mut self, name: &str) -> Option<Told> {
        let told = Told::of(&self.reader.text(name)?);
        let span = self.reader.span_of(name);
        if matches!(told, Told::Input(_)) && name != "subject" {
            let message = format!("`{name}` is the same for every request, and an input is not");
            let finding = self
                .reader
                .error(code::MEMBER, span.clone(), message, "an input")
                .help("only `subject` of a signed token may be an input".to_owned());
            self.reader.report(finding);
        }
        self.known(&told, span);
        Some(told)
    }

    fn known(&mut self, told: &Told, span: std::ops::Range<usize>) {
        if let Told::Var(var) = told
            && !self.context.vars.contains_key(var)
        {
            let message = format!("there is no variable `{var}`");
            let help = suggest(var, self.context.vars.keys().map(String::as_str))
                .unwrap_or_else(|| format!("declare it: var \"{var}\" {{ type = \"text\" }}"));
            let finding = self.reader.error(code::MEMBER, span, message, "not declared").help(help);
            self.reader.report(finding);
        }
    }

    fn required(&mut self, name: &str) -> Option<Told> {
        if self.reader.require(name) { self.told(name) } else { None }
    }

    /// Named texts.
    fn fields(&mut self, name: &str) -> Vec<(String, Told)> {
        let mut fields = Vec::new();
        for (word, node) in self.reader.map(name) {
            let Some(text) = node.text() else {
                let message = format!("`{}` is no text", word.text);
                let finding = self
                    .reader
                    .error(xops_source::code::WRONG_VALUE, node.span.clone(), message, "not a text")
                    .help("write a literal, \"var:x\" or \"part:x\"".to_owned());
                self.reader.report(finding);
                continue;
            };
            let told = Told::of(text);
            self.known(&told, node.span.clone());
            fields.push((word.text, told));
        }
        fields
    }

    fn token_url(&mut self) -> Option<String> {
        let text = self.reader.required_text("token_url")?;
        let span = self.reader.span_of("token_url");
        self.known(&Told::of(&text), span.clone());
        for hole in text.split('{').skip(1) {
            let name = hole.split('}').next().unwrap_or_default().trim_start_matches("var.");
            self.known(&Told::Var(name.to_owned()), span.clone());
        }
        Some(text)
    }

    fn api_key(&mut self) -> Option<Auth> {
        let header = self.reader.required_text("header");
        let prefix = self.reader.text("prefix").unwrap_or_default();
        let part = self.part("api_key");
        Some(Auth::ApiKey { header: header?.to_lowercase(), prefix, part })
    }

    fn api_key_query(&mut self) -> Option<Auth> {
        let name = self.reader.required_text("name");
        let part = self.part("api_key");
        name.map(|name| Auth::ApiKeyQuery { name, part })
    }

    fn signed(&mut self, issuer: Option<Told>) -> Option<Signed> {
        let algorithm = match self.reader.choice("algorithm", &["RS256", "ES256", "HS256"]) {
            Some("ES256") => Algorithm::Es256,
            Some("HS256") => Algorithm::Hs256,
            _ => Algorithm::Rs256,
        };
        let issuer = self.told("issuer").or(issuer);
        if issuer.is_none() {
            self.reader.require("issuer");
        }
        let (subject, audience) = (self.told("subject"), self.told("audience"));
        let lifetime_ms = self.reader.duration_ms("lifetime").unwrap_or(LIFETIME_MS);
        if lifetime_ms > LIFETIME_MS_MAX {
            let finding = self
                .reader
                .error(
                    xops_source::code::WRONG_VALUE,
                    self.reader.span_of("lifetime"),
                    "a signed token is good for an hour at most",
                    "too long",
                )
                .help("write lifetime = \"5m\"".to_owned());
            self.reader.report(finding);
        }
        Some(Signed {
            algorithm,
            issuer: issuer?,
            subject,
            otherwise: self.told("otherwise"),
            audience,
            scope: None,
            lifetime_s: (lifetime_ms / 1000).max(1),
        })
    }

    fn client_credentials(&mut self) -> Option<Auth> {
        let token_url = self.token_url();
        let scope = self.reader.text("scope");
        let form = self.fields("form");
        let word = self.reader.text("grant").unwrap_or_else(|| "client_credentials".to_owned());
        let grant = if self.reader.choice("assertion", &["private_key_jwt"]).is_some() {
            let client = Told::Part("client_id".to_owned());
            let mut signed = self.signed(Some(client.clone()))?;
            signed.subject = signed.subject.or(Some(client));
            Grant::Assertion { word, signed }
        } else {
            Grant::Client { word, in_form: self.reader.bool("in_form").unwrap_or(true) }
        };
        Some(Auth::OAuth2 { token_url: token_url?, grant, scope, form })
    }

    fn jwt_bearer(&mut self) -> Option<Auth> {
        let token_url = self.token_url();
        let scope = self.told("scope");
        let form = self.fields("form");
        let grant = match self.told("assertion") {
            Some(Told::Part(part)) => Grant::Given { part },
            _ => Grant::Bearer(Signed { scope, ..self.signed(None)? }),
        };
        Some(Auth::OAuth2 { token_url: token_url?, grant, scope: None, form })
    }

    fn refresh(&mut self) -> Option<Auth> {
        let token_url = self.token_url();
        let scope = self.reader.text("scope");
        let form = self.fields("form");
        let in_form = self.reader.bool("in_form").unwrap_or(true);
        Some(Auth::OAuth2 { token_url: token_url?, grant: Grant::Refresh { in_form }, scope, form })
    }

    /// A Google service account (RFC 7523): parts `client_email`, `private_key` and `key_id`.
    fn google(&mut self) -> Option<Auth> {
        self.reader.require("scopes");
        let scopes: Vec<String> =
            self.reader.list_of_texts("scopes").into_iter().map(|(one, _)| one).collect();
        let subject = self.told("subject");
        let token_url =
            if self.reader.has("token_url") { self.token_url()? } else { GOOGLE_TOKEN_URL.to_owned() };
        let signed = Signed {
            algorithm: Algorithm::Rs256,
            issuer: Told::Part("client_email".to_owned()),
            subject,
            otherwise: self.told("otherwise"),
            audience: None,
            scope: Some(Told::Literal(scopes.join(" "))),
            lifetime_s: LIFETIME_MS_MAX / 1000,
        };
        Some(Auth::OAuth2 { token_url, grant: Grant::Bearer(signed), scope: None, form: Vec::new() })
    }

    fn two_step(&mut self) -> Option<Auth> {
        let path = self.reader.required_text("post");
        self.reader.require("in");
        let user = || {
            let part = |name: &str| (name.to_owned(), Told::Part(name.to_owned()));
            vec![part("username"), part("password")]
        };
        let given = self.fields("fields");
        let fields = if given.is_empty() { user() } else { given };
        let first = match self.reader.choice("in", &["basic", "header", "json", "form"]) {
            Some("basic") => Some(First::Basic),
            Some("header") => {
                let prefix = self.reader.text("first_prefix").unwrap_or_default();
                let part = self.part("api_key");
                let header = self.reader.required_text("first_header");
                header.map(|header| First::Header { header: header.to_lowercase(), prefix, part })
            }
            Some("json") => Some(First::Json(fields)),
            Some(_) => Some(First::Form(fields)),
            None => None,
        };
        let at = |text: String| text.split('.').map(str::to_owned).collect::<Vec<_>>();
        let token = self.reader.required_text("token").map(at);
        let expires = self.reader.text("expires").map(at);
        let header = self.reader.text("header").unwrap_or_else(|| "authorization".to_owned()).to_lowercase();
        let bearer = if header == "authorization" { "Bearer " } else { "" };
        let prefix = self.reader.text("prefix").unwrap_or_else(|| bearer.to_owned());
        Some(Auth::TwoStep { path: path?, first: first?, token: token?, expires, header, prefix })
    }

    fn jwt(&mut self) -> Option<Auth> {
        let scope = self.told("scope");
        let header = self.reader.text("header").unwrap_or_else(|| "authorization".to_owned()).to_lowercase();
        let prefix = self.reader.text("prefix").unwrap_or_else(|| "Bearer ".to_owned());
        let signed = self.signed(None)?;
        Some(Auth::Jwt { signed: Signed { scope, ..signed }, header, prefix })
    }

    fn hmac(&mut self) -> Option<Auth> {
        self.reader.require("algorithm");
        let hash = match self.reader.choice("algorithm", &["sha1", "sha256", "sha512"])? {
            "sha1" => Hash::Sha1,
            "sha256" => Hash::Sha256,
            _ => Hash::Sha512,
        };
        self.reader.require("style");
        self.reader.choice("style", &["duo"])?;
        Some(Auth::Duo { hash })
    }

    fn aws(&mut self) -> Option<Auth> {
        let region = self.required("region");
        let service = self.reader.required_text("service");
        Some(Auth::AwsSigV4 { region: region?, service: service? })
    }
}
