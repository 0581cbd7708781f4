//! Thirty systems over one population: what each holds of a person, and how it errs.
//!
//! Invariants: the first system has everybody, four more have everybody, and each department uses six of the others; a record's id
//! says nothing of the person; every error is made from the numbers of that system and person alone, so that one more system
//! shifts nothing.

use super::planted::{Planted, Sort};
use super::{Person, Population, small, words};
use crate::seed::Dice;

/// A system of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct System {
    /// Its name.
    pub name: &'static str,
    /// Its domain.
    pub domain: &'static str,
    /// What it holds of a person, beside the record's id, in the order of its columns.
    pub fields: &'static [Field],
}

/// An attribute of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the columns, whose names `Field::name` gives")]
pub enum Field {
    Worker,
    Given,
    Family,
    Name,
    Born,
    Email,
    Phone,
    Street,
    City,
    Country,
    Site,
    Department,
    Title,
    Manager,
    Type,
    Started,
    Status,
    Serial,
    Host,
    Badge,
}

use Field::{
    Badge, Born, City, Country, Department, Email, Family, Given, Host, Manager, Name, Phone, Serial, Site,
    Started, Status, Street, Title, Type, Worker,
};

const FIRST: &[Field] = &[
    Worker, Given, Family, Born, Email, Phone, Street, City, Country, Site, Department, Title, Manager, Type,
    Started, Status,
];
const WORKFORCE: &[Field] =
    &[Given, Family, Born, Email, Phone, Street, City, Country, Department, Title, Started, Status];
const ACCOUNT: &[Field] =
    &[Worker, Given, Family, Email, Phone, City, Country, Department, Title, Manager, Type, Status];
const DEVICE: &[Field] = &[Serial, Host, Name, Email, Phone, Site, City, Country, Department, Status];
const SOFTWARE: &[Field] = &[Name, Email, Title, Department, Country, Started, Status, Phone, Site];
const PLACE: &[Field] = &[Badge, Given, Family, Born, Email, Phone, Street, Site, City, Country];
const SERVICE: &[Field] = &[Given, Family, Email, Phone, Site, City, Country, Title, Status];

const fn system(name: &'static str, domain: &'static str, fields: &'static [Field]) -> System {
    System { name, domain, fields }
}

/// The systems: the first, the four that have everybody, and those that departments use.
pub const SYSTEMS: [System; 30] = [
    system("hr", "workforce", FIRST),
    system("directory", "identity", ACCOUNT),
    system("mail", "communications", SERVICE),
    system("chat", "communications", SOFTWARE),
    system("desk", "service", SERVICE),
    system("payroll", "workforce", WORKFORCE),
    system("learning", "workforce", WORKFORCE),
    system("benefits", "workforce", WORKFORCE),
    system("travel", "workforce", WORKFORCE),
    system("single_sign_on", "identity", ACCOUNT),
    system("second_factor", "identity", SERVICE),
    system("vault", "identity", ACCOUNT),
    system("device_management", "devices", DEVICE),
    system("assets", "devices", DEVICE),
    system("endpoint_guard", "devices", DEVICE),
    system("phones", "devices", DEVICE),
    system("code", "software", SOFTWARE),
    system("sales", "software", SOFTWARE),
    system("ledger", "software", SOFTWARE),
    system("drawing", "software", SOFTWARE),
    system("warehouse", "software", SOFTWARE),
    system("contracts", "software", SOFTWARE),
    system("wiki", "software", SOFTWARE),
    system("badges", "workplace", PLACE),
    system("desks", "workplace", PLACE),
    system("parking", "workplace", PLACE),
    system("visitors", "workplace", PLACE),
    system("telephony", "communications", SERVICE),
    system("meetings", "communications", SOFTWARE),
    system("tickets", "service", SERVICE),
];

/// The kind of record that the systems hold of people.
pub const KIND: &str = "account";

