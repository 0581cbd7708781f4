//! From what a manifest says of authentication to schemes that hold their secrets.
//!
//! Invariants: a part that is missing, or that cannot be what it is to be, is told when the client is made; every secret that
//! is put anywhere is known to the scrubber first.

use crate::acting::Acting;
use crate::address::Home;
use crate::answer::Where;
use crate::jwt::Signer;
use crate::lost::Error;
use crate::mint::{Asked, Mint, basic, pair};
use crate::scheme::{Scheme, secret_header, security};
use crate::scrub::Scrub;
use crate::sign::{Aws, Duo};
use crate::target::{Limits, Target};
use crate::tokens::Tokens;
use reqwest::header::{AUTHORIZATION, HeaderName};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value as Json};
use std::sync::Mutex;
use url::Url;
use xops_connectors::auth::{Auth, First, Grant, Signed, Told};
use xops_kernel::value::Value;

/// The schemes of one system, by path.
pub(crate) struct Schemes {
    bases: Vec<Url>,
    by_path: Vec<(Vec<String>, Scheme)>,
    otherwise: Scheme,
}

impl Schemes {
    /// The scheme of a request to `url`.
    pub(crate) fn of(&self, url: &Url) -> &Scheme {
        let of_base = |base: &&Url| {
            base.origin() == url.origin() && url.path().starts_with(base.path().trim_end_matches('/'))
        };
        let base =
            self.bases.iter().filter(of_base).map(|base| base.path().trim_end_matches('/').len()).max();
        let path = &url.path()[base.unwrap_or(0)..];
        let fits = |prefixes: &[String]| prefixes.iter().any(|prefix| path.starts_with(prefix.as_str()));
        let found = self.by_path.iter().find(|(prefixes, _)| fits(prefixes));
        found.map_or(&self.otherwise, |(_, scheme)| scheme)
    }

    /// Whether anything here asks for TLS.
    pub(crate) fn is_tls(&self) -> bool {
        let mut all = self.by_path.iter().map(|(_, scheme)| scheme).chain([&self.otherwise]);
        all.any(|scheme| match scheme {
            Scheme::Tokens(tokens) => tokens.is_tls(),
            Scheme::Acting(acting) => acting.is_tls(),
            _ => false,
        })
    }
}

/// The schemes of `target`, and the scrubber that knows their secrets.
pub(crate) fn schemes(target: &Target, limits: &Limits) -> Result<(Schemes, Scrub), Error> {
    let scrub = Scrub::new(target.credential.values());
    let mut maker = Maker { target, limits, scrub };
    let (by_path, otherwise) = match &target.auth {
        Auth::Several { by_path, otherwise } => (by_path.as_slice(), otherwise.as_ref()),
        one => (&[][..], one),
    };
    // A tenant that does not use these paths needs no credential for them.
    let of_paths = |(paths, auth): &(Vec<String>, Auth)| match maker.scheme(auth) {
        Err(Error::PartMissing { part, .. }) => Ok((paths.clone(), Scheme::Missing(part))),
        scheme => Ok((paths.clone(), scheme?)),
    };
    let by_path = by_path.iter().map(of_paths).collect::<Result<_, Error>>()?;
    let otherwise = maker.scheme(otherwise)?;
    let bases = std::iter::once(&target.base_url).chain(&target.more_urls).cloned().collect();
    Ok((Schemes { bases, by_path, otherwise }, maker.scrub))
}

/// Makes schemes, and tells the scrubber.
struct Maker<'a> {
    target: &'a Target,
    limits: &'a Limits,
    scrub: Scrub,
}

impl<'a> Maker<'a> {
    fn refused(&self, why: impl Into<String>) -> Error {
        Error::Target { system: self.target.system.clone(), why: why.into() }
    }

