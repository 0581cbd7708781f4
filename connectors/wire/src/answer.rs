//! What a token endpoint answers (RFC 6749, section 5).
//!
//! A refusal (`AuthFailed`) is told from an outage (`NotSent`): the first will not pass by waiting. The text of an error is
//! quoted, scrubbed; of a success nothing is quoted, because it holds a token.

use crate::lost::Lost;
use crate::scheme::secret_header;
use crate::scrub::Scrub;
use reqwest::header::HeaderValue;
use secrecy::SecretString;
use std::time::Duration;
use xops_kernel::port::Response;

/// The longest token, in bytes; servers refuse longer headers.
const TOKEN_BYTES_MAX: usize = 16 << 10;
/// How long a token is believed that does not say.
const LIFE_DEFAULT: Duration = Duration::from_mins(5);
/// How long a token is believed at most.
const LIFE_MAX: Duration = Duration::from_hours(24);

/// The token of a token endpoint's answer, its header, and how long it lives.
pub(crate) fn read(
    response: &Response,
    scrub: &Scrub,
) -> Result<(SecretString, HeaderValue, Duration), Lost> {
    let said = |text: &str| scrub.text(&format!("no token: status {}: {text}", response.status), None);
    let body = || String::from_utf8_lossy(&response.body).into_owned();
    match response.status {
        200..=299 => {}
        400 | 401 | 403 => return Err(Lost::AuthFailed(said(&body()))),
        _ => return Err(Lost::NotSent(said(&body()))),
    }
    // From here on the body may hold a token, so nothing of it is repeated.
    let wrong = |what: &str| Lost::NotSent(said(what));
    let answer: serde_json::Value =
        serde_json::from_slice(&response.body).map_err(|_| wrong("the answer is not JSON"))?;
    let text = |name: &str| answer.get(name).and_then(serde_json::Value::as_str);
    if text("token_type").is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(wrong("the token is not a bearer token"));
    }
    let token = text("access_token")
        .filter(|token| !token.is_empty() && token.len() <= TOKEN_BYTES_MAX)
        .ok_or_else(|| wrong("the answer holds no `access_token` of a sensible length"))?;
    let header = secret_header(&format!("Bearer {token}"))
        .ok_or_else(|| wrong("the token cannot stand in a header"))?;
    let life = match answer.get("expires_in") {
        None | Some(serde_json::Value::Null) => LIFE_DEFAULT,
        // Some servers write the number as text.
        Some(life) => life
            .as_u64()
            .or_else(|| life.as_str()?.parse().ok())
            .map(Duration::from_secs)
            .ok_or_else(|| wrong("`expires_in` is no number of seconds"))?,
    };
    Ok((SecretString::from(token), header, life.min(LIFE_MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    fn check(status: u16, body: &str, expect: Result<(&str, u64), &str>) {
        let response = Response { status, headers: Vec::new(), body: body.as_bytes().to_vec() };
        let secret = SecretString::from("canary-secret");
        match (read(&response, &Scrub::new(std::iter::once(&secret))), expect) {
            (Ok((token, header, life)), Ok((expect, seconds))) => {
                assert_eq!(token.expose_secret(), expect);
                assert_eq!(header.to_str().unwrap(), format!("Bearer {expect}"));
                assert!(header.is_sensitive());
                assert_eq!(life.as_secs(), seconds);
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
}
