//! What a manifest says: read, checked, and free of any file format.
//!
//! Absent: I/O, and anything that knows one system. Every expression here was checked against the roots that its place
//! allows, so rendering and classifying meet no unknown name.

pub mod ldap;
pub mod webhook;

use crate::auth::Auth;
use std::collections::{BTreeMap, BTreeSet};
use xops_kernel::awf::{Contract, Readback};
use xops_kernel::expr::{self, Expr, Path};
use xops_kernel::id::Digest;
use xops_kernel::port::Limit;
use xops_kernel::value::{Type, Value, Values};

/// Expressions by name, in the order of writing.
pub type Exprs = Vec<(String, Expr)>;

/// A system's manifest.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// Its name: what `AwfName::system` says.
    pub name: String,
    /// A sentence for people.
    pub title: String,
    /// The domain of the system, one of SYSTEM's seven.
    pub domain: String,
    /// BLAKE3 of the file, and of its family's.
    pub digest: Digest,
    /// The variables that a tenant's configuration sets, by name.
    pub vars: BTreeMap<String, Var>,
    /// How it wants to be told who asks.
    pub auth: Auth,
    /// Hosts beside the base address to which its credential may go (a token endpoint).
    pub hosts: Vec<String>,
    /// Headers of every request, names in lower case.
    pub headers: Exprs,
    /// What its answers are made of.
    pub answers: Answers,
    /// The envelope, where it speaks SOAP.
    pub soap: Option<Soap>,
    /// Its rate limits.
    pub limits: Vec<Limit>,
    /// What an answer says where something went wrong, and what counts as right.
    pub rules: Rules,
    /// The text that explains a failure.
    pub message: Option<Expr>,
    /// Its lookups, by name.
    pub lookups: BTreeMap<String, Lookup>,
    /// Its reads, in the order in which they are to be made.
    pub reads: Vec<Read>,
    /// Its AWFs, by function.
    pub awfs: BTreeMap<String, Awf>,
    /// What it sends by itself.
    pub webhooks: Vec<webhook::Webhook>,
}

/// A variable of the tenant's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Var {
    /// Its type.
    pub is: Type,
    /// What it is where the configuration does not say; without a default it must.
    pub default: Option<Value>,
    /// What it is where a request is shown without a configuration.
    pub sample: Option<Value>,
}

/// What the bodies of answers are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// JSON.
    Json,
    /// XML; an envelope's body where it was asked in one.
    Xml,
    /// Nothing that is read: text, a page for people, a file.
    Nothing,
}

/// A SOAP 1.1 envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Soap {
    /// The namespace of everything in the body.
    pub namespace: String,
    /// Whether attributes carry the namespace too.
    pub qualified_attributes: bool,
    /// Elements that are members of a map, by name, with the attribute that names the member.
    pub keyed: BTreeMap<String, String>,
}

/// How answers are judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// The first that holds decides.
    pub errors: Vec<ErrorRule>,
    /// What must hold for an answer to count as good; a status of 2xx where nothing is declared.
    pub ok: Option<Expr>,
}

/// One line of the error mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorRule {
    /// What the answer means then.
    pub word: Word,
    /// The condition.
    pub when: Expr,
    /// Whether the condition looks into the body: it decides nothing where the body cannot be read.
    pub reads_body: bool,
}

/// The outcomes that an error rule may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the words of `port::Outcome`")]
pub enum Word {
    Ok,
    AlreadyDone,
    Absent,
    Conflict,
    PreconditionFailed,
    RateLimited,
    Transient,
    AuthExpired,
    Forbidden,
    Invalid,
    Unknown,
}

impl Word {
    /// Every outcome with its word in files.
    pub const ALL: [(&'static str, Self); 11] = [
        ("ok", Self::Ok),
        ("already_done", Self::AlreadyDone),
        ("absent", Self::Absent),
        ("conflict", Self::Conflict),
        ("precondition_failed", Self::PreconditionFailed),
        ("rate_limited", Self::RateLimited),
        ("transient", Self::Transient),
        ("auth_expired", Self::AuthExpired),
        ("forbidden", Self::Forbidden),
        ("invalid", Self::Invalid),
        ("unknown", Self::Unknown),
    ];

    /// Reads the word of files.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(name, _)| *name == word).map(|(_, outcome)| *outcome)
    }
}

/// A request with holes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The method, in capitals.
    pub method: &'static str,
    /// The variable that holds the base address, where it is not `base_url`.
    pub base: Option<String>,
    /// The path after the base address.
    pub path: Template,
    /// The query; `Null` values are left out.
    pub query: Exprs,
    /// Headers beside the manifest's.
    pub headers: Exprs,
    /// The body.
    pub body: Body,
    /// What the body is called, where not as usual.
    pub content_type: Option<String>,
    /// What the answer is made of.
    pub answers: Answers,
    /// How long the system may take to answer, in milliseconds.
    pub timeout_ms: u64,
}

/// A path with holes, each filled by one value that is percent-encoded whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template(pub Vec<Piece>);

