//! Planted facts: what breaks naive rules, each written down with who and what is concerned.
//!
//! Invariants: each sort is planted on its own numbers, at least once where there are people enough, and about once for a few
//! hundred people; nobody bears two planted facts, so that what a rule does wrong can be traced to one of them.

use super::{Population, small};
use crate::seed::Dice;
use std::collections::BTreeSet;

/// The sorts of planted facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sort {
    /// Left, came back, and has a second record with a new number in the first system.
    Rehire,
    /// Was a contractor before: an old record with another number and address in the system of contractors.
    Conversion,
    /// Has another family name now; some systems still have the former.
    NameChange,
    /// An address that is nobody's.
    SharedMailbox,
    /// Two people with one family name, birthday and street, and given names of one initial.
    Twins,
    /// One device with two records: it was set up anew.
    Reimaged,
    /// A device whose serial number is what a machine says that has none.
    PlaceholderSerial,
    /// Has an address that somebody who left had before; old records still give it to the other.
    RecycledEmail,
    /// Is not in what was read of a system, because a page of it failed.
    PartialPage,
    /// Is in what was read of a system with values of before a move, because it was read late.
    LateSource,
}

impl Sort {
    /// Every sort with its word in files and for how many people in ten thousand it is planted.
    pub const ALL: [(Self, &'static str, u64); 10] = [
        (Self::Rehire, "rehire", 40),
        (Self::Conversion, "contractor_conversion", 40),
        (Self::NameChange, "name_change", 60),
        (Self::SharedMailbox, "shared_mailbox", 30),
        (Self::Twins, "twins", 20),
        (Self::Reimaged, "reimaged_device", 40),
        (Self::PlaceholderSerial, "placeholder_serial", 40),
        (Self::RecycledEmail, "recycled_email", 20),
        (Self::PartialPage, "partial_page", 20),
        (Self::LateSource, "late_source", 60),
    ];

    /// Its word in files.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(sort, ..)| *sort == self).map_or("", |(_, word, _)| word)
    }
}

/// One planted fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Planted {
    /// The sort.
    pub sort: Sort,
    /// Whom it concerns, by place.
    pub person: u32,
    /// The other person whom it concerns: the twin, or the one who had the address.
    pub other: Option<u32>,
}

impl Population {
    /// Plants the facts, and changes the people where a fact is about them.
    pub(super) fn plant(&mut self) {
        let mut taken: BTreeSet<u32> = BTreeSet::new();
        for (sort, word, often) in Sort::ALL {
            let mut dice = Dice::of(self.shape.seed, &format!("population {word}"));
            let people = u64::from(self.shape.people);
            let count = if people < 40 { 0 } else { (people * often / 10_000).max(1) };
            for _ in 0..count {
                self.plant_one(sort, &mut dice, &mut taken);
            }
        }
        self.planted.sort();
    }

    fn plant_one(&mut self, sort: Sort, dice: &mut Dice, taken: &mut BTreeSet<u32>) {
        let Some(person) = free(dice, self.shape.people, taken) else { return };
        let two = matches!(sort, Sort::Twins | Sort::RecycledEmail);
        let other = if two { free(dice, self.shape.people, taken) } else { None };
        if two && other.is_none() {
            return;
        }
        match (sort, other) {
            (Sort::NameChange, _) => {
                let person = &mut self.people[person as usize];
                person.former = Some(person.family);
                let beginnings: u8 = small(super::words::FAMILY.len() as u64);
                let endings = super::words::ENDING.len() as u64;
                person.family = ((person.family.0 + 1) % beginnings, small(dice.below(endings)));
            }
            (Sort::Twins, Some(other)) => {
                let one = self.people[person as usize].clone();
                let twin = &mut self.people[other as usize];
                (twin.family, twin.born, twin.street, twin.site) =
                    (one.family, one.born, one.street, one.site);
                twin.given = beside(one.given);
            }
            (Sort::RecycledEmail, Some(other)) => {
                let former = self.people[other as usize].clone();
                let person = &mut self.people[person as usize];
                (person.given, person.family, person.address) = (former.given, former.family, former.address);
            }
            (Sort::Conversion, _) => self.people[person as usize].contractor = false,
            _ => {}
        }
        self.planted.push(Planted { sort, person, other });
    }

    /// What is planted on each person, by place.
    pub(super) fn planted_on(&self) -> Vec<Option<Planted>> {
        let mut on: Vec<Option<Planted>> = vec![None; self.people.len()];
        for planted in &self.planted {
            for person in [Some(planted.person), planted.other].into_iter().flatten() {
                on[person as usize] = Some(*planted);
            }
        }
        on
    }
}

impl Planted {
    /// The system of which a page failed or which was read late, for the sorts that are about one.
    pub fn system(self) -> Option<&'static str> {
        match self.sort {
            Sort::PartialPage => Some("desk"),
            Sort::LateSource => Some("chat"),
            _ => None,
        }
    }
}

/// Somebody who bears nothing planted yet, if a few tries find one.
fn free(dice: &mut Dice, people: u32, taken: &mut BTreeSet<u32>) -> Option<u32> {
    for _ in 0..64 {
        let person: u32 = small(dice.below(u64::from(people)));
        if taken.insert(person) {
            return Some(person);
        }
    }
    None
}

/// A given name beside this one that begins alike, or the same where there is none.
fn beside(given: u16) -> u16 {
    let initial = |at: u16| super::words::GIVEN[usize::from(at)].0.as_bytes()[0];
    let all = 0..u16::try_from(super::words::GIVEN.len()).unwrap_or(0);
    all.filter(|other| *other != given).find(|other| initial(*other) == initial(given)).unwrap_or(given)
}
