//! A system of record that lists people page by page, in one style of paging, and fails as it is told.
//!
//! Invariants: without a fault every page is right; a fault is one that a reader can tell from a right answer; what was met is
//! noted with its position.

use crate::seed::Dice;
use std::collections::BTreeSet;
use std::fmt::Write;
use xops_kernel::port::{Outcome, Request, Response};

/// People on one page.
const PAGE: usize = 2;

/// The styles of paging that manifests know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Style {
    /// A `link` header.
    Link,
    /// The address of the next page in the body.
    NextUrl,
    /// A cursor in the body.
    Cursor,
    /// Numbered pages, with the number of the last.
    NumberOfLast,
    /// Numbered pages; a short one is the last.
    NumberUntilShort,
    /// Offsets, with the total.
    OffsetOfTotal,
    /// Offsets, until nothing comes.
    OffsetUntilEmpty,
    /// Numbers in the path, until nothing comes.
    PathUntilEmpty,
    /// A word of the body in the path.
    PathNext,
    /// Cursors, once for each group.
    ForEach,
}

impl Style {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Link,
        Self::NextUrl,
        Self::Cursor,
        Self::NumberOfLast,
        Self::NumberUntilShort,
        Self::OffsetOfTotal,
        Self::OffsetUntilEmpty,
        Self::PathUntilEmpty,
        Self::PathNext,
        Self::ForEach,
    ];

    /// One word, which is also the name of its system.
    pub fn word(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::NextUrl => "next_url",
            Self::Cursor => "cursor",
            Self::NumberOfLast => "number_of_last",
            Self::NumberUntilShort => "number_until_short",
            Self::OffsetOfTotal => "offset_of_total",
            Self::OffsetUntilEmpty => "offset_until_empty",
            Self::PathUntilEmpty => "path_until_empty",
            Self::PathNext => "path_next",
            Self::ForEach => "for_each",
        }
    }

    /// The text of its manifest.
    pub(super) fn manifest(self) -> String {
        let (get, page) = match self {
            Self::Link => ("get = \"/seats\"", "page \"link\" {}"),
            Self::NextUrl => ("get = \"/seats\"", "page \"next_url\" { next = response.body.next }"),
            Self::Cursor => (
                "get = \"/seats\"\n    query = { cursor = page.cursor }",
                "page \"cursor\" { next = response.body.next }",
            ),
            Self::NumberOfLast => (
                "get = \"/seats\"\n    query = { page = page.number }",
                "page \"number\" { last = response.body.pages }",
            ),
            Self::NumberUntilShort => {
                ("get = \"/seats\"\n    query = { page = page.number }", "page \"number\" { size = 2 }")
            }
            Self::OffsetOfTotal => (
                "get = \"/seats\"\n    query = { start = page.offset }",
                "page \"offset\" {\n      size = 2\n      total = response.body.total\n    }",
            ),
            Self::OffsetUntilEmpty => {
                ("get = \"/seats\"\n    query = { start = page.offset }", "page \"offset\" { size = 2 }")
            }
            Self::PathUntilEmpty => ("get = \"/seats/{page.cursor}\"", "page \"path\" { first = \"1\" }"),
            Self::PathNext => (
                "get = \"/seats/{page.cursor}\"",
                "page \"path\" {\n      first = \"1\"\n      next = response.body.next\n    }",
            ),
            Self::ForEach => (
                "for_each = \"group\"\n    get = \"/groups/{parent}/seats\"\n    query = { cursor = page.cursor }\n    \
                 error \"absent\" { when = response.status == 404 }",
                "page \"cursor\" { next = response.body.next }",
            ),
        };
        let groups = "  read \"groups\" {\n    kind = \"group\"\n    get = \"/groups\"\n    query = { cursor = page.cursor }\n    \
                      items = response.body.items\n    page \"cursor\" { next = response.body.next }\n    id = item.id\n    \
                      text { name = item.id }\n  }\n";
        let groups = if self == Self::ForEach { groups } else { "" };
        format!(
            "manifest \"{}\" {{\n  title = \"A style of paging\"\n  domain = \"identity\"\n  auth \"bearer\" {{}}\n{groups}  \
             read \"seats\" {{\n    kind = \"seat\"\n    {get}\n    items = response.body.items\n    {page}\n    id = item.id\n    \
             text {{\n      email = item.email\n      role = item.role\n    }}\n  }}\n}}\n",
            self.word()
        )
    }
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The connection is lost after the request was sent.
    Lost,
    /// It cannot be made at all.
    Unreachable,
    /// 500.
    Failed,
    /// 503.
    Busy,
    /// 429, with a wait that is kept.
    Limited,
    /// 429, with a wait that is longer than anybody waits.
    LimitedLong,
    /// 401.
    Expired,
    /// 403: one region is not ours to see.
    Forbidden,
    /// 404 in the middle of a listing, or of all of it.
    NotFound,
    /// 410: the cursor is too old.
    Gone,
    /// The body ends in the middle.
    Truncated,
    /// An error page of a proxy, with 200.
    Html,
    /// Nothing, with 200.
    Empty,
    /// 204.
    NoContent,
    /// An error in an object, with 200.
    ErrorBody,
    /// `null` where the items should be.
    NullItems,
    /// One item without an id.
    NoId,
    /// One item whose attribute is of another type.
    WrongType,
    /// Fewer items than the total announces.
    Short,
    /// The same page again, for ever.
    Circle,
    /// A page of which some was shown before.
    Twice,
    /// The process dies.
    Death,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 22] = [
        Self::Lost,
        Self::Unreachable,
        Self::Failed,
        Self::Busy,
        Self::Limited,
        Self::LimitedLong,
        Self::Expired,
        Self::Forbidden,
        Self::NotFound,
        Self::Gone,
        Self::Truncated,
        Self::Html,
        Self::Empty,
        Self::NoContent,
        Self::ErrorBody,
        Self::NullItems,
        Self::NoId,
        Self::WrongType,
        Self::Short,
        Self::Circle,
        Self::Twice,
        Self::Death,
    ];

    /// Whether a system of this style can fail so.
    pub fn fits(self, style: Style) -> bool {
        match self {
            // Nobody else says how many there are.
            Self::Short => style == Style::OffsetOfTotal,
            Self::Circle => {
                matches!(
                    style,
                    Style::Link | Style::NextUrl | Style::Cursor | Style::PathNext | Style::ForEach
                )
            }
            _ => true,
        }
    }
}

