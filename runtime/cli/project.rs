//! The project: finding its files, reading them, and everything that they declare.

use crate::arguments::Common;
use crate::exit::{Exit, Failure};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use xops_connectors::manifests::Manifests;
use xops_graph::graph::Graph;
use xops_kernel::canon::DigestKey;
use xops_kernel::declare::Declarations;
use xops_kernel::identity::Identities;
use xops_kernel::standard::Standards;
use xops_source::finding::{self, Finding, Format};

/// How many files a project may have.
const FILES_MAX: usize = 100_000;
/// The largest file that is read at all; the reader of declarations refuses far smaller ones, with a finding.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// A project that was read.
pub struct Project {
    /// What it declares.
    pub declarations: Declarations,
    /// What its declarations are held to.
    pub standards: Standards,
    /// By which rules records are joined, by the kind of entity.
    pub identities: Identities,
    /// Its manifests, under the names of the systems.
    pub manifests: Arc<Manifests>,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
    /// The texts, by file, for showing findings.
    pub texts: BTreeMap<String, String>,
    /// How many files were read.
    pub files: usize,
}

/// Reads the project with the manifests that its systems name. A manifest that nothing names cannot change what is declared, and is
/// checked by `xops check`; where there is any mistake, all of it is read, so that every command tells the same.
pub fn read(common: &Common) -> Result<Project, Failure> {
    let project = read_with(common, named)?;
    if project.findings.is_empty() { Ok(project) } else { whole(common) }
}

/// Reads the project and finds every mistake of every file.
pub fn whole(common: &Common) -> Result<Project, Failure> {
    read_with(common, |_, _| true)
}

/// Whether declarations may name a manifest: its name stands in quotes somewhere in them. What is no plain manifest is kept.
fn named(manifest: &[u8], declared: &[(String, Vec<u8>)]) -> bool {
    let text = String::from_utf8_lossy(manifest);
    let label = text.lines().find_map(|line| line.strip_prefix("manifest \"")?.split('"').next());
    let Some(label) = label else { return true };
    let quoted = format!("\"{label}\"");
    declared.iter().any(|(_, bytes)| bytes.windows(quoted.len()).any(|window| window == quoted.as_bytes()))
}

fn read_with(
    common: &Common,
    wanted: impl Fn(&[u8], &[(String, Vec<u8>)]) -> bool,
) -> Result<Project, Failure> {
    let root = &common.project;
    let mut manifest_files = files(root, &["connectors/manifests"])?;
    let declared_files = files(root, &["config", "runbooks"])?;
    if declared_files.is_empty() {
        let message = format!("`{}` holds no declarations", root.display());
        let note = "run it in a project's folder, or name one with --project DIR".to_owned();
        return Err(Failure::new(Exit::Usage, message).with([note]));
    }
    manifest_files.retain(|(_, bytes)| wanted(bytes, &declared_files));
    let (manifests, mut findings) = Manifests::load(&manifest_files);
    let declared =
        xops_source::declare::declare_whole(&declared_files, manifests.contracts(), &manifests.facts());
    let (mut declarations, standards, identities) =
        (declared.declarations, declared.standards, declared.identities);
    findings.extend(declared.findings);
    finding::sort(&mut findings);
    let names = declarations.systems.values().map(|system| (system.name.as_str(), system.manifest.as_str()));
    let bound = manifests.bound(names);
    declarations.contracts = bound.contracts().clone();
    let files = manifest_files.len() + declared_files.len();
    let text = |(name, bytes): (String, Vec<u8>)| (name, String::from_utf8_lossy(&bytes).into_owned());
    let texts = manifest_files.into_iter().chain(declared_files).map(text).collect();
    Ok(Project { declarations, standards, identities, manifests: Arc::new(bound), findings, texts, files })
}

impl Project {
    /// An empty graph of what the project declares.
    pub fn graph(&self, key: DigestKey) -> Graph {
        let mut graph = Graph::new(Arc::new(self.declarations.clone()), key);
        graph.identify(&self.identities);
        graph.relate(&self.standards.refers);
        graph
    }
}

/// The manifests of a project, whether its declarations are there or not.
pub struct Read {
    /// Those without a mistake, under their own names.
    pub manifests: Manifests,
    /// What is wrong with the others.
    pub findings: Vec<Finding>,
    /// The texts, by file, for showing findings.
    pub texts: BTreeMap<String, String>,
}

/// Reads the manifests alone.
pub fn manifests(common: &Common) -> Result<Read, Failure> {
    let files = files(&common.project, &["connectors/manifests"])?;
    if files.is_empty() {
        let message = format!("`{}` holds no manifests", common.project.display());
        let note = "run it in a project's folder, or name one with --project DIR".to_owned();
        return Err(Failure::new(Exit::Usage, message).with([note]));
    }
    let (manifests, findings) = Manifests::load(&files);
    let text = |(name, bytes): (String, Vec<u8>)| (name, String::from_utf8_lossy(&bytes).into_owned());
    Ok(Read { manifests, findings, texts: files.into_iter().map(text).collect() })
}

/// Reads the project, and refuses one with mistakes.
pub fn sound(common: &Common) -> Result<Project, Failure> {
    let project = read(common)?;
    if finding::any_error(&project.findings) {
        let shown = finding::render(&project.findings, &project.texts, Format::Human { color: false });
        let notes = shown.lines().map(str::to_owned).collect::<Vec<_>>();
        return Err(Failure::new(Exit::Mistakes, "the declarations have mistakes").with(notes));
    }
    Ok(project)
}

/// The `.hcl` files below some folders of a project, by name, scenarios (`.test.hcl`) left out.
fn files(root: &Path, folders: &[&str]) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> =
        folders.iter().map(|folder| root.join(folder)).filter(|dir| dir.is_dir()).collect();
    while let Some(dir) = open.pop() {
        let entries = std::fs::read_dir(&dir).map_err(|error| unreadable(&dir, &error))?;
        for entry in entries {
            let path = entry.map_err(|error| unreadable(&dir, &error))?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            // A link may lead around in circles, or out of the project.
            if path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|it| it == "hcl") && !name.contains(".test.") {
                found.push(path);
            }
            if found.len() + open.len() > FILES_MAX {
                return Err(Failure::plain(format!(
                    "`{}` holds more than {FILES_MAX} files",
                    root.display()
                )));
            }
        }
    }
    found.sort();
    found.into_iter().map(|path| load(root, &path)).collect()
}

fn load(root: &Path, path: &Path) -> Result<(String, Vec<u8>), Failure> {
    let size = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?.len();
    if size > FILE_BYTES_MAX {
        return Err(Failure::new(
            Exit::Mistakes,
            format!("`{}` has {size} bytes: that is no declaration", path.display()),
        ));
    }
    let bytes = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
    let name = path.strip_prefix(root).unwrap_or(path).display().to_string();
    Ok((name, bytes))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::plain(format!("failed to read `{}`: {error}", path.display()))
}
