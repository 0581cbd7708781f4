//! What a token endpoint answers (RFC 6749, section 5).
//!
//! A refusal (`AuthFailed`) is told from an outage (`NotSent`): the first will not pass by waiting. The text of an error is
//! quoted, scrubbed; of a success nothing is quoted, because it holds a token.

use crate::lost::Lost;
use crate::scheme::secret_header;
use crate::scrub::Scrub;
use secrecy::SecretString;
use serde_json::Value as Json;
use std::time::Duration;
use xops_kernel::port::Response;

/// The longest token, in bytes; servers refuse longer headers.
const TOKEN_BYTES_MAX: usize = 16 << 10;
/// How long a token is believed that does not say.
const LIFE_DEFAULT: Duration = Duration::from_mins(5);
/// How long a token is believed at most.
const LIFE_MAX: Duration = Duration::from_hours(24);

/// Where an answer holds the token.
pub(crate) enum Where {
    /// As RFC 6749, section 5.1, says: `access_token`, `token_type`, `expires_in`, `refresh_token`.
    OAuth2,
    /// At these places of the JSON; `expires` is seconds, or a moment.
    At { token: Vec<String>, expires: Option<Vec<String>> },
}

/// A token and how long it lives.
pub(crate) struct Minted {
    pub(crate) secret: SecretString,
    pub(crate) life: Duration,
    /// The refresh token that takes the place of the one that was used.
    pub(crate) refresh: Option<SecretString>,
}

/// The token of an answer; `now_s` tells how far off a moment is.
pub(crate) fn read(response: &Response, scrub: &Scrub, at: &Where, now_s: u64) -> Result<Minted, Lost> {
    let said = |text: &str| scrub.text(&format!("no token: status {}: {text}", response.status), None);
    let body = || String::from_utf8_lossy(&response.body).into_owned();
    match response.status {
        200..=299 => {}
        400 | 401 | 403 => return Err(Lost::AuthFailed(said(&body()))),
        _ => return Err(Lost::NotSent(said(&body()))),
    }
    // From here on the body may hold a token, so nothing of it is repeated.
    let wrong = |what: &str| Lost::NotSent(said(what));
    let answer: Json = serde_json::from_slice(&response.body).map_err(|_| wrong("the answer is not JSON"))?;
    let (token, life) = match at {
        Where::OAuth2 => {
            let kind = answer.get("token_type").and_then(Json::as_str);
            if kind.is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
                return Err(wrong("the token is not a bearer token"));
            }
            let life = life(answer.get("expires_in"), None)
                .ok_or_else(|| wrong("`expires_in` is no number of seconds"))?;
            (answer.get("access_token"), life)
        }
        Where::At { token, expires } => {
            let expires = expires.as_ref().and_then(|path| follow(&answer, path));
            let life = life(expires, Some(now_s)).ok_or_else(|| wrong("the token's end is no moment"))?;
            (follow(&answer, token), life)
        }
    };
    let name = match at {
        Where::OAuth2 => "access_token".to_owned(),
        Where::At { token, .. } => token.join("."),
    };
    let token = token
        .and_then(Json::as_str)
        .filter(|token| !token.is_empty() && token.len() <= TOKEN_BYTES_MAX)
        .ok_or_else(|| wrong(&format!("the answer holds no `{name}` of a sensible length")))?;
    if secret_header(token).is_none() {
        return Err(wrong("the token cannot stand in a header"));
    }
    let refresh = answer.get("refresh_token").and_then(Json::as_str).filter(|token| !token.is_empty());
    Ok(Minted { secret: SecretString::from(token), life, refresh: refresh.map(SecretString::from) })
}

fn follow<'a>(answer: &'a Json, path: &[String]) -> Option<&'a Json> {
    path.iter().try_fold(answer, |at, name| at.get(name))
}