/// What is served during one cycle.
pub(super) struct Served {
    pub(super) style: Style,
    /// Who is there.
    pub(super) people: BTreeSet<u64>,
    fault: Option<Fault>,
    /// At which request of the cycle, counted from 0.
    at: u32,
    /// For how many requests from there on.
    times: u32,
    asked: u32,
    died: bool,
    /// What was met.
    pub(super) met: Option<Fault>,
    /// At which page.
    pub(super) met_at: u32,
}

impl Served {
    /// Draws what is there and what goes wrong, for `people` who could be there.
    pub(super) fn new(style: Style, dice: &mut Dice, people: u64) -> Self {
        let there = (0..people).filter(|_| dice.chance(700)).collect();
        let fault = Fault::ALL[dice.place(Fault::ALL.len())];
        // One cycle in ten is left alone, so that absence is proven again and again.
        let fault = Some(fault).filter(|fault| fault.fits(style) && !dice.chance(100));
        let at = u32::try_from(dice.below(people / PAGE as u64 + 3)).unwrap_or(0);
        let times = u32::try_from(dice.between(1, 4)).unwrap_or(1);
        Self { style, people: there, fault, at, times, asked: 0, died: false, met: None, met_at: 0 }
    }

    /// Whether the process dies now, before it hears the answer.
    pub(super) fn dies(&self) -> bool {
        self.died
    }

