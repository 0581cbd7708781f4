//! The text of a description, and what it says: routes, planted objects, errors, ids and the gate.
//!
//! - No effect and no vendor: `worlds/<system>.wire` holds those.
//! - A description that cannot be read is a mistake of ours: reading it says the line, and a test reads all of them.
//!
//! | line | says |
//! |---|---|
//! | `include NAME` | everything of `worlds/NAME.wire` stands here too |
//! | `beside` | it completes a stand-in that is written: its routes stand before that one's, and its objects beside |
//! | `base /v1` | what stands before every path of the system's documents |
//! | `auth none`, `bearer`, `basic`, `header NAME`, `query NAME`, `signed`, `token PATH` | what admits a call; `token` may stand several times |
//! | `auth ... at PREFIX` | what admits a call to such a path |
//! | `volatile NAME...` | members that no digest sees |
//! | `ids [KIND] guid\|digits\|hex\|base62` | how new objects are named |
//! | `error STATUS JSON` | the body of an error of that status; `<why>` says what is wrong; a text that begins with `<html` is a page as it stands |
//! | `told NAME=TEXT...` | headers of every error |
//! | `plant KIND ID JSON` | an object that is there from the start |
//! | `shape NAME JSON` | what several answers have in common: `<NAME|filled>` is it, filled where it stands |
//! | `soap /path/{service}/{version}` | where SOAP is spoken; what is asked for and answered is JSON here |
//! | `GET /path/{id} [CONDITION...]` | a route, the first that fits; its steps stand below it, indented |
//! | `SOAP SERVICE/ELEMENT OPERATION [CONDITION...]` | the same for a request element |
//!
//! Members whose names begin with `$` are the store's own: no answer shows them.
//!
//! Steps: `needs KIND ID [STATUS JSON]`, `find KIND ID FIELD... [JSON]` (by its id or one of its fields), `free KIND (ID \| CONDITION...) [STATUS] [JSON]`, `if CONDITION... => STATUS JSON`, `require FIELD...`,
//! `make KIND [ID] JSON`, `put KIND ID JSON`, `merge KIND ID JSON`, `drop KIND ID`, `dropall KIND CONDITION...`,
//! `add KIND ID FIELD JSON`, `cut KIND ID FIELD JSON`, `list KIND CONDITION... [filter TEXT] [as JSON]`, `window OFFSET SIZE`, `pages NUMBER SIZE FIRST`,
//! `let NAME JSON`,
//! `only CONDITION... => STEP`, `each HOLE STEP`, `reply STATUS [HEADER=TEXT...] [JSON]`.

use super::fill::Condition;
use serde_json::Value;
use std::collections::BTreeMap;

/// What admits a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    None,
    /// A bearer token: the secret itself, or one that a token endpoint gave out.
    Bearer,
    Basic,
    /// The secret in a header, with or without a word before it.
    Header(String),
    /// The secret in the query.
    Query(String),
    /// A token or a signature that the caller made: that it is there is all that is checked.
    Signed,
}

/// One system.
#[derive(Debug)]
pub(crate) struct Description {
    pub(crate) is_beside: bool,
    pub(crate) base: &'static str,
    pub(crate) soap: Option<&'static str>,
    pub(crate) gate: Gate,
    /// What admits a call to a path that begins so.
    pub(crate) gates: Vec<(String, Gate)>,
    pub(crate) token_paths: Vec<String>,
    pub(crate) volatile: Vec<&'static str>,
    pub(crate) ids: BTreeMap<String, String>,
    pub(crate) errors: BTreeMap<u16, Value>,
    pub(crate) error_headers: Vec<(String, String)>,
    pub(crate) plants: Vec<(String, String, Value)>,
    pub(crate) shapes: BTreeMap<String, Value>,
    pub(crate) rules: Vec<Rule>,
}

/// One route.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) method: String,
    pub(crate) path: String,
    /// How the operation is called: by method and path, or as its vendor calls it.
    pub(crate) operation: String,
    pub(crate) when: Vec<Condition>,
    pub(crate) steps: Vec<Step>,
}

