//! `xops run`: the daemon.
//!
//! Work enters by the API, by webhooks and by schedules. SIGTERM and SIGINT stop it: the doors close, what was handed over is
//! written down, the journal is closed.

mod events;

use crate::arguments::{Common, Run};
use crate::client::Daemon;
use crate::drifting::Drifting;
use crate::exit::{Exit, Failure, Outcome};
use crate::project::{self, Project};
use crate::serve::{self, Answer, Doors, Order};
use crate::session::{self, Places, Wanted};
use crate::{apply, guard, json as convert};
use actix::Addr;
use events::Seen;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use serde_json::{Value as Json, json};
use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use xops_kernel::culprit::Culprit;
use xops_kernel::id::RequestId;
use xops_kernel::log::{Entrance, Request};
use xops_kernel::saga::event::Release;
use xops_kernel::standard::Standards;
use xops_kernel::value::Values;
use xops_robots::service::Answer as Work;
use xops_shell::engine::Engine;
use xops_shell::service::Service;

/// How often a daemon that ends when it is quiet looks.
const QUIET_POLL: Duration = Duration::from_millis(50);

/// Runs until a signal, a failure, or quiet.
pub async fn run(common: &Common, run: &Run) -> Outcome {
    let recorder = recorder()?;
    let project = Rc::new(project::sound(common)?);
    let (crash, open_max) = (run.crash_at.clone().map(Arc::new), Some(run.open_requests_max));
    let wanted = Wanted { writes: true, watch: true, crash, open_max };
    let engine = Rc::new(session::start(common, &project, wanted).await?);
    let guard = Rc::new(guard::start(common, run, &project.declarations.tenant, engine.durable())?);
    let (orders, mut received) = mpsc::channel(serve::ORDERS_MAX);
    let token: Arc<str> = token()?.into();
    let ready = Arc::new(AtomicBool::new(true));
    let doors = Doors {
        orders,
        token: Arc::clone(&token),
        metrics: recorder,
        ready: Arc::clone(&ready),
        hooks: Arc::new(serve::hooks::hooks(common, &project)?),
    };
    let (address, server) = serve::open(&run.listen, doors)
        .map_err(|error| Failure::plain(format!("failed to listen at {}: {error}", run.listen)))?;
    let handle = server.handle();
    actix::spawn(server);
    // Before anybody can know where it is: whoever does may also end it, and politely.
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::plain)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::plain)?;
    let places = Places::of(common, &project.declarations.tenant);
    let daemon =
        Daemon { pid: std::process::id(), url: format!("http://{address}"), token: token.to_string() };
    announce(&places.daemon, &daemon)?;
    anstream::eprintln!("listening at {}", daemon.url);
    // A daemon that ends when it is quiet finishes what is there; it does not open work of its own.
    let standards = if run.until_quiet { Standards::default() } else { project.standards.clone() };
    let drifting = Drifting::start(&engine, &standards);
    if !run.until_quiet {
        schedules(&project, &engine);
    }
    let seen = Rc::new(RefCell::new(Seen::default()));
    let ended = {
        let quiet = quiet(&engine, run.until_quiet);
        tokio::pin!(quiet);
        let failure = engine.failure();
        tokio::pin!(failure);
        loop {
            tokio::select! {
                Some((order, reply)) = received.recv() => {
                    let (engine, project, guard) = (Rc::clone(&engine), Rc::clone(&project), Rc::clone(&guard));
                    let (seen, drifting) = (Rc::clone(&seen), Rc::clone(&drifting));
                    actix::spawn(async move {
                        let mut answer = match order {
                            Order::Drift => drifting.told().await,
                            Order::Acknowledge(body) => drifting.acknowledge(&body).await,
                            order => obey(&engine, &project, &seen, order).await,
                        };
                        guard.join_status(&mut answer.1);
                        drifting.join_status(&mut answer.1).await;
                        let _asker_gone = reply.send(answer);
                    });
                }
                why = &mut failure => break Err(why),
                _ = terminate.recv() => break Ok(()),
                _ = interrupt.recv() => break Ok(()),
                () = &mut quiet => break Ok(()),
            }
        }
    };
    ready.store(false, Ordering::Relaxed);
    handle.stop(true).await;
    let _already_gone = std::fs::remove_file(&places.daemon);
    engine.close().await.map_err(Failure::plain)?;
    guard.end();
    ended.map(|()| Exit::Done).map_err(Failure::plain)
}