    fn part(&self, name: &str) -> Result<&'a str, Error> {
        let missing = || Error::PartMissing { system: self.target.system.clone(), part: name.to_owned() };
        self.target.credential.part(name).ok_or_else(missing).map(ExposeSecret::expose_secret)
    }

    /// A part that is a secret and not a name.
    fn secret(&mut self, name: &str) -> Result<&'a str, Error> {
        let part = self.part(name)?;
        self.scrub.add_secret(part);
        Ok(part)
    }

    fn told(&self, told: &Told) -> Result<String, Error> {
        match told {
            Told::Literal(text) => Ok(text.clone()),
            Told::Input(name) => {
                Err(self.refused(format!("only a subject may be the input `{name}`: correct the manifest")))
            }
            Told::Part(name) => self.part(name).map(str::to_owned),
            Told::Var(name) => {
                let value = self.target.vars.get(name).and_then(Value::as_text);
                let why = || format!("its authentication needs the variable `{name}`: declare it as text");
                value.map(str::to_owned).ok_or_else(|| self.refused(why()))
            }
        }
    }

    fn header(&self, name: &str) -> Result<HeaderName, Error> {
        HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| self.refused(format!("`{name}` cannot be a header: correct the manifest")))
    }

    fn tokens(&self, mint: Mint, header: HeaderName, prefix: &str) -> Scheme {
        Scheme::Tokens(Box::new(Tokens::new(mint, header, prefix.to_owned(), *self.limits)))
    }

    fn scheme(&mut self, auth: &Auth) -> Result<Scheme, Error> {
        match auth {
            Auth::Several { .. } => {
                Err(self.refused("its `auth` blocks stand inside one another: correct the manifest"))
            }
            Auth::None => Ok(Scheme::None),
            Auth::ApiKey { header, prefix, part: name } => {
                let header = self.header(header)?;
                let value = secret_header(&format!("{prefix}{}", self.secret(name)?));
                let why = || format!("the part `{name}` holds what a header cannot: check its value");
                Ok(Scheme::Header(header, value.ok_or_else(|| self.refused(why()))?))
            }
            Auth::ApiKeyQuery { name, part } => {
                Ok(Scheme::Query(name.clone(), SecretString::from(self.secret(part)?)))
            }
            Auth::Basic { username, password } => {
                let pair = self.pair(username, password)?;
                let (name, value) =
                    basic(&pair).ok_or_else(|| self.refused("the credential cannot stand in a header"))?;
                Ok(Scheme::Header(name, value))
            }
            Auth::OAuth2 { token_url, grant, scope, form } => {
                self.oauth2(token_url, grant, scope.as_deref(), form)
            }
            Auth::TwoStep { path, first, token, expires, header, prefix } => {
                let at = Where::At { token: token.clone(), expires: expires.clone() };
                let asked = Asked { at, ..self.first(path, first)? };
                Ok(self.tokens(Mint::Asked(Box::new(asked)), self.header(header)?, prefix))
            }
            Auth::Jwt { signed, header, prefix } => {
                let signer = self.signer(signed, None)?;
                Ok(self.tokens(Mint::Signed(Box::new(signer)), self.header(header)?, prefix))
            }
            Auth::Duo { hash } => Ok(Scheme::Duo(Duo {
                integration_key: self.part("integration_key")?.to_owned(),
                secret_key: SecretString::from(self.secret("secret_key")?),
                hash: *hash,
            })),
            Auth::AwsSigV4 { region, service } => self.aws(region, service),
            Auth::WsSecurity => {
                let (username, password) = (self.part("username")?, self.secret("password")?);
                Ok(Scheme::Envelope(security(username, password).map_err(|why| self.refused(why))?))
            }
        }
    }

    /// A user and a password as basic authentication shows them.
    fn pair(&mut self, username: &str, password: &str) -> Result<String, Error> {
        let (user, secret) = (self.part(username)?, self.secret(password)?);
        if user.contains(':') {
            let why = format!("the part `{username}` holds a colon, which basic authentication cannot");
            return Err(self.refused(why));
        }
        let pair = pair(user, secret, false);
        self.scrub.add_secret(&pair);
        Ok(pair)
    }

    fn aws(&mut self, region: &Told, service: &str) -> Result<Scheme, Error> {
        let secret = SecretString::from(self.secret("secret_access_key")?);
        let session = match self.target.credential.part("session_token") {
            Some(_) => Some(SecretString::from(self.secret("session_token")?)),
            None => None,
        };
        let (key_id, region) = (self.part("access_key_id")?.to_owned(), self.told(region)?);
        Ok(Scheme::Aws(Aws { key_id, secret, session, region, service: service.to_owned() }))
    }

    fn signer(&mut self, signed: &Signed, audience: Option<&str>) -> Result<Signer, Error> {
        let mut claims = Map::new();
        let mut claim = |name: &str, value: String| drop(claims.insert(name.to_owned(), Json::from(value)));
        claim("iss", self.told(&signed.issuer)?);
        let subject =
            if matches!(signed.subject, Some(Told::Input(_))) { &signed.otherwise } else { &signed.subject };
        let all = [("sub", subject), ("aud", &signed.audience), ("scope", &signed.scope)];
        for (name, told) in all {
            if let Some(told) = told {
                claim(name, self.told(told)?);
            } else if let ("aud", Some(audience)) = (name, audience) {
                claim(name, audience.to_owned());
            }
        }
        let key = self.secret("private_key")?;
        let key_id = self.target.credential.part("key_id").map(ExposeSecret::expose_secret);
        Signer::new(signed.algorithm, key, key_id, claims, signed.lifetime_s).map_err(|why| self.refused(why))
    }

    fn oauth2(
        &mut self,
        token_url: &str,
        grant: &Grant,
        scope: Option<&str>,
        form: &[(String, Told)],
    ) -> Result<Scheme, Error> {
        let url = token_address(self.target, token_url).map_err(|why| self.refused(why))?;
        Home::declared("the token endpoint's address", &url, self.target.allow_private)
            .map_err(|why| self.refused(why))?;
        let mut fields: Vec<(String, SecretString)> = Vec::new();
        let mut field = |name: &str, value: &str| fields.push((name.to_owned(), SecretString::from(value)));
        let (mut signed, mut refresh, mut header) = (None, None, None);
        field("grant_type", word(grant));
        if let Some(scope) = scope {
            field("scope", scope);
        }
        match grant {
            Grant::Client { in_form, .. } | Grant::Refresh { in_form } => {
                let (id, secret) = (self.part("client_id")?, self.secret("client_secret")?);
                let pair = pair(id, secret, true);
                self.scrub.add_secret(&pair);
                if *in_form {
                    field("client_id", id);
                    field("client_secret", secret);
                } else {
                    header = basic(&pair);
                }
                if let Grant::Refresh { .. } = grant {
                    refresh = Some(Mutex::new(SecretString::from(self.secret("refresh_token")?)));
                }
            }
            Grant::Assertion { signed: by, .. } => {
                field("client_id", self.part("client_id")?);
                field("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
                signed = Some(("client_assertion", self.signer(by, Some(url.as_str()))?));
            }
            Grant::Given { part } => {
                let assertion = self.secret(part)?;
                field("assertion", assertion);
            }
            Grant::Bearer(by) => signed = Some(("assertion", self.signer(by, Some(url.as_str()))?)),
        }
        for (name, told) in form {
            if let Told::Part(part) = told {
                self.secret(part)?;
            }
            fields.push((name.clone(), SecretString::from(self.told(told)?)));
        }
        let asked = Asked { header, signed, refresh, ..Asked::form(url, &fields) };
        let acts = matches!(grant, Grant::Bearer(by) | Grant::Assertion { signed: by, .. } if matches!(by.subject, Some(Told::Input(_))));
        if acts {
            return Ok(Scheme::Acting(Box::new(Acting::new(asked, *self.limits))));
        }
        Ok(self.tokens(Mint::Asked(Box::new(asked)), AUTHORIZATION, "Bearer "))
    }

    /// The first of two steps: its token is read elsewhere.
    fn first(&mut self, path: &str, first: &First) -> Result<Asked, Error> {
        let text = format!("{}{path}", self.target.base_url.as_str().trim_end_matches('/'));
        let url = Url::parse(&text).map_err(|error| self.refused(format!("`{path}` is no path: {error}")))?;
        let home = Home::declared("`base_url`", &self.target.base_url, self.target.allow_private);
        home.and_then(|home| home.owns(&url)).map_err(|why| self.refused(why))?;
        let plain = Asked { content_type: None, ..Asked::form(url.clone(), &[]) };
        let mut values = |fields: &[(String, Told)]| -> Result<Vec<(String, SecretString)>, Error> {
            let value = |(name, told): &(String, Told)| {
                let text = self.told(told)?;
                if matches!(told, Told::Part(part) if part != "username") {
                    self.scrub.add_secret(&text);
                }
                Ok((name.clone(), SecretString::from(text)))
            };
            fields.iter().map(value).collect()
        };
        match first {
            First::Basic => Ok(Asked { header: basic(&self.pair("username", "password")?), ..plain }),
            First::Header { header, prefix, part } => {
                let value = secret_header(&format!("{prefix}{}", self.secret(part)?));
                let why = || format!("the part `{part}` holds what a header cannot: check its value");
                let value = value.ok_or_else(|| self.refused(why()))?;
                Ok(Asked { header: Some((self.header(header)?, value)), ..plain })
            }
            First::Form(fields) => Ok(Asked::form(url, &values(fields)?)),
            First::Json(fields) => {
                let member =
                    |(name, value): (String, SecretString)| (name, Json::from(value.expose_secret()));
                let body = Json::Object(values(fields)?.into_iter().map(member).collect()).to_string();
                Ok(Asked { content_type: Some("application/json"), body: SecretString::from(body), ..plain })
            }
        }
    }
}

