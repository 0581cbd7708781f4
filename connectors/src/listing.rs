//! Listings: which items a page holds, and how the listing goes on.
//!
//! Invariants: a page that does not show its items as a list is a failure, never an empty page; a listing is over only where
//! the manifest's paging says so, so that what was not listed is never taken for absent; a page that claims less than was
//! announced is a failure too.

use crate::model::{Listing, Paging, Shape};
use crate::render;
use crate::scope::{Scope, integer, scalar};
use crate::trail::Page;
use xops_kernel::expr::Expr;
use xops_kernel::port::Request;
use xops_kernel::value::Value;

/// The items of the page in `scope`.
pub(crate) fn items(scope: &Scope<'_>, listing: &Listing) -> Result<Vec<Value>, String> {
    match scope.value(&listing.items) {
        Value::List(items) => Ok(items),
        other => Err(format!("the answer holds no list of items, but {}", other.type_name())),
    }
}

/// The next page, and its place among the pages; `None` at the end of the listing. `shown` is the number of items that this
/// page holds.
pub(crate) fn next(
    scope: &Scope<'_>,
    listing: &Listing,
    shown: usize,
) -> Result<Option<(Page, Where)>, String> {
    let Some(paging) = &listing.paging else { return Ok(None) };
    following(scope, paging, shown).map_err(|why| format!("the listing cannot go on: {why}"))
}

fn following(scope: &Scope<'_>, paging: &Paging, shown: usize) -> Result<Option<(Page, Where)>, String> {
    let page = &scope.trail.page;
    match paging {
        Paging::Link { last } if over(scope, last.as_ref()) => Ok(None),
        Paging::Link { .. } => {
            let next = scope.answer.and_then(|answer| answer.header("link")).and_then(next_link);
            next.map(|next| Ok((page.next(next)?, Where::At(next.to_owned())))).transpose()
        }
        Paging::NextUrl(next) => match scope.value(next) {
            Value::Null => Ok(None),
            Value::Text(next) => Ok(Some((page.next(&next)?, Where::At(next)))),
            other => Err(format!("the next page's address is {}", other.type_name())),
        },
        Paging::Cursor(next) => match scope.value(next) {
            Value::Null => Ok(None),
            cursor => {
                let cursor =
                    scalar(&cursor).ok_or_else(|| format!("the cursor is {}", cursor.type_name()))?;
                if cursor.is_empty() { Ok(None) } else { Ok(Some((page.next(&cursor)?, Where::Same))) }
            }
        },
        Paging::Offset { size, total } => {
            let size = i64::from(*size);
            let offset = page.offset.saturating_add(size);
            let total = match total {
                None => None,
                Some(total) => {
                    Some(integer(&scope.value(total)).ok_or("the answer does not say how many there are")?)
                }
            };
            let shown = i64::try_from(shown).unwrap_or(i64::MAX);
            let due = total.map_or(0, |total| total.saturating_sub(page.offset).clamp(0, size));
            if shown < due {
                return Err(format!("the page holds {shown} items where {due} were due"));
            }
            let over = total.map_or(shown == 0, |total| offset >= total);
            if over {
                return Ok(None);
            }
            let mut next = page.next(&offset.to_string())?;
            next.offset = offset;
            Ok(Some((next, Where::Same)))
        }
        Paging::Number { last, size, first } => {
            let number = page.count.saturating_add(*first);
            let over = match last {
                Some(last) => {
                    let last = integer(&scope.value(last));
                    number >= last.ok_or("the answer does not say which page is the last")?
                }
                None => shown == 0 || size.is_some_and(|size| shown < size as usize),
            };
            if over { Ok(None) } else { Ok(Some((page.next(&(number + 1).to_string())?, Where::Same))) }
        }
        Paging::Path { next: Some(next), last, .. } => {
            let next = scope.value(next);
            if next.is_null() || over(scope, last.as_ref()) {
                return Ok(None);
            }
            let next = scalar(&next).ok_or_else(|| format!("the next page is {}", next.type_name()))?;
            if next.is_empty() { Ok(None) } else { Ok(Some((page.next(&next)?, Where::Same))) }
        }
        Paging::Path { next: None, first, last } => {
            if shown == 0 || over(scope, last.as_ref()) {
                return Ok(None);
            }
            let from: i64 = first.parse().map_err(|_| format!("the first page `{first}` is no number"))?;
            let number = from.saturating_add(page.count).saturating_add(1);
            Ok(Some((page.next(&number.to_string())?, Where::Same)))
        }
    }
}

fn over(scope: &Scope<'_>, last: Option<&Expr>) -> bool {
    last.is_some_and(|last| scope.holds(last))
}

/// The first page, where the path or the manifest names it.
pub(crate) fn first(listing: Option<&Listing>, page: &mut Page) {
    if let Some(Paging::Path { first, .. }) = listing.and_then(|listing| listing.paging.as_ref())
        && page.cursor.is_none()
    {
        page.cursor = Some(first.clone());
    }
    if let Some(Paging::Number { first, .. }) = listing.and_then(|listing| listing.paging.as_ref()) {
        page.first = *first;
    }
}

/// Where the next page is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Where {
    /// By the same request, which shows its page itself.
    Same,
    /// At this address.
    At(String),
}

impl Where {
    /// The request for the page that `scope` stands at.
    pub(crate) fn request(&self, scope: &Scope<'_>, shape: &Shape) -> Result<Request, String> {
        match self {
            Self::Same => render::request(scope, shape),
            Self::At(next) => render::continued(scope, shape, next),
        }
    }
}

/// The target of `rel="next"` in a `link` header (RFC 8288).
fn next_link(header: &str) -> Option<&str> {
    let mut rest = header;
    while let Some((target, after)) = rest.split_once('<').and_then(|(_, rest)| rest.split_once('>')) {
        let end = after.find('<').unwrap_or(after.len());
        let (parameters, following) = after.split_at(end);
        let is_next =
            parameters.split([';', ',']).filter_map(|one| one.trim().split_once('=')).any(|(name, value)| {
                let mut relations = value.trim().trim_matches('"').split_ascii_whitespace();
                name.trim().eq_ignore_ascii_case("rel")
                    && relations.any(|one| one.eq_ignore_ascii_case("next"))
            });
        if is_next {
            return Some(target);
        }
        rest = following;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::next_link;

    #[test]
    fn the_next_link_is_found_among_others() {
        let check = |header: &str, expect: Option<&str>| assert_eq!(next_link(header), expect, "{header}");
        check("<https://a/x?after=1>; rel=\"next\"", Some("https://a/x?after=1"));
        check("<https://a/x>; rel=\"self\", <https://a/x?a=1,2>; rel=\"next\"", Some("https://a/x?a=1,2"));
        check("</x?p=2>; title=\"t\"; rel=\"prev next\"", Some("/x?p=2"));
        check("<https://a/x>; rel=self", None);
        check("<https://a/x>; rel=\"nextish\"", None);
        check("garbage", None);
        check("", None);
    }
}
