//! Deliveries: a message that a system sent by itself, as the system's `webhook` block reads it.
//!
//! Absent: the secret, the clock, the memory of what was delivered before. Invariants: nothing is read from a message but what
//! its signature covers until that was found good; the id by which a delivery is known again is covered by the signature too,
//! or else it is the digest of what is signed, so that a message sent again under another header is the same message.

use crate::auth::Hash;
use crate::json;
use crate::model::Exprs;
use crate::model::webhook::{Encoding, Stamp, Verify, Webhook};
use crate::scope::scalar;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use xops_kernel::expr::{self, Expr, Known, Path, references};
use xops_kernel::value::{Value, Values};

/// How many signatures of one message are looked at: senders send two while a secret is changed.
const TAGS_MAX: usize = 8;
/// The longest id of a delivery, in bytes.
const ID_BYTES_MAX: usize = 256;
/// How many events one message may tell of.
const EVENTS_MAX: usize = 1_000;
/// The longest text that a handshake gives back, in bytes.
const ANSWER_BYTES_MAX: usize = 1_024;

/// A message as it came.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// The headers, names in lower case.
    pub headers: &'a [(String, String)],
    /// The query.
    pub query: &'a [(String, String)],
    /// The body, whole.
    pub body: &'a [u8],
}

/// What a message claims to be proven by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// One of `tags` is the HMAC of `text`.
    Signed {
        /// What the HMAC is taken with.
        hash: Hash,
        /// What is signed.
        text: Vec<u8>,
        /// The signatures.
        tags: Vec<Vec<u8>>,
        /// When it was sent, in milliseconds since 1970, where that is signed.
        at_ms: Option<u64>,
    },
    /// This is the secret.
    Token(Vec<u8>),
}

/// What a message says, once it is known who sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// By what it is known again.
    pub id: String,
    /// What the event is called.
    pub event: Option<String>,
    /// The kind of record that it speaks of.
    pub kind: Option<String>,
    /// The system's id of the record.
    pub record: Option<String>,
    /// The body.
    pub body: Value,
}

/// The answer to a handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Greeting {
    /// JSON: plain members, and members whose texts are answered with their HMAC-SHA256 in hexadecimal.
    Json(Values, Vec<(String, String)>),
    /// Plain text.
    Text(String),
}

/// Why a message is no delivery.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A header that the scheme needs is missing or cannot be read.
    #[error("the message has no `{0}` that can be read")]
    Header(String),
    /// Nothing tells it from other messages.
    #[error("the message has no id, or one longer than {ID_BYTES_MAX} bytes")]
    Id,
    /// It tells of more than anybody sends at once.
    #[error("the message tells of more than {EVENTS_MAX} events")]
    Events,
    /// The body cannot be read.
    #[error("the body is no JSON: {0}")]
    Body(String),
}

impl Message<'_> {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    fn needed(&self, name: &str) -> Result<&str, Refused> {
        self.header(name).filter(|value| !value.is_empty()).ok_or_else(|| Refused::Header(name.to_owned()))
    }
}

/// What `message` claims to be proven by.
pub fn claim(webhook: &Webhook, message: &Message<'_>) -> Result<Claim, Refused> {
    match &webhook.verify {
        Verify::Token { header, prefix, .. } => {
            let given = message.needed(header)?.strip_prefix(prefix.as_str());
            let given = given.ok_or_else(|| Refused::Header(header.clone()))?;
            Ok(Claim::Token(given.as_bytes().to_vec()))
        }
        Verify::Standard { .. } => {
            let (id, stamp) = (message.needed("webhook-id")?, message.needed("webhook-timestamp")?);
            let at_ms = moment(stamp, Stamp::EpochSeconds);
            let tags = message.needed("webhook-signature")?.split(' ');
            let tags = tags.filter_map(|word| word.strip_prefix("v1,")).take(TAGS_MAX);
            Ok(Claim::Signed {
                hash: Hash::Sha256,
                text: filled("{id}.{timestamp}.{body}", id, stamp, message.body),
                tags: tags.filter_map(|tag| STANDARD.decode(tag).ok()).collect(),
                at_ms: Some(at_ms.ok_or_else(|| Refused::Header("webhook-timestamp".to_owned()))?),
            })
        }
        Verify::Hmac { .. } => signed(&webhook.verify, message),
    }
}

