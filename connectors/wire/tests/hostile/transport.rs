//! Connections that fail at every moment, and responses of every bad size and speed.

use crate::server::{Act, Server, answer};
use crate::{LONG, client, plain, post, request, target};
use std::time::{Duration, Instant};
use xops_connectors::auth::Auth;
use xops_kernel::port::Response;
use xops_wire::client::Client;
use xops_wire::lost::Lost;
use xops_wire::target::Limits;

const SHORT: Duration = Duration::from_millis(300);

/// Sends to a server that answers with `acts`, and expects a loss whose word and text begin and hold what is given.
async fn check(acts: Vec<Act>, deadline: Duration, word: &str, part: &str) {
    let server = Server::start(move |_, _| acts.clone()).await;
    let began = Instant::now();
    let lost = post(&plain(&server), &server, deadline).await.expect_err(part);
    assert_eq!(lost.word(), word, "{lost}");
    assert!(lost.to_string().contains(part), "`{lost}` lacks `{part}`");
    assert!(began.elapsed() < deadline + Duration::from_secs(2), "{part}: {:?}", began.elapsed());
    assert_eq!(server.requests().len(), 1, "{part}: it was sent again");
    assert!(!lost.to_string().contains("/act"), "an address names people: {lost}");
}

fn head(text: &str) -> Act {
    Act::Write(text.as_bytes().to_vec())
}

#[tokio::test]
async fn a_refused_connection_sent_nothing() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = client(target(&base, Auth::None, &[]));
    let lost = client.send(&request("POST", &base, "/", "order"), LONG).await.unwrap_err();
    assert_eq!(lost.word(), "not_sent", "{lost}");
    assert!(lost.to_string().contains("refused"), "{lost}");
}

#[tokio::test]
async fn a_name_that_does_not_resolve_sent_nothing() {
    let base = "https://no-such-host.invalid";
    let client = client(target(base, Auth::None, &[]));
    let lost = client.send(&request("DELETE", base, "/", ""), LONG).await.unwrap_err();
    assert_eq!(lost.word(), "not_sent", "{lost}");
}

#[tokio::test]
async fn tls_that_fails_or_never_ends_sent_nothing() {
    for (acts, deadline) in [
        (vec![head("HTTP/1.1 400 Bad\r\n\r\n"), Act::Close], LONG),
        (vec![Act::Reset], LONG),
        (vec![Act::Sleep(LONG)], SHORT),
    ] {
        let server = Server::rude(acts).await;
        let base = server.url().replace("http:", "https:");
        let client = client(target(&base, Auth::None, &[]));
        for method in ["POST", "DELETE"] {
            let body = if method == "POST" { "order" } else { "" };
            let lost = client.send(&request(method, &base, "/", body), deadline).await.unwrap_err();
            assert_eq!(lost.word(), "not_sent", "{lost}");
        }
    }
}

#[tokio::test]
async fn a_connection_reset_before_it_is_read_never_claims_more_than_it_knows() {
    for _ in 0..50 {
        let server = Server::rude(vec![Act::Reset]).await;
        let lost = post(&plain(&server), &server, LONG).await.unwrap_err();
        assert_ne!(lost.word(), "auth_failed", "{lost}");
        assert_eq!(server.connections(), 1, "it was tried again");
    }
}

#[tokio::test]
async fn a_request_that_was_read_may_have_been_received() {
    check(vec![Act::Reset], LONG, "after_send", "").await;
    check(vec![Act::Close], LONG, "after_send", "").await;
    check(vec![Act::Sleep(LONG)], SHORT, "after_send", "before an answer began").await;
    check(vec![head("HTTP/1.1 200"), Act::Close], LONG, "after_send", "").await;
    check(vec![head("SSH-2.0-OpenSSH\r\n"), Act::Close], LONG, "after_send", "").await;
}