/// A status with a body; without one the system's own of that status.
pub(crate) type Told = (u16, Option<Value>);

/// What a route does, in order, until one of its steps answers.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Needs {
        kind: String,
        id: String,
        told: Told,
    },
    Find {
        kind: String,
        id: String,
        fields: Vec<String>,
        told: Told,
    },
    Free {
        kind: String,
        id: Option<String>,
        when: Vec<Condition>,
        told: Told,
    },
    If {
        when: Vec<Condition>,
        told: Told,
    },
    Require(Vec<String>),
    Only {
        when: Vec<Condition>,
        step: Box<Step>,
    },
    Make {
        kind: String,
        id: Option<String>,
        value: Value,
    },
    Put {
        kind: String,
        id: String,
        value: Value,
    },
    Merge {
        kind: String,
        id: String,
        value: Value,
    },
    Drop {
        kind: String,
        id: String,
    },
    DropAll {
        kind: String,
        when: Vec<Condition>,
    },
    Add {
        kind: String,
        id: String,
        field: String,
        value: Value,
    },
    Cut {
        kind: String,
        id: String,
        field: String,
        value: Value,
    },
    List {
        kind: String,
        when: Vec<Condition>,
        filter: Option<String>,
        shown: Option<Value>,
    },
    /// The items from an offset on, at most so many; `first` is the number of the first page where pages are counted.
    Window {
        from: String,
        size: String,
        first: Option<u64>,
    },
    Let {
        name: String,
        value: Value,
    },
    Each {
        hole: String,
        step: Box<Step>,
    },
    Reply {
        status: u16,
        headers: Vec<(String, String)>,
        body: Option<Value>,
    },
}

/// A line cut into its words and the JSON at its end.
struct Line<'a> {
    words: Vec<&'a str>,
    json: Option<Value>,
}

impl<'a> Line<'a> {
    fn cut(text: &'a str) -> Result<Self, String> {
        let starts = [" {", " [", " \""].iter().filter_map(|sign| text.find(sign)).min();
        let (head, tail) = starts.map_or((text, None), |at| (&text[..at], Some(&text[at + 1..])));
        let json = tail.map(serde_json::from_str).transpose().map_err(|error| error.to_string())?;
        Ok(Self { words: head.split_whitespace().collect(), json })
    }

    fn word(&self, at: usize) -> Result<String, String> {
        self.words.get(at).map(|word| (*word).to_owned()).ok_or_else(|| format!("word {at} is missing"))
    }

    fn status(&self, at: usize) -> Result<u16, String> {
        self.word(at)?.parse().map_err(|_| "a status is missing".to_owned())
    }

    fn value(&self) -> Result<Value, String> {
        self.json.clone().ok_or_else(|| "JSON is missing".to_owned())
    }

    fn told(&self, at: usize, usual: u16) -> Result<Told, String> {
        let status = if self.words.len() > at { self.status(at)? } else { usual };
        Ok((status, self.json.clone()))
    }

    /// `NAME=TEXT` words from `from` on.
    fn headers(&self, from: usize) -> Vec<(String, String)> {
        let headers = self.words.iter().skip(from).filter_map(|word| word.split_once('='));
        headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    fn conditions(&self, from: usize) -> Vec<Condition> {
        self.words.iter().skip(from).map(|word| Condition::parse(word)).collect()
    }
}

impl Description {
    /// Reads a description; `find` gives the text of another one by its name.
    pub(crate) fn parse(
        text: &'static str,
        find: &dyn Fn(&str) -> Option<&'static str>,
    ) -> Result<Self, String> {
        let mut description = Self {
            is_beside: false,
            base: "",
            soap: None,
            gate: Gate::Bearer,
            gates: Vec::new(),
            token_paths: Vec::new(),
            volatile: Vec::new(),
            ids: BTreeMap::new(),
            errors: BTreeMap::new(),
            error_headers: Vec::new(),
            plants: Vec::new(),
            shapes: BTreeMap::new(),
            rules: Vec::new(),
        };
        description.read(text, find)?;
        Ok(description)
    }

