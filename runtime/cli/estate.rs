//! `xops estate`: stand-ins for the systems of record, until it is told to end.
//!
//! Invariants: the description, which holds the stand-ins' credentials, is readable by its owner alone, and appears whole or
//! not at all, after every door is open: whoever waits for the file may call at once.

mod generate;

use crate::arguments::estate::{Estate, EstateWhat};
use crate::arguments::{Common, Format};
use crate::exit::{Exit, Failure, Outcome};
use crate::json;
use comfy_table::{Table, presets};
use serde_json::Value as Json;
use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use xops_estate::{Options, Running};

/// Runs the command.
pub(crate) fn run(common: &Common, estate: &Estate) -> Outcome {
    if let Some(EstateWhat::Generate(generate)) = &estate.what {
        return generate::run(common, generate);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::plain(format!("failed to start: {error}")))?;
    runtime.block_on(async {
        // Asked for first: a signal that arrives while the doors open must not be lost.
        let caught = |kind| {
            signal(kind).map_err(|error| Failure::plain(format!("failed to listen for signals: {error}")))
        };
        let (mut interrupted, mut terminated) =
            (caught(SignalKind::interrupt())?, caught(SignalKind::terminate())?);
        let running = start(estate)?;
        announce(common, estate, &running)?;
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
            () = input_ended(estate.until_stdin_ends) => {}
        }
        if let Some(path) = &estate.describe {
            // Its addresses lead nowhere from now on. One that is gone already is as good.
            let _gone_already = std::fs::remove_file(path);
        }
        running.stop().map_err(told)?;
        Ok(Exit::Done)
    })
}

fn start(estate: &Estate) -> Result<Running, Failure> {
    xops_estate::start(Options {
        dir: estate.dir.clone(),
        seed: estate.seed,
        people: estate.people,
        cards: estate.cards.clone(),
        lag_ms: estate.lag,
        rate_limits: !estate.unlimited,
        ..Options::default()
    })
    .map_err(told)
}

/// A failure of the estate with what the system said of it.
fn told(error: xops_estate::Error) -> Failure {
    let source = std::error::Error::source(&error).map(ToString::to_string);
    Failure::plain(error).with(source)
}

fn announce(common: &Common, estate: &Estate, running: &Running) -> Result<(), Failure> {
    let description = running.describe();
    if let Some(path) = &estate.describe {
        let error = |error| Failure::plain(format!("failed to write `{}`: {error}", path.display()));
        write(path, &description).map_err(error)?;
    }
    if common.output != Format::Text {
        return json::print(&description);
    }
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(["SYSTEM", "ADDRESS"]);
    for (system, address) in &running.systems {
        table.add_row([system, &address.base_url]);
    }
    table.add_row(["(control)", &running.control_url]);
    let told = match &estate.describe {
        Some(path) => format!("described in {}: give it to other commands with --estate", path.display()),
        None => "the credentials stand in what --describe FILE writes".to_owned(),
    };
    json::text(&format!("{}\n{told}\n", table.trim_fmt()))
}

/// Writes the description under another name and then gives it its own.
fn write(path: &Path, description: &Json) -> std::io::Result<()> {
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir)?;
    }
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(format!(".{}", std::process::id()));
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    writeln!(file, "{description}")?;
    file.sync_all()?;
    std::fs::rename(&unfinished, path)
}

/// Ends when standard input does; never, where that was not asked for.
async fn input_ended(asked: bool) {
    if !asked {
        return std::future::pending().await;
    }
    let (tell, ended) = oneshot::channel();
    // A thread, because a read of standard input cannot be taken back; the process does not wait for it.
    let reader = std::thread::Builder::new().name("stdin".to_owned()).spawn(move || {
        let mut ignored = [0; 4096];
        while std::io::stdin().read(&mut ignored).is_ok_and(|bytes| bytes > 0) {}
        let _nobody_waits = tell.send(());
    });
    match reader {
        Ok(_) => drop(ended.await),
        Err(error) => tracing::error!(%error, "standard input is not watched"),
    }
}
