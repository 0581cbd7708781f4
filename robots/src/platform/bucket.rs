//! Token buckets: how many calls a system grants in a time.
//!
//! Absent: a clock, floating point, negative levels. Invariants: a clock that jumps back grants nothing, one that jumps ahead
//! grants at most a full bucket; the reserve is only for work that must not wait behind ordinary work (compensations, probes,
//! read-backs of what is in flight); what the system says of its own limits only ever slows us.
//!
//! The algorithm is the token bucket in its lazily filled form; levels are counted in tokens times `per_ms`, so that filling is
//! exact in integers.

use serde::{Deserialize, Serialize};
use xops_kernel::record::Millis;

/// However long a system asks us to wait, after this we ask it again, in milliseconds.
pub const WAIT_MS_MAX: u64 = 3_600_000;

/// A declared limit: `calls` in each `per_ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// How many calls, also how many at once after a pause; at least 1.
    pub calls: u32,
    /// In how many milliseconds; at least 1.
    pub per_ms: u32,
    /// Which share of the calls is kept for urgent work, in thousandths; one call at least stays for ordinary work.
    pub reserve_permille: u32,
}

/// How much a call matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Urgency {
    /// It may wait behind all else: a read of the whole system, a step that has not begun.
    Ordinary,
    /// Something is half done: a compensation, a probe, a read-back.
    Urgent,
}

/// What a response's headers say of the limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint {
    /// How many calls are left until the reset.
    pub remaining: Option<u64>,
    /// When the limit is reset.
    pub reset_at: Option<Millis>,
}

/// What is remembered of a bucket: as if so many calls were left at that time, and nothing were granted before the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Whole calls.
    pub left: u64,
    /// When; ahead of the present where less than nothing is left.
    pub at: Millis,
    /// Until when it is shut.
    pub shut_until: Millis,
}

/// The share of a full bucket that may be taken between two marks: the sixteenth part. A restart costs at most that.
const BETWEEN_MARKS: u64 = 16;

/// One bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    rate: Rate,
    /// In tokens times `per_ms`.
    level: u64,
    /// The latest time that was ever said.
    filled_at: Millis,
    /// Nothing is granted before.
    shut_until: Millis,
}

impl Bucket {
    /// A full bucket.
    pub fn new(rate: Rate, now: Millis) -> Self {
        let rate = Rate { calls: rate.calls.max(1), per_ms: rate.per_ms.max(1), ..rate };
        let mut bucket = Self { rate, level: 0, filled_at: now, shut_until: 0 };
        bucket.level = bucket.capacity();
        bucket
    }

    /// A bucket as it is remembered.
    pub fn restored(rate: Rate, mark: Mark) -> Self {
        let bucket = Self::new(rate, mark.at);
        let level = mark.left.saturating_mul(bucket.token()).min(bucket.capacity());
        Self { level, shut_until: mark.shut_until, ..bucket }
    }

    /// A mark that stays true while a share of the bucket is taken: what it says is left is less by that.
    pub fn mark(&self) -> Mark {
        let (token, calls) = (self.token(), u64::from(self.rate.calls));
        let share = (calls / BETWEEN_MARKS).max(1) * token;
        let missing_ms = share.saturating_sub(self.level).div_ceil(calls);
        let left = self.level.saturating_sub(share) / token;
        Mark { left, at: self.filled_at.saturating_add(missing_ms), shut_until: self.shut_until }
    }

    /// Whether it has at least what `mark` says, and is open no earlier: then a process that begins with the mark grants nothing
    /// that this one took.
    pub fn holds(&mut self, mark: Mark, now: Millis) -> bool {
        self.fill(now);
        let mut marked = Self::restored(self.rate, mark);
        marked.fill(now);
        let behind_ms = marked.filled_at.saturating_sub(self.filled_at);
        let refilled = behind_ms.min(self.token()).saturating_mul(u64::from(self.rate.calls));
        self.level.saturating_add(refilled) >= marked.level && self.shut_until <= marked.shut_until.max(now)
    }

    /// Takes a token, or says when to ask again.
    pub fn take(&mut self, urgency: Urgency, now: Millis) -> Result<(), Millis> {
        self.ready(urgency, now)?;
        self.level -= self.token();
        Ok(())
    }

    /// Whether a token could be taken, else when to ask again.
    pub fn ready(&mut self, urgency: Urgency, now: Millis) -> Result<(), Millis> {
        self.fill(now);
        let floor = match urgency {
            Urgency::Ordinary => self.reserve(),
            Urgency::Urgent => 0,
        };
        let needed = floor + self.token();
        let calls = u64::from(self.rate.calls);
        let wait_ms = needed.saturating_sub(self.level).div_ceil(calls);
        let until = self.filled_at.saturating_add(wait_ms).max(self.shut_until);
        if wait_ms > 0 || self.shut_until > self.filled_at { Err(until) } else { Ok(()) }
    }

