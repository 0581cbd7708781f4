//! Directories on loopback that answer as a test says, well and badly.

use super::ask::message;
use super::ber::{ENUMERATED, INTEGER, Input, OCTETS, SEQUENCE, SET, number, put, within};
use super::line::Private;
use super::*;
use crate::credential::Credential;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use std::future::Future;
use std::sync::atomic::AtomicUsize;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use xops_kernel::value::Values;

const LONG: Duration = Duration::from_secs(20);
const SECRET: &str = "canary-of-the-directory";

/// A server that does with each connection what `talk` says; its address.
async fn serve<F, T>(talk: T) -> String
where
    F: Future<Output = ()> + Send + 'static,
    T: Fn(TcpStream) -> F + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(talk(stream));
        }
    });
    format!("ldap://{address}")
}

fn target(base: &str, auth: Auth) -> Target {
    let credential = [("bind_dn", "cn=admin,dc=acme"), ("password", SECRET)];
    let with = |credential: Credential, (name, value): (&str, &str)| {
        credential.with(name, SecretString::from(value))
    };
    Target {
        system: "directory".to_owned(),
        base_url: Url::parse(base).unwrap(),
        more_urls: Vec::new(),
        auth,
        credential: credential.into_iter().fold(Credential::none(), with),
        vars: Values::new(),
        allow_private: true,
        concurrency: 4,
    }
}

fn basic() -> Auth {
    Auth::Basic { username: "bind_dn".to_owned(), password: "password".to_owned() }
}

fn certificate() -> CertificateDer<'static> {
    CertificateDer::from(include_bytes!("../../tests/ldap/certificate.der").to_vec())
}

/// A directory at `base` that trusts the certificate of these tests alone.
fn directory(base: &str, auth: Auth, limits: Limits) -> Directory {
    crate::transport::install_crypto();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate()).unwrap();
    let tls = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    Directory::trusting(&target(base, auth), &limits, tls).unwrap()
}

fn request(base: &str, method: &str, query: &[(&str, &str)], body: &str) -> Request {
    Request {
        system: "directory".to_owned(),
        method: method.to_owned(),
        url: format!("{base}/ou%3Dpeople%2Cdc%3Dacme"),
        query: query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        headers: Vec::new(),
        content_type: None,
        body: body.as_bytes().to_vec(),
    }
}

const SEARCH: [(&str, &str); 3] = [("scope", "one"), ("filter", "(uid=*)"), ("attributes", "uid,photo")];

async fn search(directory: &Directory, base: &str, more: &[(&str, &str)]) -> Result<Response, Lost> {
    let query: Vec<_> = SEARCH.iter().chain(more).copied().collect();
    directory.send(&request(base, "SEARCH", &query, ""), Instant::now() + LONG).await
}

/// Reads one message: its number, the tag of its operation, and all of it.
async fn heard<S: AsyncRead + Unpin>(stream: &mut S) -> Option<(i64, u8, Vec<u8>)> {
    let mut head = [0; 2];
    stream.read_exact(&mut head).await.ok()?;
    let long = match head[1] {
        short @ 0..=0x7f => usize::from(short),
        many => {
            let mut bytes = vec![0; usize::from(many & 0x7f)];
            stream.read_exact(&mut bytes).await.ok()?;
            bytes.iter().fold(0, |long, byte| (long << 8) | usize::from(*byte))
        }
    };
    let mut content = vec![0; long];
    stream.read_exact(&mut content).await.ok()?;
    let mut input = Input(&content);
    let id = input.number(INTEGER, "a number").unwrap();
    let (tag, _) = input.next().unwrap().unwrap();
    Some((id, tag, content))
}

fn result(tag: u8, code: i64, words: &str) -> Vec<u8> {
    let mut out = Vec::new();
    within(&mut out, tag, |out| {
        number(out, ENUMERATED, code);
        put(out, OCTETS, b"");
        put(out, OCTETS, words.as_bytes());
    });
    out
}

fn entry(uid: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    within(&mut out, 0x64, |out| {
        put(out, OCTETS, b"uid=ada,dc=acme");
        within(out, SEQUENCE, |out| {
            for (name, value) in [(&b"UID"[..], uid), (b"photo", &[0xff, 0xd8]), (b"cn", b"unasked")] {
                within(out, SEQUENCE, |out| {
                    put(out, OCTETS, name);
                    within(out, SET, |out| put(out, OCTETS, value));
                });
            }
        });
    });
    out
}

fn paged(cookie: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    within(&mut out, SEQUENCE, |out| {
        put(out, OCTETS, ask::PAGES);
        let mut value = Vec::new();
        within(&mut value, SEQUENCE, |out| {
            number(out, INTEGER, 0);
            put(out, OCTETS, cookie);
        });
        put(out, OCTETS, &value);
    });
    out
}

