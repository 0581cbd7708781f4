//! What is refused before a byte leaves, and what leaves exactly.

use crate::server::{Server, answer};
use crate::{LONG, client, plain, request, target};
use url::Url;
use xops_connectors::auth::{Auth, Grant, WS_SECURITY_SLOT};
use xops_kernel::port::Request;
use xops_wire::client::Client;
use xops_wire::lost::Lost;
use xops_wire::target::Limits;

#[tokio::test]
async fn a_request_goes_to_its_own_host_and_port_alone() {
    let own = Server::start(|_, _| answer(200, "", "")).await;
    let other = Server::start(|_, _| answer(200, "", "stolen")).await;
    let client = plain(&own);
    let port = own.address.port();
    for url in [
        other.url(),
        format!("http://localhost:{port}/"),
        format!("http://127.0.0.2:{port}/"),
        format!("https://127.0.0.1:{port}/"),
        format!("http://127.0.0.1:{port}@127.0.0.1:{}/", other.address.port()),
        format!("http://user:password@127.0.0.1:{port}/"),
        format!("http://127.0.0.1:{port}/#fragment"),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        "file:///etc/passwd".to_owned(),
        "/relative".to_owned(),
    ] {
        let lost = client.send(&request("GET", &url, "", ""), LONG).await.unwrap_err();
        assert_eq!(lost.word(), "not_sent", "{url}: {lost}");
        assert!(!lost.to_string().contains("password@"), "{lost}");
    }
    assert_eq!((own.connections(), other.connections()), (0, 0));
    assert!(client.send(&request("GET", &own.url(), "/a/../b", ""), LONG).await.is_ok());
    assert!(own.requests()[0].starts_with("GET /b HTTP/1.1\r\n"), "{}", own.requests()[0]);
}

#[test]
fn a_directory_needs_a_build_that_speaks_to_it_and_is_told_by_name_and_password() {
    let made = |auth: Auth| {
        let directory = target("ldaps://dir.example", auth, &[("user", "cn=x"), ("password", "canary")]);
        Client::new(vec![directory], Limits::default()).map(drop).map_err(|error| error.to_string())
    };
    let basic = Auth::Basic { username: "user".to_owned(), password: "password".to_owned() };
    if cfg!(feature = "ldap") {
        // Where the machine has no certificates at all, that is said.
        let why = made(basic).err().unwrap_or_default();
        assert!(why.is_empty() || why.contains("TLS"), "{why}");
        let token = Auth::ApiKey { header: "x".to_owned(), prefix: String::new(), part: "user".to_owned() };
        let why = made(token).unwrap_err();
        assert!(why.contains("auth \"basic\"") || why.contains("TLS"), "{why}");
    } else {
        let why = made(basic).unwrap_err();
        assert!(why.contains("`okta`") && why.contains("--features ldap"), "{why}");
    }
}