    /// Its rate.
    pub fn rate(&self) -> Rate {
        self.rate
    }

    /// Whole tokens that are left at the latest time that was said.
    pub fn left(&self) -> u64 {
        self.level / self.token()
    }

    /// Believes the system where it is stricter than we are.
    pub fn learn(&mut self, hint: Hint, now: Millis) {
        self.fill(now);
        let Some(remaining) = hint.remaining else { return };
        match hint.reset_at {
            // At the reset the system's own count begins anew.
            Some(reset_at) if remaining == 0 => {
                self.level = self.level.min(self.reserve() + self.token());
                self.shut(reset_at);
            }
            _ => self.level = self.level.min(remaining.saturating_mul(self.token())),
        }
    }

    /// The system refused a call for the rate: nothing is granted for `retry_after_ms`, a whole `per_ms` if it did not say. Where it
    /// said, it takes a call after that, ordinary ones too: were the bucket emptied, these would wait for the whole reserve to fill.
    pub fn refused(&mut self, retry_after_ms: Option<u64>, now: Millis) {
        self.fill(now);
        // A reset that it named just now says it too.
        let named = self.shut_until.saturating_sub(self.filled_at);
        let told = retry_after_ms.or(Some(named).filter(|wait_ms| *wait_ms > 0));
        let kept = if told.is_some() { self.reserve() + self.token() } else { 0 };
        self.level = self.level.min(kept);
        let wait_ms = told.unwrap_or(self.token()).min(WAIT_MS_MAX);
        self.shut(self.filled_at.saturating_add(wait_ms));
    }

    fn shut(&mut self, until: Millis) {
        let latest = self.filled_at.saturating_add(WAIT_MS_MAX);
        self.shut_until = self.shut_until.max(until.min(latest));
    }

    fn fill(&mut self, now: Millis) {
        let passed_ms = now.saturating_sub(self.filled_at).min(self.token());
        let gained = passed_ms * u64::from(self.rate.calls);
        self.level = self.level.saturating_add(gained).min(self.capacity());
        self.filled_at = self.filled_at.max(now);
    }

    fn token(&self) -> u64 {
        u64::from(self.rate.per_ms)
    }

    fn capacity(&self) -> u64 {
        u64::from(self.rate.calls) * self.token()
    }