    /// The answer to a request, or how it was lost.
    pub(super) fn answer(&mut self, request: &Request, page: u32) -> Result<Response, Outcome> {
        let number = self.asked;
        self.asked += 1;
        let due = (self.at..self.at + self.times).contains(&number);
        let right = self.right(request);
        let Some(fault) = self.fault.filter(|_| due) else { return Ok(right.response(self.style)) };
        // A group that is gone says so for itself: only in the middle of its listing is that a fault.
        if fault == Fault::NotFound
            && self.style == Style::ForEach
            && page == 0
            && request.url.ends_with("/seats")
        {
            return Ok(right.response(self.style));
        }
        if !fault.shows(&right) {
            return Ok(right.response(self.style));
        }
        self.met = Some(fault);
        self.met_at = page;
        self.died = fault == Fault::Death;
        fault.instead(right, self.style, request)
    }

    /// The right page.
    fn right(&self, request: &Request) -> Page {
        let asked =
            |name: &str| request.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let path = request.url.strip_prefix("https://src.example").unwrap_or(&request.url);
        let (path, rest) = path.split_once('?').unwrap_or((path, ""));
        let last = path.rsplit('/').next().unwrap_or_default();
        if path == "/groups" {
            let at = number(asked("cursor"));
            let groups = (at == 0).then_some(Item::Group("even")).or(Some(Item::Group("odd")));
            return Page {
                items: groups.into_iter().collect(),
                next: (at == 0).then_some(1),
                total: 2,
                pages: 2,
            };
        }
        let (skip, people): (usize, Vec<u64>) = match self.style {
            Style::Link | Style::NextUrl => {
                (PAGE * number(asked("after").or(rest.strip_prefix("after="))), self.all())
            }
            Style::Cursor => (PAGE * number(asked("cursor")), self.all()),
            Style::NumberOfLast | Style::NumberUntilShort => {
                (PAGE * number(asked("page")).saturating_sub(1), self.all())
            }
            Style::OffsetOfTotal | Style::OffsetUntilEmpty => (number(asked("start")), self.all()),
            Style::PathUntilEmpty | Style::PathNext => {
                (PAGE * number(Some(last)).saturating_sub(1), self.all())
            }
            Style::ForEach => {
                let odd = u64::from(path.starts_with("/groups/odd"));
                let of_group = self.all().into_iter().filter(|person| person % 2 == odd).collect();
                (PAGE * number(asked("cursor")), of_group)
            }
        };
        let pages = people.len().div_ceil(PAGE).max(1);
        let page = skip / PAGE;
        let more = page + 1 < pages;
        // Where pages are counted from one, the next one's name is one more.
        let next = if self.style == Style::PathNext { page + 2 } else { page + 1 };
        Page {
            items: people.iter().skip(skip).take(PAGE).map(|person| Item::Person(*person)).collect(),
            next: more.then_some(next),
            total: people.len(),
            pages,
        }
    }

    fn all(&self) -> Vec<u64> {
        self.people.iter().copied().collect()
    }
}

