//! `xops demo`: the whole story in half a minute, on stand-ins that this command starts and ends.
//!
//! Every step is the command itself in a process of its own, so that what is shown is what a reader can type. Nothing is
//! prepared: the estate's recorder, which knows nothing of xops, counts at the end what really happened.

use crate::arguments::{Common, Demo};
use crate::exit::{Exit, Failure, Outcome};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long anything of the demonstration may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// Tells the story.
pub fn run(common: &Common, demo: &Demo) -> Outcome {
    let (dir, temporary) = match &demo.keep {
        Some(dir) => (dir.clone(), false),
        None => (std::env::temp_dir().join(format!("xops-demo-{}", std::process::id())), true),
    };
    std::fs::create_dir_all(&dir).map_err(Failure::plain)?;
    let told = Story::begin(common, &dir).and_then(Story::tell);
    if temporary && told.is_ok() {
        let _left_for_the_system = std::fs::remove_dir_all(&dir);
    } else if temporary {
        anstream::eprintln!("the demonstration's files are left at {}", dir.display());
    }
    told
}

struct Story {
    program: PathBuf,
    project: PathBuf,
    dir: PathBuf,
    estate: Estate,
    control: String,
}

/// The estate's process. It ends with its standard input, so also when this process is killed.
struct Estate(Child);

impl Drop for Estate {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ended = self.0.wait();
    }
}

impl Story {
    fn begin(common: &Common, dir: &Path) -> Result<Self, Failure> {
        heading("Stand-ins for Workday, Okta, Intune, ServiceNow and Slack");
        let program = std::env::current_exe().map_err(Failure::plain)?;
        let describe = dir.join("estate.json");
        let _from_before = std::fs::remove_file(&describe);
        anstream::println!("$ xops estate --describe estate.json &");
        let child = Command::new(&program)
            .args(["estate", "--until-stdin-ends", "--people", "40", "--dir"])
            .arg(dir.join("recorder"))
            .arg("--describe")
            .arg(&describe)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .map_err(Failure::plain)?;
        let estate = Estate(child);
        let described = wait_for("the estate", || {
            let text = std::fs::read_to_string(&describe).ok()?;
            serde_json::from_str::<Json>(&text).ok()
        })?;
        let control = described["control"].as_str().unwrap_or_default().to_owned();
        for (system, place) in described["systems"].as_object().into_iter().flatten() {
            anstream::println!("{system:<12} {}", place["base_url"].as_str().unwrap_or_default());
        }
        Ok(Self { program, project: common.project.clone(), dir: dir.to_owned(), estate, control })
    }

    fn tell(mut self) -> Outcome {
        heading("What would change for a new contractor");
        self.expect(&["plan", "person:sarah.chen", "--outcome", "EMP-R-001"], Exit::Changes)?;

        heading("Do it");
        self.expect(&["apply", "person:sarah.chen", "--outcome", "EMP-R-001"], Exit::Done)?;

        heading("Once more: nothing is left to do");
        self.expect(&["apply", "person:sarah.chen", "--outcome", "EMP-R-001"], Exit::Done)?;

        heading("A second contractor, whose Slack invitation is rejected: the saga steps back");
        let fault =
            json!({ "system": "slack", "operation": "conversations.invite", "kind": "reject", "times": 1 });
        self.control("POST", "/faults", Some(&fault))?;
        anstream::println!("(the estate was told to reject the next invitation)");
        self.expect(&["apply", "person:marcus.webb", "--outcome", "EMP-R-001"], Exit::Undone)?;

        heading("A third, and the daemon is killed between a call and its answer");
        self.crash()?;

        heading("The journal is whole, and replays");
        self.expect(&["verify"], Exit::Done)?;
        self.expect(&["replay", "3"], Exit::Done)?;

        heading("Next");
        anstream::println!(
            "  cargo run --release -- estate --describe estate.json     # in a second terminal"
        );
        anstream::println!("  cargo run --release -- --estate estate.json plan person:sarah.chen");
        anstream::println!("  cargo run --release -- --estate estate.json explain person:sarah.chen");
        anstream::println!(
            "  cargo run --release -- --estate estate.json run          # the daemon, with /metrics"
        );
        anstream::println!("  cargo run --release -- check && cargo run --release -- bench engine");
        let _still_up = self.estate.0.try_wait();
        Ok(Exit::Done)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg("--project")
            .arg(&self.project)
            .arg("--data")
            .arg(self.dir.join("data"))
            .arg("--estate")
            .arg(self.dir.join("estate.json"))
            .args(arguments)
            .env_remove("XOPS_KEY")
            .env_remove("XOPS_KEY_FILE")
            .stdin(Stdio::null());
        command
    }