fn signed(verify: &Verify, message: &Message<'_>) -> Result<Claim, Refused> {
    let Verify::Hmac {
        header,
        prefix,
        hash,
        encoding,
        signed,
        id_header,
        timestamp_header,
        timestamp_prefix,
        timestamp_as,
        ..
    } = verify
    else {
        return Err(Refused::Id);
    };
    let value = message.needed(header)?;
    let elements = || value.split(',').map(str::trim);
    let tags = elements().filter_map(|element| element.strip_prefix(prefix.as_str())).take(TAGS_MAX);
    let tags = tags.filter_map(|tag| match encoding {
        Encoding::Hex => unhex(tag),
        Encoding::Base64 => STANDARD.decode(tag).ok(),
    });
    let id = match id_header {
        Some(name) if signed.contains("{id}") => message.needed(name)?,
        _ => "",
    };
    let timed = signed.contains("{timestamp}");
    let stamp = match (timestamp_prefix, timestamp_header) {
        (Some(prefix), _) if timed => elements()
            .find_map(|element| element.strip_prefix(prefix.as_str()))
            .ok_or_else(|| Refused::Header(header.clone()))?,
        (None, Some(name)) if timed => message.needed(name)?,
        _ => "",
    };
    let at_ms = if timed {
        let name = timestamp_header.as_ref().unwrap_or(header);
        Some(moment(stamp, *timestamp_as).ok_or_else(|| Refused::Header(name.clone()))?)
    } else {
        None
    };
    let text = filled(signed, id, stamp, message.body);
    Ok(Claim::Signed { hash: *hash, text, tags: tags.collect(), at_ms })
}

/// What `message`, whose `claim` was found good, says: one delivery an event. `config` is the tenant's configuration of the system.
///
/// The second of several events and those behind it are known by the message's id and their place in it: what is signed fixes both.
pub fn deliveries(
    webhook: &Webhook,
    config: &Values,
    message: &Message<'_>,
    claim: &Claim,
) -> Result<Vec<Delivery>, Refused> {
    let body = body_of(message)?;
    let whole = Scope { config, message, body: &body, item: None };
    let id = known_by(webhook, &whole, claim)?;
    let items = match webhook.each.as_ref().map(|each| whole.value(each)) {
        Some(Value::List(items)) => items,
        // What is not told as several is one.
        None | Some(_) => vec![Value::Null],
    };
    if items.len() > EVENTS_MAX {
        return Err(Refused::Events);
    }
    let named = |name| body.get(name).and_then(Value::as_text).map(str::to_owned);
    let one = |(at, item): (usize, &Value)| {
        let scope = Scope { item: Some(item), ..whole };
        let text = |expr: &Option<Expr>| expr.as_ref().and_then(|expr| scalar(&scope.value(expr)));
        let event = match &webhook.event {
            Some(_) => text(&webhook.event),
            None => named("type").or_else(|| named("event")),
        };
        let id = if at == 0 { id.clone() } else { format!("{id}#{at}") };
        Delivery { id, event, kind: text(&webhook.kind), record: text(&webhook.id), body: body.clone() }
    };
    Ok(items.iter().enumerate().map(one).collect())
}

/// By what the message is known again.
fn known_by(webhook: &Webhook, scope: &Scope<'_>, claim: &Claim) -> Result<String, Refused> {
    let message = scope.message;
    let text = |expr: &Option<Expr>| expr.as_ref().and_then(|expr| scalar(&scope.value(expr)));
    let id = match &webhook.verify {
        Verify::Standard { .. } => Some(message.needed("webhook-id")?.to_owned()),
        Verify::Hmac { signed, id_header: Some(header), .. } if signed.contains("{id}") => {
            Some(message.needed(header)?.to_owned())
        }
        Verify::Hmac { .. } => text(&webhook.dedupe.clone().filter(is_covered)),
        Verify::Token { .. } => Some(text(&webhook.dedupe).ok_or(Refused::Id)?),
    };
    let id = match (id.filter(|id| !id.is_empty()), claim) {
        (Some(id), _) => id,
        (None, Claim::Signed { text, .. }) => blake3::hash(text).to_string(),
        (None, Claim::Token(_)) => return Err(Refused::Id),
    };
    if id.len() > ID_BYTES_MAX { Err(Refused::Id) } else { Ok(id) }
}