#[tokio::test]
async fn a_request_of_another_system_is_refused() {
    let server = Server::start(|_, _| answer(200, "", "")).await;
    let foreign = Request { system: "slack".to_owned(), ..request("GET", &server.url(), "/", "") };
    let lost = plain(&server).send(&foreign, LONG).await;
    assert_eq!(lost, Err(Lost::NotSent("the system `slack` is not declared".to_owned())));
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_target_that_breaks_a_rule_makes_no_client() {
    let refused = |change: &dyn Fn(&mut xops_wire::target::Target)| {
        let mut target =
            target("https://acme.okta.com", Auth::None, &[("username", "a:b"), ("password", "canary")]);
        change(&mut target);
        Client::new(vec![target], Limits::default()).unwrap_err().to_string()
    };
    let parts =
        |username: &str| Auth::Basic { username: username.to_owned(), password: "password".to_owned() };
    let url = |text: &str| Url::parse(text).unwrap();
    assert!(refused(&|t| t.base_url = url("http://acme.okta.com")).contains("use `https`"));
    assert!(
        refused(&|t| t.base_url = url("https://x:canary@acme.okta.com"))
            .contains("move it to the credential")
    );
    assert!(refused(&|t| t.concurrency = 0).contains("`concurrency`"));
    assert!(refused(&|t| t.auth = parts("user")).contains("credential part `user`"));
    assert!(refused(&|t| t.auth = parts("username")).contains("a colon"));
    let private = refused(&|t| {
        t.base_url = url("https://10.0.0.1");
        t.allow_private = false;
    });
    assert!(private.contains("declare `allow_private`"), "{private}");
    let tokens = |token_url: &str| Auth::OAuth2 {
        token_url: token_url.to_owned(),
        grant: Grant::Client { word: "client_credentials".to_owned(), in_form: true },
        scope: None,
        form: Vec::new(),
    };
    assert!(refused(&|t| t.auth = tokens("http://login.example/token")).contains("use `https`"));
    assert!(refused(&|t| t.auth = tokens("https://169.254.169.254/")).contains("link-local"));
    let twice = || target("http://127.0.0.1:1", Auth::None, &[]);
    let error = Client::new(vec![twice(), twice()], Limits::default()).unwrap_err();
    assert_eq!(error.to_string(), "system `okta`: it is declared twice: remove one");
}

/// What a server sees of a request sent under `auth`.
async fn seen(
    auth: Auth,
    parts: &[(&str, &str)],
    change: impl FnOnce(&mut Request),
) -> Result<String, String> {
    let server = Server::start(|_, _| answer(200, "", "")).await;
    let client = client(target(&server.url(), auth, parts));
    let mut request = request("POST", &server.url(), "/x", "");
    change(&mut request);
    client.send(&request, LONG).await.map_err(|lost| lost.to_string())?;
    Ok(server.requests().remove(0))
}

#[tokio::test]
async fn each_scheme_puts_the_credential_where_the_system_wants_it() {
    let header =
        Auth::ApiKey { header: "authorization".to_owned(), prefix: "SSWS ".to_owned(), part: "t".to_owned() };
    let text = seen(header, &[("t", "00abc")], |_| ()).await.unwrap();
    assert!(text.contains("\r\nauthorization: SSWS 00abc\r\n"), "{text}");
    assert!(text.contains("\r\ncontent-length: 0\r\n"), "{text}");

    let query = Auth::ApiKeyQuery { name: "key".to_owned(), part: "t".to_owned() };
    let text =
        seen(query, &[("t", "a&b")], |request| request.query = vec![("q".to_owned(), "1".to_owned())]).await;
    assert!(text.unwrap().starts_with("POST /x?q=1&key=a%26b HTTP/1.1"));

    // The example of RFC 7617, section 2.
    let basic = Auth::Basic { username: "u".to_owned(), password: "p".to_owned() };
    let text = seen(basic, &[("u", "Aladdin"), ("p", "open sesame")], |_| ()).await.unwrap();
    assert!(text.contains("\r\nauthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"), "{text}");

    let parts = [("username", "isu@acme"), ("password", "p<&>w")];
    let envelope = |request: &mut Request| request.body = format!("<h>{WS_SECURITY_SLOT}</h>").into_bytes();
    let text = seen(Auth::WsSecurity, &parts, envelope).await.unwrap();
    assert!(text.contains("<wsse:Username>isu@acme</wsse:Username>"), "{text}");
    assert!(text.contains("#PasswordText\">p&lt;&amp;&gt;w</wsse:Password>"), "{text}");
    assert!(text.ends_with("</wsse:Security></h>"), "{text}");
}

#[tokio::test]
async fn paths_have_schemes_of_their_own_and_what_is_not_used_may_be_missing() {
    let key = |part: &str| Auth::ApiKey {
        header: "x-key".to_owned(),
        prefix: String::new(),
        part: part.to_owned(),
    };
    let auth = || Auth::Several {
        by_path: vec![(vec!["/x".to_owned()], key("admin"))],
        otherwise: Box::new(key("site")),
    };
    let text = seen(auth(), &[("site", "s1"), ("admin", "a1")], |_| ()).await.unwrap();
    assert!(text.contains("\r\nx-key: a1\r\n"), "{text}");
    let elsewhere = |request: &mut Request| request.url = request.url.replace("/x", "/y");
    let text = seen(auth(), &[("site", "s1")], elsewhere).await.unwrap();
    assert!(text.contains("\r\nx-key: s1\r\n"), "{text}");
    let why = seen(auth(), &[("site", "s1")], |_| ()).await.unwrap_err();
    assert!(why.contains("needs the credential part `admin`"), "{why}");
}

#[tokio::test]
async fn a_request_cannot_speak_for_the_credential() {
    let auth = || Auth::ApiKey { header: "x-key".to_owned(), prefix: String::new(), part: "t".to_owned() };
    let set = |name: &'static str| {
        move |request: &mut Request| request.headers = vec![(name.to_owned(), "x".to_owned())]
    };
    assert!(seen(auth(), &[("t", "k")], set("x-key")).await.unwrap_err().contains("is the credential's"));
    assert!(seen(auth(), &[("t", "k")], set("authorization")).await.unwrap_err().contains("is the wire's"));
    let query = Auth::ApiKeyQuery { name: "key".to_owned(), part: "t".to_owned() };
    let own = |request: &mut Request| request.query = vec![("key".to_owned(), "mine".to_owned())];
    assert!(seen(query, &[("t", "k")], own).await.unwrap_err().contains("is the credential's"));
    let slotless = seen(Auth::WsSecurity, &[("username", "isu@acme"), ("password", "p<&>w")], |_| ()).await;
    assert!(slotless.unwrap_err().contains("exactly once"));
}
