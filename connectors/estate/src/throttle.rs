//! Rate limits: fixed windows, one bucket for each key, as the vendors count.
//!
//! - A limit that is switched off still counts, so that headers go on telling the truth about the window.

use std::collections::BTreeMap;

/// Buckets of one system at most; the oldest windows go first.
const BUCKETS_MAX: usize = 1_000;

/// What a system allows for one bucket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    pub(crate) limit: u64,
    pub(crate) window_ms: u64,
}

/// Where a bucket stands after a call was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) limit: u64,
    pub(crate) remaining: u64,
    /// When the window ends, in milliseconds since the epoch.
    pub(crate) reset_ms: u64,
    /// The call is one too many.
    pub(crate) is_over: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Throttle {
    /// Replaces every rate of the system when somebody set one.
    pub(crate) set: Option<(u64, u64)>,
    buckets: BTreeMap<String, (u64, u64)>,
}

impl Throttle {
    /// Counts one call.
    pub(crate) fn count(&mut self, key: &str, rate: Rate, now_ms: u64) -> Standing {
        let rate = self.set.map_or(rate, |(limit, window_ms)| Rate { limit, window_ms });
        let window_ms = rate.window_ms.max(1);
        if self.buckets.len() >= BUCKETS_MAX {
            self.buckets.retain(|_, (from_ms, _)| from_ms.saturating_add(window_ms) > now_ms);
        }
        let bucket = self.buckets.entry(key.to_owned()).or_insert((now_ms, 0));
        if bucket.0.saturating_add(window_ms) <= now_ms {
            *bucket = (now_ms, 0);
        }
        bucket.1 += 1;
        Standing {
            limit: rate.limit,
            remaining: rate.limit.saturating_sub(bucket.1),
            reset_ms: bucket.0.saturating_add(window_ms),
            is_over: bucket.1 > rate.limit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_refuses_what_is_over_and_forgives_when_it_ends() {
        let mut throttle = Throttle::default();
        let rate = Rate { limit: 2, window_ms: 1_000 };
        let over: Vec<bool> =
            [0, 1, 2, 999, 1_000].iter().map(|at| throttle.count("a", rate, *at).is_over).collect();
        assert_eq!(over, [false, false, true, true, false]);
        assert_eq!(throttle.count("b", rate, 5).remaining, 1);
    }
}
