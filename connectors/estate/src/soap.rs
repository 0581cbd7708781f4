//! SOAP 1.1 as Workday speaks it: an element tree in, an envelope out.
//!
//! - No namespace is resolved: names are local names, which is enough for a server that knows its own operations.
//! - No document deeper than [`DEPTH_MAX`] or larger than [`ELEMENTS_MAX`] elements is read.

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::escape::{escape, resolve_predefined_entity};
use quick_xml::events::{BytesStart, Event};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// How deep elements may be nested.
const DEPTH_MAX: usize = 64;
/// How many elements one document may have.
const ELEMENTS_MAX: usize = 50_000;

/// One element: local name, attributes, children, its own text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) children: Vec<Element>,
    pub(crate) text: String,
}

impl Element {
    pub(crate) fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The element at a path such as `Response_Filter/Page`.
    pub(crate) fn at(&self, path: &str) -> Option<&Element> {
        path.split('/').try_fold(self, |element, name| element.child(name))
    }

    /// The trimmed text at a path; `None` when it is absent or empty.
    pub(crate) fn text_at(&self, path: &str) -> Option<&str> {
        self.at(path).map(|element| element.text.trim()).filter(|text| !text.is_empty())
    }

    /// Whether the text at a path is an XML `true`.
    pub(crate) fn is_true(&self, path: &str) -> bool {
        matches!(self.text_at(path), Some("true" | "1"))
    }

    /// The element as JSON: attributes as `@name`, its text as `#text`, what stands there twice as a list.
    pub(crate) fn json(&self) -> Value {
        let text = self.text.trim();
        if self.attributes.is_empty() && self.children.is_empty() {
            return json!(text);
        }
        let mut members = Map::new();
        for (name, value) in &self.attributes {
            members.insert(format!("@{name}"), json!(value));
        }
        if !text.is_empty() {
            members.insert("#text".to_owned(), json!(text));
        }
        for child in &self.children {
            let value = child.json();
            match members.get_mut(&child.name) {
                None => drop(members.insert(child.name.clone(), value)),
                Some(Value::Array(items)) => items.push(value),
                Some(first) => *first = Value::Array(vec![first.take(), value]),
            }
        }
        Value::Object(members)
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Reads a document.
pub(crate) fn parse(text: &str) -> Result<Element, String> {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = vec![Element::default()];
    let mut count = 0_usize;
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(start) => {
                count += 1;
                if open.len() > DEPTH_MAX || count > ELEMENTS_MAX {
                    return Err("the document is too deep or too large".to_owned());
                }
                open.push(opened(&start)?);
            }
            Event::Empty(start) => {
                count += 1;
                let element = opened(&start)?;
                last(&mut open)?.children.push(element);
            }
            Event::End(_) => {
                let done = open.pop().ok_or("an element ends that never began")?;
                last(&mut open)?.children.push(done);
            }
            Event::Text(piece) => last(&mut open)?.text.push_str(&piece.xml10_content()),
            Event::CData(piece) => last(&mut open)?.text.push_str(&piece.xml10_content()),
            Event::GeneralRef(reference) => {
                let plain = match reference.resolve_char_ref().map_err(|error| error.to_string())? {
                    Some(letter) => letter.to_string(),
                    None => resolve_predefined_entity(&reference).ok_or("an unknown entity")?.to_owned(),
                };
                last(&mut open)?.text.push_str(&plain);
            }
            Event::DocType(_) => return Err("a document type declaration is refused".to_owned()),
            Event::Eof => break,
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
        }
    }
    let mut top = open.pop().filter(|_| open.is_empty()).ok_or("an element does not end")?;
    if top.children.len() != 1 {
        return Err("there is not exactly one root element".to_owned());
    }
    Ok(top.children.remove(0))
}

fn last(open: &mut [Element]) -> Result<&mut Element, String> {
    open.last_mut().ok_or_else(|| "an element ends that never began".to_owned())
}

fn opened(start: &BytesStart<'_>) -> Result<Element, String> {
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| error.to_string())?;
        attributes.push((local(attribute.key.0).to_owned(), value.into_owned()));
    }
    Ok(Element { name: local(start.name().0).to_owned(), attributes, ..Element::default() })
}

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// A writer of `wd:` elements.
#[derive(Debug, Default)]
pub(crate) struct Xml {
    out: String,
}

impl Xml {
    fn put(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        self.out.write_fmt(text).ok();
    }

    /// An element around what `inside` writes; nothing at all when it writes nothing.
    pub(crate) fn block(&mut self, name: &str, inside: impl FnOnce(&mut Self)) {
        let at = self.out.len();
        self.put(format_args!("<wd:{name}>"));
        let from = self.out.len();
        inside(self);
        if self.out.len() == from {
            self.out.truncate(at);
        } else {
            self.put(format_args!("</wd:{name}>"));
        }
    }