    fn reserve(&self) -> u64 {
        let calls = u64::from(self.rate.calls);
        let kept = (calls * u64::from(self.rate.reserve_permille) / 1_000).min(calls - 1);
        kept * self.token()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RATE: Rate = Rate { calls: 10, per_ms: 1_000, reserve_permille: 200 };

    fn drain(bucket: &mut Bucket, urgency: Urgency, now: Millis) -> usize {
        (0..1_000).take_while(|_| bucket.take(urgency, now).is_ok()).count()
    }

    #[test]
    fn after_a_named_wait_ordinary_work_goes_on() {
        let rate = Rate { calls: 600, per_ms: 60_000, reserve_permille: 500 };
        let check = |refuse: &dyn Fn(&mut Bucket), expect: Millis| {
            let mut bucket = Bucket::new(rate, 0);
            refuse(&mut bucket);
            assert_eq!(bucket.take(Urgency::Ordinary, 0), Err(expect));
            assert_eq!(bucket.take(Urgency::Ordinary, expect), Ok(()));
        };
        check(&|bucket| bucket.refused(Some(1_000), 0), 1_000);
        let reset = Hint { remaining: Some(0), reset_at: Some(2_000) };
        check(
            &|bucket| {
                bucket.learn(reset, 0);
                bucket.refused(None, 0);
            },
            2_000,
        );
    }

    #[test]
    fn ordinary_work_leaves_the_reserve_to_urgent_work() {
        let mut bucket = Bucket::new(RATE, 0);
        assert_eq!(drain(&mut bucket, Urgency::Ordinary, 0), 8);
        assert_eq!(drain(&mut bucket, Urgency::Urgent, 0), 2);
        assert_eq!(bucket.take(Urgency::Urgent, 0), Err(100));
        assert_eq!(bucket.take(Urgency::Ordinary, 0), Err(300));
        assert_eq!(bucket.take(Urgency::Ordinary, 300), Ok(()));
    }

    #[test]
    fn a_bucket_that_is_all_reserve_still_grants_ordinary_work_one_call() {
        let mut bucket = Bucket::new(Rate { calls: 1, per_ms: 1_000, reserve_permille: 1_000 }, 0);
        assert_eq!(drain(&mut bucket, Urgency::Ordinary, 0), 1);
    }

    #[test]
    fn a_refusal_empties_it_until_the_system_said() {
        let mut bucket = Bucket::new(RATE, 0);
        bucket.refused(Some(5_000), 0);
        assert_eq!(bucket.take(Urgency::Urgent, 4_999), Err(5_000));
        assert_eq!(bucket.take(Urgency::Urgent, 5_000), Ok(()));
        bucket.refused(Some(u64::MAX), 5_000);
        assert_eq!(bucket.take(Urgency::Urgent, 5_001), Err(5_000 + WAIT_MS_MAX));
    }

    #[test]
    fn what_the_system_says_slows_and_never_speeds() {
        let mut bucket = Bucket::new(RATE, 0);
        bucket.learn(Hint { remaining: Some(3), reset_at: Some(60_000) }, 0);
        assert_eq!(bucket.left(), 3);
        bucket.learn(Hint { remaining: Some(1_000), reset_at: Some(60_000) }, 0);
        assert_eq!(bucket.left(), 3);
        bucket.learn(Hint { remaining: Some(0), reset_at: Some(60_000) }, 0);
        assert_eq!(bucket.take(Urgency::Urgent, 1), Err(60_000));
    }

    #[test]
    fn a_mark_is_less_than_what_is_left_by_a_share_and_goes_below_nothing() {
        let rate = Rate { calls: 160, per_ms: 86_400_000, reserve_permille: 0 };
        let mut bucket = Bucket::new(rate, 1_000);
        assert_eq!(bucket.mark(), Mark { left: 150, at: 1_000, shut_until: 0 });
        drain(&mut bucket, Urgency::Urgent, 1_000);
        let mark = bucket.mark();
        assert_eq!(mark, Mark { left: 0, at: 1_000 + 5_400_000, shut_until: 0 });
        let mut after = Bucket::restored(rate, mark);
        assert_eq!(drain(&mut after, Urgency::Urgent, 1_001), 0);
        assert_eq!(after.take(Urgency::Urgent, 1_001), Err(1_000 + 5_400_000 + 540_000));
    }

    #[test]
    fn a_clock_that_jumps_back_grants_nothing() {
        let mut bucket = Bucket::new(RATE, 10_000);
        drain(&mut bucket, Urgency::Urgent, 10_000);
        assert_eq!(drain(&mut bucket, Urgency::Urgent, 0), 0);
        assert_eq!(drain(&mut bucket, Urgency::Urgent, 10_000), 0);
        assert_eq!(drain(&mut bucket, Urgency::Urgent, u64::MAX), 10);
    }

    proptest! {
        #[test]
        fn whatever_happens_a_restart_grants_nothing_that_was_taken_before(
            calls in 1u32..40, steps in prop::collection::vec((0u64..3_000, 0u8..12), 1..200)
        ) {
            let rate = Rate { calls, per_ms: 10_000, reserve_permille: 100 };
            let (mut bucket, mut now) = (Bucket::new(rate, 0), 0);
            let mut mark = bucket.mark();
            for (step, what) in steps {
                now += step;
                match what {
                    0 => bucket.refused(Some(700), now),
                    1 => bucket.learn(Hint { remaining: Some(2), reset_at: None }, now),
                    _ => drop(bucket.take(Urgency::Urgent, now)),
                }
                if !bucket.holds(mark, now) {
                    mark = bucket.mark();
                    prop_assert!(bucket.holds(mark, now), "a mark is true when it is made");
                }
                // At any moment from now on: what the next process grants this one could have granted too.
                for later in [now, now + 1_500, now + 20_000] {
                    let (mut here, mut there) = (bucket.clone(), Bucket::restored(rate, mark));
                    let (here, there) = (drain(&mut here, Urgency::Urgent, later), drain(&mut there, Urgency::Urgent, later));
                    prop_assert!(there <= here, "{there} of {here} at {later}");
                }
            }
        }

        #[test]
        fn no_window_ever_grants_more_than_twice_its_calls(steps in prop::collection::vec(0u64..400, 1..400)) {
            let (mut bucket, mut now, mut granted) = (Bucket::new(RATE, 0), 0, Vec::new());
            for step in steps {
                now += step;
                if bucket.take(Urgency::Urgent, now).is_ok() {
                    granted.push(now);
                }
            }
            for start in &granted {
                let within = granted.iter().filter(|at| (*start..start + 1_000).contains(at)).count();
                prop_assert!(within <= 20, "{within} from {start}");
            }
        }

        #[test]
        fn asking_again_at_the_time_it_names_succeeds(calls in 1u32..50, per_ms in 1u32..5_000, reserve in 0u32..1_000) {
            let mut bucket = Bucket::new(Rate { calls, per_ms, reserve_permille: reserve }, 0);
            drain(&mut bucket, Urgency::Urgent, 0);
            let until = bucket.take(Urgency::Ordinary, 0).unwrap_err();
            prop_assert_eq!(bucket.take(Urgency::Ordinary, until), Ok(()));
        }
    }
}
