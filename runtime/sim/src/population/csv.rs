//! The files of a benchmark: a table a system, and the truth beside them.
//!
//! Absent: files themselves; whoever writes them is handed their names and lines. Invariants: the first column of a table is the
//! id; the truth of a pair of systems is a table of two columns of ids; both are complete, so that what is not a pair is known
//! to be none.

use super::Population;
use super::systems::{SYSTEMS, System};
use std::collections::BTreeMap;

/// Where a line goes: the file's name, and the line without its end.
pub type Sink<'a, E> = dyn FnMut(&str, &str) -> Result<(), E> + 'a;

impl Population {
    /// Writes everything: `<system>.csv`, `truth-<system>.csv` (ids of the first system beside those of this one),
    /// `truth-hr-hr.csv` (two records of one person in the first system), `entities.csv`, `planted.csv` and `reads.csv`.
    pub fn write<E>(&self, out: &mut Sink<'_, E>) -> Result<(), E> {
        out("entities.csv", "system,id,person")?;
        let mut first: BTreeMap<u32, Vec<String>> = BTreeMap::new();
        for system in &SYSTEMS {
            self.write_system(system, &mut first, out)?;
        }
        self.write_planted(out)?;
        self.write_reads(out)
    }

    fn write_system<E>(
        &self,
        system: &'static System,
        first: &mut BTreeMap<u32, Vec<String>>,
        out: &mut Sink<'_, E>,
    ) -> Result<(), E> {
        let (file, truth) = (format!("{}.csv", system.name), format!("truth-{}.csv", system.name));
        let columns: Vec<&str> = system.fields.iter().map(|field| field.name()).collect();
        out(&file, &format!("id,{}", columns.join(",")))?;
        let pairs = if system.is_first() { "truth-hr-hr.csv" } else { truth.as_str() };
        let head = if system.is_first() {
            "hr_id,other_hr_id".to_owned()
        } else {
            format!("hr_id,{}_id", system.name)
        };
        out(pairs, &head)?;
        for row in self.rows(system) {
            let cells: Vec<String> = row.values.iter().map(|value| quoted(value)).collect();
            out(&file, &format!("{},{}", row.id, cells.join(",")))?;
            let person = row.person.map(|person| format!("P{person}")).unwrap_or_default();
            out("entities.csv", &format!("{},{},{person}", system.name, row.id))?;
            let Some(person) = row.person else { continue };
            for id in first.get(&person).into_iter().flatten() {
                out(pairs, &format!("{id},{}", row.id))?;
            }
            if system.is_first() {
                first.entry(person).or_default().push(row.id);
            }
        }
        Ok(())
    }

    fn write_planted<E>(&self, out: &mut Sink<'_, E>) -> Result<(), E> {
        out("planted.csv", "sort,person,other,system")?;
        for planted in &self.planted {
            let other = planted.other.map(|other| format!("P{other}")).unwrap_or_default();
            let system = planted.system().unwrap_or_default();
            out("planted.csv", &format!("{},P{},{other},{system}", planted.sort.word(), planted.person))?;
        }
        Ok(())
    }

    /// What is known of each read: whether it is whole, and how late it was made.
    fn write_reads<E>(&self, out: &mut Sink<'_, E>) -> Result<(), E> {
        out("reads.csv", "system,complete,hours_old")?;
        for system in &SYSTEMS {
            let (whole, late) = self.read(system);
            out("reads.csv", &format!("{},{whole},{}", system.name, if late { 72 } else { 1 }))?;
        }
        Ok(())
    }

    /// Whether the read of `system` is whole, and whether it is late.
    pub fn read(&self, system: &System) -> (bool, bool) {
        let is = |sort| {
            self.planted.iter().any(|planted| planted.sort == sort && planted.system() == Some(system.name))
        };
        (!is(super::planted::Sort::PartialPage), is(super::planted::Sort::LateSource))
    }
}

/// A cell by RFC 4180: quoted where it holds a comma, a quote or the end of a line.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::population::Shape;

    fn written(seed: u64) -> BTreeMap<String, Vec<String>> {
        let population = Population::new(Shape { seed, people: 600, skewed: false, errors: true });
        let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut sink = |file: &str, line: &str| -> Result<(), std::convert::Infallible> {
            files.entry(file.to_owned()).or_default().push(line.to_owned());
            Ok(())
        };
        let Ok(()) = population.write(&mut sink);
        files
    }

    #[test]
    fn the_same_seed_writes_the_same_bytes() {
        assert_eq!(written(4), written(4));
        assert_ne!(written(4), written(5));
    }

    #[test]
    fn the_truth_names_records_that_are_there_and_all_pairs_of_them() {
        let files = written(4);
        let ids = |file: &str| -> Vec<&str> {
            files[file].iter().skip(1).filter_map(|line| line.split(',').next()).collect()
        };
        let (hr, mail) = (ids("hr.csv"), ids("mail.csv"));
        let truth = &files["truth-mail.csv"];
        assert_eq!(truth[0], "hr_id,mail_id");
        for line in &truth[1..] {
            let (left, right) = line.split_once(',').unwrap();
            assert!(hr.contains(&left) && mail.contains(&right), "{line}");
        }
        let of_people =
            files["entities.csv"].iter().filter(|line| line.starts_with("mail,") && !line.ends_with(','));
        let rehired = files["truth-hr-hr.csv"].len() - 1;
        assert_eq!(truth.len() - 1, of_people.count() + rehired);
    }

    #[test]
    fn a_cell_with_a_comma_is_quoted() {
        assert_eq!(quoted("Smith, \"Jo\""), "\"Smith, \"\"Jo\"\"\"");
        assert_eq!(quoted("Smith"), "Smith");
    }
}
