//! Every decoder that reads bytes which somebody else wrote, behind one door.
//!
//! The first byte of a case says which decoder reads the rest. Absent: expectations of what is read; a decoder may refuse anything, and
//! what it must not do is panic, hang, or grow without bound. Where something is read that can be written, it is written and read again.

mod answers;
mod journal;

use std::collections::BTreeMap;
use std::sync::LazyLock;
use xops_connectors::manifests::Manifests;
use xops_connectors::{json, xml};
use xops_source::declare::declare;
use xops_source::syntax;

/// The decoders, by the letter that a case begins with.
const DECODERS: [(u8, fn(&[u8])); 9] = [
    (b'a', answers::answer),
    (b'd', declarations),
    (b'e', journal::entry),
    (b'f', journal::frame),
    (b'h', journal::files),
    (b'j', read_json),
    (b'm', manifest),
    (b't', journal::texts),
    (b'x', read_xml),
];

/// The manifests of the project.
pub(crate) static MANIFESTS: LazyLock<Manifests> = LazyLock::new(|| {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../connectors/manifests");
    let mut files = Vec::new();
    for folder in [folder.join("families"), folder] {
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        let paths = entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|it| it == "hcl"));
        files.extend(paths.filter_map(|path| Some((path.display().to_string(), std::fs::read(&path).ok()?))));
    }
    files.sort();
    let (manifests, _) = Manifests::load(&files);
    assert!(manifests.systems().count() > 10, "the manifests are there");
    manifests
});

/// Feeds one case to the decoder that it names.
pub fn feed(case: &[u8]) {
    let Some((letter, rest)) = case.split_first() else { return };
    let known = DECODERS.iter().find(|(known, _)| known == letter);
    let decoder = known.unwrap_or(&DECODERS[usize::from(*letter) % DECODERS.len()]);
    (decoder.1)(rest);
}

fn read_json(bytes: &[u8]) {
    if let Ok(value) = json::parse(bytes) {
        let written = json::write(&value, true);
        assert_eq!(json::parse(written.as_bytes()).as_ref(), Ok(&value), "what was written is read again");
    }
}

fn read_xml(bytes: &[u8]) {
    let keyed = BTreeMap::from([("ID".to_owned(), "type".to_owned())]);
    for keyed in [&keyed, &BTreeMap::new()] {
        let _read_or_refused = xml::parse(bytes, keyed);
    }
}

fn manifest(bytes: &[u8]) {
    let _read_or_refused = Manifests::load(&[("one.hcl".to_owned(), bytes.to_vec())]);
}

fn declarations(bytes: &[u8]) {
    let _body = syntax::parse("one.hcl", bytes, &mut Vec::new());
    let files = [("one.hcl".to_owned(), bytes.to_vec())];
    let _read_or_refused = declare(&files, MANIFESTS.contracts(), &BTreeMap::new());
}