/// How many systems have everybody, the first included.
pub const EVERYBODYS: usize = 5;
/// How many more each department uses.
pub const USED: usize = 6;

/// One record, as a system shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The id in the system.
    pub id: String,
    /// Whom it is of; nobody for a shared mailbox.
    pub person: Option<u32>,
    /// What it holds, in the order of the system's fields; empty where it holds nothing.
    pub values: Vec<String>,
}

impl Field {
    /// Its name in files and records.
    pub fn name(self) -> &'static str {
        match self {
            Worker => "worker",
            Given => "given_name",
            Family => "family_name",
            Name => "name",
            Born => "birth_date",
            Email => "email",
            Phone => "phone",
            Street => "street",
            City => "city",
            Country => "country",
            Site => "site",
            Department => "department",
            Title => "title",
            Manager => "manager",
            Type => "type",
            Started => "start_date",
            Status => "status",
            Serial => "serial",
            Host => "host",
            Badge => "badge",
        }
    }
}

impl System {
    /// The system with this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        SYSTEMS.iter().find(|system| system.name == name)
    }

    /// Whether everybody is born into it.
    pub fn is_first(&self) -> bool {
        self.name == SYSTEMS[0].name
    }

    fn place(&self) -> u32 {
        small(SYSTEMS.iter().position(|system| system.name == self.name).unwrap_or(0) as u64)
    }

    /// The id of a record: a bijection of the number, another one in each system.
    fn id(&self, number: u32) -> String {
        let scrambled = number.wrapping_mul(2_654_435_761).wrapping_add(self.place().wrapping_mul(40_503));
        format!("{}{scrambled:08x}", &self.name[..1])
    }
}

/// The systems in which a person has a record.
pub fn of(person: &Person) -> impl Iterator<Item = &'static System> + use<> {
    let first = usize::from(person.department) * USED;
    let used = (0..USED).map(move |at| EVERYBODYS + (first + at) % (SYSTEMS.len() - EVERYBODYS));
    (0..EVERYBODYS).chain(used).map(|at| &SYSTEMS[at])
}

impl Population {
    /// Every record that `system` shows, in the order of people.
    pub fn rows(&self, system: &'static System) -> impl Iterator<Item = Row> {
        let planted = self.planted_on();
        let people = self.people.iter().filter(move |person| of(person).any(|held| held.name == system.name));
        people.flat_map(move |person| self.rows_of(system, person, planted[person.number as usize]))
    }

    /// The id under which the first system knows a person.
    pub fn first_id(&self, person: u32) -> String {
        SYSTEMS[0].id(person)
    }

    fn rows_of(&self, system: &'static System, person: &Person, planted: Option<Planted>) -> Vec<Row> {
        let mut dice = Dice::of(self.shape.seed, &format!("population {} {}", system.name, person.number));
        let about =
            |sort: Sort| planted.filter(|planted| planted.sort == sort && planted.person == person.number);
        let of_system = |sort| about(sort).is_some_and(|planted| planted.system() == Some(system.name));
        if of_system(Sort::PartialPage) {
            return Vec::new();
        }
        let late = of_system(Sort::LateSource);
        let mut row = self.row(system, person, late, &mut dice);
        let gone =
            planted.is_some_and(|it| it.sort == Sort::RecycledEmail && it.other == Some(person.number));
        if about(Sort::NameChange).is_some() && !system.is_first() && dice.chance(400) {
            // Whoever set the record up has not heard of it.
            row.set(system, Family, &person.former_family());
            row.set(system, Name, &format!("{} {}", person.given(), person.former_family()));
        }
        if gone {
            row.set(system, Status, "ended");
        }
        if about(Sort::PlaceholderSerial).is_some() {
            row.set(system, Serial, words::NO_SERIAL[dice.place(words::NO_SERIAL.len())]);
        }
        let mut rows = vec![row];
        let again = |person: &Person| person.number | 1 << 31;
        if about(Sort::Rehire).is_some() && system.is_first() {
            let mut old = self.row(system, person, true, &mut dice);
            old.id = system.id(again(person));
            old.set(system, Worker, &format!("W{:07}", u64::from(person.number) * 7 + 1_000_005));
            old.set(system, Status, "ended");
            old.set(system, Email, "");
            rows.push(old);
        }
        if about(Sort::Conversion).is_some() && system.name == "contracts" {
            rows[0].set(system, Email, &format!("ext.{}", person.email()));
        }
        if about(Sort::Reimaged).is_some() && system.fields.contains(&Serial) {
            let mut anew = self.row(system, person, false, &mut dice);
            anew.id = system.id(again(person));
            anew.set(system, Host, &format!("ws-{:06}-b", person.number));
            rows.push(anew);
        }
        if about(Sort::SharedMailbox).is_some() && system.name == "mail" {
            rows.push(shared(system, person));
        }
        rows
    }