/// Seconds, also as text; where `now_s` is known, a moment too: a number that is too great for a life, or RFC 3339.
fn life(told: Option<&Json>, now_s: Option<u64>) -> Option<Duration> {
    let told = match told {
        None | Some(Json::Null) => return Some(LIFE_DEFAULT),
        Some(told) => told,
    };
    // Some servers write the number as text.
    let number = told.as_u64().or_else(|| told.as_str()?.parse().ok());
    let Some(now_s) = now_s else { return number.map(|life| Duration::from_secs(life).min(LIFE_MAX)) };
    let seconds = match number {
        // Milliseconds since 1970, seconds since 1970, seconds from now: no two of them overlap for a century.
        Some(ms) if ms > 100_000_000_000 => (ms / 1000).saturating_sub(now_s),
        Some(s) if s > 1_000_000_000 => s.saturating_sub(now_s),
        Some(life) => life,
        None => {
            let moment: jiff::Timestamp = told.as_str()?.parse().ok()?;
            u64::try_from(moment.as_second()).ok()?.saturating_sub(now_s)
        }
    };
    Some(Duration::from_secs(seconds).min(LIFE_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    fn check(status: u16, body: &str, expect: Result<(&str, u64), &str>) {
        let response = Response { status, headers: Vec::new(), body: body.as_bytes().to_vec() };
        let secret = SecretString::from("canary-secret");
        match (read(&response, &Scrub::new(std::iter::once(&secret)), &Where::OAuth2, 0), expect) {
            (Ok(minted), Ok((expect, seconds))) => {
                assert_eq!(minted.secret.expose_secret(), expect);
                assert_eq!(minted.life.as_secs(), seconds);
            }
            (Err(lost), Err(expect)) => assert_eq!(format!("{}: {lost}", lost.word()), expect),
            (Ok(_), Err(expect)) => panic!("not refused: {expect}"),
            (Err(lost), Ok(_)) => panic!("{lost}"),
        }
    }

    #[test]
    fn an_answer_gives_a_token_and_its_life() {
        check(200, r#"{"access_token":"t1","token_type":"Bearer","expires_in":3600}"#, Ok(("t1", 3600)));
        check(200, r#"{"access_token":"t1","token_type":"bearer","expires_in":"60"}"#, Ok(("t1", 60)));
        check(200, r#"{"access_token":"t1"}"#, Ok(("t1", 300)));
        check(200, r#"{"access_token":"t1","expires_in":99999999999}"#, Ok(("t1", 86400)));
    }

    #[test]
    fn an_answer_that_is_none_is_not_repeated() {
        let sent = "not_sent: the request was not sent: no token: status 200: ";
        check(200, "canary", Err(&format!("{sent}the answer is not JSON")));
        check(200, "{}", Err(&format!("{sent}the answer holds no `access_token` of a sensible length")));
        check(200, r#"{"access_token":"a\nb"}"#, Err(&format!("{sent}the token cannot stand in a header")));
        check(
            200,
            r#"{"access_token":"a","token_type":"mac"}"#,
            Err(&format!("{sent}the token is not a bearer token")),
        );
        check(
            200,
            r#"{"access_token":"a","expires_in":-1}"#,
            Err(&format!("{sent}`expires_in` is no number of seconds")),
        );
        check(200, &"[".repeat(100_000), Err(&format!("{sent}the answer is not JSON")));
    }

    #[test]
    fn a_refusal_is_told_from_an_outage_and_scrubbed() {
        let refused = "auth_failed: the credential was refused: no token: status 401: ";
        check(
            401,
            r#"{"error":"bad canary-secret"}"#,
            Err(&format!(r#"{refused}{{"error":"bad [redacted]"}}"#)),
        );
        check(503, "busy", Err("not_sent: the request was not sent: no token: status 503: busy"));
        check(302, "", Err("not_sent: the request was not sent: no token: status 302:"));
    }

    #[test]
    fn a_system_that_gives_its_own_tokens_says_in_its_own_way_how_long_they_live() {
        let at = Where::At {
            token: vec!["data".to_owned(), "token".to_owned()],
            expires: Some(vec!["expires".to_owned()]),
        };
        let check = |body: &str, expect: Result<u64, &str>| {
            let response = Response { status: 200, headers: Vec::new(), body: body.as_bytes().to_vec() };
            match (read(&response, &Scrub::new(std::iter::empty()), &at, 1_700_000_000), expect) {
                (Ok(minted), Ok(seconds)) => assert_eq!(minted.life.as_secs(), seconds, "{body}"),
                (Err(lost), Err(part)) => assert!(lost.to_string().contains(part), "{lost}"),
                (got, expect) => panic!("{body}: {} is not {expect:?}", got.is_ok()),
            }
        };
        check(r#"{"data":{"token":"t"},"expires":"2023-11-14T22:43:20Z"}"#, Ok(1_800));
        check(r#"{"data":{"token":"t"},"expires":1700000900}"#, Ok(900));
        check(r#"{"data":{"token":"t"},"expires":1700000900000}"#, Ok(900));
        check(r#"{"data":{"token":"t"},"expires":60}"#, Ok(60));
        check(r#"{"data":{"token":"t"}}"#, Ok(300));
        check(r#"{"data":{"token":"t"},"expires":"soon"}"#, Err("no moment"));
        check(r#"{"token":"t"}"#, Err("holds no `data.token`"));
    }
}