fn recorder() -> Result<metrics_exporter_prometheus::PrometheusHandle, Failure> {
    // From a tenth of a millisecond to a minute and a half, each three times the last.
    let buckets = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 90.0];
    let batches = [1.0, 4.0, 16.0, 64.0, 256.0, 1_024.0, 4_096.0, 8_192.0];
    let built = PrometheusBuilder::new()
        .set_buckets(&buckets)
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("_events".to_owned()), &batches));
    built.and_then(PrometheusBuilder::install_recorder).map_err(Failure::plain)
}

fn token() -> Result<String, Failure> {
    let mut bytes = [0_u8; 32];
    xops_journal::random::Random::fill(&xops_journal::random::System::default(), &mut bytes)
        .map_err(Failure::plain)?;
    Ok(xops_kernel::id::Digest(bytes).to_string())
}

/// Writes down where the daemon is, for its own user's eyes, in one step.
fn announce(path: &std::path::Path, daemon: &Daemon) -> Result<(), Failure> {
    use std::os::unix::fs::OpenOptionsExt;
    let failed =
        |error: std::io::Error| Failure::plain(format!("failed to write `{}`: {error}", path.display()));
    let new = path.with_extension("new");
    let _left_behind = std::fs::remove_file(&new);
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new).map_err(failed)?;
    let text = serde_json::to_string(daemon).map_err(Failure::plain)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    std::fs::rename(&new, path).map_err(failed)
}

/// Ends when nothing goes on but by a person and no request is open, if that is asked for.
async fn quiet(engine: &Rc<Engine>, asked: bool) {
    if !asked {
        std::future::pending::<()>().await;
    }
    engine.until_quiet(QUIET_POLL).await;
}

async fn obey(engine: &Rc<Engine>, project: &Project, seen: &RefCell<Seen>, order: Order) -> Answer {
    let done = |result: Result<(), String>| match result {
        Ok(()) => (200, json!({ "state": "done" })),
        Err(why) => (409, json!({ "error": why })),
    };
    match order {
        Order::Status => match serde_json::to_value(engine.status().await) {
            Ok(status) => (200, status),
            Err(error) => (500, json!({ "error": error.to_string() })),
        },
        Order::Request(body) => match request_of(project, &body) {
            Ok(request) => submit(engine, request).await,
            Err(why) => (400, json!({ "error": why })),
        },
        Order::Event(system, delivery) => events::take(engine, project, seen, &system, &delivery).await,
        Order::Instance(number) => instance(engine, number).await,
        Order::Pause(scope, by, why) => match scope.parse() {
            Ok(scope) => done(engine.pause(scope, &by, why.as_deref()).await),
            Err(why) => (400, json!({ "error": why })),
        },
        Order::Release(number, by, decision) => release(engine, number, &by, &decision).await,
        Order::Free(what, by) => match what.parse::<Culprit>() {
            Ok(over) => match engine.free(over, &by).await {
                Ok(true) => (200, json!({ "released": what })),
                Ok(false) => (409, json!({ "error": format!("`{what}` is not set aside") })),
                Err(why) => (409, json!({ "error": why })),
            },
            Err(why) => (400, json!({ "error": why })),
        },
        Order::Decide(body) => crate::identity::decide::take(engine, &body).await,
        Order::Drift | Order::Acknowledge(_) => (404, json!({ "error": "there is nothing here" })),
        Order::Backstep(number, by, why) => done(engine.turn(number, &by, &why).await),
        Order::Erase(body) => match serde_json::from_value(body) {
            Ok(erased) => match engine.erase(erased).await {
                Ok(keys) => (200, json!({ "keys": keys })),
                Err(why) => (409, json!({ "error": why })),
            },
            Err(error) => (400, json!({ "error": format!("the body is no erasure: {error}") })),
        },
    }
}

/// Releases an instance: one that was set aside as a whole, else its parked and stuck steps.
async fn release(engine: &Rc<Engine>, number: u64, by: &str, decision: &str) -> Answer {
    let Some(how) = decision_of(decision) else {
        return (
            400,
            json!({ "error": format!("`{decision}` is no decision: it is retry, done or failed") }),
        );
    };
    if how == Release::Retry {
        match engine.free(Culprit::Instance(number), by).await {
            Ok(true) => return (200, json!({ "released": 1, "set_aside": true })),
            Ok(false) => {}
            Err(why) => return (409, json!({ "error": why })),
        }
    }
    match engine.release(number, by, how).await {
        Ok(0) => (409, json!({ "error": format!("instance {number} has no step that waits for a person") })),
        Ok(released) => (200, json!({ "released": released })),
        Err(why) => (409, json!({ "error": why })),
    }
}

