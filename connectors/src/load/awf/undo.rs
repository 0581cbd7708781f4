//! How an AWF is undone, and the proof that its compensation is told all that it needs.

use super::super::lookup::{chain_shows, literal};
use super::super::place::{Place, like};
use super::super::{Context, shape};
use crate::code;
use crate::model::Awf;
use std::collections::{BTreeMap, BTreeSet};
use xops_kernel::awf::{Ambiguity, AwfName, From, Undo};
use xops_kernel::value::{Type, Value};
use xops_source::finding::suggest;
use xops_source::reader::{Reader, describe};
use xops_source::syntax::{Block, Node};

/// Reads `undo "awf" { with = {...}, loss = "..." }`, `irreversible = "why"` with `forward`, or `nothing_to_undo = "why"`.
pub(super) fn read(
    reader: &mut Reader<'_, '_>,
    context: &Context<'_>,
    inputs: &BTreeMap<String, Type>,
    outputs: &BTreeMap<String, Type>,
    shown: &BTreeSet<String>,
) -> Option<Undo> {
    let blocks = reader.blocks("undo", &["awf"]);
    let irreversible = reader.text("irreversible");
    let forward = reader.text("forward").map(|function| AwfName::new(context.name, &function));
    let nothing = reader.text("nothing_to_undo");
    let ways = blocks.len() + usize::from(irreversible.is_some()) + usize::from(nothing.is_some());
    if ways != 1 {
        let message = if ways == 0 {
            "this AWF does not say how it is undone"
        } else {
            "this AWF is undone in several ways"
        };
        let finding = reader
            .error(code::UNDO, reader.head(), message, "here")
            .why("a step that fails later undoes the ones before it")
            .help("write undo \"awf\" { with = { ... } }, or irreversible = \"why\", or nothing_to_undo = \"why\"".to_owned());
        reader.report(finding);
        return None;
    }
    if irreversible.is_some() {
        return Some(Undo::Irreversible { forward });
    }
    let Some(block) = blocks.first() else { return Some(Undo::Nothing) };
    let place = Place {
        file: context.file,
        inputs: Some(inputs),
        outputs: Some(outputs),
        snapshot: Some(shown),
        ..Place::default()
    };
    let mut inner = reader.within(block);
    let loss = inner.text("loss");
    let named = inner.map("with");
    let mut with = BTreeMap::new();
    for (name, node) in named {
        // What was refused still counts as told, so that one mistake is told once.
        let from = from(&mut inner, &place, &node).unwrap_or(From::Literal(Value::Null));
        with.insert(name.text, from);
    }
    inner.finish();
    Some(Undo::By { awf: AwfName::new(context.name, block.label(0)), with, loss })
}

fn from(reader: &mut Reader<'_, '_>, place: &Place<'_>, node: &Node) -> Option<From> {
    if let Some(value) = literal(&node.expr) {
        return Some(From::Literal(value.clone()));
    }
    if let Some(path) = node.path() {
        if let Err(finding) = place.type_of(path, &node.span) {
            reader.report(*finding);
            return None;
        }
        let input = shape::plain(path, "input").map(|name| From::Input(name.to_owned()));
        let output = shape::plain(path, "output").map(|name| From::Output(name.to_owned()));
        let snapshot = shape::plain(path, "snapshot").map(|name| From::Snapshot(name.to_owned()));
        if let Some(from) = input.or(output).or(snapshot) {
            return Some(from);
        }
    }
    let message =
        format!("an input of a compensation is a reference or a literal, not {}", describe(&node.expr));
    let finding = reader
        .error(code::COMPENSATION_INPUT, node.span.clone(), message, "too much for here")
        .help("write input.x, output.x, snapshot.x or a literal value".to_owned());
    reader.report(finding);
    None
}

/// Holds the undo of `awf` to the AWFs of its manifest; `known` names those that stand in the file, mistakes or not.
pub(super) fn check(
    reader: &mut Reader<'_, '_>,
    context: &Context<'_>,
    awf: &Awf,
    block: &Block,
    awfs: &BTreeMap<String, Awf>,
    known: &BTreeSet<&str>,
) {
    let (name, with) = match &awf.contract.undo {
        Undo::Nothing | Undo::Irreversible { forward: None } => return,
        Undo::Irreversible { forward: Some(forward) } => (forward, None),
        Undo::By { awf: name, with, .. } => (name, Some(with)),
    };
    let undo = block.body.blocks.iter().find(|inner| inner.kind.text == "undo");
    let span = undo.map_or(block.head(), Block::head);
    if !known.contains(name.function.as_str()) {
        let message = format!("there is no AWF `{}` in this manifest", name.function);
        let help = suggest(&name.function, known.iter().copied());
        let finding = reader.error(code::COMPENSATION, span, message, "not declared").help(help);
        reader.report(finding);
        return;
    }
    let (Some(with), Some(other)) = (with, awfs.get(&name.function)) else { return };
    let mut report = |message: String, help: Option<String>| {
        let finding = reader.error(code::COMPENSATION_INPUT, span.clone(), message, "here").help(help);
        reader.report(finding);
    };
    for (input, declared) in &other.contract.inputs {
        match with.get(input) {
            None if declared.required => {
                let help = format!("write with = {{ {input} = input.{input} }}, or where else it comes from");
                report(format!("`{}` is not told `{input}`", name.function), Some(help));
            }
            None => {}
            Some(from) => {
                let is = type_of(awf, from);
                if is.as_ref().is_some_and(|is| !like(is, &declared.is)) {
                    report(
                        format!(
                            "`{}` takes `{input}` as {}, and this is another type",
                            name.function, declared.is
                        ),
                        None,
                    );
                }
            }
        }
    }
    for input in with.keys().filter(|input| !other.contract.inputs.contains_key(*input)) {
        let help = suggest(input, other.contract.inputs.keys().map(String::as_str));
        report(format!("`{}` takes no `{input}`", name.function), help);
    }
    adopted(reader, context, awf, with, span);
}

fn type_of(awf: &Awf, from: &From) -> Option<Type> {
    match from {
        From::Input(name) => awf.contract.inputs.get(name).map(|input| input.is.clone()),
        From::Output(name) => awf.contract.outputs.get(name).cloned(),
        From::Snapshot(_) => None,
        From::Literal(value) => {
            let all = [Type::Bool, Type::Int, Type::Text, Type::Map];
            all.into_iter().find(|is| value.is(is))
        }
    }
}

/// What a probe adopts has no answer to capture from: what its undo needs must be shown by the lookup.
fn adopted(
    reader: &mut Reader<'_, '_>,
    context: &Context<'_>,
    awf: &Awf,
    with: &BTreeMap<String, From>,
    span: std::ops::Range<usize>,
) {
    if !matches!(awf.contract.ambiguity, Ambiguity::Probe { .. }) {
        return;
    }
    let Some(look) = awf.after.as_ref().or(awf.before.as_ref()) else { return };
    let shown = chain_shows(context.outlines, &look.lookup);
    for from in with.values() {
        if let From::Output(output) = from
            && !shown.contains(output)
        {
            let message =
                format!("the undo needs `{output}`, which the lookup `{}` does not show", look.lookup);
            let finding = reader
                .error(code::ADOPTED, span.clone(), message, "here")
                .why("a call that was never answered is found again by the lookup, and is undone by what that shows")
                .help(format!("let the lookup show it: outputs = {{ {output} = ... }}"));
            reader.report(finding);
        }
    }
}
