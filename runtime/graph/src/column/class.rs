//! Classes: entities that look alike to the declarations, judged once by `xops_kernel::desire`.
//!
//! Absent: rules of its own. Invariants: whatever is refused for one entity is refused here with the same words; wishes of
//! several outcomes are joined only where they agree, and else the kernel is asked for the whole; a class names by value all
//! that its wishes hang on, so its digest says what they are.

use super::program::{Input, Part, Program};
use super::together::{Group, Together, Wish, merge};
use crate::intern::Interner;
use crate::tuples::Tuples;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;
use xops_kernel::canon::{Canon, DigestKey};
use xops_kernel::declare::Declarations;
use xops_kernel::desire::{self, Desire, Subject, Undesired};
use xops_kernel::diff::{Facet, Want};
use xops_kernel::fact::{Doubt, Fact, Observation, Proof, Reason};
use xops_kernel::id::{Digest, EntityId};
use xops_kernel::record::{Record, Source};
use xops_kernel::value::Value;

/// Nothing is known of an input.
pub(crate) const UNKNOWN: u32 = 0;
/// An input is proven absent.
pub(crate) const ABSENT: u32 = 1;
/// The code of the value with number `n` is `n` and this.
pub(crate) const FIRST: u32 = 2;
/// In a class: an input has a value of its own in each entity.
pub(super) const OWN: u32 = u32::MAX;
/// In a wish: the value is that of a slot, by its place among the inputs.
pub(crate) const SLOT: u32 = 1 << 31;
/// A facet that is no element of a set.
pub(crate) const WHOLE: u32 = u32::MAX;

/// One facet that is wanted, by numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Wanted {
    /// The facet.
    pub(crate) facet: u32,
    /// The number of the value, or [`SLOT`] and a place.
    pub(crate) value: u32,
}

/// What is wanted of all entities that look alike.
#[derive(Clone, Copy)]
pub(crate) struct Class<'a> {
    /// What it hangs on, by value.
    pub(crate) digest: &'a Digest,
    /// The wishes, by facet.
    pub(crate) wants: &'a [Wanted],
    /// The outcomes that apply, by their places in the program.
    pub(crate) outcomes: &'a [u16],
    /// Why there are no wishes, where they contradict each other or hang on something unknown.
    pub(crate) refused: &'a [Undesired],
}

/// A class as it is kept: what is wanted stands side by side with that of all others, so that nothing is asked for or given back for a
/// class alone.
#[derive(Clone)]
struct Kept {
    digest: Digest,
    wants: Range<usize>,
    outcomes: Range<usize>,
    refused: Vec<Undesired>,
}

/// What one outcome wants of all that look alike to it.
#[derive(Clone)]
enum Fragment {
    /// It does not apply; what the kernel said.
    Not(Arc<Desire>),
    /// It wants this.
    Wishes(Arc<Told>),
    /// It cannot be said.
    Refused,
}

/// What one outcome that applies wants.
pub(crate) struct Told {
    /// By numbers, in the order of the kernel's wishes; with each wish the number of the object that is spoken of.
    pub(crate) wishes: Vec<Wish>,
    /// What the kernel said, of nobody and with placeholders for slots.
    pub(crate) desire: Desire,
    /// Everything that any of the wishes hangs on.
    pub(crate) hangs_on: BTreeSet<String>,
}

/// All numbers that wishes are made of.
#[derive(Clone)]
pub(crate) struct Numbers {
    /// Values.
    pub(crate) values: Interner<Value>,
    /// Facets: the place of the kind among the declared ones, and the number of the element's name or [`WHOLE`].
    pub(crate) facets: Interner<(u32, u32)>,
}

