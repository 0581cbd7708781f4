//! A canary in every part of every credential, through every path, looked for in everything that can be read.

use crate::server::{Act, Server, answer, token};
use crate::{client, request, target};
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing_subscriber::fmt::MakeWriter;
use xops_connectors::auth::{Algorithm, Auth, First, Grant, Hash, Signed, Told, WS_SECURITY_SLOT};

/// Holds every event of every crate below us.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// A field that carries a part.
fn field(name: &str, part: &str) -> (String, Told) {
    (name.to_owned(), Told::Part(part.to_owned()))
}

/// Every scheme, each of its parts a canary.
fn schemes(token_url: &str) -> Vec<(Auth, Vec<&'static str>)> {
    let text = str::to_owned;
    let oauth2 = |grant| Auth::OAuth2 {
        token_url: text(token_url),
        grant,
        scope: None,
        form: vec![field("account", "account")],
    };
    let client = |in_form| Grant::Client { word: text("account_credentials"), in_form };
    let signed = || Signed {
        algorithm: Algorithm::Hs256,
        issuer: Told::Part(text("client_id")),
        subject: Some(Told::Part(text("account"))),
        otherwise: None,
        audience: None,
        scope: None,
        lifetime_s: 60,
    };
    let two_step = |first| Auth::TwoStep {
        path: text("/token"),
        first,
        token: vec![text("access_token")],
        expires: None,
        header: text("x-auth"),
        prefix: String::new(),
    };
    vec![
        (Auth::ApiKey { header: text("x-key"), prefix: text("SSWS "), part: text("key") }, vec!["key"]),
        (Auth::ApiKeyQuery { name: text("key"), part: text("key") }, vec!["key"]),
        (
            Auth::Basic { username: text("username"), password: text("password") },
            vec!["username", "password"],
        ),
        (Auth::WsSecurity, vec!["username", "password"]),
        (oauth2(client(true)), vec!["client_id", "client_secret", "account"]),
        (oauth2(client(false)), vec!["client_id", "client_secret", "account"]),
        (
            oauth2(Grant::Refresh { in_form: true }),
            vec!["client_id", "client_secret", "account", "refresh_token"],
        ),
        (
            oauth2(Grant::Assertion { word: text("client_credentials"), signed: signed() }),
            vec!["client_id", "private_key", "account", "key_id"],
        ),
        (oauth2(Grant::Bearer(signed())), vec!["client_id", "private_key", "account"]),
        (oauth2(Grant::Given { part: text("assertion") }), vec!["assertion", "account"]),
        (two_step(First::Basic), vec!["username", "password"]),
        (
            two_step(First::Header {
                header: text("x-api-key"),
                prefix: String::new(),
                part: text("api_key"),
            }),
            vec!["api_key"],
        ),
        (
            two_step(First::Json(vec![field("user", "username"), field("pass", "password")])),
            vec!["username", "password"],
        ),
        (two_step(First::Form(vec![field("pass", "password")])), vec!["password"]),
        (
            Auth::Jwt { signed: signed(), header: text("authorization"), prefix: text("Bearer ") },
            vec!["client_id", "private_key", "account"],
        ),
        (Auth::Duo { hash: Hash::Sha512 }, vec!["integration_key", "secret_key"]),
        (
            Auth::AwsSigV4 { region: Told::Literal(text("eu-west-1")), service: text("execute-api") },
            vec!["access_key_id", "secret_access_key", "session_token"],
        ),
    ]
}

/// A server that sends back what it was sent, in some bad way.
async fn parrot(way: usize) -> Server {
    Server::start(move |_, request| {
        let line = request.replace("\r\n", " | ");
        match way {
            0 => answer(400, &format!("x-echo: {}\r\n", line.replace(['<', '>'], "")), request),
            1 => vec![
                Act::Write(
                    format!("HTTP/1.1 200 {line}\r\ncontent-length: 99999\r\n\r\n{request}").into_bytes(),
                ),
                Act::Close,
            ],
            2 => vec![Act::Write(line.into_bytes()), Act::Close],
            3 => answer(302, &format!("location: /?{line}\r\n"), ""),
            4 => answer(401, "", request),
            5 => vec![Act::Sleep(Duration::from_secs(9))],
            _ => vec![Act::Reset],
        }
    })
    .await
}

/// What a reader finds of the canary: its letters, or its start in base64.
fn check(place: &str, text: &str) {
    for form in ["canary", "Y2FuYXJ5"] {
        assert!(!text.to_lowercase().contains(&form.to_lowercase()), "{place}: {text}");
    }
}

#[tokio::test]
async fn no_secret_is_ever_in_an_error_a_response_or_a_log() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::TRACE);
    subscriber.with_writer(log.clone()).init();

    let good = Server::start(|number, _| token(&format!("canary-token-{number:09}"), 3600)).await;
    let mut errors = 0;
    for way in 0..7 {
        let bad = parrot(way).await;
        for endpoint in [&good, &bad] {
            for (auth, names) in schemes(&format!("{}/token", endpoint.url())) {
                let parts: Vec<_> = names.iter().map(|name| (*name, "canary/secret & 0123456789")).collect();
                let target = target(&bad.url(), auth.clone(), &parts);
                check("target", &format!("{target:?}"));
                let client = client(target);
                check("client", &format!("{client:?}"));
                let body = if auth == Auth::WsSecurity { WS_SECURITY_SLOT } else { "order" };
                match client.send(&request("POST", &bad.url(), "/x", body), Duration::from_millis(200)).await
                {
                    Ok(response) => {
                        let text =
                            format!("{:?} {}", response.headers, String::from_utf8_lossy(&response.body));
                        check("response", &text);
                    }
                    Err(lost) => {
                        errors += 1;
                        check("lost", &format!("{lost} {lost:?}"));
                    }
                }
            }
        }
    }
    assert!(errors > 30, "only {errors} calls failed: the parrots are tame");
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("answered") && log.contains("lost"), "the log was not taken");
    check("log", &log);
}
