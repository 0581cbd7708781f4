//! What goes wrong, how often, and how often it did.

use crate::seed::Dice;
use std::collections::BTreeMap;

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
}

impl Fault {
    /// All kinds.
    pub const ALL: [Self; 21] = [
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
    ];

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
        }
    }
}

/// How often each fault strikes where it can, in thousandths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rates(BTreeMap<Fault, u32>);

impl Rates {
    /// Nothing goes wrong.
    pub fn none() -> Self {
        Self::default()
    }

    /// These rates with `fault` at `per_mille`.
    #[must_use]
    pub fn with(mut self, fault: Fault, per_mille: u32) -> Self {
        self.0.insert(fault, per_mille);
        self
    }

    /// Every fault at once; `weight` 1 is a bad day, 5 is hopeless.
    pub fn all(weight: u32) -> Self {
        let rate = |fault| match fault {
            Fault::Reject | Fault::AuthExpired | Fault::LookupAuthExpired | Fault::FactChanged => 4,
            Fault::LongDown | Fault::TurnedByPerson => 60,
            Fault::StaleRead => 150,
            Fault::LookupFailed | Fault::LookupUnclear | Fault::OldAnswer => 30,
            Fault::Killed => 12,
            Fault::ClockBack => 10,
            _ => 20,
        };
        Self(Fault::ALL.into_iter().map(|fault| (fault, rate(fault) * weight)).collect())
    }

    /// The rate of `fault`.
    pub fn of(&self, fault: Fault) -> u32 {
        self.0.get(&fault).copied().unwrap_or(0)
    }
}

/// How often each fault struck.
pub type Tally = BTreeMap<Fault, u64>;

/// Throws for `fault`, and counts it if it strikes.
pub fn strikes(fault: Fault, rates: &Rates, dice: &mut Dice, tally: &mut Tally) -> bool {
    let hit = dice.chance(rates.of(fault));
    if hit {
        *tally.entry(fault).or_default() += 1;
    }
    hit
}
