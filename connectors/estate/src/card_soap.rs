//! SOAP requests against the element trees of their cards.
//!
//! - Below the top level no order is judged: a card lists required elements first, and where it was cut it lists
//!   nothing, so its order there is not the vendor's.
//! - `Business_Process_Parameters` may stand first or last: the card has it last, the vendor's own samples first.

use crate::clock;
use crate::soap::{self, Element};
use crate::wire::Reply;
use serde_json::Value;

/// Checks the request element of an operation.
pub(crate) fn check(card: &Value, root: &Element) -> Result<(), String> {
    let expected = card["request_element"].as_str().unwrap_or_default();
    if root.name != expected {
        return Err(format!("the request element is `{}`, not `{expected}`", root.name));
    }
    for path in card["required_paths"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let path = path.replace("[]", "");
        if is_reached(root, &path) && root.at(&path).is_none() {
            return Err(format!("element `{path}` is missing"));
        }
    }
    in_order(card, root)?;
    tree(&card["request_elements"], root, expected)
}

/// Checks a good answer: its element, and the elements in it.
pub(crate) fn check_answer(card: &Value, reply: &Reply) -> Result<(), String> {
    if reply.status != 200 {
        return Ok(());
    }
    let text = std::str::from_utf8(&reply.body).map_err(|_| "the answer is no text".to_owned())?;
    let envelope = soap::parse(text)?;
    let body = envelope.child("Body").and_then(|body| body.children.first());
    let Some(expected) = card["response_element"].as_str() else { return Ok(()) };
    let root = body.ok_or("the SOAP body of the answer is empty")?;
    if root.name != expected {
        return Err(format!("the element of the answer is `{}`, not `{expected}`", root.name));
    }
    tree(&card["response_elements"], root, expected)
}

/// A path is required only where its parent is there.
fn is_reached(root: &Element, path: &str) -> bool {
    path.rsplit_once('/').is_none_or(|(parent, _)| root.at(parent).is_some())
}

fn in_order(card: &Value, root: &Element) -> Result<(), String> {
    let order: Vec<&str> =
        card["element_order"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut last = 0;
    for child in root.children.iter().filter(|child| child.name != "Business_Process_Parameters") {
        let Some(at) = order.iter().position(|name| *name == child.name) else { continue };
        if at < last {
            return Err(format!(
                "element `{}` comes too late: the order is {}",
                child.name,
                order.join(", ")
            ));
        }
        last = at;
    }
    Ok(())
}

fn tree(node: &Value, element: &Element, path: &str) -> Result<(), String> {
    if !node["cut"].is_null() {
        return Ok(());
    }
    if let Some(kind) = node["xsd"].as_str() {
        judge_text(kind, element.text.trim(), path)?;
    }
    for (name, need) in node["attributes"].as_object().into_iter().flatten() {
        if need == "required" && element.attribute(name).is_none() {
            return Err(format!("`{path}` has no attribute `{name}`"));
        }
    }
    let Some(known) = node["elements"].as_object() else {
        return if element.children.is_empty() { Ok(()) } else { Err(format!("`{path}` takes no elements")) };
    };
    for child in &element.children {
        let below = format!("{path}/{}", child.name);
        let Some(own) = known.get(&child.name) else {
            let more = node["more_optional"].as_array().into_iter().flatten();
            if more.into_iter().any(|name| name == child.name.as_str()) {
                continue;
            }
            return Err(format!("`{below}` is no element that the card knows"));
        };
        if own["list"] != true && element.all(&child.name).count() > 1 {
            return Err(format!("`{below}` stands there more than once"));
        }
        tree(own, child, &below)?;
    }
    Ok(())
}

fn judge_text(kind: &str, text: &str, path: &str) -> Result<(), String> {
    let is_fine = match kind {
        "date" => clock::day(text).is_some(),
        "dateTime" => clock::parse(text).is_some(),
        "boolean" => matches!(text, "true" | "false" | "0" | "1"),
        "number" => text.parse::<f64>().is_ok(),
        _ => true,
    };
    if is_fine { Ok(()) } else { Err(format!("`{path}` is no {kind}")) }
}

#[cfg(test)]
mod tests {
    use crate::soap;
    use serde_json::json;

    fn check(inside: &str, expect: Option<&str>) {
        let card = json!({
            "request_element": "R", "required_paths": ["Data", "Data/When"],
            "element_order": ["Data", "More", "Business_Process_Parameters"],
            "request_elements": {"elements": {
                "Data": {"required": true, "elements": {"When": {"xsd": "date"}, "Who": {"elements": {
                    "ID": {"list": true, "text": true, "attributes": {"type": "required"}}}}}},
                "More": {"xsd": "boolean"}, "Business_Process_Parameters": {"cut": "depth"}}, "more_optional": ["Rest"]},
        });
        let found = super::check(&card, &soap::parse(&format!("<R>{inside}</R>")).expect("a tree")).err();
        match expect {
            None => assert_eq!(found, None, "{inside}"),
            Some(part) => assert!(found.as_deref().is_some_and(|text| text.contains(part)), "{found:?}"),
        }
    }

    #[test]
    fn a_request_is_held_against_its_element_tree() {
        check("<Data><When>2027-01-01</When></Data><More>1</More><Rest/>", None);
        check(
            "<Business_Process_Parameters><x/></Business_Process_Parameters><Data><When>2027-01-01</When></Data>",
            None,
        );
        check("<More>1</More>", Some("`Data` is missing"));
        check("<Data/>", Some("`Data/When` is missing"));
        check("<Data><When>soon</When></Data>", Some("no date"));
        check("<More>1</More><Data><When>2027-01-01</When></Data>", Some("too late"));
        check("<Data><When>2027-01-01</When><Why/></Data>", Some("`R/Data/Why`"));
        check("<Data><When>2027-01-01</When><Who><ID>1</ID></Who></Data>", Some("no attribute `type`"));
        check("<Data><When>2027-01-01</When><When>2027-01-01</When></Data>", Some("more than once"));
    }
}
