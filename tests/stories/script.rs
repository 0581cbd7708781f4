//! How a story is written, a line an order:
//!
//! | line | does |
//! |---|---|
//! | `# text` | nothing: it is for the reader |
//! | `$ xops ...` | runs the command; `\| head 3` at its end shows the first lines alone; `'...'` holds blanks together |
//! | `& xops run ...` | starts the daemon and waits for its doors |
//! | `end` | asks the daemon politely to end |
//! | `estate POST /faults {...}` | tells the estate something |
//! | `project` | from here on the project is a copy of the sample |
//! | `overlay FOLDER` | lays a folder of `tests/stories` over the copy |
//! | `edit FILE: OLD => NEW` | changes the copy; `OLD` stands there once; `\|` is the end of a line |
//!
//! Standard error is shown behind `! `, an exit code that is not 0 in brackets. JSON is spread over lines.

use crate::estate::{World, root, wait_for};
use crate::even::Even;
use serde_json::Value as Json;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A story under way.
struct Run {
    world: World,
    even: Even,
    project: Option<PathBuf>,
    daemon: Option<Child>,
    out: String,
}

/// Runs a story; its transcript.
pub(crate) fn run(text: &str) -> String {
    let world = World::start();
    let folders = [(world.dir().display().to_string(), "DIR"), (root().display().to_string(), "PROJECT")];
    let mut run = Run { world, even: Even::with(folders), project: None, daemon: None, out: String::new() };
    for line in text.lines() {
        run.out.push_str(line);
        run.out.push('\n');
        run.obey(line);
    }
    run.end();
    std::mem::take(&mut run.out)
}

impl Run {
    fn obey(&mut self, line: &str) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "" | "#" => {}
            "$" => self.command(rest),
            "&" => self.start(rest),
            "end" => self.end(),
            "project" => self.copy(),
            "edit" => self.edit(rest),
            "overlay" => {
                copied(&root().join("tests/stories").join(rest), self.project.as_ref().expect("a copy"));
            }
            "estate" => {
                let mut words = rest.splitn(3, ' ');
                let mut next = || words.next().unwrap_or_default();
                self.world.control(next(), next(), next());
            }
            _ => panic!("a story has no `{word}`: {line}"),
        }
    }

    fn prepared(&self, line: &str) -> Command {
        let words = words(line);
        assert_eq!(words.first().map(String::as_str), Some("xops"), "{line}");
        let mut command = self.world.command();
        let dir = self.world.dir().display().to_string();
        command.args(words[1..].iter().map(|word| word.replace("DIR/", &format!("{dir}/"))));
        if let Some(project) = &self.project {
            command.env("XOPS_PROJECT", project);
        }
        command
    }

    fn command(&mut self, line: &str) {
        let (line, lines_max) = match line.split_once(" | head ") {
            Some((line, count)) => (line, count.parse().expect("a number of lines")),
            None => (line, usize::MAX),
        };
        let output = self.prepared(line).output().expect("the command");
        let text = String::from_utf8_lossy(&output.stdout);
        let spread: String = text.lines().map(spread).collect();
        let shown: String = spread.lines().take(lines_max).flat_map(|line| [line, "\n"]).collect();
        self.out.push_str(&self.even.out(&shown));
        let errors = String::from_utf8_lossy(&output.stderr);
        for line in self.even.out(&errors).lines() {
            self.out.extend(["! ", line, "\n"]);
        }
        match output.status.code() {
            Some(0) => {}
            code => self.out.extend(["(exit ", &code.expect("an exit code").to_string(), ")\n"]),
        }
    }

    fn start(&mut self, line: &str) {
        let mut command = self.prepared(line);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a daemon");
        let pid = u64::from(child.id());
        self.daemon = Some(child);
        let said = self.world.data().join("acme").join("daemon.json");
        wait_for("the daemon", || {
            let said: Json = serde_json::from_str(&std::fs::read_to_string(&said).ok()?).ok()?;
            (said["pid"].as_u64() == Some(pid)).then_some(())
        });
    }

    fn end(&mut self) {
        let Some(mut child) = self.daemon.take() else { return };
        let sent = Command::new("kill").arg(child.id().to_string()).status().expect("a signal");
        assert!(sent.success());
        let status = wait_for("the daemon's end", || child.try_wait().expect("a process"));
        assert!(status.success(), "the daemon ended with {status}");
    }

    fn copy(&mut self) {
        let copy = self.world.dir().join("project");
        for folder in ["config", "runbooks", "connectors/manifests"] {
            copied(&root().join(folder), &copy.join(folder));
        }
        self.project = Some(copy);
    }

    fn edit(&mut self, order: &str) {
        let (file, change) = order.split_once(": ").expect("edit FILE: OLD => NEW");
        let (old, new) = change.split_once(" => ").expect("edit FILE: OLD => NEW");
        let (old, new) = (&old.replace('|', "\n"), &new.replace('|', "\n"));
        let file = self.project.as_ref().expect("a copy to edit").join(file);
        let text = std::fs::read_to_string(&file).expect("the file");
        assert_eq!(text.matches(old.as_str()).count(), 1, "`{old}` must stand once in {}", file.display());
        std::fs::write(&file, text.replace(old.as_str(), new)).expect("the file");
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Some(child) = &mut self.daemon {
            let _already_ended = child.kill();
            let _reaped = child.wait();
        }
    }
}

/// A line of JSON over several lines; any other as it is.
fn spread(line: &str) -> String {
    match serde_json::from_str::<Json>(line) {
        Ok(json) if json.is_object() => serde_json::to_string_pretty(&json).expect("JSON") + "\n",
        _ => format!("{line}\n"),
    }
}

/// The words of a command; `'...'` holds blanks together.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let quoted = |(at, part): (usize, &str)| {
        if at % 2 == 1 { vec![part.to_owned()] } else { part.split_whitespace().map(str::to_owned).collect() }
    };
    for piece in line.split('\'').enumerate().map(quoted) {
        words.extend(piece);
    }
    words
}

fn copied(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        let place = to.join(entry.file_name());
        if entry.path().is_dir() {
            copied(&entry.path(), &place);
        } else {
            std::fs::copy(entry.path(), place).expect("a file");
        }
    }
}
