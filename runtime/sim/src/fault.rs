//! What goes wrong, how often, and how often it did.
//!
//! Invariants: whether a fault strikes is said by the rates and the dice, or by a list of strikes; the dice are thrown in either
//! case, so that a list of the strikes of a run gives that run again.

use crate::seed::Dice;
use std::collections::{BTreeMap, BTreeSet};

/// The kinds of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The system refuses the call for what it says.
    Reject,
    /// The system takes no more calls, and says for how long.
    RateLimited,
    /// The system takes no more calls, and does not say for how long.
    RateLimitedUntimed,
    /// An error before anything was executed.
    NotExecuted,
    /// The credential is no longer good.
    AuthExpired,
    /// No answer in time; the call never arrived.
    TimeoutBefore,
    /// No answer in time; the call took effect.
    TimeoutAfter,
    /// No answer in time; the call takes effect later.
    Delayed,
    /// The connection is reset; the call may have arrived.
    Reset,
    /// A lookup shows the oldest state that the system's lag allows.
    StaleRead,
    /// A lookup is answered with an error, a limit, or not at all.
    LookupFailed,
    /// A lookup is answered with something that says nothing.
    LookupUnclear,
    /// A lookup is refused because the credential is no longer good.
    LookupAuthExpired,
    /// The gate finds the step paused.
    Paused,
    /// The gate finds the breaker of the system open.
    BreakerOpen,
    /// The gate finds that a fact changed.
    FactChanged,
    /// An answer that was already applied is delivered again.
    OldAnswer,
    /// A person turns the instance back.
    TurnedByPerson,
    /// The clock goes back by some seconds for one event.
    ClockBack,
    /// The process dies.
    Killed,
    /// The process is down for longer than the vendors keep their idempotency keys.
    LongDown,
    /// The process dies while the disk is written to: of what was not synced, each sector is there or not.
    TornWrite,
    /// The disk is full.
    DiskFull,
    /// The disk answers a write or a sync with an error.
    DiskFailed,
    /// A system is down for a while.
    Outage,
    /// A request arrives twice, and the first answer comes back.
    SentTwice,
    /// A list shows another tenant's objects beside ours.
    OthersShown,
    /// Work with precedence comes for the entity of the instance.
    Overtaken,
}

impl Fault {
    /// All kinds.
    pub const ALL: [Self; 28] = [
        Self::Reject,
        Self::RateLimited,
        Self::RateLimitedUntimed,
        Self::NotExecuted,
        Self::AuthExpired,
        Self::TimeoutBefore,
        Self::TimeoutAfter,
        Self::Delayed,
        Self::Reset,
        Self::StaleRead,
        Self::LookupFailed,
        Self::LookupUnclear,
        Self::LookupAuthExpired,
        Self::Paused,
        Self::BreakerOpen,
        Self::FactChanged,
        Self::OldAnswer,
        Self::TurnedByPerson,
        Self::ClockBack,
        Self::Killed,
        Self::LongDown,
        Self::TornWrite,
        Self::DiskFull,
        Self::DiskFailed,
        Self::Outage,
        Self::SentTwice,
        Self::OthersShown,
        Self::Overtaken,
    ];

    /// Whether it befalls the disk: it strikes where frames are kept on one.
    pub fn of_disk(self) -> bool {
        matches!(self, Self::TornWrite | Self::DiskFull | Self::DiskFailed)
    }

    /// Whether it befalls systems that speak HTTP: it strikes where those are played.
    pub fn of_vendors(self) -> bool {
        matches!(self, Self::Outage | Self::SentTwice | Self::OthersShown)
    }

    /// One word, from a closed set.
    pub fn word(self) -> &'static str {
        match self {
            Self::Reject => "reject",
            Self::RateLimited => "rate_limited",
            Self::RateLimitedUntimed => "rate_limited_untimed",
            Self::NotExecuted => "not_executed",
            Self::AuthExpired => "auth_expired",
            Self::TimeoutBefore => "timeout_before",
            Self::TimeoutAfter => "timeout_after",
            Self::Delayed => "delayed",
            Self::Reset => "reset",
            Self::StaleRead => "stale_read",
            Self::LookupFailed => "lookup_failed",
            Self::LookupUnclear => "lookup_unclear",
            Self::LookupAuthExpired => "lookup_auth_expired",
            Self::Paused => "paused",
            Self::BreakerOpen => "breaker_open",
            Self::FactChanged => "fact_changed",
            Self::OldAnswer => "old_answer",
            Self::TurnedByPerson => "turned_by_person",
            Self::ClockBack => "clock_back",
            Self::Killed => "killed",
            Self::LongDown => "long_down",
            Self::TornWrite => "torn_write",
            Self::DiskFull => "disk_full",
            Self::DiskFailed => "disk_failed",
            Self::Outage => "outage",
            Self::SentTwice => "sent_twice",
            Self::OthersShown => "others_shown",
            Self::Overtaken => "overtaken",
        }
    }
}

