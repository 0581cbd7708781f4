//! Columns: the truth about all entities of one kind as numbers, side by side, kept up to date reading by reading.
//!
//! Absent: authority, identity, rules of difference: those are `crate::resolve`, `xops_kernel::desire` and
//! `xops_kernel::diff`, and what stands here is what they said. Invariants: after any readings in any order the columns hold what
//! they would hold if they were filled anew; what is unknown has its doubt, what is absent its proof; numbers never leave.
//!
//! `program.rs` says what the declarations look at, `class.rs` judges those that look alike once, `fill.rs` brings rows up to date
//! from the graph, `sketch.rs` compares and digests, `draw.rs` hands an entity to the compiler, `reverse.rs` says whom an input
//! touches, `witness.rs` gathers what records of their own show,
//! `waves.rs` puts the steps of many plans in one order.

mod behind;
pub mod blast;
mod class;
pub mod draw;
pub mod fill;

mod hands;
mod program;
pub mod reverse;
pub mod sketch;
mod spare;
mod together;
pub mod waves;
pub mod witness;

use crate::graph::Graph;
use crate::intern::Interner;
use class::{Classes, INPUTS_MAX, Numbers};
use fill::Asking;
use program::Program;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use witness::Witness;
use xops_kernel::canon::DigestKey;
use xops_kernel::compile::ahead::Ahead;
use xops_kernel::declare::{Declarations, FacetKind};
use xops_kernel::diff::Facet;
use xops_kernel::fact::{Doubt, Proof};
use xops_kernel::id::EntityId;
use xops_kernel::record::Millis;
use xops_kernel::standard::Evidence;
use xops_kernel::value::Value;

/// How facets of one kind are observed: in an attribute of the record that a link joins to the entity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct View {
    /// The facet's domain.
    pub domain: String,
    /// The facet's name.
    pub facet: String,
    /// The attribute of the record: the value, or the list of the elements.
    pub attribute: String,
    /// The attributes of the record that a plan may take as the facet's outputs; `id` is always one.
    pub shows: BTreeSet<String>,
}

/// Why there are no columns.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unbuilt {
    /// The kind is not declared.
    #[error("no kind of entity `{kind}` is declared")]
    Kind {
        /// The kind.
        kind: String,
    },
    /// A view shows a facet that is not declared.
    #[error("a view shows `{facet}`, which no facet declares")]
    Facet {
        /// The facet.
        facet: String,
    },
    /// Two views show one facet.
    #[error("two views show `{facet}`: name the attribute of one record")]
    Twice {
        /// The facet.
        facet: String,
    },
    /// Nothing joins the view's system to the kind.
    #[error("a view shows `{facet}` of `{system}`, but no link joins that system to `{kind}`")]
    Unjoined {
        /// The facet.
        facet: String,
        /// The system.
        system: String,
        /// The kind.
        kind: String,
    },
    /// Records of its own show a facet that is no set.
    #[error(
        "evidence shows `{facet}`, which is one value: only the elements of a set are shown by records of their own"
    )]
    Single {
        /// The facet.
        facet: String,
    },
    /// More is looked at than there is room for.
    #[error("the declarations look at {inputs} attributes of `{kind}`; at most {most} are allowed")]
    TooMany {
        /// The kind.
        kind: String,
        /// How many they look at.
        inputs: usize,
        /// How many they may look at.
        most: usize,
    },
}

/// One facet that is there, by numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Cell {
    facet: u32,
    value: u32,
}

/// What holds for the facets of a view that have no cell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Ground {
    /// They are absent.
    Absent(Proof),
    /// Nothing is known of them.
    Unknown(Doubt),
}

/// A view, with what it is about.
#[derive(Clone)]
struct Viewed {
    view: View,
    facet: FacetKind,
    /// The place of the facet's kind among the declared ones.
    kind: u32,
    /// Whether records of its own show it, and not an attribute of the joined one.
    witnessed: bool,
}

