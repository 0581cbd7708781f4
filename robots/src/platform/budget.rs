//! Budgets: what a vendor publishes of its limits, and what is left of them.
//!
//! Absent: a clock, the call. Invariants: all budgets that cover a call hold at once, and a call that one of them refuses takes
//! nothing from any; what the system says of its own limits only ever slows us; what is to be remembered of it was always
//! handed out before the call that made it so.

use crate::platform::bucket::{Bucket, Hint, Mark, Rate, Urgency};
use xops_kernel::port::{Limit, Request, Reset, Response};
use xops_kernel::record::Millis;

/// One published limit and what is left of it.
#[derive(Clone, Debug)]
pub struct Budget {
    limit: Limit,
    bucket: Bucket,
    under_way: u32,
    /// What a process that begins now would remember; nothing where its window is too short to matter.
    marked: Option<Mark>,
}

/// Shorter windows are not remembered, in milliseconds: half of one is held to be spent after a start, and what that is wrong by the
/// system itself says within minutes; a quota of a day that a restart fills is spent before anybody notices.
const REMEMBER_MS_MIN: u64 = 600_000;

/// What is left of a budget, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// The limit's name.
    pub name: String,
    /// The calls that are left now.
    pub left: u64,
    /// The calls of a full budget.
    pub of: u32,
}

impl Budget {
    /// A budget of `limit`. One that begins after a restart is half spent: nobody knows what the process before it took.
    pub fn new(limit: Limit, now: Millis, restarted: bool) -> Self {
        let per_ms = u32::try_from(limit.per_ms).unwrap_or(u32::MAX);
        let rate =
            Rate { calls: limit.calls, per_ms, reserve_permille: u32::from(limit.reserve_percent) * 10 };
        let mut bucket = Bucket::new(rate, now);
        if restarted {
            bucket.learn(Hint { remaining: Some(u64::from(limit.calls / 2)), reset_at: None }, now);
        }
        Self { limit, bucket, under_way: 0, marked: None }
    }

    /// The same, as the process before this one left it, if it said.
    pub fn remembered(limit: Limit, mark: Option<Mark>, now: Millis, restarted: bool) -> Self {
        let mut budget = Self::new(limit, now, restarted);
        if let Some(mark) = mark {
            budget.bucket = Bucket::restored(budget.bucket.rate(), mark);
            budget.marked = Some(mark);
        }
        budget
    }

    /// The limit's name.
    pub fn name(&self) -> &str {
        &self.limit.name
    }

    /// What is to be remembered before anything else happens, if what was remembered last is true no more.
    pub fn to_remember(&mut self, now: Millis) -> bool {
        if self.limit.per_ms < REMEMBER_MS_MIN {
            return false;
        }
        let holds = self.marked.is_some_and(|mark| self.bucket.holds(mark, now));
        if !holds {
            self.marked = Some(self.bucket.mark());
        }
        !holds
    }

    /// What was last to be remembered.
    pub fn marked(&self) -> Option<Mark> {
        self.marked
    }

    /// Whether it covers `call`.
    pub fn covers(&self, call: &Call) -> bool {
        let fits = |pattern: &String| match pattern.strip_suffix('*') {
            Some(prefix) => call.path.contains(prefix),
            None => call.path.ends_with(pattern.as_str()),
        };
        let (methods, paths) = (&self.limit.methods, &self.limit.paths);
        (methods.is_empty() || methods.contains(&call.method)) && (paths.is_empty() || paths.iter().any(fits))
    }

    /// Whether a call could go, else when to ask again; `None` where a call that ends must come first.
    pub fn ready(&mut self, urgency: Urgency, now: Millis) -> Result<(), Option<Millis>> {
        if self.limit.concurrency.is_some_and(|most| self.under_way >= most) {
            return Err(None);
        }
        self.bucket.ready(urgency, now).map_err(Some)
    }

    /// The same for whoever holds a place already: only the rate counts.
    pub fn ready_again(&mut self, urgency: Urgency, now: Millis) -> Result<(), Millis> {
        self.bucket.ready(urgency, now)
    }

    /// Takes one more call for whoever holds a place already.
    pub fn take_again(&mut self, urgency: Urgency, now: Millis) {
        let taken = self.bucket.take(urgency, now);
        assert!(taken.is_ok(), "a budget that was ready at one time is ready at that time");
    }

    /// Takes a call from it; whoever was ready at this time gets it.
    pub fn take(&mut self, urgency: Urgency, now: Millis) {
        self.take_again(urgency, now);
        self.under_way += 1;
    }

    /// A call that it covered ended.
    pub fn ended(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }

    /// Nobody will say that the calls under way ended.
    pub fn forget(&mut self) {
        self.under_way = 0;
    }

    /// The system refused a call that it covers for the rate.
    pub fn refused(&mut self, retry_after_ms: Option<u64>, now: Millis) {
        self.bucket.refused(retry_after_ms, now);
    }

