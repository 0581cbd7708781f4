//! How the command ends: the exit codes, and failures in words.

use std::fmt::Display;
use std::process::ExitCode;

/// The documented exit codes (`docs/operating.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: done; for `plan`: nothing has to change.
    Done,
    /// 1: it failed: the machine, the network, the journal.
    Failed,
    /// 2: the arguments are wrong (clap's own code as well).
    Usage,
    /// 3: the declarations have mistakes.
    Mistakes,
    /// 4: refused: there is no valid plan, no such entity, or it is held.
    Refused,
    /// 5: the outcome was backstepped: the end state is the one before.
    Undone,
    /// 6: something waits for a person: parked or stuck.
    Waiting,
    /// 7: the journal is damaged, or replay differs from it.
    Damaged,
    /// 10: for `plan`: there are changes.
    Changes,
}

impl Exit {
    /// The process's code.
    pub fn code(self) -> ExitCode {
        ExitCode::from(self.number())
    }

    /// The process's code, as a number.
    pub fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Mistakes => 3,
            Self::Refused => 4,
            Self::Undone => 5,
            Self::Waiting => 6,
            Self::Damaged => 7,
            Self::Changes => 10,
        }
    }
}

/// Why a command failed, for the person at the terminal.
#[derive(Debug)]
pub struct Failure {
    /// The code.
    pub exit: Exit,
    /// One line.
    pub message: String,
    /// What else there is to say, a line each.
    pub notes: Vec<String>,
}

/// What a command comes to.
pub type Outcome = Result<Exit, Failure>;

impl Failure {
    /// A failure with a code and one line.
    pub fn new(exit: Exit, message: impl Display) -> Self {
        Self { exit, message: message.to_string(), notes: Vec::new() }
    }

    /// A plain failure.
    pub fn plain(message: impl Display) -> Self {
        Self::new(Exit::Failed, message)
    }

    /// The same with more to say.
    #[must_use]
    pub fn with(mut self, notes: impl IntoIterator<Item = String>) -> Self {
        self.notes.extend(notes);
        self
    }
}
