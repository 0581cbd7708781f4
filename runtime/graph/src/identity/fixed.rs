//! Logarithms without floating numbers: the same bits on any machine.
//!
//! Absent: `f64`, whose logarithm is not the same everywhere. Invariants: results are within one hundredth of a bit of the
//! true ones; nothing overflows.

use xops_kernel::identity::Centibits;

/// One, as a share of 2^32.
pub const ONE: u64 = 1 << 32;

/// 2^(-2^i / 100) as shares of 2^32, rounded.
const ROOTS: [u64; 7] =
    [4_265_299_790, 4_235_837_212, 4_177_521_189, 4_063_286_653, 3_844_103_409, 3_440_568_926, 2_756_136_128];

/// The binary logarithm of `number`, in hundredths; of 0 as of 1. Found bit by bit, by squaring (Knuth, TAOCP 1.2.2).
pub fn log2(number: u128) -> Centibits {
    let number = number.max(1);
    let whole = number.ilog2();
    // The number as one and a fraction of 2^63.
    let mut rest = if whole > 63 { number >> (whole - 63) } else { number << (63 - whole) };
    let mut fraction = 0_u32;
    for _ in 0..16 {
        rest = (rest * rest) >> 63;
        fraction <<= 1;
        if rest >> 64 != 0 {
            rest >>= 1;
            fraction |= 1;
        }
    }
    let hundredths = (u64::from(fraction) * 100 + (1 << 15)) >> 16;
    i32::try_from(u64::from(whole) * 100 + hundredths).unwrap_or(i32::MAX)
}

/// The binary logarithm of `share / of`, in hundredths.
pub fn log2_ratio(share: u128, of: u128) -> Centibits {
    log2(share) - log2(of)
}

/// 2^(-`hundredths` / 100) as a share of [`ONE`]; 0 where that is less than one part.
pub fn exp2_neg(hundredths: u32) -> u64 {
    let (whole, part) = (hundredths / 100, hundredths % 100);
    if whole > 32 {
        return 0;
    }
    let roots = ROOTS.iter().enumerate().filter(|(bit, _)| part & (1 << bit) != 0);
    roots.fold(ONE, |product, (_, root)| (product * root) >> 32) >> whole
}

/// log2(2^a + 2^b), all in hundredths.
pub fn sum(a: Centibits, b: Centibits) -> Centibits {
    let (high, low) = (a.max(b), a.min(b));
    let apart = high.saturating_sub(low).unsigned_abs();
    if apart > 1_000 {
        return high;
    }
    high + log2(u128::from(ONE + exp2_neg(apart))) - 3_200
}

/// The score of what has these scores against each of several alternatives: -log2 of the sum of 2^-score.
pub fn against(a: Centibits, b: Centibits) -> Centibits {
    -sum(-a, -b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_are_those_of_the_tables() {
        let check = |number: u128, expect: i32| assert!((log2(number) - expect).abs() <= 1, "{number}");
        check(1, 0);
        check(2, 100);
        check(3, 158);
        check(10, 332);
        check(1_000_000, 1_993);
        check(u128::MAX, 12_800);
        assert_eq!(log2_ratio(1, 8), -300);
    }

    #[test]
    fn powers_undo_logarithms() {
        for hundredths in 0..3_000_u32 {
            let back = log2(u128::from(exp2_neg(hundredths)).max(1)) - 3_200;
            let slack = if hundredths > 2_400 { 40 } else { 1 };
            assert!((back + i32::try_from(hundredths).unwrap()).abs() <= slack, "{hundredths} {back}");
        }
    }

    #[test]
    fn a_sum_of_equals_is_one_bit_more() {
        assert_eq!(sum(700, 700), 800);
        assert_eq!(sum(5_000, -5_000), 5_000);
        assert_eq!(against(700, 700), 600);
    }
}
