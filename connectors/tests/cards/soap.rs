//! SOAP requests against their cards.

use super::path::fits;
use serde_json::Value as Json;
use xops_kernel::port::Request;
use xops_kernel::value::Value;

/// A SOAP request: the service and operation, the required paths, nothing unknown, the order of the top level.
pub(super) fn check_soap(cards: &Json, title: &str, request: &Request) {
    let text = String::from_utf8(request.body.clone()).unwrap();
    let body = xops_connectors::xml::parse(&request.body, &std::collections::BTreeMap::new()).unwrap();
    let Some(Value::Map(inside)) = body.get("Envelope").and_then(|envelope| envelope.get("Body")).cloned()
    else {
        panic!("{title}: no envelope")
    };
    let (element, content) = inside.iter().next().unwrap();
    let path = xops_connectors::sample::path_of(&request.url);
    let of_card = |card: &&Json| {
        let template = card["path"].as_str().unwrap().split('#').next().unwrap();
        card["request_element"] == element.as_str() && fits(template, path)
    };
    let card = cards["cards"].as_array().unwrap().iter().find(of_card);
    let card = card.unwrap_or_else(|| panic!("{title}: no card describes {element} at {path}"));
    assert_eq!(request.content_type.as_deref(), Some("text/xml; charset=utf-8"), "{title}");
    for required in card["required_paths"].as_array().unwrap() {
        let required = required.as_str().unwrap().replace("[]", "");
        let found = required.split('/').try_fold(content, |at, name| at.get(name));
        assert!(found.is_some(), "{title}: lacks {required}");
    }
    known(&card["request_elements"], content, title);
    let order = card["element_order"].as_array().unwrap().iter().filter_map(Json::as_str);
    let places: Vec<usize> = order.filter_map(|name| text.find(&format!("<b:{name}>"))).collect();
    assert!(places.is_sorted(), "{title}: the elements are out of order");
}

fn known(declared: &Json, found: &Value, at: &str) {
    if declared.get("cut").is_some() {
        return;
    }
    match found {
        Value::List(items) => items.iter().for_each(|item| known(declared, item, at)),
        Value::Map(members) => {
            for (name, member) in members {
                let place = format!("{at}/{name}");
                if let Some(attribute) = name.strip_prefix('@') {
                    assert!(declared["attributes"].get(attribute).is_some(), "{place}: no such attribute");
                } else if name != "#text" {
                    let optional = declared["more_optional"].as_array().into_iter().flatten();
                    let listed = optional.into_iter().any(|one| one == name.as_str());
                    let inner = declared["elements"].get(name);
                    assert!(listed || inner.is_some(), "{place}: no such element");
                    if let Some(inner) = inner {
                        known(inner, member, &place);
                    }
                }
            }
        }
        _ => {}
    }
}
