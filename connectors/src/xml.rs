//! XML to values, bounded.
//!
//! Absent: document types and entities beyond XML's five (so no expansion can grow), namespaces (prefixes are stripped: a
//! system that uses one local name for two things in one place does not occur), order between different siblings.
//!
//! An element with neither attributes nor elements inside is its text, or `Null` if it has none. Any other is a map:
//! `@name` for an attribute, `#text` for its text, the local name for an element; an element that is repeated becomes a
//! list. Elements whose name is in `keyed` are members of one map, named by the value of the attribute that `keyed` gives:
//! `<ID type="WID">7</ID><ID type="Code">A</ID>` becomes `ID = { Code = "A", WID = "7" }`.

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion, escape::resolve_predefined_entity};
use std::collections::BTreeMap;
use xops_kernel::value::{Value, Values};

/// How deep elements may be nested.
pub const DEPTH_MAX: usize = 64;

#[derive(Default)]
struct Open {
    name: String,
    members: Values,
    text: String,
}

impl Open {
    fn of(start: &BytesStart<'_>) -> Result<Self, String> {
        let mut members = Values::new();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| error.to_string())?;
            let name = attribute.key.0;
            if name == "xmlns" || name.starts_with("xmlns:") {
                continue;
            }
            let value =
                attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| error.to_string())?;
            members.insert(format!("@{}", local(name)), Value::Text(value.into_owned()));
        }
        Ok(Self { name: local(start.name().0).to_owned(), members, text: String::new() })
    }

    fn put(&mut self, child: Self, keyed: &BTreeMap<String, String>) {
        let name = child.name.clone();
        let key = keyed.get(&name).and_then(|attribute| child.members.get(&format!("@{attribute}")).cloned());
        if let Some(Value::Text(key)) = key {
            let text = child.text.trim().to_owned();
            let group = self.members.entry(name).or_insert_with(|| Value::Map(Values::new()));
            if let Value::Map(group) = group {
                group.insert(key, Value::Text(text));
            }
            return;
        }
        let value = child.value();
        match self.members.get_mut(&name) {
            None => {
                self.members.insert(name, value);
            }
            Some(Value::List(items)) => items.push(value),
            Some(single) => {
                let first = std::mem::take(single);
                *single = Value::List(vec![first, value]);
            }
        }
    }

    fn value(mut self) -> Value {
        let text = self.text.trim();
        let text = if text.is_empty() { Value::Null } else { Value::Text(text.to_owned()) };
        if self.members.is_empty() {
            return text;
        }
        if !text.is_null() {
            self.members.insert("#text".to_owned(), text);
        }
        Value::Map(self.members)
    }
}

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// Reads a document: a map of one member, the root element.
pub fn parse(bytes: &[u8], keyed: &BTreeMap<String, String>) -> Result<Value, String> {
    let text =
        std::str::from_utf8(bytes).map_err(|error| format!("no UTF-8 at byte {}", error.valid_up_to()))?;
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let mut open = vec![Open::default()];
    loop {
        let event = reader.read_event().map_err(|error| error.to_string())?;
        let piece = match event {
            Event::Start(start) => {
                if open.len() > DEPTH_MAX {
                    return Err(format!("nested deeper than {DEPTH_MAX}"));
                }
                open.push(Open::of(&start)?);
                continue;
            }
            Event::Empty(start) => {
                let element = Open::of(&start)?;
                innermost(&mut open)?.put(element, keyed);
                continue;
            }
            Event::End(_) => {
                let done = open.pop().ok_or("an element ends that never began")?;
                innermost(&mut open)?.put(done, keyed);
                continue;
            }
            Event::Text(piece) => piece.xml10_content().into_owned(),
            Event::CData(piece) => piece.xml10_content().into_owned(),
            Event::GeneralRef(entity) => {
                match entity.resolve_char_ref().map_err(|error| error.to_string())? {
                    Some(letter) => letter.to_string(),
                    None => resolve_predefined_entity(&entity)
                        .ok_or("an entity that XML does not define")?
                        .to_owned(),
                }
            }
            Event::DocType(_) => return Err("a document type is refused".to_owned()),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => continue,
            Event::Eof => break,
        };
        innermost(&mut open)?.text.push_str(&piece);
    }
    let top = open.pop().filter(|_| open.is_empty()).ok_or("an element does not end")?;
    if top.members.len() == 1 && top.text.trim().is_empty() {
        Ok(Value::Map(top.members))
    } else {
        Err("there is not exactly one root element".to_owned())
    }
}

fn innermost(open: &mut [Open]) -> Result<&mut Open, String> {
    open.last_mut().ok_or_else(|| "an element ends that never began".to_owned())
}

/// Appends `text` so that it may stand between tags or inside double quotes; what XML 1.0 cannot hold is refused.
pub fn push_escaped(text: &str, out: &mut String) -> Result<(), String> {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\t' | '\n' | '\r' => {
                out.push_str("&#");
                out.push_str(&u32::from(c).to_string());
                out.push(';');
            }
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                return Err(format!("the character U+{:04X} cannot stand in XML", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let keyed = [("ID".to_owned(), "type".to_owned())].into();
        let told = parse(text.as_bytes(), &keyed).map_or_else(|error| error, |value| value.to_string());
        assert_eq!(told, expect, "{text}");
    }

    #[test]
    fn elements_become_members() {
        check("<a><b>1</b><c/></a>", r#"{ a = { b = "1", c = null } }"#);
        check(r#"<w:a xmlns:w="u" w:k="v">x &amp; y</w:a>"#, r#"{ a = { #text = "x & y", @k = "v" } }"#);
        check("<a><b>1</b><b>2</b><b>3</b></a>", r#"{ a = { b = ["1", "2", "3"] } }"#);
        check("<a><![CDATA[<b>]]></a>", r#"{ a = "<b>" }"#);
    }

    #[test]
    fn keyed_elements_are_found_by_their_key() {
        check(
            r#"<r><ID type="WID">7</ID><ID type="Code">A</ID></r>"#,
            r#"{ r = { ID = { Code = "A", WID = "7" } } }"#,
        );
        check(r#"<r><ID type="WID">7</ID></r>"#, r#"{ r = { ID = { WID = "7" } } }"#);
    }

    #[test]
    fn entities_cannot_grow() {
        let bomb = r#"<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>"#;
        check(bomb, "a document type is refused");
        check("<x>&b;</x>", "an entity that XML does not define");
        check("<x>&#65;&lt;</x>", r#"{ x = "A<" }"#);
    }

    #[test]
    fn nesting_has_a_bound_and_what_is_cut_off_is_refused() {
        check(&"<a>".repeat(100_000), "nested deeper than 64");
        assert!(parse(b"<a><b>1</b>", &BTreeMap::new()).is_err());
        assert!(parse(b"<a></b>", &BTreeMap::new()).is_err());
        check("", "there is not exactly one root element");
        check("<a/><b/>", "there is not exactly one root element");
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _either = parse(&bytes, &BTreeMap::new());
        }

        #[test]
        fn escaped_text_reads_back(text in "[a-z<>&\"' é\n]{1,20}[a-z]") {
            let mut out = String::from("<a>a");
            push_escaped(&text, &mut out).unwrap();
            out.push_str("</a>");
            let value = parse(out.as_bytes(), &BTreeMap::new()).unwrap();
            let expect = format!("a{text}");
            proptest::prop_assert_eq!(value.get("a").and_then(Value::as_text), Some(expect.as_str()));
        }
    }
}