    /// Runs a command in plain sight; it must end as the story says.
    fn expect(&self, arguments: &[&str], exit: Exit) -> Result<(), Failure> {
        anstream::println!("$ xops {}", arguments.join(" "));
        let status = self.command(arguments).status().map_err(Failure::plain)?;
        if status.code() == Some(i32::from(exit.number())) {
            return Ok(());
        }
        Err(Failure::plain(format!(
            "the story goes otherwise: `xops {}` ended with {status}",
            arguments.join(" ")
        )))
    }

    /// Starts the daemon with a crash point between the fourth call and its answer, asks it for work, and starts it again.
    fn crash(&self) -> Result<(), Failure> {
        let before = self.changes()?.len();
        anstream::println!("$ xops run &");
        let crash = ["run", "--listen", "127.0.0.1:0", "--crash-at", "after-call:4"];
        let mut daemon = Watched(self.command(&crash).stderr(Stdio::null()).spawn().map_err(Failure::plain)?);
        let said = self.dir.join("data").join("acme").join("daemon.json");
        let place: Json =
            wait_for("the daemon", || serde_json::from_str(&std::fs::read_to_string(&said).ok()?).ok())?;
        anstream::println!("$ xops apply person:priya.nair --outcome EMP-R-001");
        let find = json!({ "handle": "priya.nair" });
        let body = json!({ "id": "demo-priya", "entity": "person", "find": find, "outcome": "EMP-R-001", "principal": "demo" });
        let (url, token) =
            (place["url"].as_str().unwrap_or_default(), place["token"].as_str().unwrap_or_default());
        let answer = http("POST", &format!("{url}/v1/requests"), Some(token), Some(&body))?;
        anstream::println!("started instance {}", answer["instance"].as_str().unwrap_or("?"));
        let status = daemon.end()?;
        anstream::println!(
            "(the daemon was killed: {status}; its fourth call had been answered, nothing of that was written)"
        );
        anstream::println!("$ xops run --until-quiet");
        let again =
            self.command(&["run", "--listen", "127.0.0.1:0", "--until-quiet"]).stderr(Stdio::null()).status();
        again.map_err(Failure::plain)?;
        self.expect(&["trace", "3"], Exit::Done)?;
        let changes = self.changes()?;
        let mut per_object: BTreeMap<String, u32> = BTreeMap::new();
        for change in &changes[before.min(changes.len())..] {
            let name = |key: &str| change[key].as_str().unwrap_or_default().to_owned();
            *per_object.entry(format!("{}.{}/{}", name("system"), name("kind"), name("id"))).or_default() +=
                1;
        }
        let twice = per_object.values().filter(|count| **count > 1).count();
        anstream::println!(
            "the estate's own recorder: {} objects changed, {twice} of them twice",
            per_object.len()
        );
        if twice > 0 {
            return Err(Failure::plain("an effect was done twice"));
        }
        Ok(())
    }

    fn changes(&self) -> Result<Vec<Json>, Failure> {
        let changes = self.control("GET", "/changes", None)?;
        let list = changes.as_array().or_else(|| changes["changes"].as_array()).cloned();
        list.ok_or_else(|| Failure::plain("the estate's recorder gave no list of changes"))
    }

    fn control(&self, method: &str, path: &str, body: Option<&Json>) -> Result<Json, Failure> {
        http(method, &format!("{}{path}", self.control), None, body)
    }
}

/// A process that does not outlive the story.
struct Watched(Child);

impl Watched {
    fn end(&mut self) -> Result<ExitStatus, Failure> {
        wait_for("the daemon's end", || self.0.try_wait().ok().flatten())
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _already_ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

fn heading(text: &str) {
    anstream::println!("\n== {text}");
}

fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> Result<T, Failure> {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if let Some(found) = look() {
            return Ok(found);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Err(Failure::plain(format!("{what} did not come within {} s", PATIENCE.as_secs())))
}

/// One request on this machine.
fn http(method: &str, url: &str, token: Option<&str>, body: Option<&Json>) -> Result<Json, Failure> {
    actix::System::new().block_on(async {
        let client =
            reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().map_err(Failure::plain)?;
        let method = method.parse().map_err(|_| Failure::plain(format!("`{method}` is no method")))?;
        let mut request = client.request(method, url);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let response = request.send().await.map_err(Failure::plain)?;
        let status = response.status();
        let text = response.text().await.map_err(Failure::plain)?;
        if !status.is_success() {
            return Err(Failure::plain(format!("{url} answered {status}: {text}")));
        }
        Ok(serde_json::from_str(&text).unwrap_or(Json::Null))
    })
}