async fn say<S: AsyncWrite + Unpin>(stream: &mut S, id: i64, operation: &[u8], controls: &[u8]) {
    let bytes = message(i32::try_from(id).unwrap(), operation, controls);
    let _gone = stream.write_all(&bytes).await;
}

/// Answers binds with `bound`, and everything else with what `answer` gives: bytes as they are.
async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    bound: i64,
    answer: impl Fn(i64) -> Vec<u8>,
) {
    while let Some((id, tag, _)) = heard(&mut stream).await {
        match tag {
            0x60 => say(&mut stream, id, &result(0x61, bound, "bind"), &[]).await,
            _ => {
                let _gone = stream.write_all(&answer(id)).await;
            }
        }
    }
}

fn whole(id: i64, operations: &[Vec<u8>], controls: &[u8]) -> Vec<u8> {
    let last = operations.len() - 1;
    let id = i32::try_from(id).unwrap();
    let one =
        |(at, operation): (usize, &Vec<u8>)| message(id, operation, if at == last { controls } else { &[] });
    operations.iter().enumerate().flat_map(one).collect()
}

fn text(response: &Response) -> String {
    String::from_utf8(response.body.clone()).unwrap()
}

#[tokio::test]
async fn entries_come_as_they_were_asked_for() {
    let base =
        serve(|stream| converse(stream, 0, |id| whole(id, &[entry(b"ada"), result(0x65, 0, "")], &[]))).await;
    let directory = directory(&base, basic(), Limits::default());
    let response = search(&directory, &base, &[]).await.unwrap();
    assert_eq!(response.status, 0);
    let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(
        body["entries"],
        serde_json::json!([{ "dn": "uid=ada,dc=acme", "uid": ["ada"], "photo": [{ "base64": "/9g=" }] }])
    );
}

#[tokio::test]
async fn a_connection_is_used_again_and_one_that_ended_is_not() {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    let base = serve(|mut stream| async move {
        MADE.fetch_add(1, Ordering::SeqCst);
        for _ in 0..3 {
            let Some((id, tag, _)) = heard(&mut stream).await else { return };
            let end = if tag == 0x60 { 0x61 } else { 0x65 };
            say(&mut stream, id, &result(end, 0, ""), &[]).await;
        }
    })
    .await;
    let directory = directory(&base, basic(), Limits::default());
    for _ in 0..2 {
        search(&directory, &base, &[]).await.unwrap();
    }
    assert_eq!(MADE.load(Ordering::SeqCst), 1, "a bind and two searches");
    tokio::time::sleep(Duration::from_millis(50)).await;
    search(&directory, &base, &[]).await.unwrap();
    assert_eq!(MADE.load(Ordering::SeqCst), 2, "the end was heard before anything was sent");
}

#[tokio::test]
async fn a_listing_goes_on_on_its_own_connection_and_nowhere_else() {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    let base = serve(|stream| async move {
        let own = MADE.fetch_add(1, Ordering::SeqCst);
        let mut pages = 0_u8;
        let mut stream = stream;
        while let Some((id, tag, content)) = heard(&mut stream).await {
            if tag == 0x60 {
                say(&mut stream, id, &result(0x61, 0, ""), &[]).await;
                continue;
            }
            let cookie = [b'c', u8::try_from(own).unwrap(), pages];
            let known = pages == 0 || content.windows(2).any(|two| two == &cookie[..2]);
            pages += 1;
            let next = if pages < 3 { vec![b'c', u8::try_from(own).unwrap(), pages] } else { Vec::new() };
            let code = if known { 0 } else { 53 };
            let bytes = whole(id, &[entry(b"ada"), result(0x65, code, "")], &paged(&next));
            let _gone = stream.write_all(&bytes).await;
        }
    })
    .await;
    let directory = directory(&base, basic(), Limits::default());
    let cookie = |response: &Response| {
        let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
        body["cookie"].as_str().map(str::to_owned)
    };
    let first = search(&directory, &base, &[("size", "1")]).await.unwrap();
    // Another search meanwhile has a connection of its own.
    let other = search(&directory, &base, &[("size", "1")]).await.unwrap();
    assert_ne!(cookie(&first), cookie(&other));
    let mut at = cookie(&first);
    let mut pages = 1;
    while let Some(place) = at {
        let next = search(&directory, &base, &[("size", "1"), ("cookie", &place)]).await.unwrap();
        assert_eq!(next.status, 0, "{}", text(&next));
        at = cookie(&next);
        pages += 1;
    }
    assert_eq!(pages, 3);
    let lost = search(&directory, &base, &[("size", "1"), ("cookie", "99:AAAA")]).await.unwrap_err();
    assert!(matches!(&lost, Lost::NotSent(why) if why.contains("from its beginning")), "{lost}");
}

