//! Raw records: what systems answer, one JSON object a line, and how it becomes records of the kernel.

use crate::exit::Failure;
use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt::Write;
use xops_kernel::record::{Millis, Record, Source};
use xops_kernel::value::{Value, Values};
use xops_sim::population::policy::Policy;
use xops_sim::population::systems::{KIND, Row, System};
use xops_sim::population::{Person, Population};

/// How the people of a population differ from what is wanted of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Drift {
    /// Not at all.
    None,
    /// A group is missing in the directory.
    Missing,
    /// A group that was granted once is not wanted any more.
    Stale,
}

impl Drift {
    /// How a person differs, `per_mille` of all.
    pub(super) fn of(person: u32, per_mille: u32) -> Self {
        // A bijection of the place, so that those who differ are spread over the whole.
        let scattered = (u64::from(person.wrapping_mul(2_246_822_519)) * 1_000) >> 32;
        match (scattered < u64::from(per_mille), person % 2) {
            (false, _) => Self::None,
            (true, 0) => Self::Missing,
            (true, _) => Self::Stale,
        }
    }
}

/// The group of those that have one too many.
pub(super) const STALE: &str = "di-stale-0";

/// The lines of what `system` answers, in pieces of about `piece` bytes.
pub(super) fn lines(
    population: &Population,
    system: &'static System,
    policy: Policy,
    per_mille: u32,
    piece: usize,
) -> (Vec<String>, u64) {
    let (mut pieces, mut records) = (vec![String::new()], 0);
    for row in population.rows(system) {
        let person = row.person.map(|at| &population.people[at as usize]);
        let groups = person.map(|person| groups(person, system, policy, per_mille)).unwrap_or_default();
        if pieces.last().is_none_or(|last| last.len() > piece) {
            pieces.push(String::with_capacity(piece + 4_096));
        }
        if let Some(last) = pieces.last_mut() {
            write_line(last, system, &row, &groups);
        }
        records += 1;
    }
    (pieces, records)
}

fn groups(person: &Person, system: &System, policy: Policy, per_mille: u32) -> Vec<String> {
    let mut groups = if system.is_first() { Vec::new() } else { policy.groups(person, system) };
    if system.name == "directory" {
        match Drift::of(person.number, per_mille) {
            Drift::None => {}
            Drift::Missing => drop(groups.pop()),
            Drift::Stale => groups.push(STALE.to_owned()),
        }
    }
    groups
}

fn write_line(out: &mut String, system: &System, row: &Row, groups: &[String]) {
    // Writing to a string does not fail, and no value of a population needs an escape.
    let _ = write!(out, "{{\"id\":\"{}\"", row.id);
    for (field, value) in system.fields.iter().zip(&row.values).filter(|(_, value)| !value.is_empty()) {
        let _ = write!(out, ",\"{}\":\"{value}\"", field.name());
    }
    if !groups.is_empty() {
        let _ = write!(out, ",\"groups\":[\"{}\"]", groups.join("\",\""));
    }
    out.push_str("}\n");
}

/// Reads the records of a piece.
pub(super) fn parse(piece: &str, system: &str, at: Millis) -> Result<Vec<Record>, Failure> {
    let mut records = Vec::with_capacity(piece.len() / 300);
    for line in piece.lines() {
        let mut reader = serde_json::Deserializer::from_str(line);
        let Value::Map(mut attributes) = Any.deserialize(&mut reader).map_err(Failure::plain)? else {
            continue;
        };
        let Some(Value::Text(id)) = attributes.remove("id") else { continue };
        records.push(record(system, id, attributes, at));
    }
    Ok(records)
}

/// A record as the manifests' reads make them.
pub(super) fn record(system: &str, id: String, attributes: Values, at: Millis) -> Record {
    let source = Source { system: system.to_owned(), kind: KIND.to_owned(), id, version: None };
    Record { source, attributes, read_at: at, principal: "svc".to_owned() }
}

/// JSON straight to values of the kernel.
struct Any;

impl<'de> DeserializeSeed<'de> for Any {
    type Value = Value;

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Any {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON value without fractions")
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Int(number))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Value, E> {
        i64::try_from(number).map(Value::Int).map_err(|_| E::custom("a number beyond 64 bits"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::with_capacity(items.size_hint().unwrap_or(8));
        while let Some(item) = items.next_element_seed(Any)? {
            list.push(item);
        }
        list.shrink_to_fit();
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = BTreeMap::new();
        while let Some(name) = members.next_key::<String>()? {
            map.insert(name, members.next_value_seed(Any)?);
        }
        Ok(Value::Map(map))
    }
}
