//! The subset of Okta's `search` and `filter` expressions that clients use: comparisons joined by `and` and `or`.
//!
//! - No brackets, no `not`; what is not understood is refused, never ignored.

use crate::clock;
use serde_json::Value;

/// Comparisons that one expression may hold.
const TERMS_MAX: usize = 50;

#[derive(Debug, PartialEq, Eq)]
enum Op {
    Equal,
    NotEqual,
    Starts,
    Contains,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Present,
}

#[derive(Debug)]
struct Term {
    path: String,
    op: Op,
    value: String,
}

/// An expression: any of the outer list holds when all of its inner list hold.
#[derive(Debug)]
pub(super) struct Search(Vec<Vec<Term>>);

impl Search {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let words = words(text)?;
        let mut words = words.iter();
        let mut any = vec![Vec::new()];
        for _ in 0..TERMS_MAX {
            let term = Term::parse(&mut words)?;
            any.last_mut().ok_or("a comparison is missing")?.push(term);
            match words.next().map(|word| word.to_lowercase()).as_deref() {
                None => return Ok(Self(any)),
                Some("and") => {}
                Some("or") => any.push(Vec::new()),
                Some(other) => return Err(format!("`{other}` is not expected here")),
            }
        }
        Err("too many comparisons".to_owned())
    }

    pub(super) fn fits(&self, object: &Value) -> bool {
        self.0.iter().any(|all| all.iter().all(|term| term.fits(object)))
    }
}

impl Term {
    fn parse<'a>(words: &mut impl Iterator<Item = &'a String>) -> Result<Self, String> {
        let path = words.next().ok_or("a comparison is missing")?.clone();
        if !path.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_')) {
            return Err(format!("`{path}` is no attribute"));
        }
        let op = operator(words.next().ok_or("an operator is missing")?)?;
        let value = match op {
            Op::Present => String::new(),
            _ => words.next().ok_or("a value is missing")?.trim_matches('"').to_owned(),
        };
        Ok(Self { path, op, value })
    }

    fn fits(&self, object: &Value) -> bool {
        let found = self.path.split('.').fold(object, |value, name| &value[name]);
        let text = match found {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
        let Some(text) = text else { return self.op == Op::NotEqual };
        let (have, want) = (text.to_lowercase(), self.value.to_lowercase());
        let order = match (clock::parse(&text), clock::parse(&self.value)) {
            (Some(have), Some(want)) => have.cmp(&want),
            _ => have.cmp(&want),
        };
        match self.op {
            Op::Equal => have == want,
            Op::NotEqual => have != want,
            Op::Starts => have.starts_with(&want),
            Op::Contains => have.contains(&want),
            Op::Greater => order.is_gt(),
            Op::GreaterOrEqual => order.is_ge(),
            Op::Less => order.is_lt(),
            Op::LessOrEqual => order.is_le(),
            Op::Present => true,
        }
    }
}

fn operator(word: &str) -> Result<Op, String> {
    Ok(match word.to_lowercase().as_str() {
        "eq" => Op::Equal,
        "ne" => Op::NotEqual,
        "sw" => Op::Starts,
        "co" => Op::Contains,
        "gt" => Op::Greater,
        "ge" => Op::GreaterOrEqual,
        "lt" => Op::Less,
        "le" => Op::LessOrEqual,
        "pr" => Op::Present,
        other => return Err(format!("`{other}` is no operator")),
    })
}

/// Words by white space, quoted ones kept whole with their quotes.
fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut is_quoted = false;
    for letter in text.chars() {
        match letter {
            '"' => {
                is_quoted = !is_quoted;
                word.push(letter);
            }
            ' ' if !is_quoted => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            _ => word.push(letter),
        }
    }
    if is_quoted {
        return Err("a quote does not end".to_owned());
    }
    if !word.is_empty() {
        words.push(word);
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(text: &str, expect: Option<bool>) {
        let user = json!({"status": "ACTIVE", "lastUpdated": "2026-11-21T10:00:00.000Z",
            "profile": {"login": "sarah.chen@acme.example", "department": "Field Engineering"}});
        assert_eq!(Search::parse(text).ok().map(|search| search.fits(&user)), expect, "{text}");
    }

    #[test]
    fn an_expression_selects_as_okta_does() {
        check(r#"profile.login eq "Sarah.Chen@acme.example""#, Some(true));
        check(r#"profile.department eq "Field Engineering" and status eq "STAGED""#, Some(false));
        check(r#"status eq "STAGED" or profile.login sw "sarah""#, Some(true));
        check(r#"lastUpdated gt "2026-11-21T09:59:59Z""#, Some(true));
        check("profile.manager pr", Some(false));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for text in
            ["", "status", "status is \"x\"", "status eq \"x", "status eq \"x\" and", "a eq b c", "(a eq b)"]
        {
            check(text, None);
        }
    }
}
