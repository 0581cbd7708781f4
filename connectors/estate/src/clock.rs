//! The time of the estate: the real clock, and the vendors' ways of writing an instant.
//!
//! - No time zone: everything is UTC.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Milliseconds since 1970-01-01T00:00:00Z.
pub(crate) fn now_ms() -> u64 {
    u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0)
}

/// `2026-11-21T10:42:01.000Z`, as Okta, Graph and Workday write an instant.
pub(crate) fn instant(at_ms: u64) -> String {
    written(at_ms, "%Y-%m-%dT%H:%M:%S.%3fZ")
}

/// `2026-11-21 10:42:01`, as `ServiceNow` stores an instant.
pub(crate) fn instant_spaced(at_ms: u64) -> String {
    written(at_ms, "%Y-%m-%d %H:%M:%S")
}

/// `2026-11-21`.
pub(crate) fn date(at_ms: u64) -> String {
    written(at_ms, "%Y-%m-%d")
}

/// Milliseconds since the epoch of an RFC 3339 instant or of a plain date (its midnight).
pub(crate) fn parse(text: &str) -> Option<u64> {
    let stamp = text.parse::<Timestamp>().ok().or_else(|| {
        let day = text.get(..10)?.parse::<jiff::civil::Date>().ok()?;
        day.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    })?;
    u64::try_from(stamp.as_millisecond()).ok()
}

/// The `YYYY-MM-DD` at the head of an XML date (which may carry a zone), when it is a date that exists.
pub(crate) fn day(text: &str) -> Option<String> {
    let head = text.trim().get(..10)?;
    head.parse::<jiff::civil::Date>().ok().map(|_| head.to_owned())
}

fn written(at_ms: u64, format: &str) -> String {
    let at = i64::try_from(at_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    at.unwrap_or(Timestamp::UNIX_EPOCH).strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_written_as_each_vendor_writes_it() {
        let at = parse("2026-11-21T10:42:01Z").expect("an instant");
        assert_eq!(instant(at), "2026-11-21T10:42:01.000Z");
        assert_eq!(instant_spaced(at), "2026-11-21 10:42:01");
        assert_eq!(date(at), "2026-11-21");
    }

    #[test]
    fn a_day_that_does_not_exist_is_no_day() {
        assert_eq!(day("2027-02-28-08:00").as_deref(), Some("2027-02-28"));
        assert_eq!(day("2027-02-30"), None);
        assert_eq!(day("soon"), None);
    }
}