/// What becomes of a search that is answered by these bytes.
async fn answered(bytes: impl Fn(i64) -> Vec<u8> + Clone + Send + Sync + 'static, limits: Limits) -> Lost {
    let base = serve(move |stream| converse(stream, 0, bytes.clone())).await;
    let directory = directory(&base, basic(), limits);
    let began = Instant::now();
    let query: Vec<_> = SEARCH.to_vec();
    let sent =
        directory.send(&request(&base, "SEARCH", &query, ""), began + Duration::from_millis(600)).await;
    assert!(began.elapsed() < Duration::from_secs(5));
    sent.unwrap_err()
}

#[tokio::test]
async fn hostile_answers_are_refused_within_bounds_and_may_have_arrived() {
    let small = Limits { response_body_bytes_max: 4096, ..Limits::default() };
    let http = |_| b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec();
    let huge = |_| vec![0x30, 0x84, 0x7f, 0xff, 0xff, 0xff, 2, 1];
    let endless = |id| whole(id, &vec![entry(b"ada"); 200], &[]);
    let other = |id| whole(id + 1, &[result(0x65, 0, "")], &[]);
    let unasked = |id| whole(id, &[result(0x69, 0, "")], &[]);
    let half = |id| {
        let bytes = whole(id, &[entry(b"ada"), result(0x65, 0, "")], &[]);
        bytes[..bytes.len() - 3].to_vec()
    };
    let broken = |_| vec![0x30, 5, 2, 1, 2, 0x64, 0x7f];
    let deep = |id| {
        let mut inner = Vec::new();
        for _ in 0..1000 {
            let mut outer = Vec::new();
            put(&mut outer, 0x64, &inner);
            inner = outer;
        }
        whole(id, &[inner], &[])
    };
    let farewell = |_| whole(0, &[result(0x78, 52, "going down")], &[]);
    let indefinite = |_| vec![0x30, 0x80, 2, 1, 2, 0, 0];
    let check = async |bytes: Box<dyn Fn(i64) -> Vec<u8> + Send + Sync>, why: &str| {
        let bytes: Arc<dyn Fn(i64) -> Vec<u8> + Send + Sync> = Arc::from(bytes);
        let lost = answered(move |id| bytes(id), small).await;
        assert!(matches!(&lost, Lost::AfterSend(text) if text.contains(why)), "{why}: {lost}");
    };
    check(Box::new(http), "does not speak LDAP").await;
    check(Box::new(huge), "longer than 4096 bytes").await;
    check(Box::new(endless), "longer than").await;
    check(Box::new(other), "what was not asked").await;
    check(Box::new(unasked), "what was not asked").await;
    check(Box::new(half), "deadline").await;
    check(Box::new(broken), "longer than what holds it").await;
    check(Box::new(deep), "an element of tag 0x64 stands where").await;
    check(Box::new(farewell), "going down").await;
    check(Box::new(indefinite), "no definite length").await;
}

#[tokio::test]
async fn a_refused_name_is_an_expired_credential_and_nothing_was_sent() {
    let base = serve(|stream| converse(stream, 49, |_| Vec::new())).await;
    let lost = search(&directory(&base, basic(), Limits::default()), &base, &[]).await.unwrap_err();
    assert!(matches!(lost, Lost::AuthFailed(_)), "{lost}");
    let base = serve(|stream| converse(stream, 51, |_| Vec::new())).await;
    let lost = search(&directory(&base, basic(), Limits::default()), &base, &[]).await.unwrap_err();
    assert!(matches!(lost, Lost::NotSent(_)), "{lost}");
    let nobody = "ldap://127.0.0.1:1";
    let lost = search(&directory(nobody, basic(), Limits::default()), nobody, &[]).await.unwrap_err();
    assert!(matches!(lost, Lost::NotSent(_)), "{lost}");
}

#[tokio::test]
async fn the_password_is_nowhere_in_what_comes_back() {
    let words = format!("no such user {SECRET}");
    let base = serve(move |stream| {
        let words = words.clone();
        converse(stream, 0, move |id| whole(id, &[entry(SECRET.as_bytes()), result(0x65, 1, &words)], &[]))
    })
    .await;
    let directory = directory(&base, basic(), Limits::default());
    let response = search(&directory, &base, &[]).await.unwrap();
    assert!(!text(&response).contains(SECRET), "{}", text(&response));
    assert!(text(&response).contains("[redacted]"));
}