/// The classes of one kind of entity.
#[derive(Clone)]
pub(crate) struct Classes {
    declarations: Arc<Declarations>,
    /// The digest of the declarations.
    pub(crate) declared: Digest,
    kind: String,
    /// What is looked at.
    pub(crate) program: Program,
    keys: Tuples,
    list: Vec<Kept>,
    wants: Vec<Wanted>,
    outcomes: Vec<u16>,
    memo: Vec<(Tuples, Vec<Fragment>)>,
    /// Room for putting wishes together.
    rooms: (Vec<Wish>, Vec<Wish>),
    /// The outcomes by what they look at, once anything was judged.
    groups: Option<Vec<Group>>,
    /// Of each value that was met, whether those who have it in a slot look alike: a bit each.
    own: Vec<u64>,
    /// How many values were met.
    met: u32,
    /// The digest of what is the same for all classes.
    common: Digest,
    /// The kinds of facet, in the order of their places.
    kinds: Vec<(String, String)>,
    /// How a footprint names each input.
    references: Vec<String>,
    key: DigestKey,
}

impl Classes {
    /// None yet, for the entities of `kind`.
    pub(crate) fn new(
        declarations: Arc<Declarations>,
        kind: &str,
        program: Program,
        key: &DigestKey,
    ) -> Self {
        let memo = |part: &Part| (Tuples::new(part.inputs.len(), key), Vec::new());
        let references: Vec<String> = program.inputs.iter().map(|input| reference(kind, input)).collect();
        Self {
            declared: declarations.digest(),
            kinds: declarations.facets.keys().cloned().collect(),
            kind: kind.to_owned(),
            keys: Tuples::new(program.taken_from, key),
            list: Vec::new(),
            wants: Vec::new(),
            outcomes: Vec::new(),
            rooms: Default::default(),
            groups: None,
            own: Vec::new(),
            met: 0,
            common: common(&declarations, kind, &references, key),
            references,
            memo: program.outcomes.iter().map(memo).collect(),
            program,
            declarations,
            key: *key,
        }
    }