/// One row: everything that is held of one entity.
#[derive(Clone, Default)]
struct Row {
    entity: EntityId,
    class: u32,
    /// What is there, by facet.
    cells: Box<[Cell]>,
    /// What xops granted, by facet.
    granted: Box<[u32]>,
    /// Until when all that its systems showed is fresh.
    until: Millis,
}

/// The truth about all entities of one kind, side by side.
#[derive(Clone)]
pub struct Columns {
    declarations: Arc<Declarations>,
    key: DigestKey,
    kind: String,
    views: Vec<Viewed>,
    /// The view of each kind of facet, by the place of the kind.
    view_of: Vec<Option<u32>>,
    exclusive: Vec<bool>,
    /// Whether any kind of facet is exclusive.
    any_exclusive: bool,
    asking: Arc<Asking>,
    classes: Classes,
    numbers: Numbers,
    /// What elements of sets are there as.
    member: u32,
    places: BTreeMap<EntityId, u32>,
    rows: Vec<Row>,
    /// The codes of the inputs, row by row.
    codes: Vec<u32>,
    /// By what their records are joined, row by row: the number of a value and one, or nothing.
    joints: Vec<u32>,
    /// The ground of each view, row by row.
    grounds: Vec<u32>,
    ground_numbers: BTreeMap<Ground, u32>,
    ground_list: Vec<Ground>,
    /// The ground that each joined system had last.
    recent: Vec<u32>,
    /// Where the attribute of each view stood in the last record that had it.
    stood: Vec<usize>,
    kinds: Vec<FacetKind>,
    witnesses: Vec<Witness>,
    /// Of each kind of facet its place in the order of facets.
    ranks: Vec<usize>,
    /// Of each kind of facet that stands apart in every plan, the references behind its lookup.
    apart: Vec<Option<Vec<String>>>,
}

impl Columns {
    /// Empty columns for the entities of `kind`, as `graph` declares them, whose facets are seen through `views`.
    pub fn new(graph: &Graph, kind: &str, views: &[View]) -> Result<Self, Unbuilt> {
        Self::with_evidence(graph, kind, views, &[])
    }

    /// The same, with facets that records of their own show besides.
    pub fn with_evidence(
        graph: &Graph,
        kind: &str,
        views: &[View],
        evidence: &[Evidence],
    ) -> Result<Self, Unbuilt> {
        let declarations = graph.declarations.clone();
        let Some(entity) = declarations.entities.get(kind) else {
            return Err(Unbuilt::Kind { kind: kind.to_owned() });
        };
        let program = Program::of(&declarations, entity);
        if program.inputs.len() > INPUTS_MAX {
            let (kind, inputs) = (kind.to_owned(), program.inputs.len());
            return Err(Unbuilt::TooMany { kind, inputs, most: INPUTS_MAX });
        }
        let mut view_of: Vec<Option<u32>> = vec![None; declarations.facets.len()];
        let mut viewed = Vec::with_capacity(views.len() + evidence.len());
        for view in views {
            let known = look(&declarations, view.clone(), false, &mut view_of, viewed.len())?;
            let system = &known.facet.system;
            if entity.mint.0 != *system && !entity.links.contains_key(system) {
                let (facet, system) = (format!("{}.{}", view.domain, view.facet), system.clone());
                return Err(Unbuilt::Unjoined { facet, system, kind: kind.to_owned() });
            }
            viewed.push(known);
        }
        let mut witnesses = Vec::with_capacity(evidence.len());
        for one in evidence {
            let known = look(&declarations, witness::view(one), true, &mut view_of, viewed.len())?;
            witness::check(&known)?;
            witnesses.push(Witness::new(entity, one, viewed.len()));
            viewed.push(known);
        }
        let exclusive: Vec<bool> = declarations.facets.values().map(|facet| facet.exclusive).collect();
        let ahead = Ahead::of(&declarations, kind);
        let apart = |facet: &FacetKind| Some(ahead.apart(&facet.domain, &facet.name)?.to_vec());
        let mut numbers = Numbers { values: Interner::new(&graph.key), facets: Interner::new(&graph.key) };
        let member = Value::from("member");
        let member = numbers.values.number(&member, || member.clone());
        Ok(Self {
            key: graph.key,
            kind: kind.to_owned(),
            asking: Arc::new(Asking::new(entity, &program, &viewed)),
            any_exclusive: exclusive.contains(&true),
            classes: Classes::new(declarations.clone(), kind, program, &graph.key),
            view_of,
            exclusive,
            stood: vec![0; viewed.len()],
            views: viewed,
            numbers,
            member,
            places: BTreeMap::new(),
            rows: Vec::new(),
            codes: Vec::new(),
            joints: Vec::new(),
            grounds: Vec::new(),
            ground_numbers: BTreeMap::new(),
            ground_list: Vec::new(),
            recent: Vec::new(),
            ranks: ranks(&declarations),
            apart: declarations.facets.values().map(apart).collect(),
            kinds: declarations.facets.values().cloned().collect(),
            witnesses,
            declarations,
        })
    }

