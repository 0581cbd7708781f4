//! AWFs: the call, the contract, and the proof that each one can be undone as it says.

use super::lookup::{chain_shows, types};
use super::place::{Place, like};
use super::{Context, claim, shape};
use crate::code;
use crate::model::{Awf, Look, Shape};
use std::collections::{BTreeMap, BTreeSet};
use xops_kernel::awf::{Achieves, Ambiguity, AwfName, Contract, Input, Readback};
use xops_kernel::expr::{Expr, Path};
use xops_kernel::value::{Type, Values};
use xops_source::finding::suggest;
use xops_source::reader::{Reader, listed};
use xops_source::syntax::Block;

mod poll;
mod undo;

/// Reads all AWFs.
pub(super) fn awfs(reader: &mut Reader<'_, '_>, context: &Context<'_>) -> BTreeMap<String, Awf> {
    let mut awfs = BTreeMap::new();
    let mut taken = BTreeMap::new();
    for block in reader.blocks("awf", &["function"]) {
        if !claim(reader, context, block, &mut taken) {
            continue;
        }
        let mut inner = reader.within(block);
        let awf = awf(&mut inner, context, block);
        inner.finish();
        awfs.extend(awf.map(|awf| (block.label(0).to_owned(), awf)));
    }
    let known: BTreeSet<&str> = taken.keys().map(String::as_str).collect();
    for (function, block) in &taken {
        if let Some(awf) = awfs.get(function) {
            undo::check(reader, context, awf, block, &awfs, &known);
        }
    }
    awfs
}

fn awf(reader: &mut Reader<'_, '_>, context: &Context<'_>, block: &Block) -> Option<Awf> {
    let input_types = types(reader, "inputs");
    let outputs = types(reader, "outputs");
    let inputs = inputs(reader, &input_types, &outputs);
    let achieves = reader.choice("achieves", &["create", "update", "remove"]).map(|word| match word {
        "create" => Achieves::Create,
        "update" => Achieves::Update,
        _ => Achieves::Remove,
    });
    let before = look(reader, context, "lookup", &input_types, None);
    let shown = before.as_ref().map(|look| chain_shows(context.outlines, &look.lookup)).unwrap_or_default();
    let after = look(reader, context, "after", &input_types, Some(&shown));
    let asking = Place {
        file: context.file,
        inputs: Some(&input_types),
        vars: Some(context.vars),
        snapshot: Some(&shown),
        key: true,
        ..Place::default()
    };
    let answered = Place { response: true, ..asking };
    let shape = shape::shape(reader, &asking, context);
    let rules = shape::rules(reader, &answered);
    let capture = shape::exprs(reader, &answered, "capture");
    let readback = readback(reader);
    let named = block.body.blocks.iter().any(|inner| inner.kind.text == "lookup");
    let locks = locks(reader, &input_types);
    let ambiguity = ambiguity(reader, shape.as_ref(), named, !locks.is_empty());
    let tries_max = reader.int("tries", &(1..=20)).and_then(|tries| u32::try_from(tries).ok());
    let evidence = reader.text("evidence");
    let poll = poll::poll(reader, context, &asking, &outputs, &capture);
    let blast =
        reader.int("blast", &(0..=1_000_000)).and_then(|count| u32::try_from(count).ok()).unwrap_or(1);
    let redact = reader.list_of_texts("redact").into_iter().map(|(name, _)| name).collect();
    let samples = samples(reader, &input_types, &outputs, &shown);
    let undo = undo::read(reader, context, &input_types, &outputs, &shown);
    if !named && (achieves.is_some() || readback.is_some()) {
        unseen(reader, block);
    }
    captured(reader, context, block, &outputs, &capture, before.as_ref(), after.as_ref());
    let readback = poll.as_ref().map_or(readback, |poll| Some(poll.confirms(readback)));
    let contract = Contract {
        name: AwfName::new(context.name, block.label(0)),
        achieves,
        inputs,
        outputs,
        undo: undo?,
        ambiguity: ambiguity?,
        snapshot: before.is_some(),
        readback,
        locks,
        timeout_ms: shape.as_ref().map_or(context.timeout_ms, |shape| shape.timeout_ms),
        tries_max: tries_max.unwrap_or(context.tries_max),
        manifest: context.digest,
    };
    Some(Awf {
        contract,
        shape: shape?,
        rules,
        capture,
        before,
        after,
        poll,
        redact,
        blast,
        samples,
        evidence,
    })
}