    /// The class with this number.
    pub(crate) fn get(&self, at: u32) -> Class<'_> {
        let Kept { digest, wants, outcomes, refused } = &self.list[at as usize];
        let (wants, outcomes) = (&self.wants[wants.clone()], &self.outcomes[outcomes.clone()]);
        Class { digest, wants, outcomes, refused }
    }

    /// How many classes were met.
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// Forgets every judgement, so that the next question is judged anew.
    pub(crate) fn forget(&mut self) {
        self.keys.clear();
        self.list.clear();
        self.wants.clear();
        self.outcomes.clear();
        for (keys, fragments) in &mut self.memo {
            keys.clear();
            fragments.clear();
        }
        for group in self.groups.iter_mut().flatten() {
            group.keys.clear();
            group.all.clear();
        }
    }

    /// The class of an entity whose inputs have these codes.
    pub(crate) fn of(&mut self, codes: &[u32], numbers: &mut Numbers) -> u32 {
        self.meet(numbers);
        let key = self.alike(codes, numbers);
        let key = &key[..self.program.taken_from];
        let class = self.keys.number(key);
        if class as usize == self.list.len() {
            let judged = self.judge(key, codes, numbers);
            self.list.push(judged);
        }
        class
    }

    /// Looks at the values that came since the last time.
    fn meet(&mut self, numbers: &Numbers) {
        let count = u32::try_from(numbers.values.len()).unwrap_or(u32::MAX);
        self.own.resize(count.div_ceil(u64::BITS) as usize, 0);
        for at in self.met..count {
            self.own[(at / u64::BITS) as usize] |=
                u64::from(is_own(numbers.values.get(at))) << (at % u64::BITS);
        }
        self.met = count;
    }

    fn owns(&self, value: u32, numbers: &Numbers) -> bool {
        if value >= self.met {
            return is_own(numbers.values.get(value));
        }
        self.own[(value / u64::BITS) as usize] >> (value % u64::BITS) & 1 == 1
    }

    /// What entities that look alike have in common: the codes of what decides, without the values of slots.
    fn alike(&self, codes: &[u32], numbers: &Numbers) -> [u32; INPUTS_MAX] {
        let mut key = [0_u32; INPUTS_MAX];
        let deciding = &codes[..self.program.taken_from];
        key[..deciding.len()].copy_from_slice(deciding);
        for code in &mut key[self.program.slots_from..deciding.len()] {
            if *code >= FIRST && self.owns(*code - FIRST, numbers) {
                *code = OWN;
            }
        }
        key
    }

    /// What the outcomes that apply to an entity with these codes said when its class was judged; nothing where one of them was
    /// not asked.
    pub(crate) fn told(
        &self,
        class: Class<'_>,
        codes: &[u32],
        numbers: &Numbers,
    ) -> Option<Vec<(&str, &Told)>> {
        let key = self.alike(codes, numbers);
        let of = |part: &u16| match self.judged(usize::from(*part), &key)? {
            Fragment::Wishes(told) => {
                Some((self.program.outcomes[usize::from(*part)].name.as_str(), &**told))
            }
            Fragment::Not(_) | Fragment::Refused => None,
        };
        class.outcomes.iter().map(of).collect()
    }

    /// What it hung on whether anything wants a facet of this kind of an entity with these codes.
    pub(crate) fn judged_by(
        &self,
        kind: &(String, String),
        codes: &[u32],
        numbers: &Numbers,
    ) -> Option<BTreeSet<String>> {
        let key = self.alike(codes, numbers);
        let mut names = BTreeSet::new();
        for (at, part) in
            self.program.outcomes.iter().enumerate().filter(|(_, part)| part.kinds.contains(kind))
        {
            if let Some((input, value)) = &part.guard
                && (FIRST..OWN).contains(&key[*input])
                && numbers.values.get(key[*input] - FIRST) != value
            {
                names.insert(self.references[*input].clone());
                continue;
            }
            let desire = match self.judged(at, &key)? {
                Fragment::Not(desire) => desire,
                Fragment::Wishes(told) => &told.desire,
                Fragment::Refused => return None,
            };
            names.extend(desire.judged_by.get(kind).into_iter().flatten().cloned());
        }
        Some(names)
    }

    fn judged(&self, part: usize, key: &[u32]) -> Option<&Fragment> {
        let mut narrow = [0_u32; INPUTS_MAX];
        let narrow = narrowed(&self.program.outcomes[part].inputs, key, &mut narrow);
        let (keys, fragments) = &self.memo[part];
        fragments.get(keys.known(narrow)? as usize)
    }

    fn judge(&mut self, key: &[u32], codes: &[u32], numbers: &mut Numbers) -> Kept {
        if self.groups.is_none() {
            self.groups = Some(Group::all(&self.program, numbers, &self.key));
        }
        let (mut wishes, mut joined) = std::mem::take(&mut self.rooms);
        wishes.clear();
        let (began, mut doubtful) = (self.outcomes.len(), false);
        let mut groups = self.groups.take().unwrap_or_default();
        for group in &mut groups {
            let together = self.together(group, key, numbers);
            doubtful |= together.doubtful;
            self.outcomes.extend(&together.outcomes);
            merge(&wishes, &together.wishes, &mut joined);
            std::mem::swap(&mut wishes, &mut joined);
        }
        let contradict = wishes.windows(2).any(|pair| pair[0].0.facet == pair[1].0.facet);
        let mut refused = Vec::new();
        if doubtful || contradict {
            let inputs = 0..self.program.taken_from;
            let subject = self.subject(inputs, codes, numbers);
            // Outcomes for another value refuse nothing, so the words are those of all outcomes.
            let mut asked: Vec<u16> = groups.iter().flat_map(|group| group.concerned(key)).collect();
            asked.sort_unstable();
            let name = |part: &u16| self.program.outcomes[usize::from(*part)].name.as_str();
            let names: Vec<&str> = asked.iter().map(name).collect();
            refused = desire::applying(&self.declarations, &subject, &names).err().unwrap_or_default();
            assert!(!refused.is_empty(), "what one outcome alone refuses, all together refuse");
            wishes.clear();
            self.outcomes.truncate(began);
        }
        self.groups = Some(groups);
        self.outcomes[began..].sort_unstable();
        let outcomes = began..self.outcomes.len();
        let from = self.wants.len();
        self.wants.extend(wishes.iter().map(|(wanted, _)| *wanted));
        self.rooms = (wishes, joined);
        let wants = from..self.wants.len();
        Kept { digest: self.digest(key, numbers), wants, outcomes, refused }
    }

    /// What the outcomes of a group want of those who have these codes.
    fn together<'g>(&mut self, group: &'g mut Group, key: &[u32], numbers: &mut Numbers) -> &'g Together {
        let mut narrow = [0_u32; INPUTS_MAX];
        let at = group.keys.number(narrowed(&group.inputs, key, &mut narrow)) as usize;
        if at == group.all.len() {
            let mut together = Together::default();
            for part in group.concerned(key) {
                match self.fragment(usize::from(part), key, numbers) {
                    Fragment::Not(_) => {}
                    Fragment::Refused => together.doubtful = true,
                    Fragment::Wishes(told) => {
                        together.outcomes.push(part);
                        together.wishes.extend(&told.wishes);
                    }
                }
            }
            together.wishes.sort_unstable();
            together.wishes.dedup();
            group.all.push(together);
        }
        &group.all[at]
    }

    fn fragment(&mut self, part: usize, key: &[u32], numbers: &mut Numbers) -> Fragment {
        let mut narrow = [0_u32; INPUTS_MAX];
        let narrow = narrowed(&self.program.outcomes[part].inputs, key, &mut narrow);
        let (keys, fragments) = &mut self.memo[part];
        let at = keys.number(narrow) as usize;
        if let Some(fragment) = fragments.get(at) {
            return fragment.clone();
        }
        let part_of = &self.program.outcomes[part];
        let subject = self.subject(part_of.inputs.iter().copied(), key, numbers);
        let fragment = match desire::desire(&part_of.alone, &subject, None) {
            Err(_) => Fragment::Refused,
            Ok(desire) if desire.outcomes.is_empty() => Fragment::Not(Arc::new(desire)),
            Ok(desire) => {
                let wishes = self.wishes(part_of, &desire, numbers);
                let hangs_on = desire.wants.values().flat_map(|want| want.hangs_on.iter().cloned()).collect();
                Fragment::Wishes(Arc::new(Told { wishes, desire, hangs_on }))
            }
        };
        self.memo[part].1.push(fragment.clone());
        fragment
    }

    fn wishes(&self, part: &Part, desire: &Desire, numbers: &mut Numbers) -> Vec<Wish> {
        let wish = |(facet, want): (&Facet, &Want)| {
            let own = part.inputs.iter().filter(|input| **input >= self.program.slots_from).find(|input| {
                want.value == placeholder(**input) && want.hangs_on.contains(&self.references[**input])
            });
            let value = match own {
                Some(input) => SLOT | u32::try_from(*input).unwrap_or(0),
                None => numbers.values.number(&want.value, || want.value.clone()),
            };
            let object = Value::Map(want.object.clone());
            let object = numbers.values.number(&object, || object.clone());
            Some((Wanted { facet: self.facet(facet, numbers)?, value }, object))
        };
        desire.wants.iter().filter_map(wish).collect()
    }

    /// The number of a facet; nothing for a kind that is not declared, of which there are no wishes.
    fn facet(&self, facet: &Facet, numbers: &mut Numbers) -> Option<u32> {
        let kind = self.kinds.binary_search(&(facet.domain.clone(), facet.name.clone())).ok()?;
        let element = facet.element.as_ref().map_or(WHOLE, |element| {
            let element = Value::from(element.as_str());
            numbers.values.number(&element, || element.clone())
        });
        let key = (u32::try_from(kind).unwrap_or(u32::MAX), element);
        Some(numbers.facets.number(&key, || key))
    }

    /// What the kernel needs to know of an entity with these codes.
    fn subject(&self, inputs: impl Iterator<Item = usize>, codes: &[u32], numbers: &Numbers) -> Subject {
        let mut subject = Subject {
            entity: EntityId::default(),
            kind: self.kind.clone(),
            facts: BTreeMap::new(),
            links: BTreeMap::new(),
        };
        for at in inputs {
            let value = match codes[at] {
                OWN => placeholder(at),
                code => code.checked_sub(FIRST).map_or(Value::Null, |at| numbers.values.get(at).clone()),
            };
            match &self.program.inputs[at] {
                Input::Fact(name) => {
                    let fact = || Fact { value, source: nowhere(Value::Null), read_at: 0 };
                    subject.facts.insert(name.clone(), observed(codes[at], fact));
                }
                Input::Link(system) => {
                    let link = observed(codes[at], || recorded(value));
                    subject.links.insert(system.clone(), link);
                }
            }
        }
        subject
    }

    fn digest(&self, key: &[u32], numbers: &Numbers) -> Digest {
        let mut out = Canon::new("xops class 2");
        out.raw(&self.common.0);
        for code in key {
            match *code {
                UNKNOWN => out.tag(0),
                ABSENT => out.tag(1),
                OWN => out.tag(2),
                code => out.tag(3).value(numbers.values.get(code - FIRST)),
            };
        }
        out.keyed_digest(&self.key)
    }
}

