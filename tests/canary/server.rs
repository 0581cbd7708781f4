//! A server that repeats what it is sent, in every way that a system could: in errors, in headers, in redirects, in half an
//! answer, in a page for people.
//!
//! Invariants: it knows nothing of the code under test; what it gives out itself as a secret is counted by the test too.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// How a system answers an attempt to change something.
pub(crate) const WAYS: usize = 8;

/// What the server saw.
#[derive(Default)]
pub(crate) struct Seen {
    /// The objects that were made.
    made: Mutex<BTreeSet<String>>,
    /// Every request, whole.
    pub(crate) requests: Mutex<Vec<String>>,
    /// Requests that came where a redirect led.
    pub(crate) redirected: AtomicUsize,
}

/// Starts the server; its address.
pub(crate) fn start(secret_of: fn(usize, &str) -> String) -> (String, Arc<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let seen = Arc::new(Seen::default());
    let (shared, host) = (Arc::clone(&seen), address.clone());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (seen, host) = (Arc::clone(&shared), host.clone());
            thread::spawn(move || while serve(&stream, &seen, &host, secret_of).is_some() {});
        }
    });
    (address, seen)
}

struct Request {
    method: String,
    path: String,
    whole: String,
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let (mut whole, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some((name, value)) = line.split_once(": ")
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
        whole.push_str(&line);
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    whole.push_str(&String::from_utf8_lossy(&body));
    let mut words = whole.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    Some(Request { method, path, whole })
}

fn serve(stream: &TcpStream, seen: &Seen, host: &str, secret_of: fn(usize, &str) -> String) -> Option<()> {
    let request = read(stream)?;
    seen.requests.lock().expect("a list").push(request.whole.clone());
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let mut parts = path.trim_start_matches('/').splitn(2, '/');
    let system: usize = parts.next()?.trim_start_matches('s').parse().ok()?;
    let rest = parts.next().unwrap_or_default();
    let flat = request.whole.replace(['\r', '\n'], " ");
    let echo: String = flat.chars().map(|c| if c == '"' || c == '\\' { '\'' } else { c }).collect();
    let (status, headers, body) = match (request.method.as_str(), rest) {
        (_, "token") => {
            let body = format!(
                r#"{{ "access_token": "{}", "refresh_token": "{}", "token_type": "bearer", "expires_in": 3600 }}"#,
                secret_of(system, "minted"),
                secret_of(system, "rotated"),
            );
            ("200 OK", String::new(), body)
        }
        (_, "redirected") => {
            seen.redirected.fetch_add(1, Ordering::SeqCst);
            ("200 OK", String::new(), "{}".to_owned())
        }
        ("GET", "people") if system == 0 => {
            // Somebody for each system: work for one person waits for the work before it.
            let person = |at| {
                format!(
                    r#"{{ "id": "w{at}", "handle": "sarah{at:02}", "email": "sarah{at:02}@acme.example" }}"#
                )
            };
            let people: Vec<String> = (0..64).map(person).collect();
            ("200 OK", String::new(), format!(r#"{{ "items": [ {} ] }}"#, people.join(", ")))
        }
        ("GET", "people") if system.is_multiple_of(2) => (
            "200 OK",
            String::new(),
            format!(
                r#"{{ "items": [ {{ "id": "u1", "email": "sarah@acme.example", "note": "{echo}" }} ] }}"#
            ),
        ),
        ("GET", "people") => {
            ("403 Forbidden", String::new(), format!(r#"{{ "message": "no: {echo} {query}" }}"#))
        }
        ("GET", _) if seen.made.lock().expect("a set").contains(path) => {
            ("200 OK", format!("x-echo: {flat}\r\n"), format!(r#"{{ "value": "member", "note": "{echo}" }}"#))
        }
        ("GET", _) => {
            ("404 Not Found", format!("x-echo: {flat}\r\n"), format!(r#"{{ "message": "{echo}" }}"#))
        }
        _ => change(system, path, host, seen, &flat, &echo, secret_of),
    };
    let length = if status.ends_with("half") { 999_999 } else { body.len() };
    let status = status.trim_end_matches(" half");
    let kind = if body.starts_with('<') { "text/html" } else { "application/json" };
    let head =
        format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n{headers}\r\n");
    let mut stream = stream;
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body.as_bytes()).ok()?;
    (length == body.len()).then_some(())
}

fn change(
    system: usize,
    path: &str,
    host: &str,
    seen: &Seen,
    flat: &str,
    echo: &str,
    secret_of: fn(usize, &str) -> String,
) -> (&'static str, String, String) {
    let message = format!(r#"{{ "message": "{echo}" }}"#);
    match system % WAYS {
        0 => {
            seen.made.lock().expect("a set").insert(path.to_owned());
            let secret = secret_of(system, "made");
            (
                "200 OK",
                format!("x-echo: {flat}\r\n"),
                format!(r#"{{ "note": "{echo}", "secret": "{secret}" }}"#),
            )
        }
        1 => (
            "302 Found",
            format!("location: http://{host}/s{system:02}/redirected?{}\r\n", flat.replace(' ', "+")),
            message,
        ),
        2 => ("401 Unauthorized", format!("www-authenticate: Bearer error=\"{flat}\"\r\n"), message),
        3 => ("400 Bad Request", format!("x-echo: {flat}\r\n"), message),
        4 => ("200 OK half", String::new(), message),
        5 => ("500 Oops", String::new(), format!("<p>{echo}</p>")),
        6 => ("409 Conflict", String::new(), message),
        _ => ("403 Forbidden", String::new(), message),
    }
}
