//! Holes and conditions of a description: `<body.user.id>` is what the request's body says there.
//!
//! - No effect: a template, the names that are in sight, and a value.
//! - A text that is one hole and nothing else becomes the value itself, of whatever type; any other text takes its holes as
//!   text. A member whose name starts with `?` is left out where its value is nothing.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What is in sight: a name, and what it stands for.
pub(crate) type Scope = BTreeMap<String, Value>;

/// A comparison of a field with a template.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    pub(crate) field: String,
    pub(crate) op: Op,
    pub(crate) value: String,
}

/// How a field is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Is,
    IsNot,
    /// A list that has it, or a text in which it stands.
    Has,
    /// As `Is`, and true where nothing is asked.
    IsIfAsked,
    There,
    NotThere,
}

impl Condition {
    /// Reads `a=b`, `a!=b`, `a~b`, `a?=b`, `a` and `!a`.
    pub(crate) fn parse(word: &str) -> Self {
        for (sign, op) in [("?=", Op::IsIfAsked), ("!=", Op::IsNot), ("=", Op::Is), ("~", Op::Has)] {
            if let Some((field, value)) = word.split_once(sign) {
                return Self { field: field.to_owned(), op, value: value.to_owned() };
            }
        }
        let (field, op) = word.strip_prefix('!').map_or((word, Op::There), |field| (field, Op::NotThere));
        Self { field: field.to_owned(), op, value: String::new() }
    }

    /// Whether it holds of `subject`; its value is filled from `scope`.
    pub(crate) fn holds(&self, subject: &Value, scope: &Scope) -> bool {
        // A field with a form is read as a hole is.
        let found =
            if self.field.contains('|') { look(&self.field, scope) } else { at(subject, &self.field) };
        let wanted = fill_text(&self.value, scope);
        match self.op {
            Op::There => !is_nothing(&found),
            Op::NotThere => is_nothing(&found),
            Op::Is => same(&found, &wanted),
            Op::IsNot => !same(&found, &wanted),
            Op::IsIfAsked => is_nothing(&wanted) || same(&found, &wanted),
            Op::Has => match &found {
                Value::Array(items) => items.iter().any(|item| same(item, &wanted)),
                other => shown(other).to_lowercase().contains(&shown(&wanted).to_lowercase()),
            },
        }
    }
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value == &json!("")
}

/// Equal as values, or as texts in any case: addresses and logins have no case, and a query has no numbers.
pub(crate) fn same(left: &Value, right: &Value) -> bool {
    left == right || shown(left).eq_ignore_ascii_case(&shown(right))
}

/// A value as text: without quotes, nothing as the empty text.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// What stands at a dotted path; a number picks an item of a list, and nothing is nothing.
pub(crate) fn at(value: &Value, path: &str) -> Value {
    let mut here = value;
    let mut rest = path;
    while !rest.is_empty() {
        // Some members have dots in their names: the longest name that exists wins.
        if let Some(found) = here.get(rest) {
            return found.clone();
        }
        let (name, more) = rest.split_once('.').unwrap_or((rest, ""));
        let next = match here {
            Value::Array(items) => name.parse::<usize>().ok().and_then(|index| items.get(index)),
            other => other.get(name),
        };
        let Some(next) = next else { return Value::Null };
        (here, rest) = (next, more);
    }
    here.clone()
}

