//! Rules as they are written down when they come into force, so that a question about a moment is answered under the rules of then.
//!
//! Absent: what people decided, which is written down decision by decision, each under a key that can be destroyed. Invariants: equal
//! rules have one digest; the form is stored by position and must not change: a new form is a new entry of the log.

use super::{Cut, Identities, Joining, Rules};
use crate::canon::Canon;
use crate::id::Digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// By what the records of one kind of entity are joined, without decisions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// The rules.
    pub rules: Rules,
    /// The attribute by which the minting record that holds is chosen.
    pub current: String,
}

/// What is written down of rules, by the kind of entity.
pub fn written(identities: &Identities) -> BTreeMap<String, Written> {
    let of_kind = |(kind, joining): (&String, &Joining)| {
        let rules = Rules { decisions: Vec::new(), ..(*joining.rules).clone() };
        (kind.clone(), Written { rules, current: joining.current.clone() })
    };
    identities.iter().map(of_kind).collect()
}

/// The rules that were written down.
pub fn read(written: &BTreeMap<String, Written>) -> Identities {
    let of_kind = |(kind, written): (&String, &Written)| {
        let rules = Arc::new(written.rules.clone());
        (kind.clone(), Joining { rules, current: written.current.clone() })
    };
    written.iter().map(of_kind).collect()
}

/// BLAKE3 over everything that can change who is who.
pub fn digest(written: &BTreeMap<String, Written>) -> Digest {
    let mut out = Canon::new("xops identity rules 1");
    out.all(written.iter(), |out, (kind, written)| {
        out.text(kind).text(&written.current);
        canon(out, &written.rules);
    });
    out.digest()
}

fn canon(out: &mut Canon, rules: &Rules) {
    out.text(&rules.name);
    for texts in [&rules.ids, &rules.systems, &rules.several] {
        canon_texts(out, texts);
    }
    out.tag(rules.linkage as u8);
    for number in [rules.population, rules.wrong_max] {
        out.maybe(number, |out, number| {
            out.number(number.into());
        });
    }
    canon_score(out, rules.same);
    canon_score(out, rules.review);
    out.number(rules.members_max as u64);
    canon_fields(out, rules);
    out.all(rules.relations.iter(), |out, relation| {
        out.text(&relation.name).number(relation.per_thousand.into());
        canon_places(out, &relation.shares);
    });
    out.all(rules.blocks.iter(), |out, block| {
        out.number(block.at_most as u64);
        out.all(block.parts.iter(), |out, part| {
            out.number(part.field as u64);
            canon_cut(out, part.cut);
        });
    });
    out.all(rules.keys.iter(), |out, key| {
        out.text(&key.name);
        canon_places(out, &key.fields);
    });
    out.all(rules.vetoes.iter(), |out, veto| {
        out.text(&veto.name);
        canon_places(out, &veto.agrees);
        canon_places(out, &veto.differs);
    });
}

fn canon_fields(out: &mut Canon, rules: &Rules) {
    out.all(rules.fields.iter(), |out, field| {
        out.text(&field.name).tag(field.compare as u8).tag(u8::from(field.frequencies));
        out.all(field.columns.iter(), |out, columns| canon_texts(out, columns));
        out.all(field.normalise.iter(), |out, normaliser| {
            out.tag(*normaliser as u8);
        });
        out.maybe(field.crosses, |out, other| {
            out.number(other as u64);
        });
        canon_texts(out, &field.junk);
        out.maybe(field.shared_max, |out, most| {
            out.number(most.into());
        });
        out.all(field.synonyms.iter(), |out, words| canon_texts(out, words));
        out.all(field.weights.iter(), |out, (level, weight)| {
            out.tag(*level as u8);
            canon_score(out, *weight);
        });
    });
}

fn canon_texts(out: &mut Canon, texts: &[String]) {
    out.all(texts.iter(), |out, text| {
        out.text(text);
    });
}

fn canon_places(out: &mut Canon, places: &[usize]) {
    out.all(places.iter(), |out, place| {
        out.number(*place as u64);
    });
}

fn canon_score(out: &mut Canon, score: i32) {
    out.raw(&score.to_le_bytes());
}

fn canon_cut(out: &mut Canon, cut: Cut) {
    let (tag, size) = match cut {
        Cut::Whole => (0, 0),
        Cut::Front(size) => (1, size),
        Cut::Back(size) => (2, size),
        Cut::Sound => (3, 0),
        Cut::Bag => (4, 0),
        Cut::Year => (5, 0),
        Cut::MonthDay => (6, 0),
    };
    out.tag(tag).number(size as u64);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{Decision, Linkage};

    fn identities(change: impl FnOnce(&mut Rules)) -> Identities {
        let mut rules = Rules { name: "person".to_owned(), ..Rules::default() };
        change(&mut rules);
        let joining = Joining { rules: Arc::new(rules), current: "since".to_owned() };
        BTreeMap::from([("person".to_owned(), joining)])
    }

    fn decided(rules: &mut Rules) {
        let text = || "x".to_owned();
        let decision =
            Decision { same: true, left: text(), right: text(), author: text(), why: text(), until: None };
        rules.decisions.push(decision);
    }

    #[test]
    fn what_changes_who_is_who_changes_the_digest_and_a_decision_is_written_down_elsewhere() {
        let of = |change: fn(&mut Rules)| digest(&written(&identities(change)));
        let changes: [fn(&mut Rules); 6] = [
            |_| {},
            |rules| rules.same = 1,
            |rules| rules.review = 1,
            |rules| rules.linkage = Linkage::OneToOne,
            |rules| rules.several.push("hr".to_owned()),
            |rules| rules.population = Some(0),
        ];
        let digests: std::collections::BTreeSet<Digest> = changes.into_iter().map(of).collect();
        assert_eq!(digests.len(), 6);
        assert_eq!(of(decided), of(|_| {}));
        assert_ne!(digest(&BTreeMap::new()), of(|_| {}));
        let back = read(&written(&identities(decided)));
        assert_eq!(back, identities(|_| {}), "and what is read back is what was written");
    }
}
