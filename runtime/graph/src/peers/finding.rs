//! What validation finds: objects with lineage and a counterfactual, in the order in which people read them.

use std::collections::BTreeMap;
use xops_kernel::declare::Origin;
use xops_kernel::record::Source;

/// One element of a facet, or the value of a single one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Thing {
    /// The domain.
    pub domain: String,
    /// The facet.
    pub facet: String,
    /// The element of a set by its name, or the value.
    pub element: String,
}

/// The kinds of finding, the weightiest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// An approved requirement demands it, and nothing declares it.
    Required,
    /// The established peers have it, and nothing declares it.
    Expected,
    /// Many peers have it, and nothing declares it.
    Suggested,
    /// It is declared, and hardly any peer has it.
    Excess,
    /// It is not particular to this persona: it belongs where the wider one is declared.
    HigherLayer,
}

impl Kind {
    /// One word, from a closed set.
    pub fn word(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Expected => "expected",
            Self::Suggested => "suggested",
            Self::Excess => "excess",
            Self::HigherLayer => "higher_layer",
        }
    }
}

/// The rule that a finding cites.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rule {
    /// The requirement's name.
    pub name: String,
    /// The rule in a sentence.
    pub title: String,
    /// What demands it.
    pub because: String,
    /// Who approved it.
    pub approved_by: String,
    /// Where it stands.
    pub origin: Origin,
}

/// How usual something is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Support {
    /// The set of peers.
    pub peers: String,
    /// What the peers share, by attribute; empty for all who count.
    pub shared: BTreeMap<String, Vec<String>>,
    /// How many of the peers have it.
    pub have: u64,
    /// How many peers there are.
    pub of: u64,
    /// How many of all who count have it.
    pub all_have: u64,
    /// How many count.
    pub all: u64,
}

impl Support {
    /// The share of the peers, in per cent, rounded down.
    pub fn support_pct(&self) -> u64 {
        self.have.saturating_mul(100).checked_div(self.of).unwrap_or(0)
    }

    /// How much more usual it is among the peers than among all, in per cent, rounded down: 100 is as usual.
    pub fn lift_pct(&self) -> u64 {
        let above = u128::from(self.have) * u128::from(self.all) * 100;
        let below = u128::from(self.of) * u128::from(self.all_have);
        above.checked_div(below).map_or(0, |lift| u64::try_from(lift).unwrap_or(u64::MAX))
    }
}

/// What would be otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Counterfactual {
    /// How many people the declaration is for today.
    pub people: u64,
    /// How many of them this finding is about.
    pub concerned: u64,
    /// How many of the concerned have it already, where that is seen.
    pub have_it: Option<u64>,
    /// What would make the finding go away without a change of the declaration.
    pub unless: String,
}

/// What could be done about it; a person decides.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proposal {
    /// Declare it in this outcome: what to write as its element or value.
    Declare(String),
    /// Take the line or the element out of this outcome.
    Drop(String),
    /// In words: there is no edit of this outcome alone.
    Advice(String),
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// What kind.
    pub kind: Kind,
    /// What it is about.
    pub thing: Thing,
    /// Whether the facet is a set.
    pub set: bool,
    /// The value that the outcome declares instead, where it declares another one.
    pub differs: Option<String>,
    /// The rule, for what is required.
    pub rule: Option<Rule>,
    /// How usual it is, for what peers say.
    pub support: Option<Support>,
    /// What would be otherwise.
    pub counterfactual: Counterfactual,
    /// The records behind it: some of them, in order.
    pub lineage: Vec<Source>,
    /// What could be done.
    pub proposal: Proposal,
}

/// What could not be judged, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unjudged {
    /// What.
    pub what: String,
    /// Why.
    pub why: String,
}

/// What validation of one outcome comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The outcome.
    pub outcome: String,
    /// How many people it is for today.
    pub people: u64,
    /// For how many that is unknown.
    pub unknown: u64,
    /// How many requirements were held against it.
    pub requirements: u64,
    /// The peers that were asked, with their number.
    pub asked: Vec<(String, BTreeMap<String, Vec<String>>, u64)>,
    /// The findings, in order.
    pub findings: Vec<Finding>,
    /// What could not be judged.
    pub unjudged: Vec<Unjudged>,
}
