//! The project itself: its manifests and declarations, read once, as every surface that needs them finds them.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use xops_connectors::manifests::Manifests;
use xops_kernel::declare::Declarations;
use xops_kernel::identity::Rules;
use xops_source::declare::ManifestFacts;

/// What was read.
pub struct Project {
    /// The manifests.
    pub manifests: Manifests,
    /// The declarations.
    pub declarations: Declarations,
    /// What the manifests know of records.
    pub facts: ManifestFacts,
    /// The rules by which people are told apart.
    pub rules: Vec<Rules>,
}

/// The files below some folders of the repository, by name.
pub fn files(folders: &[&str]) -> Vec<(String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| root.join(folder)).collect();
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).expect("the repository is there").flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|end| end == "hcl") {
                let name = path.strip_prefix(&root).unwrap_or(&path).display().to_string();
                found.push((name, std::fs::read(&path).expect("it is listed")));
            }
        }
    }
    found.retain(|(name, _)| !name.contains(".test."));
    found.sort();
    found
}

/// Reads what all inputs share.
pub fn ready() {
    let _shared = project();
}

/// The project.
pub fn project() -> &'static Project {
    static READ: OnceLock<Project> = OnceLock::new();
    READ.get_or_init(|| {
        let (manifests, _) = Manifests::load(&files(&["connectors/manifests"]));
        let declared = files(&["config", "runbooks"]);
        let (mut declarations, _) =
            xops_source::declare::declare(&declared, manifests.contracts(), &manifests.facts());
        declarations.contracts = manifests.contracts().clone();
        let rules =
            declared.iter().flat_map(|(name, text)| xops_source::declare::identity::rules(name, text).0);
        let rules: Vec<Rules> = rules.collect();
        assert!(!rules.is_empty() && manifests.contracts().len() > 300, "the project is not there");
        let facts = manifests.facts();
        Project { manifests, declarations, facts, rules }
    })
}
