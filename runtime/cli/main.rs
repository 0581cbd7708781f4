//! The `xops` command: reads arguments, puts the parts together, prints.
//!
//! Absent: decisions about plans. Data goes to standard output, everything else to standard error; colour never carries
//! meaning. Each command stands in a file of its own; exit codes stand in [`exit`].

#![expect(unreachable_pub, reason = "a binary exports nothing: `pub` marks what a file offers to the others")]

mod apply;
mod arguments;
mod audit;
mod awf;
mod backup;
mod bench;
mod check;
mod client;
mod connectors;
mod demo;
mod drift;
mod drifting;
mod erase;
mod estate;
mod everybody;
mod exit;
mod explain;
mod follow;
mod guard;
mod identity;
mod journal;
mod json;
mod patterns;
mod plan;
mod project;
mod query;
mod records;
mod replay;
mod retain;
mod run;
mod serve;
mod session;
mod simulate;
mod status;
mod steer;
mod trace;
mod unknown;
mod validate;
mod wire;

use arguments::{Arguments, Command};
use clap::Parser;
use exit::Exit;
use std::io::IsTerminal;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    log(&arguments);
    xops_wire::transport::install_crypto();
    let exit = match arguments.command {
        Command::Completions { shell } => {
            clap_complete::generate(
                shell,
                &mut <Arguments as clap::CommandFactory>::command(),
                "xops",
                &mut std::io::stdout(),
            );
            Ok(Exit::Done)
        }
        Command::Check(check) => check::run(&arguments.common, &check),
        Command::Estate(estate) => estate::run(&arguments.common, &estate),
        Command::Trace(trace) => trace::run(&arguments.common, &trace),
        Command::Replay(replay) => replay::run(&arguments.common, &replay),
        Command::Verify => journal::verify(&arguments.common),
        Command::Demo(demo) => demo::run(&arguments.common, &demo),
        Command::Plan(plan) => on_arbiter(plan::run(&arguments.common, &plan)),
        Command::Apply(apply) => on_arbiter(apply::run(&arguments.common, &apply)),
        Command::Explain(explain) => on_arbiter(explain::run(&arguments.common, &explain)),
        Command::Query(query) => on_arbiter(query::run(&arguments.common, &query)),
        Command::Why(why) => on_arbiter(query::why(&arguments.common, &why)),
        Command::Drift(drift) => on_arbiter(drift::run(&arguments.common, &drift)),
        Command::Patterns(patterns) => on_arbiter(patterns::run(&arguments.common, &patterns)),
        Command::Map(map) => query::map(&arguments.common, &map),
        Command::Validate(validate) => on_arbiter(validate::run(&arguments.common, &validate)),
        Command::Run(run) => on_arbiter(run::run(&arguments.common, &run)),
        Command::Status(asked) if asked.unknown => unknown::run(&arguments.common),
        Command::Status(_) => on_arbiter(status::run(&arguments.common)),
        Command::Pause(pause) => on_arbiter(steer::pause(&arguments.common, &pause)),
        Command::Resume(resume) => on_arbiter(steer::resume(&arguments.common, &resume)),
        Command::Release(release) => on_arbiter(steer::release(&arguments.common, &release)),
        Command::Backstep(backstep) => on_arbiter(steer::backstep(&arguments.common, &backstep)),
        Command::Connectors(connectors) => connectors::run(&arguments.common, &connectors),
        Command::Awf(awfs) => awf::run(&arguments.common, &awfs),
        Command::Identity(identity) => on_arbiter(identity::run(&arguments.common, &identity)),
        Command::Audit(it) => audit::run(&arguments.common, &it),
        Command::Backup(it) => backup::backup(&arguments.common, &it),
        Command::Restore(it) => backup::restore(&arguments.common, &it),
        Command::Retain(it) => retain::run(&arguments.common, &it),
        Command::Erase(erase) => on_arbiter(erase::run(&arguments.common, &erase)),
        Command::Bench(bench) => bench::run(&arguments.common, &bench),
        Command::Simulate(simulate) => simulate::run(&arguments.common, &simulate),
    };
    match exit {
        Ok(exit) => exit.code(),
        Err(failure) => {
            anstream::eprintln!("xops: {}", failure.message);
            for line in &failure.notes {
                anstream::eprintln!("  {line}");
            }
            failure.exit.code()
        }
    }
}

/// Runs a command on an arbiter: what talks to actors lives there.
fn on_arbiter<T>(command: impl Future<Output = T>) -> T {
    actix::System::new().block_on(command)
}

/// Logs go to standard error: for people on a terminal, JSON else. `XOPS_LOG` filters them.
fn log(arguments: &Arguments) {
    let level = if arguments.common.verbose { "info" } else { "warn" };
    let filter = tracing_subscriber::EnvFilter::try_from_env("XOPS_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let set = if std::io::stderr().is_terminal() {
        logs.with_target(false).try_init()
    } else {
        logs.json().try_init()
    };
    if let Err(error) = set {
        anstream::eprintln!("xops: no logs: {error}");
    }
}