fn inputs(
    reader: &mut Reader<'_, '_>,
    types: &BTreeMap<String, Type>,
    outputs: &BTreeMap<String, Type>,
) -> BTreeMap<String, Input> {
    // What must never be seen is sealed as what is said of a person is.
    let mut personal = flagged(reader, types, "personal");
    let both = types.iter().chain(outputs).map(|(name, is)| (name.clone(), is.clone())).collect();
    personal.extend(flagged(reader, &both, "redact"));
    let optional = flagged(reader, types, "optional");
    let input = |(name, is): (&String, &Type)| {
        let input =
            Input { is: is.clone(), required: !optional.contains(name), personal: personal.contains(name) };
        (name.clone(), input)
    };
    types.iter().map(input).collect()
}

fn unseen(reader: &mut Reader<'_, '_>, block: &Block) {
    let finding = reader
        .error(code::ACHIEVES, block.head(), "this AWF changes something that nothing can see", "here")
        .why("without a lookup nobody knows whether it is needed, or whether it worked")
        .help("name one: lookup \"name\" {}".to_owned());
    reader.report(finding);
}

/// Reads `samples = { kind = "mobile" }`: values by which the requests are shown, where a system takes only certain ones.
fn samples(
    reader: &mut Reader<'_, '_>,
    inputs: &BTreeMap<String, Type>,
    outputs: &BTreeMap<String, Type>,
    shown: &BTreeSet<String>,
) -> Values {
    let named = reader.map("samples");
    let mut samples = Values::new();
    for (name, node) in named {
        let Some(value) = reader.literal(&node) else { continue };
        let declared = inputs.get(&name.text).or_else(|| outputs.get(&name.text));
        if declared.is_none() && !shown.contains(&name.text) {
            let message =
                format!("`{}` is neither an input nor an output, and the lookup does not show it", name.text);
            let help =
                suggest(&name.text, inputs.keys().chain(outputs.keys()).chain(shown).map(String::as_str));
            let finding = reader.error(code::MEMBER, name.span.clone(), message, "not declared").help(help);
            reader.report(finding);
        }
        if declared.is_some_and(|is| !value.is(is)) {
            let message = format!("the sample of `{}` is {}", name.text, value.type_name());
            let finding = reader.error(code::TYPES, node.span.clone(), message, "of another type");
            reader.report(finding);
        }
        samples.insert(name.text, value);
    }
    samples
}

/// Reads a list of inputs.
pub(super) fn flagged(
    reader: &mut Reader<'_, '_>,
    types: &BTreeMap<String, Type>,
    name: &str,
) -> BTreeSet<String> {
    let texts = reader.list_of_texts(name);
    for (text, span) in &texts {
        if !types.contains_key(text) {
            let message =
                format!("`{text}` is no {}", if name == "redact" { "input and no output" } else { "input" });
            let finding = reader
                .error(code::MEMBER, span.clone(), message, "not declared")
                .help(suggest(text, types.keys().map(String::as_str)));
            reader.report(finding);
        }
    }
    texts.into_iter().map(|(text, _)| text).collect()
}

