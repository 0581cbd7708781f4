//! OAuth 2.0 client credentials against token endpoints that are down, slow, busy or forgetful.

use crate::server::{Act, Server, answer, token};
use crate::{LONG, post, target};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::sync::Arc;
use std::time::{Duration, Instant};
use xops_connectors::auth::{Algorithm, Auth, Grant, SUBJECT_HEADER, Signed, Told};
use xops_wire::client::Client;
use xops_wire::lost::Lost;
use xops_wire::target::Limits;

/// A client that gets its tokens at `endpoint` for `server`.
fn client(server: &Server, endpoint: &str, in_form: bool) -> Client {
    let auth = Auth::OAuth2 {
        token_url: format!("{endpoint}/token"),
        grant: Grant::Client { word: "client_credentials".to_owned(), in_form },
        scope: Some("read write".to_owned()),
        form: Vec::new(),
    };
    let parts = [("client_id", "id:1"), ("client_secret", "canary secret")];
    let limits = Limits { token_pause: Duration::from_millis(200), ..Limits::default() };
    Client::new(vec![target(&server.url(), auth, &parts)], limits).unwrap()
}

/// A server that accepts the tokens that hold `good`.
async fn system(good: &'static str) -> Server {
    Server::start(move |_, request| {
        let known = request.contains(&format!("authorization: Bearer {good}"));
        answer(if known { 200 } else { 401 }, "", "")
    })
    .await
}

/// The status of one call, or the word of its loss, with the numbers of requests at the system and at the endpoint.
async fn check(good: &'static str, endpoint: Server, expect: (&str, usize, usize)) -> String {
    let server = system(good).await;
    let client = client(&server, &endpoint.url(), true);
    let (got, text) = match post(&client, &server, Duration::from_secs(3)).await {
        Ok(response) => (response.status.to_string(), String::new()),
        Err(lost) => (lost.word().to_owned(), lost.to_string()),
    };
    assert_eq!((got.as_str(), server.requests().len(), endpoint.requests().len()), expect, "{text}");
    assert!(!text.contains("canary"), "{text}");
    text
}

#[tokio::test]
async fn a_token_is_fetched_once_and_used_until_its_margin() {
    let server = system("t").await;
    let endpoint = Server::start(|number, _| token(&format!("t{number}"), 3600)).await;
    let client = client(&server, &endpoint.url(), true);
    for _ in 0..5 {
        assert_eq!(post(&client, &server, LONG).await.unwrap().status, 200);
    }
    let fetches = endpoint.requests();
    assert_eq!(fetches.len(), 1);
    let form = "grant_type=client_credentials&scope=read+write&client_id=id%3A1&client_secret=canary+secret";
    assert!(fetches[0].ends_with(form), "{}", fetches[0]);
    assert!(!fetches[0].contains("authorization"), "{}", fetches[0]);
}

#[tokio::test]
async fn the_client_authenticates_with_a_basic_header_where_that_is_declared() {
    let server = system("t").await;
    let endpoint = Server::start(|_, _| token("t", 3600)).await;
    post(&client(&server, &endpoint.url(), false), &server, LONG).await.unwrap();
    let fetch = endpoint.requests().remove(0);
    // `id%3A1:canary+secret` in base64.
    assert!(fetch.contains("\r\nauthorization: Basic aWQlM0ExOmNhbmFyeStzZWNyZXQ=\r\n"), "{fetch}");
    assert!(fetch.ends_with("\r\n\r\ngrant_type=client_credentials&scope=read+write"), "{fetch}");
}

#[tokio::test]
async fn a_token_is_renewed_before_its_end_and_the_old_one_serves_meanwhile() {
    let server = system("t").await;
    // Two seconds of life: renewed after one. The renewal fails, and the old token is still good.
    let endpoint =
        Server::start(|number, _| if number == 0 { token("t0", 2) } else { answer(503, "", "") }).await;
    let client = client(&server, &endpoint.url(), true);
    assert_eq!(post(&client, &server, LONG).await.unwrap().status, 200);
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(post(&client, &server, LONG).await.unwrap().status, 200);
    assert_eq!(endpoint.requests().len(), 2);
    tokio::time::sleep(Duration::from_millis(900)).await;
    let lost = post(&client, &server, LONG).await.unwrap_err();
    assert_eq!(lost.word(), "not_sent", "{lost}");
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn many_callers_fetch_one_token_and_one_more_when_it_is_turned_away() {
    let server = system("t1").await;
    let endpoint = Server::start(|number, _| {
        [vec![Act::Sleep(Duration::from_millis(50))], token(&format!("t{number}"), 3600)].concat()
    })
    .await;
    let client = Arc::new(client(&server, &endpoint.url(), true));
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let (client, server) = (client.clone(), server.clone());
            tokio::spawn(async move { post(&client, &server, LONG).await.unwrap().status })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), 200);
    }
    assert_eq!(endpoint.requests().len(), 2);
}