    /// Whether anything shows a facet.
    pub fn shows(&self, facet: &Facet) -> bool {
        self.views.iter().any(|it| it.view.domain == facet.domain && it.view.facet == facet.name)
    }

    /// The kind of entity.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// How many entities there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many facets are there, over all entities.
    pub fn facets(&self) -> usize {
        self.rows.iter().map(|row| row.cells.len()).sum()
    }

    /// How many classes of entities that look alike were met.
    pub fn classes(&self) -> usize {
        self.classes.len()
    }

    /// How many different values are held.
    pub fn values(&self) -> usize {
        self.numbers.values.len()
    }

    /// Forgets what was judged of the classes and judges every entity's class anew, as after a change of the declarations.
    pub fn judge_anew(&mut self) {
        self.classes.forget();
        let width = self.width();
        for (at, row) in self.rows.iter_mut().enumerate() {
            row.class = self.classes.of(&self.codes[at * width..][..width], &mut self.numbers);
        }
    }

    /// How many codes a row has.
    fn width(&self) -> usize {
        self.classes.program.inputs.len()
    }

    /// The facet with this number, of `entity`.
    fn facet(&self, entity: EntityId, number: u32) -> Facet {
        let (kind, element) = *self.numbers.facets.get(number);
        let declared = &self.kinds[kind as usize];
        let element = (element != class::WHOLE).then(|| match self.numbers.values.get(element) {
            Value::Text(text) => text.clone(),
            other => other.to_string(),
        });
        Facet {
            entity,
            domain: declared.domain.clone(),
            system: declared.system.clone(),
            name: declared.name.clone(),
            element,
        }
    }
}

/// A view with what it is about, as the one with the place `at`.
fn look(
    declarations: &Declarations,
    view: View,
    witnessed: bool,
    view_of: &mut [Option<u32>],
    at: usize,
) -> Result<Viewed, Unbuilt> {
    let told = format!("{}.{}", view.domain, view.facet);
    let found = declarations
        .facets
        .iter()
        .enumerate()
        .find(|(_, ((domain, name), _))| *domain == view.domain && *name == view.facet);
    let Some((kind, (_, facet))) = found else { return Err(Unbuilt::Facet { facet: told }) };
    if view_of[kind].is_some() {
        return Err(Unbuilt::Twice { facet: told });
    }
    view_of[kind] = Some(u32::try_from(at).unwrap_or(u32::MAX));
    let kind = u32::try_from(kind).unwrap_or(u32::MAX);
    Ok(Viewed { view, facet: facet.clone(), kind, witnessed })
}

/// Of each kind of facet, by its place among the declared ones, its place in the order of facets.
fn ranks(declarations: &Declarations) -> Vec<usize> {
    let kinds: Vec<&FacetKind> = declarations.facets.values().collect();
    let name = |at: &usize| (&kinds[*at].domain, &kinds[*at].system, &kinds[*at].name);
    let mut order: Vec<usize> = (0..kinds.len()).collect();
    order.sort_by(|one, other| name(one).cmp(&name(other)));
    let mut ranks = vec![0; kinds.len()];
    for (rank, at) in order.into_iter().enumerate() {
        ranks[at] = rank;
    }
    ranks
}
