//! `xops estate generate`: the tables of thirty systems over one population, and the truth beside them.
//!
//! Invariants: it writes into an empty folder or makes one, so that no file of another seed stands among its own; the files are
//! a function of the arguments.

use crate::arguments::estate::EstateGenerate;
use crate::arguments::{Common, Format};
use crate::exit::{Exit, Failure, Outcome};
use crate::json;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use xops_sim::population::{Population, Shape};

/// How many people a population may have.
const PEOPLE_MAX: u32 = 2_000_000;

/// Runs the command.
pub(super) fn run(common: &Common, generate: &EstateGenerate) -> Outcome {
    if generate.people == 0 || generate.people > PEOPLE_MAX {
        let message = format!("--people is from 1 to {PEOPLE_MAX}");
        return Err(Failure::new(Exit::Usage, message));
    }
    let dir = &generate.out;
    let failed =
        |error: std::io::Error| Failure::plain(format!("failed to write `{}`: {error}", dir.display()));
    std::fs::create_dir_all(dir).map_err(failed)?;
    if std::fs::read_dir(dir).map_err(failed)?.next().is_some() {
        let message = format!("`{}` is not empty: name an empty folder, or one to be made", dir.display());
        return Err(Failure::new(Exit::Usage, message));
    }
    anstream::eprintln!("xops: writing {} people of 30 systems", generate.people);
    let shape = Shape { seed: generate.seed, people: generate.people, skewed: generate.skewed, errors: true };
    let population = Population::new(shape);
    let mut files: BTreeMap<String, (BufWriter<File>, u64)> = BTreeMap::new();
    let mut sink = |name: &str, line: &str| -> std::io::Result<()> {
        if !files.contains_key(name) {
            let file = BufWriter::new(File::create_new(dir.join(name))?);
            files.insert(name.to_owned(), (file, 0));
        }
        let Some((file, lines)) = files.get_mut(name) else { return Ok(()) };
        *lines += 1;
        writeln!(file, "{line}")
    };
    population.write(&mut sink).map_err(failed)?;
    for (file, _) in files.values_mut() {
        file.flush().map_err(failed)?;
    }
    tell(common, generate, &population, &files)
}

fn tell(
    common: &Common,
    generate: &EstateGenerate,
    population: &Population,
    files: &BTreeMap<String, (BufWriter<File>, u64)>,
) -> Outcome {
    // The first line of each file names its columns.
    let rows = |name: &str| files.get(name).map_or(0, |(_, lines)| lines.saturating_sub(1));
    if common.output == Format::Text {
        json::text(&format!(
            "{} files in {}: {} records, {} planted facts; the truth of `<system>.csv` against `hr.csv` is `truth-<system>.csv`\n",
            files.len(),
            generate.out.display(),
            rows("entities.csv"),
            population.planted.len(),
        ))?;
    } else {
        let files: BTreeMap<&str, u64> = files.keys().map(|name| (name.as_str(), rows(name))).collect();
        json::print(&serde_json::json!({
            "people": generate.people,
            "seed": generate.seed,
            "planted": population.planted.len(),
            "rows": files,
        }))?;
    }
    Ok(Exit::Done)
}