#[tokio::test]
async fn a_401_renews_the_token_once_and_no_more() {
    let endpoint = || Server::start(|number, _| token(&format!("t{number}"), 3600));
    check("t1", endpoint().await, ("200", 2, 2)).await;
    check("t2", endpoint().await, ("401", 2, 2)).await;
}

#[tokio::test]
async fn a_401_whose_renewal_fails_had_no_effect() {
    let endpoint = |status: u16| {
        Server::start(move |number, _| if number == 0 { token("old", 3600) } else { answer(status, "", "") })
    };
    check("new", endpoint(503).await, ("not_sent", 1, 2)).await;
    check("new", endpoint(400).await, ("auth_failed", 1, 2)).await;
}

#[tokio::test]
async fn a_resent_request_that_gets_no_answer_may_have_been_received() {
    let server =
        Server::start(|number, _| if number == 0 { answer(401, "", "") } else { vec![Act::Reset] }).await;
    let endpoint = Server::start(|number, _| token(&format!("t{number}"), 3600)).await;
    let lost = post(&client(&server, &endpoint.url(), true), &server, LONG).await.unwrap_err();
    assert_eq!((lost.word(), server.requests().len()), ("after_send", 2), "{lost}");
}

#[tokio::test]
async fn a_token_endpoint_that_is_down_slow_or_mad_sends_nothing() {
    let server = system("t").await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let lost = post(&client(&server, &address, true), &server, LONG).await.unwrap_err();
    assert_eq!((lost.word(), server.connections()), ("not_sent", 0), "{lost}");

    check("t", Server::start(|_, _| vec![Act::Sleep(LONG)]).await, ("not_sent", 0, 1)).await;
    check("t", Server::start(|_, _| vec![Act::Reset]).await, ("not_sent", 0, 1)).await;
    check("t", Server::start(|_, _| answer(500, "", "canary secret")).await, ("not_sent", 0, 1)).await;
    check(
        "t",
        Server::start(|_, _| answer(302, "location: http://127.0.0.1/\r\n", "")).await,
        ("not_sent", 0, 1),
    )
    .await;
    check("t", Server::start(|_, _| answer(200, "", "<html>")).await, ("not_sent", 0, 1)).await;
    let long = "x".repeat(300 << 10);
    check("t", Server::start(move |_, _| answer(200, "", &long)).await, ("not_sent", 0, 1)).await;
    let refusal = r#"{"error":"invalid_client","error_description":"wrong canary+secret"}"#;
    let text =
        check("t", Server::start(move |_, _| answer(401, "", refusal)).await, ("auth_failed", 0, 1)).await;
    assert!(text.contains("invalid_client"), "{text}");
}

#[tokio::test]
async fn a_busy_token_endpoint_is_waited_for_within_the_deadline_and_not_beyond() {
    let busy = |wait: &'static str, times: usize| {
        Server::start(move |number, _| {
            if number < times {
                answer(429, &format!("retry-after: {wait}\r\n"), "")
            } else {
                token("t", 3600)
            }
        })
    };
    let began = Instant::now();
    check("t", busy("1", 1).await, ("200", 1, 2)).await;
    assert!(began.elapsed() >= Duration::from_secs(1));

    let began = Instant::now();
    check("t", busy("60", 1).await, ("not_sent", 0, 1)).await;
    assert!(began.elapsed() < Duration::from_secs(1));
    check("t", busy("0", 9).await, ("not_sent", 0, 3)).await;
}

