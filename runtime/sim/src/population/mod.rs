//! A population: people as they are, what thirty systems say of them, and which of it is true.
//!
//! Absent: files, and chance that is not the seed's: the same seed and the same number of people give the same bytes. Invariants:
//! what is true stands in the people and in `planted`; a system's record is made from a person and from how that system errs,
//! so that the truth is known and never guessed back from the records.
//!
//! `words.rs` has the words, `systems.rs` what each system holds and how it errs, `planted.rs` the facts that break naive
//! rules, `csv.rs` the files, `policy.rs` what the organisation wants of its people.

pub mod csv;
pub mod planted;
pub mod policy;
pub mod systems;
mod words;

use crate::seed::Dice;
use planted::Planted;

/// How many departments there are.
pub const DEPARTMENTS: u32 = 48;

/// One person, as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Their place in the population: the name of the entity in the truth.
    pub number: u32,
    /// The place of their given name among the words.
    given: u16,
    /// The places of the parts of their family name.
    family: (u8, u8),
    /// The parts of the family name that they had before, if it changed.
    former: Option<(u8, u8)>,
    /// Their birthday: days since 1950-01-01.
    born: u16,
    /// House number and street.
    street: (u16, u8),
    /// Where they work.
    site: u8,
    /// What they do.
    title: u8,
    /// For which department.
    pub department: u16,
    /// Whether a contractor.
    pub contractor: bool,
    /// Their manager, by place.
    manager: Option<u32>,
    /// The first day of work: days since 2005-01-01.
    started: u16,
    /// Makes their address one of its kind.
    address: u32,
}

/// What shapes a population.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The seed.
    pub seed: u64,
    /// How many people there are.
    pub people: u32,
    /// Whether sites, titles and departments have very different sizes (Zipf's law) instead of like ones.
    pub skewed: bool,
    /// Whether systems err in what they say of people; the planted facts are there in any case.
    pub errors: bool,
}

/// A population.
#[derive(Clone, Debug)]
pub struct Population {
    /// What shaped it.
    pub shape: Shape,
    /// The people, by place.
    pub people: Vec<Person>,
    /// What was planted, in order.
    pub planted: Vec<Planted>,
}

impl Population {
    /// The population of `shape`.
    pub fn new(shape: Shape) -> Self {
        let mut dice = Dice::of(shape.seed, "population people");
        let people = (0..shape.people).map(|number| Person::new(number, &shape, &mut dice)).collect();
        let mut population = Self { shape, people, planted: Vec::new() };
        population.plant();
        population
    }
}

/// A number below `bound`: all alike, or by Zipf's law with exponent 1, through its logarithm (a power of two is chosen first,
/// then a place below it).
fn pick(dice: &mut Dice, bound: u64, skewed: bool) -> u64 {
    if !skewed {
        return dice.below(bound);
    }
    let scale = 1 << dice.below(u64::from(bound.ilog2()) + 1);
    (scale - 1 + dice.below(scale)).min(bound - 1)
}

fn small<T: TryFrom<u64> + Default>(number: u64) -> T {
    T::try_from(number).unwrap_or_default()
}

impl Person {
    fn new(number: u32, shape: &Shape, dice: &mut Dice) -> Self {
        let skewed = shape.skewed;
        let manager = (number > 0).then(|| small(dice.below(u64::from(number).div_ceil(8).max(1))));
        Self {
            number,
            given: small(dice.below(words::GIVEN.len() as u64)),
            family: (
                small(dice.below(words::FAMILY.len() as u64)),
                small(dice.below(words::ENDING.len() as u64)),
            ),
            former: None,
            born: small(dice.below(20_000)),
            street: (small(dice.between(1, 300)), small(dice.below(words::STREET.len() as u64))),
            site: small(pick(dice, words::SITES.len() as u64, skewed)),
            title: small(pick(dice, words::TITLES.len() as u64, skewed)),
            department: small(pick(dice, u64::from(DEPARTMENTS), skewed)),
            contractor: dice.chance(120),
            manager,
            started: small(dice.below(7_900)),
            address: number,
        }
    }

    /// The given name.
    pub fn given(&self) -> &'static str {
        words::GIVEN[usize::from(self.given)].0
    }

    /// The family name.
    pub fn family(&self) -> String {
        family(self.family)
    }

    /// The family name that those know who have not heard of a change.
    pub fn former_family(&self) -> String {
        family(self.former.unwrap_or(self.family))
    }

    /// The place of work: site, city, country.
    pub fn site(&self) -> (&'static str, &'static str, &'static str) {
        words::SITES[usize::from(self.site)]
    }

    /// The title.
    pub fn title(&self) -> &'static str {
        words::TITLES[usize::from(self.title)]
    }

    /// The department, as everybody writes it.
    pub fn department_name(&self) -> String {
        format!("D{:03}", self.department)
    }

    /// The address at work.
    pub fn email(&self) -> String {
        let (given, family) = (self.given().to_lowercase(), self.family().to_lowercase());
        format!("{given}.{family}{}@example.com", self.address)
    }

    /// The number under which the first system of record knows them.
    pub fn worker(&self) -> String {
        format!("W{:07}", u64::from(self.number) * 7 + 1_000_003)
    }

    /// The birthday.
    pub fn born(&self) -> String {
        day(1950, u32::from(self.born))
    }

    /// The first day of work.
    pub fn started(&self) -> String {
        day(2005, u32::from(self.started))
    }
}

fn family((beginning, ending): (u8, u8)) -> String {
    format!("{}{}", words::FAMILY[usize::from(beginning)], words::ENDING[usize::from(ending)])
}

/// The day so many days after the first of January of `year`, as `YYYY-MM-DD`.
fn day(mut year: u32, mut days: u32) -> String {
    let leap = |year: u32| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    while days >= 365 + u32::from(leap(year)) {
        days -= 365 + u32::from(leap(year));
        year += 1;
    }
    let mut month = 0;
    for length in [31, 28 + u32::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        month += 1;
        if days < length {
            break;
        }
        days -= length;
    }
    format!("{year:04}-{month:02}-{:02}", days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        let check = |year, days, expect: &str| assert_eq!(day(year, days), expect);
        check(1950, 0, "1950-01-01");
        check(2004, 59, "2004-02-29");
        check(2005, 59, "2005-03-01");
        check(2005, 364, "2005-12-31");
        check(2005, 365, "2006-01-01");
    }

    #[test]
    fn a_seed_gives_one_population_and_another_seed_another() {
        let of = |seed| Population::new(Shape { seed, people: 500, skewed: false, errors: true });
        assert_eq!(of(1).people, of(1).people);
        assert_eq!(of(1).planted, of(1).planted);
        assert_ne!(of(1).people, of(2).people);
    }

    #[test]
    fn skewed_departments_differ_in_size_by_far() {
        let sizes = |skewed| {
            let population = Population::new(Shape { seed: 1, people: 4_000, skewed, errors: false });
            let mut sizes = vec![0; DEPARTMENTS as usize];
            for person in &population.people {
                sizes[usize::from(person.department)] += 1;
            }
            (sizes.iter().max().copied().unwrap(), sizes.iter().min().copied().unwrap())
        };
        let ((most, least), (even_most, even_least)) = (sizes(true), sizes(false));
        assert!(most > 10 * least, "{most} {least}");
        assert!(even_most < 3 * even_least, "{even_most} {even_least}");
    }
}