/// The `grant_type` of a grant.
fn word(grant: &Grant) -> &str {
    match grant {
        Grant::Client { word, .. } | Grant::Assertion { word, .. } => word,
        Grant::Bearer(_) | Grant::Given { .. } => "urn:ietf:params:oauth:grant-type:jwt-bearer",
        Grant::Refresh { .. } => "refresh_token",
    }
}

/// The token endpoint's address: in full, as a path of the base address, or a variable; `{name}` stands for a variable.
fn token_address(target: &Target, declared: &str) -> Result<Url, String> {
    let var = |name: &str| {
        let value = target.vars.get(name).and_then(Value::as_text);
        value.ok_or_else(|| {
            format!("the token endpoint's address needs the variable `{name}`: declare it as text")
        })
    };
    let mut text = match declared.strip_prefix("var:") {
        Some(name) => var(name)?.to_owned(),
        None => declared.to_owned(),
    };
    while let Some((before, (name, after))) =
        text.split_once('{').and_then(|(before, rest)| rest.split_once('}').map(|parts| (before, parts)))
    {
        let value = var(name)?;
        if value.contains('{') {
            return Err(format!("the variable `{name}` holds a brace: remove it"));
        }
        text = format!("{before}{value}{after}");
    }
    let url = if text.starts_with('/') { target.base_url.join(&text) } else { Url::parse(&text) };
    url.map_err(|error| format!("the token endpoint's address cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::Credential;
    use xops_kernel::value::Values;

    fn check_address(declared: &str, expect: Result<&str, &str>) {
        let text = |value: &str| Value::Text(value.to_owned());
        let vars = [
            ("token_url", text("https://login.example/token")),
            ("tenant", text("t-1")),
            ("brace", text("{tenant}")),
            ("number", Value::Int(1)),
        ];
        let target = Target {
            system: "graph".to_owned(),
            base_url: Url::parse("https://graph.example/v1.0/").unwrap(),
            auth: Auth::None,
            credential: Credential::none(),
            vars: vars.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Values>(),
            more_urls: Vec::new(),
            allow_private: false,
            concurrency: 1,
        };
        match (token_address(&target, declared), expect) {
            (Ok(url), Ok(expect)) => assert_eq!(url.as_str(), expect),
            (Err(why), Err(part)) => assert!(why.contains(part), "{why}"),
            (got, expect) => panic!("{got:?} is not {expect:?}"),
        }
    }

    #[test]
    fn a_token_endpoint_is_an_address_a_path_or_a_variable() {
        check_address("https://login.example/token", Ok("https://login.example/token"));
        check_address("/oauth2/token", Ok("https://graph.example/oauth2/token"));
        check_address("var:token_url", Ok("https://login.example/token"));
        check_address("https://login.example/{tenant}/token", Ok("https://login.example/t-1/token"));
        check_address("var:nowhere", Err("the variable `nowhere`"));
        check_address("var:number", Err("declare it as text"));
        check_address("https://login.example/{brace}", Err("holds a brace"));
        check_address("oauth2/token", Err("cannot be read"));
    }
}