/// The answer to `message`, if it is the question of a handshake. An unsigned message is one only where it may be.
pub fn greeting(
    webhook: &Webhook,
    config: &Values,
    message: &Message<'_>,
    is_signed: bool,
) -> Result<Option<Greeting>, Refused> {
    let Some(handshake) = webhook.handshake.as_ref().filter(|it| it.open || is_signed) else {
        return Ok(None);
    };
    let body = body_of(message)?;
    let scope = Scope { config, message, body: &body, item: None };
    if scope.value(&handshake.when) != Value::Bool(true) {
        return Ok(None);
    }
    let short = |text: String| if text.len() > ANSWER_BYTES_MAX { Err(Refused::Id) } else { Ok(text) };
    if let Some(text) = &handshake.text {
        let text = scalar(&scope.value(text)).ok_or(Refused::Id)?;
        return Ok(Some(Greeting::Text(short(text)?)));
    }
    let members = |exprs: &Exprs| {
        let member = |(name, expr): &(String, Expr)| {
            let text = scalar(&scope.value(expr)).ok_or(Refused::Id)?;
            Ok((name.clone(), short(text)?))
        };
        exprs.iter().map(member).collect::<Result<Vec<_>, Refused>>()
    };
    let json = members(&handshake.json)?.into_iter().map(|(name, text)| (name, text.into())).collect();
    Ok(Some(Greeting::Json(json, members(&handshake.prove)?)))
}

fn body_of(message: &Message<'_>) -> Result<Value, Refused> {
    if message.body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Null);
    }
    json::parse(message.body).map_err(Refused::Body)
}

/// Whether a signature over the body covers everything that the expression is made of.
fn is_covered(expr: &Expr) -> bool {
    references(expr).iter().all(|path| path.root == "var" || matches!(path.first(), Some("body" | "text")))
}

/// `signed` with its holes filled.
fn filled(signed: &str, id: &str, stamp: &str, body: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(signed.len() + body.len());
    let mut rest = signed;
    while let Some((before, hole)) = rest.split_once('{') {
        text.extend_from_slice(before.as_bytes());
        let (name, after) = hole.split_once('}').unwrap_or((hole, ""));
        text.extend_from_slice(match name {
            "id" => id.as_bytes(),
            "timestamp" => stamp.as_bytes(),
            _ => body,
        });
        rest = after;
    }
    text.extend_from_slice(rest.as_bytes());
    text
}

fn moment(stamp: &str, how: Stamp) -> Option<u64> {
    let number: u64 = stamp.parse().ok()?;
    match how {
        Stamp::EpochSeconds => number.checked_mul(1_000),
        Stamp::EpochMillis => Some(number),
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> =
        text.chars().map(|digit| digit.to_digit(16)?.try_into().ok()).collect::<Option<_>>()?;
    let pairs = digits.chunks_exact(2);
    pairs.remainder().is_empty().then(|| pairs.map(|pair| pair[0] << 4 | pair[1]).collect())
}

/// What the expressions of a webhook see.
#[derive(Clone, Copy)]
struct Scope<'a> {
    config: &'a Values,
    message: &'a Message<'a>,
    body: &'a Value,
    item: Option<&'a Value>,
}

impl Scope<'_> {
    fn value(&self, expr: &Expr) -> Value {
        expr::eval(expr, self).value().unwrap_or_default()
    }

    fn named(path: &Path, pairs: &[(String, String)]) -> Value {
        let Some(expr::Segment::Attr(name)) = path.segments.get(1) else { return Value::Null };
        let found = pairs.iter().find(|(own, _)| own == name);
        found.map_or(Value::Null, |(_, value)| value.as_str().into())
    }
}

impl expr::Scope for Scope<'_> {
    fn lookup(&self, path: &Path) -> Known {
        Known::Value(match (path.root.as_str(), path.first()) {
            ("request", Some("body")) => path.follow(1, self.body),
            ("request", Some("header")) => Self::named(path, self.message.headers),
            ("request", Some("query")) => Self::named(path, self.message.query),
            ("request", Some("text")) => String::from_utf8_lossy(self.message.body).into_owned().into(),
            ("item", _) => self.item.map_or(Value::Null, |item| path.follow(0, item)),
            ("var", Some(name)) => self.config.get(name).map_or(Value::Null, |value| path.follow(1, value)),
            _ => Value::Null,
        })
    }
}
