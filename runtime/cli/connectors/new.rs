//! `xops connectors new`: a first manifest, which passes `check` as it is written.

use crate::arguments::Common;
use crate::exit::{Exit, Failure, Outcome};
use clap::Args;
use std::fs::OpenOptions;
use std::io::Write;
use xops_connectors::manifests::Manifests;
use xops_kernel::declare::DOMAINS;

/// What is written, with `NAME` and `DOMAIN` in it.
const TEMPLATE: &str = include_str!("template.hcl");

/// `xops connectors new`.
#[derive(Debug, Args)]
pub struct New {
    /// The system's name: lower case letters, digits and `_`.
    pub name: String,
    /// Its domain.
    #[arg(long, default_value = "software", value_parser = clap::builder::PossibleValuesParser::new(DOMAINS))]
    pub domain: String,
}

/// Runs the command.
pub(crate) fn run(common: &Common, new: &New) -> Outcome {
    let text = TEMPLATE.replace("NAME", &new.name).replace("DOMAIN", &new.domain);
    let file = format!("connectors/manifests/{}.hcl", new.name);
    let (_, findings) = Manifests::load(&[(file.clone(), text.clone().into_bytes())]);
    // The template itself is sound: whatever is wrong now is the name.
    if let Some(finding) = findings.first() {
        let note = "a name is lower case letters, digits and `_`, and starts with a letter".to_owned();
        return Err(Failure::new(Exit::Usage, &finding.message).with([note]));
    }
    let path = common.project.join(&file);
    let failed =
        |error: std::io::Error| Failure::plain(format!("failed to write `{}`: {error}", path.display()));
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut out = match OpenOptions::new().write(true).create_new(true).open(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let message = format!("`{file}` exists already");
            return Err(
                Failure::new(Exit::Usage, message).with(["choose another name, or edit it".to_owned()])
            );
        }
        opened => opened.map_err(failed)?,
    };
    out.write_all(text.as_bytes()).map_err(failed)?;
    crate::json::text(&format!("{file}\n"))?;
    anstream::eprintln!(
        "next: edit it, then xops connectors check {0} and xops connectors test {0} --against URL",
        new.name
    );
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_manifest_is_sound_and_shows_an_awf_with_its_undo_and_a_read() {
        let text = TEMPLATE.replace("NAME", "crm").replace("DOMAIN", "software");
        let (manifests, findings) = Manifests::load(&[("crm.hcl".to_owned(), text.into_bytes())]);
        assert!(findings.is_empty(), "{findings:?}");
        let manifest = manifests.manifest("crm").expect("it is there");
        assert!(manifest.awfs.len() >= 2 && !manifest.reads.is_empty());
        for sample in xops_connectors::sample::all(&manifests, "crm") {
            assert!(sample.request.is_ok(), "{} {}: {:?}", sample.name, sample.phase, sample.request);
        }
    }
}
