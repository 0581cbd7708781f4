//! `xops identity review`: what the rules of a project cannot tell of the records that its systems hold.
//!
//! Absent: decisions. Invariant: equal truth prints equal bytes, the likeliest question first.

use crate::arguments::identity::Review;
use crate::arguments::{Common, Format};
use crate::exit::{Exit, Failure, Outcome};
use crate::json::{self, of_source, plain};
use crate::records;
use serde_json::{Value as Json, json};
use std::fmt::Write;
use xops_graph::graph::Graph;
use xops_graph::who::Told;

/// Runs the command.
pub(super) async fn run(common: &Common, asked: &Review) -> Outcome {
    asked.truth.of_file_only()?;
    let known = records::known(common, &asked.truth).await?;
    if known.project.identities.is_empty() {
        let why = "no kind of entity is joined by rules: there is nothing to review";
        let note = "write `joined_by` and `current` in an entity: docs/identity.md".to_owned();
        return Err(Failure::new(Exit::Usage, why).with([note]));
    }
    let questions = known.graph.questions();
    if common.output == Format::Text {
        json::text(&text(&known.graph, &questions))?;
        known.tell_incomplete();
    } else {
        let questions: Vec<Json> = questions.iter().map(|told| question(&known.graph, told)).collect();
        json::print(&json!({ "at": known.now, "questions": questions, "incomplete": known.incomplete }))?;
    }
    Ok(if questions.is_empty() { Exit::Done } else { Exit::Waiting })
}

fn question(graph: &Graph, told: &Told) -> Json {
    let mut object = of_told(graph, told);
    object["settles"] = json!(told.explained.settles);
    object["blocks"] = json!(graph.hangs_on(told));
    object
}

/// Two records and the answer of whether they are of one entity.
pub(crate) fn of_told(graph: &Graph, told: &Told) -> Json {
    let entities = told
        .entities
        .iter()
        .map(|entity| json!({ "entity": entity.to_string(), "handle": graph.handle(*entity) }));
    let fields = told.explained.fields.iter().map(|field| {
        json!({
            "field": field.name, "level": field.level.word(), "weight": field.weight, "left": field.left, "right": field.right,
        })
    });
    json!({
        "kind": told.kind, "left": of_source(&told.left), "right": of_source(&told.right),
        "answer": told.explained.answer.word(), "score": told.explained.score, "why": told.explained.why,
        "entities": entities.collect::<Vec<_>>(), "fields": fields.collect::<Vec<_>>(),
        "decided": told.explained.decision.as_ref().map(|it| json!({ "by": it.author, "why": it.why, "until": it.until })),
    })
}

fn text(graph: &Graph, questions: &[Told]) -> String {
    let mut out = String::new();
    for told in questions {
        let (left, right) = (plain(&told.left.to_string()), plain(&told.right.to_string()));
        let _infallible = writeln!(out, "{}  {left} and {right}, score {}", told.kind, told.explained.score);
        for entity in &told.entities {
            let handle = graph.handle(*entity).unwrap_or_else(|| entity.to_string());
            let _infallible = writeln!(out, "  of {}:{}", told.kind, plain(&handle));
        }
        for field in &told.explained.fields {
            let (left, right) = (plain(&field.left), plain(&field.right));
            let said = if left == right { left } else { format!("{left} | {right}") };
            let _infallible = writeln!(out, "  {} {}: {said}", field.name, field.level.word());
        }
        let _infallible = writeln!(out, "  {}", told.explained.settles);
        let blocks: Vec<String> = graph.hangs_on(told).into_iter().collect();
        let waits = if blocks.is_empty() { "nothing".to_owned() } else { blocks.join(", ") };
        let _infallible = writeln!(out, "  waits for it: {waits}\n");
    }
    let _infallible = writeln!(out, "{} to review", questions.len());
    out
}
