//! The people of the estate: twelve planted contingent workers, and as many generated employees as asked for.
//!
//! - No system is written here: each plants these people in its own shapes.
//! - The planted people do not depend on the seed; the generated ones follow from it.

use crate::fixed::{DEPARTMENTS, Department};
use crate::mint;
use std::collections::BTreeMap;

/// What a person is to the employer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bond {
    Employee,
    Contingent,
}

/// One person, as every system agrees to know them.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) bond: Bond,
    pub(crate) first: String,
    pub(crate) last: String,
    /// `first.last`, with a number where two people share it.
    pub(crate) login: String,
    /// `Employee_ID` or `Contingent_Worker_ID`.
    pub(crate) worker_id: String,
    pub(crate) department: &'static Department,
    pub(crate) country: &'static str,
    pub(crate) location: &'static str,
    pub(crate) title: &'static str,
    /// `YYYY-MM-DD`.
    pub(crate) start: String,
    /// The end that the contract intends; nobody has entered an end event yet.
    pub(crate) intended_end: Option<String>,
}

impl Person {
    pub(crate) fn email(&self) -> String {
        format!("{}@acme.example", self.login)
    }

    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.first, self.last)
    }
}

/// Everybody.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) people: Vec<Person>,
}

/// First name, last name, department, country, title, intended end of the planted people.
type Planted = (&'static str, &'static str, usize, &'static str, &'static str, &'static str);

const PLANTED: &[Planted] = &[
    ("Sarah", "Chen", 0, "US", "Field Engineer", "2027-05-31"),
    ("Marcus", "Webb", 1, "MX", "Product Designer", "2027-03-31"),
    ("Priya", "Nair", 2, "IN", "Data Engineer", "2027-08-31"),
    ("Tomas", "Rivera", 3, "MX", "Financial Analyst", "2027-04-30"),
    ("Aisha", "Khan", 4, "IN", "Recruiting Coordinator", "2027-06-30"),
    ("Daniel", "Okafor", 5, "US", "Sales Development Representative", "2027-02-28"),
    ("Elena", "Petrova", 6, "US", "Customer Success Associate", "2027-07-31"),
    ("Wei", "Zhang", 7, "US", "Security Analyst", "2027-09-30"),
    ("Lucia", "Fernandez", 0, "MX", "Field Technician", "2027-05-15"),
    ("Arjun", "Mehta", 1, "IN", "Motion Designer", "2027-03-15"),
    ("Grace", "Miller", 2, "US", "Analytics Engineer", "2027-10-31"),
    ("Noah", "Schmidt", 3, "US", "Procurement Analyst", "2027-12-31"),
];

const FIRST: &[&str] = &[
    "Ana", "Ben", "Carla", "Dev", "Eva", "Felix", "Gita", "Hugo", "Ines", "Jamal", "Kira", "Liam", "Mona",
    "Nils", "Olga", "Paulo", "Quinn", "Rosa", "Sven", "Tara", "Uma", "Victor", "Wendy", "Ximena", "Yusuf",
    "Zoe",
];

const LAST: &[&str] = &[
    "Abbott", "Becker", "Castro", "Dubois", "Eriksen", "Fischer", "Garcia", "Haddad", "Ivanov", "Jensen",
    "Kim", "Lopez", "Moreau", "Novak", "Osei", "Patel", "Quiroga", "Rossi", "Singh", "Tanaka", "Ueda",
    "Vargas", "Walsh", "Xu", "Yilmaz", "Zeller",
];

const TITLES: &[&str] = &["Associate", "Specialist", "Senior Specialist", "Lead", "Manager", "Principal"];

const COUNTRIES: &[&str] = &["US", "MX", "IN"];

/// The office of a country.
fn location(country: &str) -> &'static str {
    match country {
        "MX" => "Mexico City",
        "IN" => "Bengaluru",
        _ => "San Francisco",
    }
}

impl World {
    pub(crate) fn new(seed: u64, people: u32) -> Self {
        let mut all: Vec<Person> = PLANTED.iter().enumerate().map(|(at, row)| planted(at, *row)).collect();
        let mut taken: BTreeMap<String, u32> = all.iter().map(|one| (one.login.clone(), 1)).collect();
        for number in 0..people {
            all.push(generated(seed, number, &mut taken));
        }
        Self { people: all }
    }

    /// The people who already work here with every account: all but the planted ones.
    pub(crate) fn settled(&self) -> impl Iterator<Item = &Person> {
        self.people.iter().filter(|person| person.bond == Bond::Employee)
    }
}

fn planted(at: usize, (first, last, department, country, title, end): Planted) -> Person {
    Person {
        bond: Bond::Contingent,
        first: first.to_owned(),
        last: last.to_owned(),
        login: format!("{}.{}", first.to_lowercase(), last.to_lowercase()),
        worker_id: format!("CW-{}", 1_001 + at),
        department: &DEPARTMENTS[department],
        country,
        location: location(country),
        title,
        start: "2026-11-16".to_owned(),
        intended_end: Some(end.to_owned()),
    }
}

fn generated(seed: u64, number: u32, taken: &mut BTreeMap<String, u32>) -> Person {
    let raw = mint::bytes(seed, "world", "person", u64::from(number));
    let pick = |at: usize, of: usize| usize::from(raw[at]) % of;
    let (first, last) = (FIRST[pick(0, FIRST.len())], LAST[pick(1, LAST.len())]);
    let plain = format!("{}.{}", first.to_lowercase(), last.to_lowercase());
    let count = taken.entry(plain.clone()).or_default();
    *count += 1;
    let login = if *count == 1 { plain } else { format!("{plain}{count}") };
    let country = COUNTRIES[pick(3, COUNTRIES.len())];
    Person {
        bond: Bond::Employee,
        first: first.to_owned(),
        last: last.to_owned(),
        login,
        worker_id: format!("{}", 21_001 + number),
        department: &DEPARTMENTS[pick(2, DEPARTMENTS.len())],
        country,
        location: location(country),
        title: TITLES[pick(4, TITLES.len())],
        start: format!("20{:02}-{:02}-01", 15 + pick(5, 11), 1 + pick(6, 12)),
        intended_end: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_planted_people_are_the_same_under_every_seed_and_logins_are_unique() {
        let (one, two) = (World::new(1, 2_000), World::new(2, 10));
        assert_eq!(one.people[0].email(), "sarah.chen@acme.example");
        assert_eq!(one.people[0].worker_id, two.people[0].worker_id);
        let logins: std::collections::BTreeSet<&str> =
            one.people.iter().map(|each| each.login.as_str()).collect();
        assert_eq!(logins.len(), one.people.len());
    }
}