    /// Takes in what a response says of the limit.
    pub fn heard(&mut self, response: &Response, now: Millis) {
        let number = |name: &String| {
            let value = response.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
            value.and_then(|(_, value)| value.trim().parse::<u64>().ok())
        };
        let remaining = self.limit.remaining.as_ref().and_then(number);
        let reset_at = self.limit.reset.as_ref().and_then(|(name, how)| {
            let told = number(name)?.saturating_mul(1_000);
            Some(match how {
                Reset::Epoch => told,
                Reset::Delay => now.saturating_add(told),
            })
        });
        self.bucket.learn(Hint { remaining, reset_at }, now);
    }

    /// What is left of it.
    pub fn left(&mut self, now: Millis) -> Left {
        let _filled = self.bucket.ready(Urgency::Urgent, now);
        Left { name: self.limit.name.clone(), left: self.bucket.left(), of: self.limit.calls }
    }
}

/// What of a request a limit looks at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// The method, in capitals.
    pub method: String,
    /// The path.
    pub path: String,
}

impl Call {
    /// Of a request.
    pub fn of(request: &Request) -> Self {
        let rest = request.url.split_once("://").map_or(request.url.as_str(), |(_, rest)| rest);
        let path = rest.find('/').map_or("/", |at| &rest[at..]);
        Self { method: request.method.clone(), path: path.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(paths: &[&str], methods: &[&str]) -> Limit {
        Limit {
            name: "writes".to_owned(),
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
            methods: methods.iter().map(|method| (*method).to_owned()).collect(),
            calls: 4,
            per_ms: 1_000,
            reserve_percent: 25,
            concurrency: Some(2),
            remaining: Some("x-left".to_owned()),
            reset: Some(("x-reset".to_owned(), Reset::Delay)),
        }
    }

    fn covers(paths: &[&str], methods: &[&str], method: &str, path: &str, expect: bool) {
        let call = Call { method: method.to_owned(), path: path.to_owned() };
        assert_eq!(Budget::new(limit(paths, methods), 0, false).covers(&call), expect, "{method} {path}");
    }

    #[test]
    fn a_limit_covers_its_paths_and_methods_and_all_where_none_is_named() {
        covers(&[], &[], "GET", "/a", true);
        covers(&[], &["POST", "PUT"], "GET", "/a", false);
        covers(&[], &["POST", "PUT"], "PUT", "/a", true);
        covers(&["/users.list"], &[], "GET", "/api/users.list", true);
        covers(&["/users.list"], &[], "GET", "/api/users.info", false);
        covers(&["/users/*"], &[], "GET", "/api/v1/users/7/groups", true);
    }

    #[test]
    fn no_more_calls_are_under_way_than_the_limit_allows() {
        let mut budget = Budget::new(limit(&[], &[]), 0, false);
        for _ in 0..2 {
            assert_eq!(budget.ready(Urgency::Ordinary, 0), Ok(()));
            budget.take(Urgency::Ordinary, 0);
        }
        assert_eq!(budget.ready(Urgency::Urgent, 0), Err(None));
        budget.ended();
        assert_eq!(budget.ready(Urgency::Urgent, 0), Ok(()));
    }

    #[test]
    fn the_systems_own_count_is_believed_where_it_is_stricter() {
        let mut budget = Budget::new(limit(&[], &[]), 0, false);
        let response = |left: &str, reset: &str| Response {
            status: 200,
            headers: vec![("X-Left".to_owned(), left.to_owned()), ("x-reset".to_owned(), reset.to_owned())],
            body: Vec::new(),
        };
        budget.heard(&response("1", "60"), 0);
        assert_eq!(budget.left(0).left, 1);
        budget.heard(&response("0", "60"), 0);
        assert_eq!(budget.ready(Urgency::Urgent, 59_999), Err(Some(60_000)));
        assert_eq!(budget.ready(Urgency::Urgent, 60_000), Ok(()));
        budget.heard(&response("many", "soon"), 60_000);
        assert_eq!(budget.ready(Urgency::Urgent, 60_000), Ok(()), "what is no number says nothing");
    }

    #[test]
    fn a_restart_goes_on_from_what_was_remembered_and_not_from_a_full_budget() {
        let daily = || Limit {
            calls: 1_600,
            per_ms: 86_400_000,
            reserve_percent: 0,
            concurrency: None,
            ..limit(&[], &[])
        };
        let mut budget = Budget::new(daily(), 0, false);
        let mut written = 0;
        for _ in 0..1_000 {
            budget.take(Urgency::Ordinary, 0);
            budget.ended();
            written += u32::from(budget.to_remember(0));
        }
        assert!((9..=12).contains(&written), "{written} marks for a thousand calls");
        let mark = budget.marked().expect("a mark");
        let mut after = Budget::remembered(daily(), Some(mark), 1_000, true);
        let left = after.left(1_000).left;
        assert!((500..=600).contains(&left), "{left} are left of 600");
        let mut again = Budget::remembered(daily(), after.marked(), 2_000, true);
        assert!(again.left(2_000).left <= left, "a second restart grants nothing more");
        assert!(!Budget::new(limit(&[], &[]), 0, false).to_remember(0), "a second is over before it matters");
    }

    #[test]
    fn after_a_restart_half_of_it_is_held_to_be_spent() {
        assert_eq!(Budget::new(limit(&[], &[]), 0, true).left(0).left, 2);
        assert_eq!(Budget::new(limit(&[], &[]), 0, false).left(0).left, 4);
    }
}
