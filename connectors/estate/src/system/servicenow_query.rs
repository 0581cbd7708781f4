//! Encoded queries: `field=value^field>=value^ORfield=value^NQ...^ORDERBYfield`.
//!
//! - What the table does not have is ignored, as `ServiceNow` does unless it is told otherwise: a condition on an
//!   unknown field, or one whose operator is unknown, drops out, and the query returns more and not less.
//! - No functions of the server (`javascript:`): such a value is compared as text.

use serde_json::Value;
use std::cmp::Ordering;

/// Conditions that one query may hold; the rest is dropped.
const CONDITIONS_MAX: usize = 200;

/// Operators, longer ones before those that they start with.
const OPERATORS: &[(&str, Op)] = &[
    ("ISNOTEMPTY", Op::Present),
    ("ISEMPTY", Op::Empty),
    ("NOT LIKE", Op::Lacks),
    ("NOT IN", Op::NotIn),
    ("STARTSWITH", Op::Starts),
    ("ENDSWITH", Op::Ends),
    ("CONTAINS", Op::Contains),
    ("LIKE", Op::Contains),
    ("IN", Op::In),
    ("!=", Op::Differs),
    (">=", Op::AtLeast),
    ("<=", Op::AtMost),
    ("=", Op::Equals),
    (">", Op::More),
    ("<", Op::Less),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Present,
    Empty,
    Lacks,
    NotIn,
    Starts,
    Ends,
    Contains,
    In,
    Differs,
    AtLeast,
    AtMost,
    Equals,
    More,
    Less,
}

#[derive(Debug)]
struct Condition {
    field: String,
    op: Op,
    value: String,
}

/// A query: any part holds when every group of it holds; a group holds when any of its conditions does.
#[derive(Debug)]
pub(super) struct Query {
    parts: Vec<Vec<Vec<Condition>>>,
    order: Vec<(String, bool)>,
}

/// The value of a field of a record, through references where the name has dots.
pub(super) fn read<'a>(
    record: &'a Value,
    field: &str,
    find: &dyn Fn(&str, &str) -> Option<&'a Value>,
    target: &dyn Fn(&str) -> Option<&'static str>,
) -> Option<String> {
    let Some((reference, rest)) = field.split_once('.') else {
        return record[field].as_str().map(str::to_owned);
    };
    let table = target(reference)?;
    let next = find(table, record[reference].as_str()?)?;
    next[rest].as_str().map(str::to_owned)
}

impl Query {
    pub(super) fn parse(text: &str, is_field: &dyn Fn(&str) -> bool) -> Self {
        let mut query = Self { parts: vec![Vec::new()], order: Vec::new() };
        for piece in text.split('^').filter(|piece| !piece.is_empty()).take(CONDITIONS_MAX) {
            if let Some(fields) = piece.strip_prefix("ORDERBYDESC") {
                query.order_by(fields, true, is_field);
            } else if let Some(fields) = piece.strip_prefix("ORDERBY") {
                query.order_by(fields, false, is_field);
            } else if let Some(first) = piece.strip_prefix("NQ") {
                query.parts.push(condition(first, is_field).into_iter().map(|one| vec![one]).collect());
            } else if let Some(more) = piece.strip_prefix("OR") {
                query.either(condition(more, is_field));
            } else if let Some(one) = condition(piece, is_field)
                && let Some(part) = query.parts.last_mut()
            {
                part.push(vec![one]);
            }
        }
        query
    }

    fn order_by(&mut self, fields: &str, is_descending: bool, is_field: &dyn Fn(&str) -> bool) {
        for field in fields.split(',').filter(|field| is_field(field)) {
            self.order.push((field.to_owned(), is_descending));
        }
    }

    fn either(&mut self, condition: Option<Condition>) {
        let (Some(condition), Some(part)) = (condition, self.parts.last_mut()) else { return };
        match part.last_mut() {
            Some(group) => group.push(condition),
            None => part.push(vec![condition]),
        }
    }