#[tokio::test]
async fn a_failed_token_endpoint_is_left_alone_for_a_while() {
    let server = system("t").await;
    let endpoint =
        Server::start(|number, _| if number == 0 { answer(503, "", "") } else { token("t", 60) }).await;
    let client = client(&server, &endpoint.url(), true);
    for _ in 0..10 {
        let lost = post(&client, &server, LONG).await.unwrap_err();
        assert!(matches!(lost, Lost::NotSent(_)), "{lost}");
    }
    assert_eq!(endpoint.requests().len(), 1);
    tokio::time::sleep(Duration::from_millis(250)).await;
    assert_eq!(post(&client, &server, LONG).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_caller_that_gives_up_leaves_the_fetch_to_the_next() {
    let server = system("t").await;
    let endpoint = Server::start(|number, _| {
        let wait = if number == 0 { LONG } else { Duration::ZERO };
        [vec![Act::Sleep(wait)], token("t", 60)].concat()
    })
    .await;
    let client = client(&server, &endpoint.url(), true);
    let impatient = tokio::time::timeout(Duration::from_millis(200), post(&client, &server, LONG)).await;
    assert!(impatient.is_err());
    assert_eq!(post(&client, &server, LONG).await.unwrap().status, 200);
}

/// A client whose tokens come by `grant` from `endpoint`.
fn by(server: &Server, endpoint: &Server, grant: Grant, parts: &[(&str, &str)]) -> Client {
    let auth =
        Auth::OAuth2 { token_url: format!("{}/token", endpoint.url()), grant, scope: None, form: Vec::new() };
    Client::new(vec![target(&server.url(), auth, parts)], Limits::default()).unwrap()
}

fn signed(subject: Option<Told>) -> Signed {
    Signed {
        algorithm: Algorithm::Hs256,
        issuer: Told::Part("client_id".to_owned()),
        subject,
        otherwise: Some(Told::Literal("service@acme.example".to_owned())),
        audience: None,
        scope: Some(Told::Literal("read".to_owned())),
        lifetime_s: 60,
    }
}

/// The claims of the token that `field` of a form carries.
fn claims(fetch: &str, field: &str) -> serde_json::Value {
    let body = fetch.rsplit("\r\n\r\n").next().unwrap();
    let (_, token) = url::form_urlencoded::parse(body.as_bytes()).find(|(name, _)| name == field).unwrap();
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

#[tokio::test]
async fn a_refresh_token_that_was_replaced_is_not_used_again() {
    let server = system("t1").await;
    let answers = ["t0", "t1"];
    let endpoint = Server::start(move |number, _| {
        let body = format!(
            r#"{{"access_token":"{}","expires_in":3600,"refresh_token":"r{}"}}"#,
            answers[number.min(1)],
            number + 1
        );
        answer(200, "content-type: application/json\r\n", &body)
    })
    .await;
    let parts = [("client_id", "id"), ("client_secret", "canary"), ("refresh_token", "r0")];
    let client = by(&server, &endpoint, Grant::Refresh { in_form: true }, &parts);
    assert_eq!(post(&client, &server, LONG).await.unwrap().status, 200, "made anew once after the 401");
    let fetches = endpoint.requests();
    assert!(fetches[0].contains("grant_type=refresh_token") && fetches[0].contains("refresh_token=r0"));
    assert!(fetches[1].contains("refresh_token=r1"), "{}", fetches[1]);
    assert_eq!(fetches.len(), 2);
}

#[tokio::test]
async fn a_client_signs_its_own_assertion_for_the_endpoint_that_it_asks() {
    let server = system("t").await;
    let endpoint = Server::start(|_, _| token("t", 3600)).await;
    let grant = Grant::Assertion {
        word: "client_credentials".to_owned(),
        signed: signed(Some(Told::Part("client_id".to_owned()))),
    };
    let client = by(&server, &endpoint, grant, &[("client_id", "id-7"), ("private_key", "canary-key")]);
    assert_eq!(post(&client, &server, LONG).await.unwrap().status, 200);
    let fetch = endpoint.requests().remove(0);
    let said = claims(&fetch, "client_assertion");
    assert_eq!((&said["iss"], &said["sub"]), (&"id-7".into(), &"id-7".into()));
    assert_eq!(said["aud"], format!("{}/token", endpoint.url()));
    assert_eq!(said["exp"].as_u64().unwrap() - said["iat"].as_u64().unwrap(), 60);
    assert!(!fetch.contains("canary"), "{fetch}");
}

#[tokio::test]
async fn the_token_of_one_person_is_never_sent_for_another() {
    let server = Server::start(|_, _| answer(200, "", "")).await;
    let endpoint = Server::start(|number, _| token(&format!("t{number}"), 3600)).await;
    let grant = Grant::Bearer(signed(Some(Told::Input("user".to_owned()))));
    let client = by(&server, &endpoint, grant, &[("client_id", "id"), ("private_key", "canary-key")]);
    for subject in [Some("ada@acme.example"), Some("bob@acme.example"), Some("ada@acme.example"), None] {
        let mut request = crate::request("POST", &server.url(), "/act", "order");
        request.headers.extend(subject.map(|who| (SUBJECT_HEADER.to_owned(), who.to_owned())));
        client.send(&request, LONG).await.unwrap();
    }
    let people: Vec<_> =
        endpoint.requests().iter().map(|fetch| claims(fetch, "assertion")["sub"].clone()).collect();
    assert_eq!(people, ["ada@acme.example", "bob@acme.example", "service@acme.example"]);
    let sent = server.requests();
    let bearing =
        |number: usize, token: &str| sent[number].contains(&format!("authorization: Bearer {token}\r\n"));
    assert!(bearing(0, "t0") && bearing(1, "t1") && bearing(2, "t0") && bearing(3, "t2"));
    assert!(sent.iter().all(|request| !request.contains(SUBJECT_HEADER)), "who it is for is told to nobody");
}
