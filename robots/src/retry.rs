//! Backoff: how long to wait before the next try.
//!
//! Absent: random numbers and clocks. Invariant: the same attempt of the same thing waits equally long on every machine and in
//! every replay, and no wait exceeds the cap.
//!
//! The shape is "full jitter": uniform between nothing and an exponential bound (Marc Brooker, "Exponential Backoff And
//! Jitter", AWS Architecture Blog, 2015), which spreads many clients of one system best. The uniform number is BLAKE3 of a
//! seed (an instance, a system's name) and the attempt.

use xops_kernel::canon::Canon;

/// The bound of the first wait, in milliseconds; it doubles with each attempt.
pub const BASE_MS: u64 = 500;
/// No wait is longer, in milliseconds: rate limits of systems of record are commonly counted by the minute, so a longer wait
/// would only miss the next one.
pub const CAP_MS: u64 = 60_000;

/// The wait before try `attempt` + 1, where `attempt` counts from 1, in milliseconds: at most [`CAP_MS`].
pub fn backoff_ms(attempt: u32, seed: [u8; 16]) -> u64 {
    below(bound_ms(attempt, BASE_MS, CAP_MS).saturating_add(1), attempt, seed)
}

/// `base_ms` doubled for each attempt after the first, at most `cap_ms`.
pub fn bound_ms(attempt: u32, base_ms: u64, cap_ms: u64) -> u64 {
    let doublings = attempt.saturating_sub(1).min(63);
    base_ms.saturating_mul(1 << doublings).min(cap_ms)
}

/// A number below `end` (0 where `end` is 0) that `seed` and `attempt` alone choose. The bias of the remainder is below
/// 2^-37 for every wait of up to a day.
pub fn below(end: u64, attempt: u32, seed: [u8; 16]) -> u64 {
    let mut canon = Canon::new("xops jitter 1");
    canon.raw(&seed).number(u64::from(attempt));
    let mut first = [0; 8];
    first.copy_from_slice(&canon.digest().0[..8]);
    u64::from_le_bytes(first).checked_rem(end).unwrap_or(0)
}

/// The seed of a named thing: a system of a tenant, a read.
pub fn seed_of(names: &[&str]) -> [u8; 16] {
    let mut canon = Canon::new("xops seed 1");
    canon.all(names.iter(), |out, name| {
        out.text(name);
    });
    let mut seed = [0; 16];
    seed.copy_from_slice(&canon.digest().0[..16]);
    seed
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn waits_of_one_attempt_spread_over_the_whole_bound() {
        let waits: Vec<u64> = (0..200u8).map(|n| backoff_ms(3, [n; 16])).collect();
        assert!(waits.iter().all(|wait| *wait <= 2_000));
        assert!(waits.iter().any(|wait| *wait < 500) && waits.iter().any(|wait| *wait > 1_500));
    }

    #[test]
    fn a_zero_end_gives_zero() {
        assert_eq!(below(0, 1, [0; 16]), 0);
    }

    proptest! {
        #[test]
        fn a_wait_is_bounded_and_the_same_each_time(attempt: u32, seed: [u8; 16]) {
            let wait = backoff_ms(attempt, seed);
            prop_assert!(wait <= CAP_MS);
            prop_assert_eq!(wait, backoff_ms(attempt, seed));
        }
    }
}