/// A piece of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// As it is.
    Text(String),
    /// What stands there: `{user}` is `input.user`, `{var.tenant}` is itself.
    Hole(Path),
}

/// The body of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Nothing.
    None,
    /// JSON.
    Json {
        /// The value.
        value: Expr,
        /// Whether members that are `Null` are written.
        keep_null: bool,
    },
    /// `application/x-www-form-urlencoded`; `Null` values are left out.
    Form(Exprs),
    /// `multipart/form-data`: a text each, or a file; `Null` values are left out.
    Parts(Exprs),
    /// The content of a SOAP body: an object of one member, the request element.
    Soap(Expr),
    /// `application/xml`: an object of one member, the root element.
    Xml(Expr),
    /// What a directory is asked.
    Directory(Box<ldap::Operation>),
}

/// How a listing goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Paging {
    /// RFC 8288: the header `link` with `rel="next"`.
    Link {
        /// Whether this page is the last, for systems that always name a next one.
        last: Option<Expr>,
    },
    /// The next page's address, in the body. It must lead to the same host.
    NextUrl(Expr),
    /// A cursor, which the request shows as `page.cursor`; nothing or the empty text ends the listing.
    Cursor(Expr),
    /// `page.offset` grows by `size` until `total` is reached, or until a page is empty where no total is known.
    Offset {
        /// The size of a page.
        size: u32,
        /// How many there are.
        total: Option<Expr>,
    },
    /// `page.number` grows by one up to `last`; where no last one is known, until a page holds fewer than `size` items, or
    /// none.
    Number {
        /// The number of the last page.
        last: Option<Expr>,
        /// The size of a full page.
        size: Option<u32>,
        /// The number of the first page.
        first: i64,
    },
    /// `{page.cursor}` in the path: `first`, then what the answer names; its number plus one where the answer names none, until
    /// a page is empty.
    Path {
        /// The first page.
        first: String,
        /// The next one; nothing ends the listing.
        next: Option<Expr>,
        /// Whether this page is the last.
        last: Option<Expr>,
    },
}

/// A listing inside an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The items: must be a list.
    pub items: Expr,
    /// How it goes on.
    pub paging: Option<Paging>,
}

/// A question about one facet.
#[derive(Clone, Debug)]
pub struct Lookup {
    /// Its name.
    pub name: String,
    /// What it takes.
    pub inputs: BTreeMap<String, Type>,
    /// The request.
    pub shape: Shape,
    /// How its answers are judged before the manifest's rules.
    pub rules: Rules,
    /// The items among which the object is sought.
    pub listing: Option<Listing>,
    /// Which item is meant.
    pub matches: Option<Expr>,
    /// Whether the object is there; where nothing is declared, a good answer (or a matching item) says so.
    pub present: Option<Expr>,
    /// Whether it is not there.
    pub absent: Option<Expr>,
    /// The facet's value and its type; `"present"` where nothing is declared.
    pub value: Option<(Expr, Type)>,
    /// What else is shown of the object.
    pub outputs: Exprs,
    /// Lists made of every item of every page.
    pub gather: Exprs,
    /// Where the object carries our mark.
    pub marker: Option<Expr>,
    /// Whether not finding it proves that it is not there.
    pub authoritative: bool,
    /// The lookup that goes on from here, and what it is told.
    pub then: Option<(String, Exprs)>,
    /// Where the facts of the request come from.
    pub evidence: Option<String>,
}

/// A use of a lookup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The lookup.
    pub lookup: String,
    /// Its inputs.
    pub with: BTreeMap<String, Expr>,
}

/// A reading of all objects of one kind.
#[derive(Clone, Debug)]
pub struct Read {
    /// Its name.
    pub name: String,
    /// The kind of record that it gives.
    pub kind: String,
    /// The kind for each record of which it is made.
    pub for_each: Option<String>,
    /// The request; `input.parent` is the id of the record that it is made for.
    pub shape: Shape,
    /// How its answers are judged before the manifest's rules.
    pub rules: Rules,
    /// The items.
    pub listing: Listing,
    /// Which items count; all where nothing is declared.
    pub matches: Option<Expr>,
    /// The system's own id.
    pub id: Expr,
    /// The version or etag.
    pub version: Option<Expr>,
    /// The attributes, with their types.
    pub attributes: BTreeMap<String, (Type, Expr)>,
    /// How it is made of what changed since the last time.
    pub delta: Option<Delta>,
    /// Which items say of an object that it is gone.
    pub tombstone: Option<Expr>,
    /// How what is gone is noticed.
    pub deletes: Deletes,
    /// Whether a system that refuses it is complete without it.
    pub optional: bool,
    /// Values by which the request is shown.
    pub samples: Values,
    /// Where the facts of the request come from.
    pub evidence: Option<String>,
}

