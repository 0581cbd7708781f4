//! `Retry-After` (RFC 9110, section 10.2.3), without a clock.
//!
//! A date is counted from the response's own `Date`: what matters is how long the server wants to be left alone, and its clock
//! and ours need not agree.

use jiff::Timestamp;
use std::time::Duration;
use xops_kernel::port::Response;

/// How long the server asks to be left alone, if it says so intelligibly.
pub(crate) fn retry_after(response: &Response) -> Option<Duration> {
    let value = header(response, "retry-after")?.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a `u64` holds are a long time, and the caller cuts it.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let wait = date(value)?.duration_since(date(header(response, "date")?)?);
    Some(Duration::try_from(wait).unwrap_or(Duration::ZERO))
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
}

fn date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(headers: &[(&str, &str)], expect: Option<u64>) {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let response = Response { status: 429, headers, body: Vec::new() };
        assert_eq!(retry_after(&response), expect.map(Duration::from_secs));
    }

    #[test]
    fn seconds_are_read() {
        check(&[("retry-after", "120")], Some(120));
        check(&[("retry-after", " 0 ")], Some(0));
        check(&[("retry-after", "99999999999999999999999")], Some(u64::MAX));
    }

    #[test]
    fn a_date_counts_from_the_response_s_own_date() {
        let until = ("retry-after", "Fri, 31 Dec 1999 23:59:59 GMT");
        check(&[("date", "Fri, 31 Dec 1999 23:59:29 GMT"), until], Some(30));
        check(&[("date", "Sat, 01 Jan 2000 00:00:00 GMT"), until], Some(0));
        check(&[until], None);
    }

    #[test]
    fn what_is_unintelligible_says_nothing() {
        check(&[], None);
        check(&[("retry-after", "")], None);
        check(&[("retry-after", "-1")], None);
        check(&[("retry-after", "soon"), ("date", "Fri, 31 Dec 1999 23:59:29 GMT")], None);
    }
}