/// Reads `lookup "name" { user = input.login }`: what is not written is passed on under its own name.
fn look(
    reader: &mut Reader<'_, '_>,
    context: &Context<'_>,
    kind: &str,
    inputs: &BTreeMap<String, Type>,
    shown: Option<&BTreeSet<String>>,
) -> Option<Look> {
    let blocks = reader.blocks(kind, &["lookup"]);
    if let Some(second) = blocks.get(1) {
        let message = format!("an AWF has one `{kind}`");
        let finding = reader.error(code::DUPLICATE, second.head(), message, "another one");
        reader.report(finding);
    }
    let block = blocks.first()?;
    let label = block.labels.first()?;
    let place = Place {
        file: context.file,
        inputs: Some(inputs),
        vars: Some(context.vars),
        snapshot: shown,
        key: true,
        ..Place::default()
    };
    let mut inner = reader.within(block);
    let written = inner.rest();
    let names: Vec<_> = written.iter().map(|(name, node)| (name.clone(), node.clone())).collect();
    let mut with: BTreeMap<String, Expr> = shape::checked(&mut inner, &place, written).into_iter().collect();
    inner.finish();
    let Some(outline) = context.outlines.get(&label.text) else {
        let message = format!("there is no lookup `{}`", label.text);
        let help = suggest(&label.text, context.outlines.keys().map(String::as_str));
        let finding = reader.error(code::LOOKUP, label.span.clone(), message, "not declared").help(help);
        reader.report(finding);
        return None;
    };
    let mut report = |span: std::ops::Range<usize>, message: String, help: Option<String>| {
        let finding = reader.error(code::LOOKUP_INPUT, span, message, "here").help(help);
        reader.report(finding);
    };
    for (name, node) in &names {
        let Some(is) = outline.inputs.get(&name.text) else {
            let known: Vec<&str> = outline.inputs.keys().map(String::as_str).collect();
            let help = suggest(&name.text, known.iter().copied())
                .or_else(|| Some(format!("it takes {}", listed(&known))));
            report(name.span.clone(), format!("the lookup `{}` takes no `{}`", label.text, name.text), help);
            continue;
        };
        let found = place.check(node, &mut Vec::new());
        if !like(&found, is) {
            report(node.span.clone(), format!("`{}` is {found}, and the lookup takes {is}", name.text), None);
        }
    }
    for (name, is) in &outline.inputs {
        if with.contains_key(name) {
            continue;
        }
        if inputs.get(name).is_some_and(|input| like(input, is)) {
            with.insert(name.clone(), Expr::Ref(Path::of("input", &[name])));
        } else if !outline.optional.contains(name) {
            let help = Some(format!("the AWF has no input of this name and type: write {name} = ..."));
            report(block.head(), format!("the lookup `{}` is not told `{name}`", label.text), help);
        }
    }
    Some(Look { lookup: label.text.clone(), with })
}

fn readback(reader: &mut Reader<'_, '_>) -> Option<Readback> {
    let block = reader.block("readback")?;
    let mut inner = reader.within(block);
    let within_ms = inner.required_duration_ms("within");
    let every_ms = inner.duration_ms("every").unwrap_or(1_000);
    let settle = inner.int("settle", &(1..=20)).and_then(|reads| u8::try_from(reads).ok()).unwrap_or(1);
    inner.finish();
    Some(Readback { within_ms: within_ms?, settle, every_ms: every_ms.max(1) })
}

