//! What is asked of a directory; the entry's name is the path of the request.

use super::{Exprs, Template};

/// An operation with holes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Entries at or below the name.
    Search {
        /// `base`, `one` or `sub`.
        reach: &'static str,
        /// The filter; a value fills one hole.
        filter: Template,
        /// The attributes that entries show, as expressions spell them.
        attributes: Vec<String>,
        /// Entries a page (RFC 2696); all in one answer where nothing is declared.
        size: Option<u32>,
    },
    /// A new entry of these values; `Null` is left out.
    Add(Exprs),
    /// Values that are added to attributes, taken from them, and put in the place of what they have (`Null` leaves nothing there).
    Modify {
        /// Added.
        add: Exprs,
        /// Taken away.
        delete: Exprs,
        /// Put in the place of all.
        replace: Exprs,
    },
    /// The entry goes.
    Delete,
    /// The entry gets another name.
    Rename {
        /// Its first part.
        rdn: Template,
        /// The entry below which it is then, where that changes.
        parent: Option<Template>,
        /// Whether the values of the old name stay.
        keep_old: bool,
    },
}

impl Operation {
    /// The word for it in rendered requests.
    pub fn method(&self) -> &'static str {
        match self {
            Self::Search { .. } => "SEARCH",
            Self::Add(_) => "ADD",
            Self::Modify { .. } => "MODIFY",
            Self::Delete => "DELETE",
            Self::Rename { .. } => "RENAME",
        }
    }

    /// Every value of it, with the attribute's name.
    pub fn values(&self) -> Box<dyn Iterator<Item = &(String, xops_kernel::expr::Expr)> + '_> {
        match self {
            Self::Add(values) => Box::new(values.iter()),
            Self::Modify { add, delete, replace } => Box::new(add.iter().chain(delete).chain(replace)),
            Self::Search { .. } | Self::Delete | Self::Rename { .. } => Box::new(std::iter::empty()),
        }
    }

    /// Every text with holes beside the name.
    pub fn templates(&self) -> impl Iterator<Item = &Template> {
        let (one, other) = match self {
            Self::Search { filter, .. } => (Some(filter), None),
            Self::Rename { rdn, parent, .. } => (Some(rdn), parent.as_ref()),
            Self::Add(_) | Self::Modify { .. } | Self::Delete => (None, None),
        };
        one.into_iter().chain(other)
    }
}
