//! The inputs of an AWF, bound by a route or a node, and the AWF's own laws.

use super::draft::At;
use super::scope::Scope;
use super::world::{World, meant};
use crate::code;
use crate::finding::{Finding, suggest};
use crate::infer::{article, fits, infer};
use crate::syntax::{Node, Word};
use std::collections::BTreeSet;
use std::ops::Range;
use xops_kernel::awf::{Contract, Undo};
use xops_kernel::value::{Type, Value};

/// Holds the bindings of `contract`'s inputs to its types. `bound` are those that are bound elsewhere already.
pub(super) fn inputs(
    (contract, awf): (&Contract, &Range<usize>),
    with: &[(Word, Node)],
    bound: &BTreeSet<&str>,
    (scope, at): (&Scope<'_>, &At),
    findings: &mut Vec<Finding>,
) {
    let mut told = BTreeSet::new();
    for (word, node) in with {
        let is = infer(node, scope, &at.file, findings);
        let Some(input) = contract.inputs.get(&word.text) else {
            let message = format!("`{}` has no input `{}`", contract.name, word.text);
            let finding = at.error_at(&word.span, code::UNKNOWN_INPUT, message, "unknown input");
            // A slip of the pen in a name is one mistake, not also a missing input.
            told.extend(contract.inputs.keys().filter(|name| suggest(&word.text, [name.as_str()]).is_some()));
            findings.push(finding.help(meant(&word.text, contract.inputs.keys().map(String::as_str))));
            continue;
        };
        if !fits(&is, &input.is, &node.expr) {
            let message = format!(
                "input `{}` of `{}` takes {}, not {}",
                word.text,
                contract.name,
                article(&input.is),
                article(&is)
            );
            let mut finding =
                at.error_at(&node.span, code::INPUT_TYPE, message, format!("this is {}", article(&is)));
            if (&is, &input.is) == (&Type::Text, &Type::Date) {
                finding = finding.help(
                    "a date has the form YYYY-MM-DD; declare the attribute as `type = \"date\"`".to_owned(),
                );
            }
            findings.push(finding);
        } else if input.required && node.value() == Some(Value::Null) && !node.refused() {
            let message =
                format!("input `{}` of `{}` is required, and this is nothing", word.text, contract.name);
            findings.push(at.error_at(&node.span, code::INPUT_TYPE, message, "`null`"));
        }
    }
    let given: BTreeSet<&str> = with.iter().map(|(word, _)| word.text.as_str()).collect();
    let required = contract.inputs.iter().filter(|(_, input)| input.required).map(|(name, _)| name.as_str());
    let bound =
        |name: &&str| given.contains(name) || bound.contains(name) || told.iter().any(|told| told == name);
    let missing: Vec<&str> = required.filter(|name| !bound(name)).collect();
    if !missing.is_empty() {
        let names: Vec<String> =
            missing.iter().map(|name| format!("`{name}` ({})", contract.inputs[*name].is)).collect();
        let message = format!("`{}` needs {}", contract.name, names.join(", "));
        let finding =
            at.error_at(awf, code::MISSING_INPUT, message, "not all of its required inputs are bound");
        findings.push(finding.help(format!(
            "add to `with`: {}",
            missing.iter().map(|name| format!("{name} = ...")).collect::<Vec<_>>().join(", ")
        )));
    }
}

/// Holds an AWF that is used here to the laws of undoing.
pub(super) fn undo(
    world: &World<'_>,
    contract: &Contract,
    awf: &Range<usize>,
    at: &At,
    findings: &mut Vec<Finding>,
) {
    let name = &contract.name;
    let finding = match &contract.undo {
        Undo::Nothing if contract.achieves.is_some() => {
            let message = format!(
                "`{name}` changes something, and its manifest declares neither a compensation nor that it is irreversible"
            );
            at.error_at(awf, code::NO_UNDO, message, "cannot be undone as declared")
        }
        Undo::By { awf: undo, .. } if !world.contracts.contains_key(undo) => {
            let message = format!("`{name}` is undone by `{undo}`, which is in no manifest");
            let of_system = world.contracts.keys().filter(|known| known.system == undo.system);
            let help = meant(&undo.function, of_system.map(|known| known.function.as_str()));
            at.error_at(awf, code::NO_UNDO, message, "its compensation does not exist").help(help)
        }
        Undo::Irreversible { .. } => {
            let message = format!("`{name}` is irreversible, and irreversible steps need an approval");
            at.error_at(awf, code::IRREVERSIBLE, message, "cannot be undone")
                .why("there are no approvals yet: a plan with such a step would be refused each time")
                .help("use an AWF that has a compensation".to_owned())
        }
        _ => return,
    };
    let finding = if finding.why.is_none() {
        finding.why(
            "when a later step is rejected, every earlier one is undone: what cannot be undone must say so",
        )
    } else {
        finding
    };
    findings.push(finding);
}