#[tokio::test]
async fn a_request_without_a_body_that_was_read_may_have_been_received() {
    for acts in [vec![Act::Reset], vec![Act::Sleep(LONG)]] {
        let server = Server::start(move |_, _| acts.clone()).await;
        let lost = plain(&server).send(&request("DELETE", &server.url(), "/x", ""), SHORT).await.unwrap_err();
        assert_eq!(lost.word(), "after_send", "{lost}");
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_slow_drip_ends_with_the_deadline() {
    let drip =
        |first: &str, rest: &str| vec![head(first), Act::Forever(rest.as_bytes().to_vec(), SHORT / 10)];
    check(drip("HTTP/1.1 200 OK\r\n", "a: b\r\n"), SHORT, "after_send", "before an answer began").await;
    check(
        drip("HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n", "x"),
        SHORT,
        "after_send",
        "deadline passed after",
    )
    .await;
    check(drip("", "HTTP/1.1 103 Early Hints\r\n\r\n"), SHORT, "after_send", "before an answer began").await;
}

#[tokio::test]
async fn a_header_bomb_is_refused() {
    let many = "a: b\r\n".repeat(10_000);
    check(vec![head(&format!("HTTP/1.1 200 OK\r\n{many}\r\n"))], LONG, "after_send", "").await;
    let long = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "a".repeat(70 << 10));
    check(vec![head(&long)], LONG, "after_send", "status 200: the headers are longer than 65536 bytes").await;
    let endless = vec![head("HTTP/1.1 200 OK\r\nx: "), Act::Forever(vec![b'a'; 64 << 10], Duration::ZERO)];
    check(endless, LONG, "after_send", "").await;
}

#[tokio::test]
async fn a_body_beyond_the_bound_is_not_read() {
    let announced = "HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n";
    let bytes = || Act::Forever(vec![b'x'; 64 << 10], Duration::ZERO);
    let why = "status 200: the body is longer than 16777216 bytes";
    check(vec![head(announced), bytes()], LONG, "after_send", why).await;
    check(vec![head(announced), Act::Sleep(LONG)], LONG, "after_send", why).await;
    let chunk = [b"10000\r\n".as_slice(), &vec![b'x'; 64 << 10], b"\r\n"].concat();
    let chunked = head("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    check(vec![chunked, Act::Forever(chunk, Duration::ZERO)], LONG, "after_send", why).await;
    let until_close = head("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
    check(vec![until_close, bytes()], LONG, "after_send", why).await;
}

#[tokio::test]
async fn a_body_of_exactly_the_bound_is_whole() {
    let server = Server::start(|_, request| {
        answer(200, "", &"x".repeat(if request.contains("/one-more") { 1001 } else { 1000 }))
    })
    .await;
    let limits = Limits { response_body_bytes_max: 1000, ..Limits::default() };
    let client = Client::new(vec![target(&server.url(), Auth::None, &[])], limits).unwrap();
    let whole = client.send(&request("GET", &server.url(), "/", ""), LONG).await.unwrap();
    assert_eq!(whole.body.len(), 1000);
    let lost = client.send(&request("GET", &server.url(), "/one-more", ""), LONG).await.unwrap_err();
    assert!(lost.may_have_arrived(), "{lost}");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_no_response() {
    let short = "HTTP/1.1 201 Created\r\ncontent-length: 10\r\n\r\nhalf";
    check(vec![head(short), Act::Close], LONG, "after_send", "status 201: the body broke off after 4 bytes")
        .await;
    let chunk = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n";
    check(vec![head(chunk), Act::Close], LONG, "after_send", "broke off").await;
    check(vec![head(chunk), head("zz\r\n")], LONG, "after_send", "broke off").await;
    check(vec![head(short), Act::Sleep(SHORT), Act::Reset], LONG, "after_send", "broke off").await;
}

#[tokio::test]
async fn a_redirect_is_a_response_and_leads_nowhere() {
    let other = Server::start(|_, _| answer(200, "", "stolen")).await;
    let location = format!("location: {}/elsewhere\r\n", other.url());
    for (status, method) in [(301, "GET"), (302, "POST"), (303, "PUT"), (307, "POST"), (308, "DELETE")] {
        let location = location.clone();
        let server = Server::start(move |_, _| answer(status, &location, "")).await;
        let auth = Auth::ApiKey { header: "x-key".to_owned(), prefix: String::new(), part: "key".to_owned() };
        let client = client(target(&server.url(), auth, &[("key", "canary")]));
        let response = client.send(&request(method, &server.url(), "/", ""), LONG).await.unwrap();
        assert_eq!(response.status, status);
        assert!(response.headers.contains(&("location".to_owned(), format!("{}/elsewhere", other.url()))));
        assert_eq!((server.requests().len(), other.connections()), (1, 0));
    }
}

#[tokio::test]
async fn an_endless_redirect_is_one_answer() {
    let server = Server::start(|_, _| answer(302, "location: /again\r\n", "")).await;
    assert_eq!(post(&plain(&server), &server, LONG).await.unwrap().status, 302);
    assert_eq!(server.requests().len(), 1);
}

/// The proof on which a second try of a call rests: whatever the moment at which a deadline strikes or a connection dies, a
/// request that is reported as not sent is none that the server saw.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_reported_as_not_sent_never_arrives() {
    const CALLERS: u64 = 48;
    const CALLS_EACH: u64 = 60;
    let server = Server::start(|number, _| match number % 7 {
        0 => vec![Act::Reset],
        1 => vec![Act::Sleep(Duration::from_millis(1)), Act::Close],
        2 => [answer(200, "", ""), vec![Act::Close]].concat(),
        _ => answer(200, "", ""),
    })
    .await;
    let mut wide = target(&server.url(), Auth::None, &[]);
    wide.concurrency = 64;
    let client = std::sync::Arc::new(
        Client::new(vec![wide], Limits { waiting_max: 4096, ..Limits::default() }).unwrap(),
    );
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let (client, base) = (client.clone(), server.url());
            tokio::spawn(async move {
                let mut results = Vec::new();
                for number in caller * CALLS_EACH..(caller + 1) * CALLS_EACH {
                    let (method, body) = if number % 2 == 0 { ("POST", "order") } else { ("DELETE", "") };
                    let request = request(method, &base, &format!("/call/{number}/"), body);
                    // Half of them strike while there may not be a connection yet.
                    let most = if number % 4 < 2 { 600 } else { 30_000 };
                    let deadline = Duration::from_micros(number * 7919 % most);
                    results.push((number, client.send(&request, deadline).await));
                }
                results
            })
        })
        .collect();
    let mut results = Vec::new();
    for caller in callers {
        results.append(&mut caller.await.unwrap());
    }
    tokio::time::sleep(SHORT).await;
    let seen: std::collections::BTreeSet<u64> =
        server.requests().iter().map(|request| request.split('/').nth(2).unwrap().parse().unwrap()).collect();
    assert_eq!(seen.len(), server.requests().len(), "a request was sent twice");
    let mut counts = [0; 3];
    for (number, result) in results {
        match result {
            Ok(_) => counts[0] += 1,
            Err(lost) if lost.may_have_arrived() => counts[1] += 1,
            Err(lost) => {
                counts[2] += 1;
                assert!(!seen.contains(&number), "call {number} arrived, and was reported so: {lost}");
            }
        }
    }
    assert!(counts.iter().all(|count| *count > 0), "answered, lost after and before sending: {counts:?}");
}

#[tokio::test]
async fn connections_are_kept_and_a_stale_one_costs_nothing() {
    // Every second answer is followed by a close, which the client notices before it sends the next.
    let server = Server::start(|number, _| {
        let mut acts = answer(200, "", "done");
        if number % 2 == 1 {
            acts.push(Act::Close);
        }
        acts
    })
    .await;
    let client = plain(&server);
    for _ in 0..10 {
        let response = post(&client, &server, LONG).await.unwrap();
        assert_eq!(response.body, b"done");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(server.requests().len(), 10);
    assert!((5..10).contains(&server.connections()), "{}", server.connections());
}

#[tokio::test]
async fn a_kept_connection_that_dies_on_a_request_is_not_tried_again() {
    let server =
        Server::start(|number, _| if number == 0 { answer(200, "", "") } else { vec![Act::Reset] }).await;
    let client = plain(&server);
    post(&client, &server, LONG).await.unwrap();
    let lost = post(&client, &server, LONG).await.unwrap_err();
    assert_eq!(lost.word(), "after_send", "{lost}");
    assert_eq!((server.requests().len(), server.connections()), (2, 1));
}

#[tokio::test]
async fn requests_of_a_system_take_turns_and_the_queue_is_bounded() {
    let server = Server::start(|_, _| [vec![Act::Sleep(SHORT)], answer(200, "", "")].concat()).await;
    let mut narrow = target(&server.url(), Auth::None, &[]);
    narrow.concurrency = 2;
    let limits = Limits { waiting_max: 2, ..Limits::default() };
    let client = std::sync::Arc::new(Client::new(vec![narrow], limits).unwrap());
    let calls: Vec<_> = (0..6)
        .map(|_| {
            let (client, server) = (client.clone(), server.clone());
            tokio::spawn(async move { post(&client, &server, LONG).await })
        })
        .collect();
    let mut answered = 0;
    for call in calls {
        match call.await.unwrap() {
            Ok(_) => answered += 1,
            Err(lost) => assert!(lost.to_string().contains("wait already"), "{lost}"),
        }
    }
    assert_eq!((answered, server.open_most()), (4, 2));

    let (first, second) = (post(&client, &server, LONG), post(&client, &server, LONG));
    let late = async {
        tokio::time::sleep(SHORT / 10).await;
        post(&client, &server, SHORT / 10).await
    };
    let (_, _, late) = tokio::join!(first, second, late);
    let why = "the deadline passed while it waited for its turn".to_owned();
    assert_eq!(late, Err(Lost::NotSent(why)));
}

#[tokio::test]
async fn a_response_comes_back_whole_with_repeated_headers_in_order() {
    let server = Server::start(|_, _| answer(429, "Link: <a>\r\nX-B: 1\r\nlink: <b>\r\n", "{}")).await;
    let response = plain(&server).send(&request("GET", &server.url(), "/x", ""), LONG).await.unwrap();
    let Response { status, headers, body } = response;
    assert_eq!((status, body.as_slice()), (429, b"{}".as_slice()));
    let links: Vec<_> =
        headers.iter().filter(|(name, _)| name == "link").map(|(_, value)| value.as_str()).collect();
    assert_eq!(links, ["<a>", "<b>"]);
}