/// How a read goes on from where the last one ended; the request shows that place as `page.since`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delta {
    /// The style.
    pub style: DeltaStyle,
    /// What the request shows as `page.delta`, made of `page.since`.
    pub since: Option<Expr>,
    /// By how much two reads overlap, in milliseconds: clocks differ, and commits are late.
    pub overlap_ms: u64,
    /// How a moment is written.
    pub moment: Moment,
    /// The next place, in the answer of the last page.
    pub next: Option<Expr>,
    /// The answer that forgets the place: everything is to be read again.
    pub reset: Option<Expr>,
    /// Whether an item shows only the attributes that changed. Then the changes only tell that there are some, and everything is
    /// read again where there are.
    pub sparse: bool,
}

/// What a place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeltaStyle {
    /// A moment: what changed since then.
    Filter,
    /// An address that the system gave.
    Link,
    /// A token that the system gave.
    Token,
    /// A moment or a position in a log of events.
    Events,
}

/// How a moment is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// RFC 3339, in UTC: `2026-01-31T09:00:00Z`.
    Rfc3339,
    /// The day alone.
    Date,
    /// Seconds since 1970.
    EpochSeconds,
    /// Milliseconds since 1970.
    EpochMillis,
}

/// How what is gone is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletes {
    /// By items that say so.
    Tombstone,
    /// By a full read that does not show it.
    FullScan,
    /// By an event of the system.
    Event,
}

/// What is asked until work that goes on after the answer is over.
#[derive(Clone, Debug)]
pub struct Poll {
    /// The request; it may hold what the call captured, as `output.x`.
    pub shape: Shape,
    /// Whether it is done.
    pub done: Expr,
    /// Whether it failed.
    pub fail: Option<Expr>,
    /// The time between two questions, in milliseconds.
    pub every_ms: u64,
    /// How long it may take, in milliseconds.
    pub within_ms: u64,
}

impl Manifest {
    /// Whether it asks a directory.
    pub fn is_directory(&self) -> bool {
        let of_awfs = self.awfs.values().map(|awf| &awf.shape);
        let all = self.reads.iter().map(|read| &read.shape).chain(of_awfs);
        all.chain(self.lookups.values().map(|lookup| &lookup.shape)).any(|shape| shape.operation().is_some())
    }
}

impl Shape {
    /// What a directory is asked, if it is one.
    pub fn operation(&self) -> Option<&ldap::Operation> {
        match &self.body {
            Body::Directory(operation) => Some(operation),
            _ => None,
        }
    }

    /// Every expression of it but for the holes of its path.
    pub fn exprs(&self) -> impl Iterator<Item = &Expr> {
        let (one, many): (Option<&Expr>, &[(String, Expr)]) = match &self.body {
            Body::None | Body::Directory(_) => (None, &[]),
            Body::Json { value, .. } | Body::Soap(value) | Body::Xml(value) => (Some(value), &[]),
            Body::Form(members) | Body::Parts(members) => (None, members),
        };
        let asked = self.operation().into_iter().flat_map(ldap::Operation::values);
        let named = self.query.iter().chain(&self.headers).chain(many).chain(asked);
        named.map(|(_, expr)| expr).chain(one)
    }

    /// Every reference of it, also those of its path.
    pub fn references(&self) -> Vec<&Path> {
        let more = self.operation().into_iter().flat_map(ldap::Operation::templates);
        let pieces = std::iter::once(&self.path).chain(more).flat_map(|template| &template.0);
        let holes = pieces.filter_map(|piece| match piece {
            Piece::Hole(path) => Some(path),
            Piece::Text(_) => None,
        });
        self.exprs().flat_map(expr::references).chain(holes).collect()
    }
}

impl Poll {
    /// The outputs of the call without which it cannot be asked.
    pub fn needs(&self) -> Vec<String> {
        let of_call = self.shape.references().into_iter().filter(|path| path.root == "output");
        of_call.filter_map(|path| path.first()).map(str::to_owned).collect()
    }

    /// How the postcondition is confirmed where work goes on after the answer: the questions come first, then the readback.
    pub fn confirms(&self, readback: Option<Readback>) -> Readback {
        let after = readback.unwrap_or(Readback { within_ms: 0, settle: 1, every_ms: self.every_ms });
        let within_ms = self.within_ms.saturating_add(after.within_ms);
        Readback { within_ms, settle: after.settle, every_ms: self.every_ms.max(after.every_ms) }
    }
}

/// An atomic work function.
#[derive(Clone, Debug)]
pub struct Awf {
    /// What the kernel knows of it.
    pub contract: Contract,
    /// The call.
    pub shape: Shape,
    /// How its answers are judged before the manifest's rules.
    pub rules: Rules,
    /// What is taken from a good answer.
    pub capture: Exprs,
    /// How the state before is looked up; also the state after, where nothing else is declared.
    pub before: Option<Look>,
    /// How an effect is looked up (probe and readback), where that differs.
    pub after: Option<Look>,
    /// What is asked until it is over, where the answer only says that it began.
    pub poll: Option<Poll>,
    /// Inputs and outputs that never reach a log, a trace, or the journal in clear.
    pub redact: BTreeSet<String>,
    /// How many objects it may touch.
    pub blast: u32,
    /// Values by which its requests are shown: of inputs, of outputs, and of what the snapshot shows.
    pub samples: Values,
    /// Where the facts of the request come from.
    pub evidence: Option<String>,
}
