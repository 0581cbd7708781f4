//! Crash points: the process kills itself with SIGKILL at a named place, so that recovery from each place can be tested on
//! the very binary that runs in production. Off unless asked for on the command line.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where to die, and after how many passings.
#[derive(Clone, Debug)]
pub struct Crash {
    place: Place,
    nth: u64,
    passed: Arc<AtomicU64>,
}

/// The places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Before a frame is committed.
    BeforeAppend,
    /// After a frame is durable, before anybody is told.
    AfterAppend,
    /// After the intent is durable, before the call is sent.
    BeforeCall,
    /// After the answer to a call arrived, before it is written down.
    AfterCall,
}

impl Place {
    const ALL: [(&'static str, Self); 4] = [
        ("before-append", Self::BeforeAppend),
        ("after-append", Self::AfterAppend),
        ("before-call", Self::BeforeCall),
        ("after-call", Self::AfterCall),
    ];
}

impl fmt::Display for Crash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = Place::ALL.iter().find(|(_, place)| *place == self.place).map_or("", |(word, _)| word);
        write!(f, "{word}:{}", self.nth)
    }
}

impl FromStr for Crash {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (word, nth) = text.split_once(':').unwrap_or((text, ""));
        let place = Place::ALL.iter().find(|(name, _)| *name == word).map(|(_, place)| *place);
        match (place, nth.parse()) {
            (Some(place), Ok(nth)) if nth > 0 => Ok(Self { place, nth, passed: Arc::default() }),
            _ => {
                let words: Vec<_> = Place::ALL.iter().map(|(word, _)| *word).collect();
                Err(format!(
                    "`{text}` is no crash point: it is one of {} and `:N`, N from 1",
                    words.join(", ")
                ))
            }
        }
    }
}

/// Passes a place: the process dies here if it was asked to.
pub fn pass(crash: Option<&Crash>, place: Place) {
    let Some(crash) = crash.filter(|crash| crash.place == place) else { return };
    if crash.passed.fetch_add(1, Ordering::SeqCst) + 1 == crash.nth {
        eprintln!("crash point {crash} reached");
        let _kills_us =
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_point_reads_back() {
        assert_eq!("after-append:3".parse::<Crash>().unwrap().to_string(), "after-append:3");
        assert!("after-append:0".parse::<Crash>().is_err());
        assert!("nowhere:1".parse::<Crash>().is_err());
    }
}