fn number(text: Option<&str>) -> usize {
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// One thing of a listing.
enum Item {
    Person(u64),
    Group(&'static str),
    /// As it should not be.
    Raw(&'static str),
}

/// One page.
struct Page {
    items: Vec<Item>,
    next: Option<usize>,
    total: usize,
    pages: usize,
}

impl Page {
    fn body(&self, style: Style) -> String {
        let mut out = String::from("{\"items\":[");
        for (place, item) in self.items.iter().enumerate() {
            if place > 0 {
                out.push(',');
            }
            let _infallible = match item {
                Item::Person(n) => {
                    write!(out, "{{\"id\":\"s{n}\",\"email\":\"p{n}@acme.example\",\"role\":\"gold\"}}")
                }
                Item::Group(name) => write!(out, "{{\"id\":\"{name}\"}}"),
                Item::Raw(text) => write!(out, "{text}"),
            };
        }
        let _infallible = write!(out, "],\"total\":{},\"pages\":{}", self.total, self.pages);
        if let Some(next) = self.next {
            let _infallible = match style {
                Style::NextUrl => write!(out, ",\"next\":\"https://src.example/seats?after={next}\""),
                _ => write!(out, ",\"next\":\"{next}\""),
            };
        }
        out.push('}');
        out
    }

    fn response(&self, style: Style) -> Response {
        let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        if let Some(next) = self.next.filter(|_| style == Style::Link) {
            headers
                .push(("link".to_owned(), format!("<https://src.example/seats?after={next}>; rel=\"next\"")));
        }
        Response { status: 200, headers, body: self.body(style).into_bytes() }
    }
}

fn plain(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Response { status, headers: headers.collect(), body: body.as_bytes().to_vec() }
}

impl Fault {
    /// Whether it shows on this page: what has no items cannot have a wrong one.
    fn shows(self, right: &Page) -> bool {
        match self {
            // Of groups only the id is read: nothing else of them can be wrong.
            Self::WrongType => matches!(right.items.first(), Some(Item::Person(_))),
            Self::NoId | Self::Short => !right.items.is_empty(),
            Self::Circle => right.next.is_some(),
            _ => true,
        }
    }

    /// What comes instead of the right page.
    fn instead(self, mut right: Page, style: Style, request: &Request) -> Result<Response, Outcome> {
        let json = [("content-type", "application/json")];
        Ok(match self {
            Self::Lost | Self::Death => return Err(Outcome::Unknown("the connection was lost".to_owned())),
            Self::Unreachable => return Err(Outcome::Transient("no connection".to_owned())),
            Self::Failed => plain(500, &json, "{\"error\":\"internal\"}"),
            Self::Busy => plain(503, &[], "busy"),
            Self::Limited => plain(429, &[("retry-after", "2")], ""),
            Self::LimitedLong => plain(429, &[("retry-after", "86400")], ""),
            Self::Expired => plain(401, &json, "{\"error\":\"token\"}"),
            Self::Forbidden => plain(403, &json, "{\"error\":\"region\",\"items\":[]}"),
            Self::NotFound => plain(404, &json, "{\"items\":[]}"),
            Self::Gone => plain(410, &json, "{\"items\":[]}"),
            Self::Truncated => {
                let mut whole = right.response(style);
                // The cut is as long as the address: somewhere in it, and the same each time.
                whole.body.truncate(1 + request.url.len() % whole.body.len().saturating_sub(2).max(1));
                whole
            }
            Self::Html => plain(200, &[("content-type", "text/html")], "<html><body>sign in</body></html>"),
            Self::Empty => plain(200, &json, ""),
            Self::NoContent => plain(204, &[], ""),
            Self::ErrorBody => plain(200, &json, "{\"error\":{\"code\":\"try later\"}}"),
            Self::NullItems => plain(200, &json, "{\"items\":null,\"total\":0,\"pages\":1}"),
            Self::NoId => {
                right.items.pop();
                right.items.push(Item::Raw("{\"email\":\"nobody@acme.example\"}"));
                right.response(style)
            }
            Self::WrongType => {
                right.items.pop();
                right.items.push(Item::Raw("{\"id\":\"s9\",\"email\":{\"work\":1},\"name\":[]}"));
                right.response(style)
            }
            Self::Short => {
                right.items.pop();
                right.response(style)
            }
            Self::Circle => {
                right.next = Some(match style {
                    Style::PathNext => 1,
                    _ => number(request.query.first().map(|(_, value)| value.as_str()))
                        .max(right.next.unwrap_or(1) - 1),
                });
                right.response(style)
            }
            Self::Twice => {
                if let Some(Item::Person(first)) = right.items.first() {
                    right.items.push(Item::Person(*first));
                }
                right.response(style)
            }
        })
    }
}
