//! What a lookup or a read carries from one request to the next: the page, the hop of a chain, what was found so far.
//!
//! Invariants: a trail goes into `Values` and comes back the same; a listing that turns in a circle, or does not end within
//! [`PAGES_MAX`] pages, is refused (Brent's cycle detection: R. P. Brent, BIT 20, 1980: one remembered place is enough).

use xops_kernel::value::{Value, Values};

/// The greatest number of pages of one listing.
pub(crate) const PAGES_MAX: i64 = 10_000;
/// The greatest number of items that one lookup gathers.
pub(crate) const GATHERED_MAX: usize = 100_000;

/// Where a listing stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// How many pages are behind.
    pub(crate) count: i64,
    /// The offset of the page that is asked for.
    pub(crate) offset: i64,
    /// The cursor or the address of the page that is asked for.
    pub(crate) cursor: Option<String>,
    /// The place that is remembered to find circles.
    mark: Option<String>,
    /// Where a read of changes begins; nothing in a read of everything.
    pub(crate) since: Option<String>,
    /// When the first page was asked for, in milliseconds since 1970.
    pub(crate) began: i64,
    /// The number of the first page.
    pub(crate) first: i64,
}

impl Default for Page {
    fn default() -> Self {
        Self { count: 0, offset: 0, cursor: None, mark: None, since: None, began: 0, first: 1 }
    }
}

impl Page {
    /// `page.number`, `page.offset`, `page.cursor`, `page.since`.
    pub(crate) fn at(&self, name: &str) -> Value {
        match name {
            "number" => Value::Int(self.count.saturating_add(self.first)),
            "offset" => Value::Int(self.offset),
            "cursor" => self.cursor.as_deref().map_or(Value::Null, Value::from),
            "since" => self.since.as_deref().map_or(Value::Null, Value::from),
            _ => Value::Null,
        }
    }

    /// The page after this one, at `place` (a cursor, an address, an offset or a number).
    pub(crate) fn next(&self, place: &str) -> Result<Self, String> {
        let count = self.count + 1;
        if count >= PAGES_MAX {
            return Err(format!("the listing does not end within {PAGES_MAX} pages"));
        }
        if self.mark.as_deref() == Some(place) || self.cursor.as_deref() == Some(place) {
            return Err("the listing turns in a circle".to_owned());
        }
        let remember = count.unsigned_abs().is_power_of_two();
        let mark = if remember { Some(place.to_owned()) } else { self.mark.clone() };
        Ok(Self { count, cursor: Some(place.to_owned()), mark, ..self.clone() })
    }
}

/// What is carried over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trail {
    /// The lookup of the chain that is under way; the first one where this is `None`.
    pub(crate) hop: Option<String>,
    /// How many lookups of the chain are behind.
    pub(crate) hops: i64,
    /// Where its listing stands.
    pub(crate) page: Page,
    /// Whether the work that goes on after the answer is over.
    pub(crate) polled: bool,
    /// What earlier lookups of the chain told this one.
    pub(crate) kept: Values,
    /// The facet's value, once it was found.
    pub(crate) found: Option<Value>,
    /// What was shown so far.
    pub(crate) outputs: Values,
    /// The mark, once it was found.
    pub(crate) marker: Option<String>,
    /// What was gathered so far.
    pub(crate) gathered: Values,
    /// Why what was listed so far could not be judged.
    pub(crate) unread: Option<String>,
}

impl Trail {
    /// Reads what [`Trail::write`] wrote; nothing is the start.
    pub(crate) fn read(carry: &Values) -> Self {
        let text = |name: &str| carry.get(name).and_then(Value::as_text).map(str::to_owned);
        let number = |name: &str| carry.get(name).and_then(Value::as_int).unwrap_or_default();
        let map = |name: &str| match carry.get(name) {
            Some(Value::Map(values)) => values.clone(),
            _ => Values::new(),
        };
        Self {
            hop: text("hop"),
            hops: number("hops"),
            page: Page {
                count: number("pages"),
                offset: number("offset"),
                cursor: text("cursor"),
                mark: text("mark"),
                since: text("since"),
                began: number("began"),
                first: text("first").and_then(|first| first.parse().ok()).unwrap_or(1),
            },
            polled: carry.contains_key("polled"),
            kept: map("kept"),
            found: carry.get("found").cloned(),
            outputs: map("outputs"),
            marker: text("marker"),
            gathered: map("gathered"),
            unread: text("unread"),
        }
    }