    fn read(
        &mut self,
        text: &'static str,
        find: &dyn Fn(&str) -> Option<&'static str>,
    ) -> Result<(), String> {
        for (number, line) in text.lines().enumerate() {
            let wrong = |why: String| format!("line {}: {why}: `{line}`", number + 1);
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(name) = line.strip_prefix("include ") {
                let text =
                    find(name.trim()).ok_or_else(|| wrong("there is no such description".to_owned()))?;
                self.read(text, find)?;
            } else if line.starts_with(' ') {
                let rule = self.rules.last_mut().ok_or_else(|| wrong("a step without a route".to_owned()))?;
                rule.steps.push(step(line.trim()).map_err(wrong)?);
            } else {
                self.declare(line).map_err(wrong)?;
            }
        }
        Ok(())
    }

    fn declare(&mut self, text: &'static str) -> Result<(), String> {
        let line = Line::cut(text)?;
        match line.word(0)?.as_str() {
            "beside" => self.is_beside = true,
            "soap" => self.soap = text.strip_prefix("soap ").map(str::trim),
            "base" => self.base = text.strip_prefix("base ").unwrap_or_default().trim(),
            "auth" => self.admit(&line)?,
            "volatile" => self.volatile.extend(text.split_whitespace().skip(1)),
            "ids" => {
                let kind = if line.words.len() > 2 { line.word(1)? } else { String::new() };
                self.ids.insert(kind, line.word(line.words.len() - 1)?);
            }
            "error" => {
                self.errors.insert(line.status(1)?, line.value()?);
            }
            "shape" => {
                let shape = line.value()?;
                if shape.to_string().contains("|filled>") {
                    return Err("a shape is not made of shapes".to_owned());
                }
                self.shapes.insert(line.word(1)?, shape);
            }
            "told" => self.error_headers.extend(line.headers(1)),
            "plant" => self.plants.push((line.word(1)?, line.word(2)?, line.value()?)),
            method if method.chars().all(|c| c.is_ascii_uppercase()) => {
                let (path, is_soap) = (line.word(1)?, method == "SOAP");
                let operation = if is_soap { line.word(2)? } else { format!("{method} {path}") };
                let when = line.conditions(if is_soap { 3 } else { 2 });
                self.rules.push(Rule { method: method.to_owned(), path, operation, when, steps: Vec::new() });
            }
            other => return Err(format!("`{other}` is no declaration")),
        }
        Ok(())
    }

