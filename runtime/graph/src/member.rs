//! Members: an attribute of record after record, looked for first where it stood last.
//!
//! Absent: an answer of its own: what is found is what the map has under the name. Records of one kind mostly have the same attributes, so
//! one name is compared and not one for each step down the ordered map, each of which waits for memory.

use std::cell::Cell;
use xops_kernel::value::{Value, Values};

/// How many attributes a record may have for its names to be gone through one by one: beyond that the map knows a shorter way.
const FEW: usize = 16;

/// One attribute of many records.
pub(crate) struct Member<'n> {
    name: &'n str,
    last: Cell<usize>,
}

impl<'n> Member<'n> {
    /// The attribute `name`.
    pub(crate) fn new(name: &'n str) -> Self {
        Self { name, last: Cell::new(0) }
    }

    /// Its value among the attributes of one record.
    pub(crate) fn of<'r>(&self, attributes: &'r Values) -> Option<&'r Value> {
        let mut last = self.last.get();
        let found = find(attributes, self.name, &mut last);
        self.last.set(last);
        found
    }
}

/// The value of `name` among `attributes`; `last` is the place where it stood last.
pub(crate) fn find<'r>(attributes: &'r Values, name: &str, last: &mut usize) -> Option<&'r Value> {
    if attributes.len() > FEW {
        return attributes.get(name);
    }
    if let Some((_, value)) = attributes.iter().nth(*last).filter(|(held, _)| *held == name) {
        return Some(value);
    }
    // Names of another length are told apart without a look at their letters.
    let (at, (_, value)) = attributes.iter().enumerate().find(|(_, (held, _))| *held == name)?;
    *last = at;
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_is_what_the_map_has_wherever_it_stood_in_the_record_before() {
        let names = |count: usize, without: usize| -> Values {
            let held = (0..count).filter(|at| *at != without);
            held.map(|at| (format!("name {at:02}"), Value::from(format!("{count} {at}")))).collect()
        };
        let records =
            [names(7, 9), names(7, 0), names(0, 0), names(7, 3), names(40, 1), names(4, 9), names(7, 9)];
        for name in ["name 00", "name 03", "name 06", "name 30", "name"] {
            let member = Member::new(name);
            for record in records.iter().chain(records.iter().rev()) {
                assert_eq!(member.of(record), record.get(name), "{name}");
            }
        }
    }
}