fn ambiguity(
    reader: &mut Reader<'_, '_>,
    shape: Option<&Shape>,
    seen: bool,
    locked: bool,
) -> Option<Ambiguity> {
    let blocks = reader.blocks("ambiguous", &["policy"]);
    let Some(block) = blocks.first() else {
        reader.missing("`ambiguous` block, which says what follows a call that was sent and not answered");
        return None;
    };
    if let Some(second) = blocks.get(1) {
        let finding =
            reader.error(code::DUPLICATE, second.head(), "an AWF has one `ambiguous`", "another one");
        reader.report(finding);
    }
    let label = block.labels.first()?;
    let mut inner = reader.within(block);
    let ambiguity = match label.text.as_str() {
        "park" => Some(Ambiguity::Park),
        "probe" => {
            let window_ms = inner.required_duration_ms("window");
            let agreeing =
                inner.int("agreeing", &(1..=20)).and_then(|reads| u8::try_from(reads).ok()).unwrap_or(2);
            let unique = inner.bool("unique").unwrap_or(false);
            if !seen {
                let message = "a probe needs a lookup, and this AWF has none";
                let finding = inner.error(code::PROBE, block.head(), message, "probe what?");
                inner.report(finding.help("name one: lookup \"name\" {}".to_owned()));
            }
            window_ms.map(|window_ms| Ambiguity::Probe { window_ms, agreeing, unique })
        }
        "resend" => {
            let lifetime_ms = inner.duration_ms("key_lifetime");
            let replaces_ms = inner.duration_ms("replaces_within");
            let window_ms = inner.duration_ms("window");
            let safe = shape.is_none_or(|shape| match lifetime_ms {
                None => replaces_ms.is_some() || matches!(shape.method, "PUT" | "DELETE" | "MODIFY"),
                Some(_) => shows_key(shape),
            });
            if !safe {
                let message = "this call may take effect twice if it is sent again";
                let finding = inner
                    .error(code::RESEND, block.head(), message, "sent again")
                    .why("only `put` and `delete`, a call that carries `key` for as long as `key_lifetime`, or one that puts a whole set again (`replaces_within`) can be sent again")
                    .help("probe or park: ambiguous \"probe\" { window = \"30s\" }".to_owned());
                inner.report(finding);
            }
            if replaces_ms.is_some() && !locked {
                let message = "a whole set is put again, and nothing keeps others from changing it meanwhile";
                let finding = inner
                    .error(code::RESEND, block.head(), message, "without a lock")
                    .help("name what is rewritten: locks = [\"profile:{profile}\"]".to_owned());
                inner.report(finding);
            }
            // Whichever ends first: after it a late call could bring back what was undone since.
            let ends = [lifetime_ms, replaces_ms, window_ms].into_iter().flatten().min();
            Some(Ambiguity::Resend { lifetime_ms: ends })
        }
        other => {
            let words = ["probe", "resend", "park"];
            let help = suggest(other, words).unwrap_or_else(|| format!("it is one of {}", listed(&words)));
            let message = format!("`{other}` is no policy");
            let finding = inner.error(xops_source::code::CHOICE, label.span.clone(), message, "not a policy");
            inner.report(finding.help(help));
            None
        }
    };
    inner.finish();
    ambiguity
}

/// Whether the request carries our key.
fn shows_key(shape: &Shape) -> bool {
    shape.references().iter().any(|path| path.root == "key")
}

fn locks(reader: &mut Reader<'_, '_>, inputs: &BTreeMap<String, Type>) -> Vec<String> {
    let locks = reader.list_of_texts("locks");
    for (lock, span) in &locks {
        for hole in lock.split('{').skip(1) {
            let name = hole.split_once('}').map(|(name, _)| name);
            if !name.is_some_and(|name| inputs.contains_key(name)) {
                let message = format!("the lock `{lock}` names something that is no input");
                let finding = reader
                    .error(code::LOCK, span.clone(), message, "in this lock")
                    .help("a lock is a text with inputs in it: \"profile:{profile}\"".to_owned());
                reader.report(finding);
            }
        }
    }
    locks.into_iter().map(|(lock, _)| lock).collect()
}

fn captured(
    reader: &mut Reader<'_, '_>,
    context: &Context<'_>,
    block: &Block,
    outputs: &BTreeMap<String, Type>,
    capture: &[(String, Expr)],
    before: Option<&Look>,
    after: Option<&Look>,
) {
    let shown = after.or(before).map(|look| chain_shows(context.outlines, &look.lookup)).unwrap_or_default();
    for output in outputs.keys() {
        if !capture.iter().any(|(name, _)| name == output) && !shown.contains(output) {
            let message = format!("the output `{output}` is neither captured nor shown by the lookup");
            let finding = reader.error(code::OUTPUT, block.head(), message, "in this AWF");
            reader.report(
                finding.help(format!(
                    "take it from the answer: capture = {{ {output} = response.body.{output} }}"
                )),
            );
        }
    }
    for (name, _) in capture {
        if !outputs.contains_key(name) {
            let message = format!("`{name}` is captured, but is no declared output");
            let help = suggest(name, outputs.keys().map(String::as_str));
            let finding =
                reader.error(code::OUTPUT, reader.span_of("capture"), message, "not declared").help(help);
            reader.report(finding);
        }
    }
}
