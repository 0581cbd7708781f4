//! `xops awf render`: the exact request of every AWF, phase and read, with sample values.

use crate::arguments::{Common, Format};
use crate::connectors;
use crate::exit::{Exit, Failure, Outcome};
use crate::json;
use clap::{Args, Subcommand};
use serde_json::{Map, Value as Json, json};
use xops_connectors::sample::{self, Sample, path_of};
use xops_kernel::port::Request;

/// `xops awf`.
#[derive(Debug, Args)]
pub struct Awfs {
    /// What to do with them.
    #[command(subcommand)]
    pub what: What,
}

/// The commands about AWFs.
#[derive(Debug, Subcommand)]
pub enum What {
    /// Print the request of every AWF and phase (do, compensate, poll, snapshot, probe, readback) and of every read, one a line;
    /// `[redacted]` stands where a credential goes.
    #[command(
        after_help = "Exit codes: 0 done, 2 there is no such system, 3 a manifest has mistakes or a request cannot be rendered."
    )]
    Render {
        /// Of this system alone.
        #[arg(long, value_name = "NAME")]
        system: Option<String>,
    },
}

/// Runs the command.
pub(crate) fn run(common: &Common, awfs: &Awfs) -> Outcome {
    let What::Render { system } = &awfs.what;
    let manifests = connectors::sound(common)?;
    if let Some(system) = system.as_deref().filter(|system| manifests.manifest(system).is_none()) {
        return Err(Failure::new(Exit::Usage, format!("there is no manifest `{system}`"))
            .with(["xops connectors list shows all of them".to_owned()]));
    }
    let mut notes = Vec::new();
    for name in manifests.systems().filter(|name| system.as_deref().is_none_or(|system| system == *name)) {
        for sample in sample::all(&manifests, name) {
            match &sample.request {
                Ok(request) if common.output == Format::Text => json::text(&text(name, &sample, request))?,
                Ok(request) => json::text(&format!("{}\n", line(name, &sample, request)))?,
                Err(why) => notes.push(format!("{name}.{} {}: {why}", sample.name, sample.phase)),
            }
        }
    }
    if notes.is_empty() {
        return Ok(Exit::Done);
    }
    Err(Failure::new(Exit::Mistakes, "some requests cannot be rendered with sample values").with(notes))
}

fn text(system: &str, sample: &Sample, request: &Request) -> String {
    let query: Vec<String> = request.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    let (name, phase, path) = (&sample.name, sample.phase, path_of(&request.url));
    format!("{system}.{name} {phase}: {} {path}{query}\n", request.method)
}

/// One line of `-o jsonl`. A name that stands more than once in a query or among headers has a list of its values.
pub(crate) fn line(system: &str, sample: &Sample, request: &Request) -> Json {
    let is_json = request.content_type.as_deref().is_some_and(|kind| kind.contains("json"));
    let body = match &request.body {
        body if body.is_empty() => Json::Null,
        body if is_json => serde_json::from_slice(body).unwrap_or(Json::Null),
        body => Json::from(String::from_utf8_lossy(body).into_owned()),
    };
    json!({
        "system": system,
        "awf": sample.name,
        "phase": sample.phase,
        "method": request.method,
        "url_path": path_of(&request.url),
        "query": pairs(&request.query),
        "headers": pairs(&request.headers),
        "content_type": request.content_type,
        "body": body,
    })
}

fn pairs(pairs: &[(String, String)]) -> Json {
    let mut all = Map::new();
    for (name, value) in pairs {
        match all.get_mut(name) {
            None => drop(all.insert(name.clone(), Json::from(value.as_str()))),
            Some(Json::Array(values)) => values.push(Json::from(value.as_str())),
            Some(one) => *one = json!([one.clone(), value]),
        }
    }
    Json::Object(all)
}