fn look(hole: &str, scope: &Scope) -> Value {
    let (path, form) = hole.split_once('|').unwrap_or((hole, ""));
    let (root, rest) = path.split_once('.').unwrap_or((path, ""));
    let value = match scope.get(root) {
        Some(value) => at(value, rest),
        // A bare name is a parameter of the path.
        None if rest.is_empty() => scope.get("path").map_or(Value::Null, |all| at(all, root)),
        None => Value::Null,
    };
    match form {
        "int" => shown(&value).parse::<i64>().map_or(Value::Null, |number| json!(number)),
        "next" => value.as_i64().map_or(Value::Null, |number| json!(number.saturating_add(1))),
        "text" => json!(shown(&value)),
        "lower" => json!(shown(&value).to_lowercase()),
        "bool" => json!(shown(&value) == "true"),
        "last" => json!(shown(&value).trim_end_matches('/').rsplit('/').next().unwrap_or_default()),
        "list" if value.is_null() => json!([]),
        "list" if !value.is_array() => json!([value]),
        "split" => {
            json!(shown(&value).split(',').map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>())
        }
        "quoted" => shown(&value).split('"').nth(1).map_or(Value::Null, |text| json!(text)),
        "called" => shown(&value).split('\'').nth(1).map_or(Value::Null, |text| json!(text)),
        "names" => value.as_object().map_or(Value::Null, |all| json!(all.keys().collect::<Vec<_>>())),
        "filled" => fill(&value, scope),
        "set" if is_nothing(&value) => Value::Null,
        "count" => json!(value.as_array().map_or(0, Vec::len)),
        // A question in SQL, and in what vendors have made of it.
        "columns" => between(&shown(&value), "SELECT ", " FROM "),
        "table" => between(&shown(&value), " FROM ", " "),
        "where" => between(&shown(&value), " WHERE ", " ORDER BY "),
        _ => match form.strip_prefix("named:") {
            Some(names) => named(&value, &shown(&look(names, scope))),
            None => value,
        },
    }
}

/// What stands in `text` behind `start` and before `end`, or to the end of the text.
fn between(text: &str, start: &str, end: &str) -> Value {
    let Some((_, rest)) = text.split_once(start) else { return Value::Null };
    json!(rest.split_once(end).map_or(rest, |(found, _)| found).trim())
}

/// The members of an object that `names` asks for, joined by commas; what is not there is shown as nothing. Whoever asks for no
/// names is shown all.
fn named(object: &Value, names: &str) -> Value {
    if names.is_empty() {
        return object.clone();
    }
    let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
    Value::Object(names.map(|name| (name.to_owned(), at(object, name))).collect())
}