fn decision_of(word: &str) -> Option<Release> {
    match word {
        "retry" => Some(Release::Retry),
        "done" => Some(Release::Done),
        "failed" => Some(Release::Failed),
        _ => None,
    }
}

async fn instance(engine: &Rc<Engine>, number: u64) -> Answer {
    let service: &Addr<Service> = engine.service();
    match service.send(xops_shell::letter::Stand(number)).await {
        Ok(Some(word)) => (200, json!({ "number": number, "state": word })),
        Ok(None) => (
            404,
            json!({ "error": format!("instance {number} is not known to this process: see `xops trace`") }),
        ),
        Err(error) => (503, json!({ "error": error.to_string() })),
    }
}

async fn submit(engine: &Rc<Engine>, request: Request) -> Answer {
    match engine.request(request).await {
        Ok(Work::Started(number, instance)) => {
            (202, json!({ "state": "started", "number": number, "instance": instance.to_string() }))
        }
        Ok(Work::Unchanged { handle, satisfied }) => {
            (200, json!({ "state": "unchanged", "handle": handle, "satisfied": satisfied }))
        }
        Ok(Work::Refused(reasons)) => (409, json!({ "error": "there is no plan", "reasons": reasons })),
        Err(why) => (503, json!({ "error": why })),
    }
}

fn request_of(project: &Project, body: &Json) -> Result<Request, String> {
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    let kind = text("entity").ok_or("`entity` is missing: the kind of entity, such as \"person\"")?;
    let members = body["find"].as_object().ok_or("`find` is missing: an object of attributes and values")?;
    let find: Values = members.iter().map(|(name, value)| (name.clone(), convert::to_value(value))).collect();
    if find.is_empty() {
        return Err("`find` is empty: say by which attribute the entity is found".to_owned());
    }
    let id = text("id").unwrap_or_else(|| apply::unique(&kind));
    Ok(Request {
        id: RequestId::of(&project.declarations.tenant, "api", &id),
        entrance: Entrance::Request,
        principal: text("principal").unwrap_or_else(|| "api".to_owned()),
        kind,
        find,
        outcome: text("outcome"),
        release: body["release"].as_bool().unwrap_or(false),
    })
}

/// Sets the schedules going.
fn schedules(project: &Rc<Project>, engine: &Rc<Engine>) {
    for schedule in project.declarations.schedules.values() {
        let Ok(cron) = schedule.cron.parse::<croner::Cron>() else { continue };
        let (project, engine, name) = (Rc::clone(project), Rc::clone(engine), schedule.name.clone());
        let outcomes = schedule.outcomes.clone();
        actix::spawn(async move {
            loop {
                let clock = engine.tenant().hub.clock;
                let Some(next) = next_ms(&cron, clock.now()) else { return };
                tokio::time::sleep(clock.until(next)).await;
                reconcile(&project, &engine, &name, &outcomes, next).await;
            }
        });
    }
}

fn next_ms(cron: &croner::Cron, now: u64) -> Option<u64> {
    let now =
        jiff::Timestamp::from_millisecond(i64::try_from(now).ok()?).ok()?.to_zoned(jiff::tz::TimeZone::UTC);
    let next = cron.find_next_occurrence(&now, false).ok()?;
    u64::try_from(next.timestamp().as_millisecond()).ok()
}

/// Opens work for every entity of the outcomes' kinds; whoever is as declared is answered without a change. One after the
/// other, so that a schedule never crowds out what people ask for.
async fn reconcile(project: &Project, engine: &Rc<Engine>, schedule: &str, outcomes: &[String], at: u64) {
    engine.read(|_, _| {}).await;
    for outcome in outcomes.iter().filter_map(|name| project.declarations.outcomes.get(name)) {
        let Some(kind) = project.declarations.entities.get(&outcome.entity) else { continue };
        let handles = engine.concerned(&outcome.name);
        tracing::info!(schedule, outcome = outcome.name, entities = handles.len(), "reconciling");
        for handle in handles {
            let request = Request {
                id: RequestId::of(
                    &project.declarations.tenant,
                    "schedule",
                    &format!("{schedule} {at} {handle}"),
                ),
                entrance: Entrance::Schedule,
                principal: project.declarations.principal.clone(),
                kind: kind.name.clone(),
                find: Values::from([(kind.handle.clone(), handle.as_str().into())]),
                outcome: Some(outcome.name.clone()),
                release: false,
            };
            if let Err(why) = engine.request(request).await {
                tracing::warn!(schedule, why, "a reconciliation was not taken");
            }
        }
    }
}