#[tokio::test]
async fn a_request_elsewhere_or_of_no_form_never_leaves() {
    let base = "ldap://127.0.0.1:1";
    let directory = directory(base, Auth::None, Limits::default());
    let ask = async |request: Request| directory.send(&request, Instant::now() + LONG).await;
    let check = |lost: Result<Response, Lost>, why: &str| {
        assert!(matches!(&lost, Err(Lost::NotSent(text)) if text.contains(why)), "{why}: {lost:?}");
    };
    check(ask(request("ldap://127.0.0.2:1", "DELETE", &[], "")).await, "leads to");
    check(ask(request("ldaps://127.0.0.1:1", "DELETE", &[], "")).await, "leads to");
    check(ask(request(base, "GET", &[], "")).await, "none of a directory");
    check(ask(request(base, "SEARCH", &[("scope", "one"), ("filter", "(uid=a")], "")).await, "filter");
    check(ask(request(base, "ADD", &[], "[]")).await, "no object");
    check(ask(request(base, "RENAME", &[("rdn", "uid")], "")).await, "new name");
}

#[test]
fn a_directory_is_private_by_tls_but_for_this_machine() {
    crate::transport::install_crypto();
    let made = |base: &str, allow_private: bool| {
        let tls = rustls::ClientConfig::builder()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        Directory::trusting(&Target { allow_private, ..target(base, basic()) }, &Limits::default(), tls)
    };
    let private = |base: &str, allow_private| made(base, allow_private).map(|made| made.site.private);
    assert!(matches!(private("ldap://127.0.0.1:389", true), Ok(Private::No)));
    assert!(matches!(private("ldap://dir.example", false), Ok(Private::StartTls(_))));
    assert!(matches!(private("ldaps://dir.example", false), Ok(Private::Tls(_))));
    assert!(matches!(private("ldap://10.0.0.1", true), Ok(Private::StartTls(_))));
    for base in ["ldap://127.0.0.1", "ldaps://10.0.0.1", "ldaps://169.254.169.254", "ldaps://u:p@dir.example"]
    {
        assert!(private(base, false).is_err(), "{base}");
    }
    let empty = Target {
        credential: Credential::none()
            .with("bind_dn", "cn=x".to_owned().into())
            .with("password", String::new().into()),
        ..target("ldaps://dir.example", basic())
    };
    assert!(
        Directory::new(&empty, &Limits::default()).is_err_and(|error| error.to_string().contains("nobody"))
    );
}

/// A TLS server's side of `stream`, with the certificate of these tests.
async fn secured(stream: TcpStream) -> Option<tokio_rustls::server::TlsStream<TcpStream>> {
    let key = PrivatePkcs8KeyDer::from(include_bytes!("../../tests/ldap/key.der").to_vec());
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate()], key.into())
        .unwrap();
    tokio_rustls::TlsAcceptor::from(Arc::new(config)).accept(stream).await.ok()
}

#[tokio::test]
async fn tls_comes_first_or_is_asked_for_and_a_refusal_sends_no_password() {
    crate::transport::install_crypto();
    let answer = |id| whole(id, &[result(0x65, 0, "")], &[]);
    let base = serve(move |stream| async move {
        if let Some(stream) = secured(stream).await {
            converse(stream, 0, answer).await;
        }
    })
    .await
    .replace("ldap:", "ldaps:");
    let ldaps = directory(&base, basic(), Limits::default());
    assert_eq!(search(&ldaps, &base, &[]).await.unwrap().status, 0);

    let private = |directory: &mut Directory| {
        if let Private::Tls(config) = ldaps.site.private.clone() {
            directory.site.private = Private::StartTls(config);
        }
    };
    let base = serve(move |mut stream| async move {
        let (id, tag, _) = heard(&mut stream).await.unwrap();
        assert_eq!(tag, 0x77);
        say(&mut stream, id, &result(0x78, 0, ""), &[]).await;
        if let Some(stream) = secured(stream).await {
            converse(stream, 0, answer).await;
        }
    })
    .await;
    let mut asked_for = directory(&base, basic(), Limits::default());
    private(&mut asked_for);
    assert_eq!(search(&asked_for, &base, &[]).await.unwrap().status, 0);

    static BINDS: AtomicUsize = AtomicUsize::new(0);
    let base = serve(|mut stream| async move {
        while let Some((id, tag, _)) = heard(&mut stream).await {
            BINDS.fetch_add(usize::from(tag == 0x60), Ordering::SeqCst);
            say(&mut stream, id, &result(0x78, 2, "no TLS here"), &[]).await;
        }
    })
    .await;
    let mut refused = directory(&base, basic(), Limits::default());
    private(&mut refused);
    let lost = search(&refused, &base, &[]).await.unwrap_err();
    assert!(matches!(&lost, Lost::NotSent(why) if why.contains("refuses TLS")), "{lost}");
    assert_eq!(BINDS.load(Ordering::SeqCst), 0);
}