/// Fills a text; a text of one hole alone gives the value.
pub(crate) fn fill_text(text: &str, scope: &Scope) -> Value {
    if let Some(hole) = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'))
        && !hole.contains(['<', '>'])
    {
        return look(hole, scope);
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        match after.split_once('>') {
            Some((hole, more)) if !hole.contains([' ', '<']) => {
                out.push_str(&shown(&look(hole, scope)));
                rest = more;
            }
            _ => {
                out.push('<');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    Value::String(out)
}

/// Fills a value.
pub(crate) fn fill(template: &Value, scope: &Scope) -> Value {
    match template {
        Value::String(text) => fill_text(text, scope),
        Value::Array(items) => Value::Array(items.iter().map(|item| fill(item, scope)).collect()),
        Value::Object(members) => {
            let mut out = Map::new();
            for (name, member) in members {
                let value = fill(member, scope);
                match name.strip_prefix('?') {
                    Some(_) if value.is_null() => {}
                    Some(name) => {
                        out.insert(shown(&fill_text(name, scope)), value);
                    }
                    None if name == "+" => out.extend(value.as_object().cloned().unwrap_or_default()),
                    None => {
                        out.insert(shown(&fill_text(name, scope)), value);
                    }
                }
            }
            Value::Object(out)
        }
        other => other.clone(),
    }
}

/// Lays `patch` over `target`, objects member by member; nothing takes a member away.
pub(crate) fn overlay(target: &mut Value, patch: &Value) {
    let (Value::Object(members), true) = (patch, target.is_object()) else {
        *target = without_nothing(patch);
        return;
    };
    let Some(map) = target.as_object_mut() else { return };
    for (name, value) in members {
        if value.is_null() {
            map.remove(name);
        } else {
            overlay(map.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

/// The same without members that are nothing: a store keeps none of them, so that what is undone is as it was.
pub(crate) fn without_nothing(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(name, value)| (name.clone(), without_nothing(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(without_nothing).collect()),
        other => other.clone(),
    }
}

/// The same without the store's own members, whose names begin with `$`: what links objects is not what a system shows.
pub(crate) fn open(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.into_iter().filter(|(name, _)| !name.starts_with('$'));
            Value::Object(kept.map(|(name, value)| (name, open(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(open).collect()),
        other => other,
    }
}

/// Whether `filter` holds of `item`: comparisons `field eq "value"` (also `=` and `==`, single quotes, no quotes) joined by `and`
/// (also `&&` and `^`).
/// `None` where it says anything else.
pub(crate) fn filtered(item: &Value, filter: &str) -> Option<bool> {
    let mut all = true;
    for part in filter.replace(" AND ", " and ").replace("&&", " and ").replace('^', " and ").split(" and ") {
        let part = part.trim().trim_start_matches('(').trim_end_matches(')');
        let (field, value) =
            [" eq ", " EQ ", "==", "=", ":"].iter().find_map(|sign| part.split_once(sign))?;
        let value = value.trim().trim_matches(['"', '\'']);
        let field = field.trim().replace('/', ".");
        let found = at(item, &field);
        // A field of the items of a list: one of them is enough.
        let within = field.split_once('.').map(|(list, rest)| (at(item, list), rest.to_owned()));
        let nested = within.and_then(|(list, rest)| {
            let items = list.as_array().cloned()?;
            Some(items.iter().any(|one| same(&at(one, &rest), &json!(value))))
        });
        all &= nested.unwrap_or_else(|| same(&found, &json!(value)));
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope() -> Scope {
        let body = json!({"name": "a", "user": {"id": 7}, "tags": ["x"], "dotted.name": 1,
            "asked": "name, tags,gone", "question": "SELECT Id, Name FROM User WHERE Name = 'x' ORDER BY Id"});
        Scope::from([("body".to_owned(), body), ("path".to_owned(), json!({"id": "d-1"}))])
    }

    #[test]
    fn a_hole_alone_keeps_its_type_and_others_become_text() {
        let check = |template: Value, expect: Value| assert_eq!(fill(&template, &scope()), expect);
        check(json!({"n": "<body.user.id>", "t": "u-<body.user.id>"}), json!({"n": 7, "t": "u-7"}));
        check(json!({"?gone": "<body.gone>", "kept": "<body.gone>"}), json!({"kept": null}));
        check(json!("<id>"), json!("d-1"));
        check(json!("<body.dotted.name>"), json!(1));
        check(json!("a < b"), json!("a < b"));
        check(json!({"+": "<body|named:body.asked>"}), json!({"name": "a", "tags": ["x"], "gone": null}));
        check(json!("<body.question|table>"), json!("User"));
        check(json!("<body.question|where>"), json!("Name = 'x'"));
        check(json!("<body.question|columns>"), json!("Id, Name"));
    }

    #[test]
    fn conditions_say_what_they_look_like() {
        let check = |word: &str, expect: bool| {
            let subject = json!({"a": "X", "list": ["x", 2], "n": 3});
            assert_eq!(Condition::parse(word).holds(&subject, &scope()), expect, "{word}");
        };
        check("a=x", true);
        check("a!=x", false);
        check("list~2", true);
        check("list~y", false);
        check("n=<body.gone>", false);
        check("n?=<body.gone>", true);
        check("!b", true);
        check("a", true);
        check("body.question|table=User", true);
    }

    #[test]
    fn an_overlay_takes_away_what_it_says_is_nothing() {
        let mut target = json!({"a": 1, "b": {"c": 2, "d": 3}});
        overlay(&mut target, &json!({"a": null, "b": {"c": 4}, "e": null}));
        assert_eq!(target, json!({"b": {"c": 4, "d": 3}}));
    }

    #[test]
    fn a_filter_that_is_not_understood_is_no_answer() {
        let item = json!({"userName": "a@b", "emails": [{"value": "x"}]});
        assert_eq!(filtered(&item, "userName eq \"A@b\""), Some(true));
        assert_eq!(filtered(&item, "emails.value eq 'x' and userName eq 'z'"), Some(false));
        assert_eq!(filtered(&item, "startswith(userName, 'a')"), None);
    }
}