    /// The trail as values.
    pub(crate) fn write(&self) -> Values {
        let text = |text: &Option<String>| text.as_deref().map_or(Value::Null, Value::from);
        let all = [
            ("hop", text(&self.hop)),
            ("hops", Value::Int(self.hops)),
            ("pages", Value::Int(self.page.count)),
            ("offset", Value::Int(self.page.offset)),
            ("cursor", text(&self.page.cursor)),
            ("mark", text(&self.page.mark)),
            ("since", text(&self.page.since)),
            ("began", Value::Int(self.page.began)),
            (
                "first",
                if self.page.first == 1 { Value::Null } else { Value::from(self.page.first.to_string()) },
            ),
            ("polled", if self.polled { Value::Bool(true) } else { Value::Null }),
            ("kept", Value::Map(self.kept.clone())),
            ("outputs", Value::Map(self.outputs.clone())),
            ("marker", text(&self.marker)),
            ("gathered", Value::Map(self.gathered.clone())),
            ("unread", text(&self.unread)),
        ];
        let mut values: Values = all
            .into_iter()
            .filter(|(_, value)| !matches!(value, Value::Null | Value::Int(0)))
            .filter(|(_, value)| !matches!(value, Value::Map(members) if members.is_empty()))
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        if let Some(found) = &self.found {
            values.insert("found".to_owned(), found.clone());
        }
        values
    }

    /// Adds `item` to the list `name`.
    pub(crate) fn gather(&mut self, name: &str, item: Value) -> Result<(), String> {
        let list = self.gathered.entry(name.to_owned()).or_insert_with(|| Value::List(Vec::new()));
        if let Value::List(items) = list {
            if items.len() >= GATHERED_MAX {
                return Err(format!("more than {GATHERED_MAX} items"));
            }
            if !item.is_null() {
                items.push(item);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(places: impl Iterator<Item = String>) -> (i64, Option<String>) {
        let mut page = Page::default();
        for place in places {
            match page.next(&place) {
                Ok(next) => page = next,
                Err(why) => return (page.count, Some(why)),
            }
        }
        (page.count, None)
    }

    #[test]
    fn a_circle_of_any_length_is_found_and_a_straight_line_is_not_one() {
        for length in [1_usize, 2, 3, 7, 50] {
            let (count, why) = walk((0..10_000).map(|at| format!("c{}", at % length)));
            assert_eq!(why.as_deref(), Some("the listing turns in a circle"), "length {length}");
            assert!(count <= 4 * i64::try_from(length).unwrap_or(i64::MAX), "length {length} took {count}");
        }
        assert_eq!(walk((0..9_999).map(|at| format!("c{at}"))), (9_999, None));
        let (_, why) = walk((0..20_000).map(|at| format!("c{at}")));
        assert_eq!(why.as_deref(), Some("the listing does not end within 10000 pages"));
    }

    #[test]
    fn a_trail_comes_back_as_it_went() {
        let mut trail =
            Trail { hop: Some("event".into()), hops: 1, found: Some(Value::Null), ..Trail::default() };
        trail.page = Page::default().next("a").and_then(|page| page.next("b")).unwrap();
        trail.kept.insert("event".into(), "7".into());
        trail.gather("others", Value::Int(1)).unwrap();
        trail.unread = Some("no names".into());
        assert_eq!(Trail::read(&trail.write()), trail);
        assert!(Trail::default().write().is_empty());
    }
}