/// How many kinds there are.
const KINDS: usize = Fault::ALL.len();

/// How often each fault strikes where it can, in thousandths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rates([u32; KINDS]);

impl Rates {
    /// Nothing goes wrong.
    pub fn none() -> Self {
        Self::default()
    }

    /// These rates with `fault` at `per_mille`.
    #[must_use]
    pub fn with(mut self, fault: Fault, per_mille: u32) -> Self {
        self.0[fault as usize] = per_mille;
        self
    }

    /// Every fault at once; `weight` 1 is a bad day, 5 is hopeless.
    pub fn all(weight: u32) -> Self {
        let rate = |fault| match fault {
            Fault::Reject | Fault::AuthExpired | Fault::LookupAuthExpired | Fault::FactChanged => 4,
            Fault::LongDown | Fault::TurnedByPerson | Fault::Overtaken => 60,
            Fault::StaleRead => 150,
            Fault::LookupFailed | Fault::LookupUnclear | Fault::OldAnswer => 30,
            Fault::Killed | Fault::TornWrite => 12,
            Fault::ClockBack => 10,
            Fault::DiskFull | Fault::DiskFailed | Fault::Outage => 3,
            Fault::OthersShown => 100,
            _ => 20,
        };
        Self(Fault::ALL.map(|fault| rate(fault) * weight))
    }

    /// The rate of `fault`.
    pub fn of(&self, fault: Fault) -> u32 {
        self.0[fault as usize]
    }
}

/// How often each fault struck.
pub type Tally = BTreeMap<Fault, u64>;

/// One strike: which of the throws for a fault it was, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Strike {
    /// The fault.
    pub fault: Fault,
    /// Which throw.
    pub nth: u64,
}

/// Says whether a fault strikes, and keeps count.
#[derive(Clone, Debug, Default)]
pub struct Throws {
    rates: Rates,
    chosen: Option<BTreeSet<Strike>>,
    thrown: [u64; KINDS],
    struck: [u64; KINDS],
    strikes: Vec<Strike>,
}

impl Throws {
    /// Throws by the rates; where strikes are listed, these strike and no others.
    pub fn new(rates: Rates, chosen: Option<BTreeSet<Strike>>) -> Self {
        Self { rates, chosen, ..Self::default() }
    }

    /// Throws for `fault`, and counts it if it strikes.
    pub fn strikes(&mut self, fault: Fault, dice: &mut Dice) -> bool {
        let hit = self.thrown(fault, dice);
        if hit {
            self.count(fault);
        }
        hit
    }

    /// Throws for `fault` without counting it: what it brings about counts itself.
    pub fn thrown(&mut self, fault: Fault, dice: &mut Dice) -> bool {
        let rate = self.rates.of(fault);
        if rate == 0 {
            return false;
        }
        let thrown = &mut self.thrown[fault as usize];
        *thrown += 1;
        let strike = Strike { fault, nth: *thrown };
        let by_rate = dice.chance(rate);
        let hit = self.chosen.as_ref().map_or(by_rate, |chosen| chosen.contains(&strike));
        if hit {
            self.strikes.push(strike);
        }
        hit
    }

    /// Counts a strike that was not thrown for.
    pub fn count(&mut self, fault: Fault) {
        self.struck[fault as usize] += 1;
    }

    /// How often each fault struck; those that did not are left out.
    pub fn tally(&self) -> Tally {
        let all = Fault::ALL.into_iter().map(|fault| (fault, self.struck[fault as usize]));
        all.filter(|(_, times)| *times > 0).collect()
    }

    /// The strikes, in the order in which they came.
    pub fn into_strikes(self) -> Vec<Strike> {
        self.strikes
    }
}