    fn row(&self, system: &'static System, person: &Person, late: bool, dice: &mut Dice) -> Row {
        let values = system.fields.iter().map(|field| self.value(*field, person, late));
        let mut row =
            Row { id: system.id(person.number), person: Some(person.number), values: values.collect() };
        if self.shape.errors && !system.is_first() {
            row.err(system, person, dice);
        }
        row
    }

    /// What is true, or what was true before the person moved and changed their name.
    fn value(&self, field: Field, person: &Person, late: bool) -> String {
        let family = || if late { person.former_family() } else { person.family() };
        match field {
            Worker => person.worker(),
            Given => person.given().to_owned(),
            Family => family(),
            Name => format!("{} {}", person.given(), family()),
            Born => person.born(),
            Email => person.email(),
            Phone => {
                let number = u64::from(person.number).wrapping_mul(48_271) % 9_000_000 + 1_000_000;
                format!("+1 555 {number}")
            }
            Street => {
                let street = words::STREET[usize::from(person.street.1)];
                if late {
                    format!("{} {street}", person.street.0 + 7)
                } else {
                    format!("{} {street}", person.street.0)
                }
            }
            City => person.site().1.to_owned(),
            Country => person.site().2.to_owned(),
            Site if late => words::SITES[(usize::from(person.site) + 1) % words::SITES.len()].0.to_owned(),
            Site => person.site().0.to_owned(),
            Department => person.department_name(),
            Title if late => words::TITLES[(usize::from(person.title) + 1) % words::TITLES.len()].to_owned(),
            Title => person.title().to_owned(),
            Manager => person.manager.map(|at| self.people[at as usize].worker()).unwrap_or_default(),
            Type => if person.contractor { "contractor" } else { "employee" }.to_owned(),
            Started => person.started(),
            Status => "active".to_owned(),
            Serial => format!("SN{:09X}", u64::from(person.number) * 977 + 0x1_0000_0001),
            Host => format!("ws-{:06}", person.number),
            Badge => format!("B{:07}", u64::from(person.number) * 3 + 2_000_000),
        }
    }
}

impl Row {
    fn set(&mut self, system: &System, field: Field, value: &str) {
        if let Some(at) = system.fields.iter().position(|held| *held == field) {
            value.clone_into(&mut self.values[at]);
        }
    }

    /// Errs as systems do: short names, slips of the finger, numbers in other forms, what nobody filled in.
    fn err(&mut self, system: &System, person: &Person, dice: &mut Dice) {
        let short = dice.chance(60);
        for (field, value) in system.fields.iter().zip(&mut self.values) {
            match field {
                Given if short => words::GIVEN[usize::from(person.given)].1.clone_into(value),
                Given | Family | Name | Street if dice.chance(20) => *value = slip(value, dice),
                Name if dice.chance(300) => {
                    if let Some((given, family)) = value.split_once(' ') {
                        *value = format!("{family}, {given}");
                    }
                }
                Phone if dice.chance(80) => value.clear(),
                Phone if dice.chance(300) => value.retain(|c| c.is_ascii_digit()),
                Email if dice.chance(30) => value.clear(),
                Email if dice.chance(50) => *value = value.to_uppercase(),
                Born if dice.chance(10) => *value = slip_digit(value, dice),
                Born if dice.chance(30) => value.clear(),
                Worker if dice.chance(300) => value.clear(),
                City | Title if dice.chance(20) => value.clear(),
                _ => {}
            }
        }
    }
}

