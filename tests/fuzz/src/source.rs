//! Text that people write: declarations, manifests, questions.

use crate::bytes::Bytes;
use crate::project::project;
use std::collections::BTreeMap;
use xops_connectors::manifests::Manifests;
use xops_source::finding::{Finding, Format, render};

/// A file of declarations, of rules or of a manifest. Every mistake in it is told, in every form, and points into it.
pub fn source(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let how = bytes.byte();
    let (name, text) = ("config/fuzzed.hcl".to_owned(), bytes.0.to_vec());
    let findings = match how % 3 {
        0 => {
            let project = project();
            let contracts = project.manifests.contracts();
            xops_source::declare::declare(&[(name.clone(), text)], contracts, &project.facts).1
        }
        1 => Manifests::load(&[("connectors/manifests/fuzzed.hcl".to_owned(), text)]).1,
        _ => xops_source::declare::identity::rules(&name, &text).1,
    };
    told(&findings, bytes.0);
}

fn told(findings: &[Finding], text: &[u8]) {
    let texts: BTreeMap<String, String> =
        findings.iter().map(|it| (it.file.clone(), String::from_utf8_lossy(text).into_owned())).collect();
    for format in [Format::Human { color: false }, Format::Json, Format::Sarif] {
        let shown = render(findings, &texts, format);
        assert!(findings.is_empty() || !shown.is_empty(), "a mistake is not told");
    }
}

/// A condition as `xops query` takes it.
pub fn question(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match xops_source::query::question(&text, &project().declarations) {
        Ok((kind, condition)) => {
            assert!(
                project().declarations.entities.contains_key(&kind),
                "it is about nothing that is declared"
            );
            // Of somebody of whom nothing is known.
            let nothing =
                |path: &xops_kernel::expr::Path| xops_kernel::expr::Known::Unknown([path.to_string()].into());
            let _holds = xops_kernel::expr::holds(&condition, &nothing);
        }
        Err(findings) => {
            assert!(!findings.is_empty(), "it is refused without a reason");
            told(&findings, xops_source::query::text_of(&text).as_bytes());
        }
    }
}
