//! Spare: systems that need not be asked again when another one was read.
//!
//! A reading of the system that knows an address best could move every record that is joined by it, and hardly ever does. Invariants: what
//! is left out is what the row holds already: the key to the system's records is the one that all that hang on it were asked with, the
//! reading was of another system, and nothing that was shown then is stale yet. Whatever is not certain is asked.

use super::Columns;
use super::hands::Shown;
use crate::resolve::Key;
use xops_kernel::id::EntityId;
use xops_kernel::record::Millis;
use xops_kernel::value::Value;

/// By what the records of one entity were joined.
#[derive(Debug)]
pub(super) struct Joint {
    /// The keys, by their places.
    pub(super) keys: Vec<(usize, Key)>,
    /// Until when all that was asked is fresh.
    pub(super) until: Millis,
}

impl Default for Joint {
    fn default() -> Self {
        Self { keys: Vec::new(), until: Millis::MAX }
    }
}

impl Joint {
    /// The key with this place, once it is known.
    pub(super) fn key(&self, place: usize) -> Option<&Key> {
        self.keys.iter().find(|(at, _)| *at == place).map(|(_, key)| key)
    }
}

/// What columns hold while a reading of `system` is followed.
pub(super) struct Spare<'c> {
    columns: &'c Columns,
    system: &'c str,
}

/// What they hold of one entity.
#[derive(Clone, Copy)]
pub(super) struct Held<'c> {
    columns: &'c Columns,
    system: &'c str,
    keys: &'c [u32],
}

impl<'c> Spare<'c> {
    /// What `columns` hold after `system` was read.
    pub(super) fn after(columns: &'c Columns, system: &'c str) -> Self {
        Self { columns, system }
    }

    /// What is held of an entity, if all of it is fresh at `now`.
    pub(super) fn held(&self, entity: EntityId, now: Millis) -> Option<Held<'c>> {
        let row = *self.columns.places.get(&entity)? as usize;
        let width = self.columns.asking.keys.len();
        let keys = &self.columns.joints[row * width..][..width];
        (self.columns.rows[row].until >= now).then_some(Held {
            columns: self.columns,
            system: self.system,
            keys,
        })
    }
}

impl Held<'_> {
    /// Whether `system`, whose records are joined by the key with this place, would say what it said.
    pub(super) fn spares(self, system: &str, place: usize, joint: &Joint) -> bool {
        let Some(Key::Is(key)) = joint.key(place) else { return false };
        let known = self.keys[place].checked_sub(1).map(|number| self.columns.numbers.values.get(number));
        system != self.system && known.and_then(Value::as_text) == Some(key)
    }
}

impl Columns {
    /// Keeps by what the records of a row were joined, where all that hang on a key were asked with it.
    pub(super) fn keep(&mut self, row: usize, joint: Joint, asked: &[(usize, Shown<'_>)]) {
        let asking = self.asking.clone();
        let whole = asked.len() == asking.systems.len();
        let until = &mut self.rows[row].until;
        *until = if whole { joint.until } else { joint.until.min(*until) };
        for (place, key) in joint.keys {
            let number = match key {
                Key::Is(key) => {
                    let key = Value::Text(key);
                    1 + self.numbers.values.number(&key, || key.clone())
                }
                Key::Shared | Key::Nothing | Key::Thing(_) | Key::Unknown(_) => 0,
            };
            let of_key = asked.iter().filter(|(at, _)| asking.systems[*at].key == Some(place)).count();
            let held = &mut self.joints[row * asking.keys.len() + place];
            if of_key == asking.keys[place].1 {
                *held = number;
            } else if *held != number {
                *held = 0;
            }
        }
    }
}