    fn admit(&mut self, line: &Line<'_>) -> Result<(), String> {
        let gate = match line.word(1)?.as_str() {
            "none" => Gate::None,
            "bearer" => Gate::Bearer,
            "basic" => Gate::Basic,
            "header" => Gate::Header(line.word(2)?.to_ascii_lowercase()),
            "query" => Gate::Query(line.word(2)?),
            "signed" => Gate::Signed,
            "token" => {
                self.token_paths.push(line.word(2)?);
                return Ok(());
            }
            other => return Err(format!("`{other}` is no way to be admitted")),
        };
        match line.words.iter().position(|word| *word == "at") {
            Some(at) => self.gates.push((line.word(at + 1)?, gate)),
            None => self.gate = gate,
        }
        Ok(())
    }
}

fn step(text: &str) -> Result<Step, String> {
    if let Some(rest) = text.strip_prefix("each ") {
        let (hole, rest) = rest.split_once(' ').ok_or("a step is missing")?;
        return Ok(Step::Each { hole: hole.to_owned(), step: Box::new(step(rest)?) });
    }
    if let Some(rest) = text.strip_prefix("only ") {
        let (when, rest) = rest.split_once(" => ").ok_or("`=>` is missing")?;
        let when = when.split_whitespace().map(Condition::parse).collect();
        return Ok(Step::Only { when, step: Box::new(step(rest)?) });
    }
    let line = Line::cut(text)?;
    let kind = || line.word(1);
    let id = || line.word(2);
    Ok(match line.word(0)?.as_str() {
        "needs" => Step::Needs { kind: kind()?, id: id()?, told: line.told(3, 404)? },
        "find" => Step::Find {
            kind: kind()?,
            id: id()?,
            fields: line.words.iter().skip(3).map(|word| (*word).to_owned()).collect(),
            told: (404, line.json.clone()),
        },
        "free" => free(line)?,
        "if" => {
            let arrow = line.words.iter().position(|word| *word == "=>").ok_or("`=>` is missing")?;
            let when = line.words[1..arrow].iter().map(|word| Condition::parse(word)).collect();
            Step::If { when, told: (line.status(arrow + 1)?, line.json.clone()) }
        }
        "require" => Step::Require(line.words[1..].iter().map(|word| (*word).to_owned()).collect()),
        "make" => Step::Make {
            kind: kind()?,
            id: line.words.get(2).map(|id| (*id).to_owned()),
            value: line.value()?,
        },
        "put" => Step::Put { kind: kind()?, id: id()?, value: line.value()? },
        "merge" => Step::Merge { kind: kind()?, id: id()?, value: line.value()? },
        "drop" => Step::Drop { kind: kind()?, id: id()? },
        "dropall" => Step::DropAll { kind: kind()?, when: line.conditions(2) },
        "add" => Step::Add { kind: kind()?, id: id()?, field: line.word(3)?, value: line.value()? },
        "cut" => Step::Cut { kind: kind()?, id: id()?, field: line.word(3)?, value: line.value()? },
        "list" => listed(&line)?,
        "window" => Step::Window { from: kind()?, size: id()?, first: None },
        "pages" => {
            let first = line.word(3)?.parse().map_err(|_| "the first page's number is missing".to_owned())?;
            Step::Window { from: kind()?, size: id()?, first: Some(first) }
        }
        "let" => Step::Let { name: kind()?, value: line.value()? },
        "reply" => Step::Reply { status: line.status(1)?, headers: line.headers(2), body: line.json.clone() },
        other => return Err(format!("`{other}` is no step")),
    })
}

fn free(mut line: Line<'_>) -> Result<Step, String> {
    let status = line.words.last().and_then(|word| word.parse().ok());
    if status.is_some() {
        line.words.pop();
    }
    let by_id = line.words.len() == 3 && !line.words[2].contains('=');
    Ok(Step::Free {
        kind: line.word(1)?,
        id: by_id.then(|| line.word(2)).transpose()?,
        when: if by_id { Vec::new() } else { line.conditions(2) },
        told: (status.unwrap_or(409), line.json.clone()),
    })
}

fn listed(line: &Line<'_>) -> Result<Step, String> {
    let mut words = line.words[2.min(line.words.len())..].iter();
    let (mut when, mut filter, mut shown) = (Vec::new(), None, None);
    while let Some(word) = words.next() {
        match *word {
            "filter" => filter = words.next().map(|word| (*word).to_owned()),
            "as" => shown = Some(line.value()?),
            word => when.push(Condition::parse(word)),
        }
    }
    Ok(Step::List { kind: line.word(1)?, when, filter, shown })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_says_its_line() {
        let check = |text: &'static str, expect: &str| {
            let found = Description::parse(text, &|_| None).err().unwrap_or_default();
            assert!(found.contains(expect), "{found}");
        };
        check("base /v1\nGET /a\n  dance", "line 3: `dance` is no step");
        check("  reply 200", "a step without a route");
        check("GET /a\n  needs user", "word 2 is missing");
        check("plant user u1 {\"a\":", "line 1");
        check("include nobody", "no such description");
        check("auth magic", "no way to be admitted");
        check("shape a {\"b\":\"<a|filled>\"}", "not made of shapes");
    }
}
