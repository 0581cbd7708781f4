//! Where the effects of `--work kill` are done: in a process that survives, by somebody who shares no code with the engine.
//!
//! One line a request, one line an answer. Functions with an odd number honour the idempotency key, as vendors do: a key that was seen
//! does nothing again. Those with an even number do it again whenever they are told, and can be asked who did it last.
//! Every effect that is really done is written to a file, one line each, in the order in which it was done.

use crate::exit::Failure;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What was done so far.
#[derive(Default)]
struct Done {
    /// The keys that each effect was done under, in order.
    effects: HashMap<String, Vec<String>>,
    keys: HashSet<String>,
    requests: u64,
    performed: u64,
}

/// The effect side.
pub(super) struct Effects {
    address: SocketAddr,
    done: Arc<Mutex<Done>>,
    open: Arc<AtomicBool>,
}

/// What the recorder holds.
pub(super) struct Count {
    /// Requests that arrived.
    pub requests: u64,
    /// Effects that were done.
    pub performed: u64,
    /// Different effects among them.
    pub distinct: u64,
}

/// Whether a function honours the idempotency key.
pub(super) fn is_keyed(function: &str) -> bool {
    function.bytes().last().is_some_and(|digit| digit % 2 == 1)
}

impl Effects {
    /// Begins to do effects, and to record them in `file`.
    pub(super) fn serve(file: &Path) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::plain(format!("failed to serve effects: {error}"));
        let recorder = Arc::new(Mutex::new(BufWriter::new(File::create(file).map_err(failed)?)));
        let listener = TcpListener::bind("127.0.0.1:0").map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let done = Arc::new(Mutex::new(Done::default()));
        let open = Arc::new(AtomicBool::new(false));
        let (shared, is_open) = (Arc::clone(&done), Arc::clone(&open));
        let accept = move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (done, recorder) = (Arc::clone(&shared), Arc::clone(&recorder));
                let is_open = Arc::clone(&is_open);
                let serve = move || {
                    while !is_open.load(Ordering::Acquire) {
                        std::thread::sleep(Duration::from_millis(1));
                    }
                    // A connection that breaks is a process that was killed.
                    let _broke = answer(stream, &done, &recorder);
                };
                let _no_thread = std::thread::Builder::new().name("effects".to_owned()).spawn(serve);
            }
        };
        std::thread::Builder::new().name("effects".to_owned()).spawn(accept).map_err(failed)?;
        Ok(Self { address, done, open })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on requests are answered: until then whoever calls waits, so that all are under way at once.
    pub(super) fn open(&self) {
        self.open.store(true, Ordering::Release);
    }

    /// What was done so far.
    pub(super) fn count(&self) -> Count {
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        Count { requests: done.requests, performed: done.performed, distinct: done.effects.len() as u64 }
    }
}

fn answer(stream: TcpStream, done: &Mutex<Done>, recorder: &Mutex<BufWriter<File>>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut answers = BufWriter::new(stream.try_clone()?);
    let mut requests = BufReader::new(stream);
    let mut line = String::new();
    loop {
        line.clear();
        if requests.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let mut words = line.split_whitespace();
        let (word, id, effect) = (words.next(), words.next(), words.next());
        let (Some(word), Some(id), Some(effect)) = (word, id, effect) else { return Ok(()) };
        let said = {
            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
            match (word, words.next()) {
                ("do", Some(key)) => {
                    if done.act(effect, key) {
                        let mut recorder = recorder.lock().unwrap_or_else(PoisonError::into_inner);
                        writeln!(recorder, "{effect} {key}")?;
                        recorder.flush()?;
                    }
                    "done".to_owned()
                }
                _ => done.effects.get(effect).and_then(|keys| keys.last()).cloned().unwrap_or_default(),
            }
        };
        writeln!(answers, "{id} {said}")?;
        if requests.buffer().is_empty() {
            answers.flush()?;
        }
    }
}

impl Done {
    /// Does an effect, unless its function honours keys and has seen this one; whether it was done.
    fn act(&mut self, effect: &str, key: &str) -> bool {
        self.requests += 1;
        let function = effect.split('/').next().unwrap_or_default();
        let fresh = self.keys.insert(key.to_owned());
        if is_keyed(function) && !fresh {
            return false;
        }
        self.performed += 1;
        self.effects.entry(effect.to_owned()).or_default().push(key.to_owned());
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyed_effect_is_done_once_a_key_and_another_whenever_it_is_asked_for() {
        let mut done = Done::default();
        assert!(done.act("step_1/7", "a"));
        assert!(!done.act("step_1/7", "a"));
        // Another key is another effect to the vendor: that is what must never happen.
        assert!(done.act("step_1/7", "b"));
        assert!(done.act("step_2/7", "c"));
        assert!(done.act("step_2/7", "c"));
        assert_eq!((done.requests, done.performed, done.effects.len()), (5, 4, 2));
    }
}