/// What is the same for all classes: the declarations, and the names of what they look at.
fn common(declarations: &Declarations, kind: &str, references: &[String], key: &DigestKey) -> Digest {
    let mut out = Canon::new("xops classes 2");
    out.text(&declarations.tenant).raw(&declarations.digest().0).text(kind);
    out.all(references.iter(), |out, name| {
        out.text(name);
    });
    out.keyed_digest(key)
}

fn reference(kind: &str, input: &Input) -> String {
    match input {
        Input::Fact(name) => format!("{kind}.{name}"),
        Input::Link(system) => format!("link.{system}"),
    }
}

/// The codes of some inputs.
fn narrowed<'a>(inputs: &[usize], key: &[u32], narrow: &'a mut [u32; INPUTS_MAX]) -> &'a [u32] {
    for (code, input) in narrow.iter_mut().zip(inputs) {
        *code = key[*input];
    }
    &narrow[..inputs.len()]
}

/// Whether entities that have this value in a slot look alike whatever it is: it is wanted as it is.
fn is_own(value: &Value) -> bool {
    !matches!(value, Value::List(_) | Value::Map(_) | Value::Null)
}

/// How many inputs a kind of entity may have.
pub(crate) const INPUTS_MAX: usize = 64;

/// What stands for the value of a slot while a class is judged; it is known again by what the wish hangs on.
fn placeholder(input: usize) -> Value {
    Value::from(format!("\u{0}{input}"))
}

fn observed<T>(code: u32, present: impl FnOnce() -> T) -> Observation<T> {
    match code {
        UNKNOWN => {
            Observation::Unknown(Doubt { reason: Reason::Unexpected, detail: String::new(), since: 0 })
        }
        ABSENT => Observation::Absent(Proof::Implied { by: String::new() }),
        _ => Observation::Present(present()),
    }
}

/// The record behind what [`desire`] sees of one.
fn recorded(value: Value) -> Record {
    let Value::Map(attributes) = value else { return recorded(Value::Map(BTreeMap::new())) };
    let id = attributes.get("id").cloned().unwrap_or_default();
    Record { source: nowhere(id), attributes, read_at: 0, principal: String::new() }
}

fn nowhere(id: Value) -> Source {
    let id = if let Value::Text(id) = id { id } else { String::new() };
    Source { system: String::new(), kind: String::new(), id, version: None }
}