    pub(super) fn fits(&self, record: &Value, read: &dyn Fn(&Value, &str) -> Option<String>) -> bool {
        let holds = |one: &Condition| one.holds(&read(record, &one.field).unwrap_or_default());
        self.parts.iter().any(|part| part.iter().all(|group| group.iter().any(holds)))
    }

    pub(super) fn sort(&self, records: &mut [&Value], read: &dyn Fn(&Value, &str) -> Option<String>) {
        records.sort_by(|left, right| {
            let by = self.order.iter().map(|(field, is_descending)| {
                let order =
                    compare(&read(left, field).unwrap_or_default(), &read(right, field).unwrap_or_default());
                if *is_descending { order.reverse() } else { order }
            });
            by.fold(Ordering::Equal, Ordering::then)
        });
    }
}

impl Condition {
    fn holds(&self, have: &str) -> bool {
        let (low, want) = (have.to_lowercase(), self.value.to_lowercase());
        let order = compare(have, &self.value);
        match self.op {
            Op::Present => !have.is_empty(),
            Op::Empty => have.is_empty(),
            Op::Lacks => !low.contains(&want),
            Op::NotIn => !want.split(',').any(|one| one == low),
            Op::Starts => low.starts_with(&want),
            Op::Ends => low.ends_with(&want),
            Op::Contains => low.contains(&want),
            Op::In => want.split(',').any(|one| one == low),
            Op::Differs => low != want,
            Op::AtLeast => order.is_ge(),
            Op::AtMost => order.is_le(),
            Op::Equals => low == want,
            Op::More => order.is_gt(),
            Op::Less => order.is_lt(),
        }
    }
}

fn condition(text: &str, is_field: &dyn Fn(&str) -> bool) -> Option<Condition> {
    let is_part =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || matches!(letter, '_' | '.');
    let end = text.find(|letter| !is_part(letter)).unwrap_or(text.len());
    let (field, rest) = text.split_at(end);
    let (value, op) = OPERATORS.iter().find_map(|(word, op)| Some((rest.strip_prefix(word)?, *op)))?;
    is_field(field).then(|| Condition { field: field.to_owned(), op, value: value.to_owned() })
}

/// Numbers by value, everything else (instants among it) by text.
fn compare(left: &str, right: &str) -> Ordering {
    match (left.parse::<f64>(), right.parse::<f64>()) {
        (Ok(left), Ok(right)) => left.total_cmp(&right),
        _ => left.to_lowercase().cmp(&right.to_lowercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(text: &str, expect: &str) {
        let records = [
            json!({"number": "1", "state": "2", "name": "Ada"}),
            json!({"number": "2", "state": "10", "name": "Bob"}),
            json!({"number": "3", "state": "", "name": "ada b"}),
        ];
        let query = Query::parse(text, &|field| ["number", "state", "name"].contains(&field));
        let read = |record: &Value, field: &str| record[field].as_str().map(str::to_owned);
        let mut found: Vec<&Value> = records.iter().filter(|record| query.fits(record, &read)).collect();
        query.sort(&mut found, &read);
        let numbers: String = found.iter().filter_map(|record| record["number"].as_str()).collect();
        assert_eq!(numbers, expect, "{text}");
    }

    #[test]
    fn an_encoded_query_selects_and_orders() {
        check("", "123");
        check("state=2", "1");
        check("state>=2", "12");
        check("nameLIKEADA^stateISNOTEMPTY", "1");
        check("state=2^ORstate=10^nameSTARTSWITHb", "2");
        check("state=2^NQname=bob", "12");
        check("stateIN2,10^ORDERBYDESCstate", "21");
        check("name!=bob^ORDERBYname", "13");
    }

    #[test]
    fn a_condition_that_is_not_understood_drops_out() {
        check("colour=red", "123");
        check("colour=red^state=2", "1");
        check("stateSOUNDSLIKE2", "123");
        check("ORDERBYcolour", "123");
    }
}
