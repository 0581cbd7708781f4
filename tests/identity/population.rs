//! A small population with the truth beside it: households, twins, namesakes, mistakes of typing, names that changed.
//!
//! Absent: randomness; everything hangs on the seed. Two systems know most of the people, one of them with mistakes.

use xops_graph::identity::slots::mix;
use xops_graph::identity::table::Record;
use xops_kernel::identity::Rules;

/// What is drawn next.
pub(crate) struct Dice(u64);

impl Dice {
    /// Dice of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(mix(seed))
    }

    /// A number below `sides`.
    pub(crate) fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0) % sides
    }

    /// Whether something happens that does so in `percent` of cases.
    pub(crate) fn is(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// A small number oftener than a large one, below `sides`: about as Zipf has it for names.
    fn common(&mut self, sides: u64) -> u64 {
        let most = 1 + self.below(sides);
        let most = 1 + self.below(most);
        self.below(most)
    }
}

/// A person as they are.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    given: String,
    surname: String,
    born: (u64, u64, u64),
    house: u64,
}

/// Records of two systems; equal ids are of one person.
pub(crate) struct Population {
    /// One system.
    pub(crate) left: Vec<Record>,
    /// The other one, with mistakes.
    pub(crate) right: Vec<Record>,
}

/// A name that can be said, the same for the same number.
fn name(number: u64, syllables: u64) -> String {
    let (consonants, vowels) = (b"bcdfghjklmnprstvwz", b"aeiou");
    let mut rest = mix(number);
    let mut name = String::new();
    for _ in 0..=syllables {
        for letters in [&consonants[..], &vowels[..]] {
            let count = letters.len() as u64;
            name.push(char::from(letters[usize::try_from(rest % count).unwrap()]));
            rest /= count;
        }
    }
    name
}

/// `count` people; with `houses` records say where they live.
pub(crate) fn population(rules: &Rules, seed: u64, count: u64, houses: bool) -> Population {
    let mut dice = Dice::new(seed);
    let mut people: Vec<Person> = Vec::new();
    while (people.len() as u64) < count {
        household(&mut dice, &mut people, count / 2 + 50);
    }
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for (number, person) in people.iter().enumerate() {
        if dice.is(95) {
            left.push(record(rules, "left", number, person, houses));
        }
        if dice.is(95) {
            let noisy = noisy(&mut dice, person);
            right.push(record(rules, "right", number, &noisy, houses && dice.is(90)));
        }
    }
    Population { left, right }
}

fn household(dice: &mut Dice, people: &mut Vec<Person>, houses: u64) {
    let surname = name(1_000_000 + dice.common(8_000), 2);
    let house = dice.below(houses);
    let born = |dice: &mut Dice| (1945 + dice.below(60), 1 + dice.below(12), 1 + dice.below(28));
    let first = born(dice);
    for place in 0..=dice.common(5) {
        let twin = place == 1 && dice.is(8);
        let given = name(dice.common(900), 1);
        let junior = place > 0 && dice.is(3);
        let given =
            if junior { people.last().map_or(given.clone(), |parent| parent.given.clone()) } else { given };
        let born = if twin { first } else { born(dice) };
        people.push(Person { given, surname: surname.clone(), born, house });
    }
}

fn slip(dice: &mut Dice, text: &str) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let place = usize::try_from(dice.below(letters.len() as u64 - 1)).unwrap();
    match dice.below(4) {
        0 => letters.swap(place, place + 1),
        1 => letters[place] = 'q',
        2 => drop(letters.remove(place)),
        _ => letters.insert(place, 'x'),
    }
    letters.into_iter().collect()
}

fn noisy(dice: &mut Dice, person: &Person) -> Person {
    let mut noisy = person.clone();
    if dice.is(6) {
        noisy.given = slip(dice, &noisy.given);
    }
    if dice.is(5) {
        noisy.surname = slip(dice, &noisy.surname);
    }
    if dice.is(2) {
        noisy.surname = name(1_000_000 + dice.common(8_000), 2);
    }
    if dice.is(1) {
        std::mem::swap(&mut noisy.given, &mut noisy.surname);
    }
    if dice.is(3) {
        match dice.below(3) {
            0 => noisy.born.0 += 10,
            1 if noisy.born.2 <= 12 => std::mem::swap(&mut noisy.born.1, &mut noisy.born.2),
            _ => noisy.born.2 = 1 + dice.below(28),
        }
    }
    noisy
}

fn record(rules: &Rules, system: &str, number: usize, person: &Person, housed: bool) -> Record {
    let value = |field: &str| match field {
        "given_name" => person.given.clone(),
        "surname" => person.surname.clone(),
        "date_of_birth" => format!("{}-{:02}-{:02}", person.born.0, person.born.1, person.born.2),
        "street_number" if housed => (person.house % 300).to_string(),
        "street" if housed => format!("{} street", name(2_000_000 + person.house / 40, 2)),
        "postcode" if housed => format!("{:05}", 10_000 + person.house / 100),
        _ => String::new(),
    };
    let values = rules.fields.iter().map(|field| value(&field.name)).collect();
    Record { system: system.to_owned(), id: format!("p{number}"), values }
}