/// Two letters changed places, or one went missing.
fn slip(text: &str, dice: &mut Dice) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    if letters.len() < 3 {
        return text.to_owned();
    }
    let at = 1 + dice.place(letters.len() - 2);
    if dice.chance(500) {
        letters.swap(at, at + 1);
    } else {
        letters.remove(at);
    }
    letters.into_iter().collect()
}

/// The last digit of the day is another one.
fn slip_digit(date: &str, dice: &mut Dice) -> String {
    let kept = date.len().saturating_sub(1);
    format!("{}{}", &date[..kept], dice.below(9))
}

fn shared(system: &'static System, person: &Person) -> Row {
    let value = |field: &Field| match field {
        Email => format!("team{}@example.com", person.number),
        Given => "Team".to_owned(),
        Family => format!("Mailbox {}", person.department),
        Status => "active".to_owned(),
        _ => String::new(),
    };
    let id = system.id(person.number | 1 << 30);
    Row { id, person: None, values: system.fields.iter().map(value).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::population::Shape;
    use std::collections::BTreeSet;

    #[test]
    fn every_system_is_used_and_ids_are_its_own() {
        let population = Population::new(Shape { seed: 3, people: 3_000, skewed: false, errors: true });
        let mut records = 0;
        for system in &SYSTEMS {
            let rows: Vec<Row> = population.rows(system).collect();
            let ids: BTreeSet<&String> = rows.iter().map(|row| &row.id).collect();
            assert_eq!(ids.len(), rows.len(), "{}", system.name);
            assert!(rows.len() > 300, "{} has {}", system.name, rows.len());
            records += rows.len();
        }
        assert!((32_500..33_500).contains(&records), "{records}");
    }

    #[test]
    fn each_planted_sort_shows_in_the_records() {
        let population = Population::new(Shape { seed: 5, people: 4_000, skewed: false, errors: false });
        let sorts: BTreeSet<Sort> = population.planted.iter().map(|planted| planted.sort).collect();
        assert_eq!(sorts.len(), Sort::ALL.len());
        let named = |name: &str| population.rows(System::named(name).unwrap()).collect::<Vec<Row>>();
        let of = |sort: Sort| population.planted.iter().filter(move |planted| planted.sort == sort);
        let (hr, mut former) = (named("hr"), 0);
        assert_eq!(hr.len(), 4_000 + of(Sort::Rehire).count());
        for rehire in of(Sort::Rehire) {
            assert_eq!(hr.iter().filter(|row| row.person == Some(rehire.person)).count(), 2);
        }
        assert_eq!(named("mail").len(), 4_000 + of(Sort::SharedMailbox).count());
        assert_eq!(named("desk").len(), 4_000 - of(Sort::PartialPage).count());
        for change in of(Sort::NameChange) {
            let person = &population.people[change.person as usize];
            assert_ne!(person.family(), person.former_family());
            let known: Vec<&str> = ["directory", "mail", "desk"]
                .into_iter()
                .filter(|name| {
                    let row = named(name).into_iter().find(|row| row.person == Some(change.person)).unwrap();
                    row.values.contains(&person.former_family())
                })
                .collect();
            former += known.len();
        }
        assert!(former > 5, "{former} of {}", of(Sort::NameChange).count());
        for recycled in of(Sort::RecycledEmail) {
            let email = |at: u32| population.people[at as usize].email();
            assert_eq!(email(recycled.person), email(recycled.other.unwrap()));
        }
    }
}
