//! Days and moments of the proleptic Gregorian calendar, in UTC.
//!
//! Absent: a clock, time zones by name and leap seconds. The arithmetic is H. Hinnant's (chrono-compatible low-level date
//! algorithms): March is the first month of its year, so that the leap day is the last.

use crate::value::is_date;

/// Seconds of a day.
const DAY_S: i64 = 86_400;
/// The last second of the year 9999: no date beyond it has four digits of a year.
const LAST_S: i64 = 253_402_300_799;

/// Seconds since 1970-01-01T00:00:00Z of a day (`2026-12-31`: its first moment) or of a time of RFC 3339 with its offset.
pub(crate) fn seconds(text: &str) -> Option<i64> {
    let day = text.get(..10).filter(|day| is_date(day))?;
    let number = |from: usize, to: usize| day.get(from..to)?.parse::<i64>().ok();
    let days = days_of(number(0, 4)?, number(5, 7)?, number(8, 10)?);
    match text.get(10..)? {
        "" => Some(days * DAY_S),
        rest => time(rest).map(|time| days * DAY_S + time),
    }
}

/// Milliseconds since 1970 of a day or of a time of RFC 3339; none before 1970.
pub fn millis_of(text: &str) -> Option<u64> {
    u64::try_from(seconds(text)?).ok()?.checked_mul(1_000)
}

/// The day, in UTC, of milliseconds since 1970, as `yyyymmdd`; the last one of the year 9999 for what is later.
pub fn number_of(millis: u64) -> u32 {
    let seconds = i64::try_from(millis / 1_000).unwrap_or(LAST_S).min(LAST_S);
    let day = of(seconds).unwrap_or_default();
    day.bytes().filter(u8::is_ascii_digit).fold(0, |number, digit| number * 10 + u32::from(digit - b'0'))
}

/// The day, in UTC, of a moment between the years 0 and 9999.
pub(crate) fn of(seconds: i64) -> Option<String> {
    let days = seconds.div_euclid(DAY_S) + 719_468;
    if days < 0 || seconds > LAST_S {
        return None;
    }
    let (era, in_era) = (days / 146_097, days % 146_097);
    let year_of_era = (in_era - in_era / 1_460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * in_year + 2) / 153;
    let day = in_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    Some(format!("{year:04}-{month:02}-{day:02}"))
}

fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, in_era) = (year.div_euclid(400), year.rem_euclid(400));
    let in_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719_468
}

/// The seconds of `T10:30:00.5Z` or `T10:30:00+02:00` since its day began in UTC.
fn time(text: &str) -> Option<i64> {
    let clock = text.strip_prefix(['T', 't', ' '])?;
    let (hour, minute, second) = (two(clock, 0)?, two(clock, 3)?, two(clock, 6)?);
    let colons = clock.get(2..3) == Some(":") && clock.get(5..6) == Some(":");
    let rest = clock.get(8..)?;
    let digits = rest.strip_prefix('.').map_or(0, |part| part.bytes().take_while(u8::is_ascii_digit).count());
    let zone = rest.get(if digits > 0 { digits + 1 } else { 0 }..)?;
    let offset = match zone {
        "Z" | "z" => 0,
        _ => {
            let sign = match zone.get(..1)? {
                "+" => 1,
                "-" => -1,
                _ => return None,
            };
            let whole = zone.len() == 6 && zone.get(3..4) == Some(":");
            let (hours, minutes) = (two(zone, 1)?, two(zone, 4)?);
            (whole && hours < 24 && minutes < 60).then_some(sign * (hours * 3_600 + minutes * 60))?
        }
    };
    let plausible = colons && hour < 24 && minute < 60 && second < 61;
    plausible.then_some(hour * 3_600 + minute * 60 + second - offset)
}

fn two(text: &str, from: usize) -> Option<i64> {
    let digits = text.get(from..from + 2).filter(|two| two.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_from_a_day_or_a_time() {
        let check = |text: &str, expect: Option<i64>| assert_eq!(seconds(text), expect, "{text}");
        check("1970-01-01", Some(0));
        check("2026-12-31", Some(1_798_675_200));
        check("2020-02-29T23:59:59Z", Some(1_583_020_799));
        check("2020-03-01T01:59:59.123+02:00", Some(1_583_020_799));
        check("2020-02-29T18:59:59-05:00", Some(1_583_020_799));
        check("0000-03-01", Some(-62_162_035_200));
        check("2026-02-29", None);
        check("2026-12-31T25:00:00Z", None);
        check("2026-12-31T10:00", None);
        check("2026-12-31T10:00:00", None);
        check("2026-12-31T10:00:00+0200", None);
        check("2026-12-31 soon", None);
        check("é026-12-31", None);
    }

    #[test]
    fn a_day_goes_to_its_moment_and_back() {
        for days in (-719_000..2_900_000).step_by(97) {
            let day = of(days * DAY_S + 86_399).unwrap();
            assert_eq!(seconds(&day), Some(days * DAY_S), "{day}");
        }
        assert_eq!(of(LAST_S).as_deref(), Some("9999-12-31"));
        assert_eq!((of(LAST_S + 1), of(i64::MIN), of(i64::MAX)), (None, None, None));
    }
}