    /// An element with one attribute around what `inside` writes.
    pub(crate) fn marked(&mut self, name: &str, (mark, value): (&str, &str), inside: impl FnOnce(&mut Self)) {
        self.put(format_args!(r#"<wd:{name} wd:{mark}="{}">"#, escape(value)));
        inside(self);
        self.put(format_args!("</wd:{name}>"));
    }

    /// The members of a JSON object, as [`Element::json`] gives them.
    pub(crate) fn members(&mut self, value: &Value) {
        let elements = value.as_object().into_iter().flatten();
        for (name, member) in elements.filter(|(name, _)| !name.starts_with(['@', '#'])) {
            match member {
                Value::Null => {}
                Value::Array(items) => items.iter().for_each(|item| self.members(&json!({name: item}))),
                Value::Object(below) => {
                    self.put(format_args!("<wd:{name}"));
                    for (mark, value) in below {
                        if let Some(mark) = mark.strip_prefix('@') {
                            self.put(format_args!(r#" wd:{mark}="{}""#, escape(plain(value))));
                        }
                    }
                    let text = below.get("#text").map(plain).unwrap_or_default();
                    self.put(format_args!(">{}", escape(text)));
                    self.members(member);
                    self.put(format_args!("</wd:{name}>"));
                }
                other => self.leaf(name, &plain(other)),
            }
        }
    }

    /// An element with text.
    pub(crate) fn leaf(&mut self, name: &str, text: &str) {
        self.put(format_args!("<wd:{name}>{}</wd:{name}>", escape(text)));
    }

    pub(crate) fn flag(&mut self, name: &str, value: bool) {
        self.leaf(name, if value { "1" } else { "0" });
    }

    /// An object reference: one `ID` for each pair of type and id.
    pub(crate) fn reference(&mut self, name: &str, descriptor: Option<&str>, ids: &[(&str, &str)]) {
        let attribute =
            descriptor.map_or(String::new(), |text| format!(r#" wd:Descriptor="{}""#, escape(text)));
        self.put(format_args!("<wd:{name}{attribute}>"));
        for (kind, id) in ids {
            self.put(format_args!(r#"<wd:ID wd:type="{kind}">{}</wd:ID>"#, escape(*id)));
        }
        self.put(format_args!("</wd:{name}>"));
    }

    /// The envelope around a response element.
    pub(crate) fn response(self, name: &str, version: &str) -> String {
        format!(
            concat!(
                r#"<?xml version="1.0" encoding="UTF-8"?>"#,
                r#"<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"><env:Body>"#,
                r#"<wd:{name} xmlns:wd="urn:com.workday/bsvc" wd:version="{version}">{inside}</wd:{name}>"#,
                r"</env:Body></env:Envelope>"
            ),
            name = name,
            version = escape(version),
            inside = self.out
        )
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// An envelope with nothing in its body.
pub(crate) fn nothing() -> String {
    concat!(
        r#"<?xml version="1.0" encoding="UTF-8"?>"#,
        r#"<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"><env:Body/></env:Envelope>"#
    )
    .to_owned()
}

/// A SOAP fault; `detail` is the name of Workday's detail element, when there is one.
pub(crate) fn fault(code: &str, text: &str, detail: Option<&str>) -> String {
    let text = escape(text);
    let detail = detail.map_or(String::new(), |name| {
        let error = name.replace("_Fault", "_Error");
        let inside = if name == "Validation_Fault" {
            format!("<wd:{error}><wd:Message>{text}</wd:Message><wd:Detail_Message>{text}</wd:Detail_Message></wd:{error}>")
        } else {
            format!("<wd:Detail_Message>{text}</wd:Detail_Message>")
        };
        format!(r#"<detail><wd:{name} xmlns:wd="urn:com.workday/bsvc">{inside}</wd:{name}></detail>"#)
    });
    format!(
        concat!(
            r#"<?xml version="1.0" encoding="UTF-8"?>"#,
            r#"<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"><SOAP-ENV:Body>"#,
            r"<SOAP-ENV:Fault><faultcode>SOAP-ENV:{code}</faultcode><faultstring>{text}</faultstring>{detail}",
            r"</SOAP-ENV:Fault></SOAP-ENV:Body></SOAP-ENV:Envelope>"
        ),
        code = code,
        text = text,
        detail = detail
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read_with_its_entities_and_without_its_prefixes() {
        let root =
            parse(r#"<a:x n:v="1 &amp; 2"><y>R&amp;D &#x41;</y><y/><![CDATA[<z>]]></a:x>"#).expect("a tree");
        assert_eq!((root.name.as_str(), root.attribute("v")), ("x", Some("1 & 2")));
        assert_eq!(root.text_at("y"), Some("R&D A"));
        assert_eq!(root.all("y").count(), 2);
        assert_eq!(root.text, "<z>");
    }

    #[test]
    fn what_is_not_one_finite_document_is_refused() {
        for text in ["", "<a>", "<a></b>", "<a/><b/>", "<!DOCTYPE a><a/>", "<a>&made_up;</a>"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse(&"<a>".repeat(DEPTH_MAX + 2)).is_err());
    }

    #[test]
    fn what_an_element_says_as_json_is_written_as_it_was_read() {
        let text = r#"<wd:a wd:v="1"><wd:b wd:t="x">y &amp; z</wd:b><wd:c>1</wd:c><wd:c>2</wd:c></wd:a>"#;
        let json = parse(text).expect("a tree").json();
        assert_eq!(json, json!({"@v": "1", "b": {"@t": "x", "#text": "y & z"}, "c": ["1", "2"]}));
        let mut xml = Xml::default();
        xml.members(&json!({"a": json}));
        assert_eq!(xml.out, text);
    }

    #[test]
    fn an_envelope_that_was_written_can_be_read() {
        let mut xml = Xml::default();
        xml.block("Empty", |_| {});
        xml.block("Event", |xml| xml.reference("Event_Reference", Some("a \"b\""), &[("WID", "1<2")]));
        let root = parse(&xml.response("R", "v31.2")).expect("a tree");
        let response = root.at("Body/R").expect("a response");
        assert!(response.child("Empty").is_none());
        assert_eq!(response.text_at("Event/Event_Reference/ID"), Some("1<2"));
        let fault =
            parse(&fault("Client.validationError", "no & never", Some("Validation_Fault"))).expect("a tree");
        assert_eq!(
            fault.text_at("Body/Fault/detail/Validation_Fault/Validation_Error/Message"),
            Some("no & never")
        );
    }
}
