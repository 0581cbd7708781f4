//! A server on loopback that does what it is told, well or badly, and remembers what it saw.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What a server does next with a connection.
#[derive(Clone)]
pub(crate) enum Act {
    /// Writes these bytes.
    Write(Vec<u8>),
    /// Writes these bytes again and again until the other side is gone, pausing in between.
    Forever(Vec<u8>, Duration),
    /// Does nothing for a while.
    Sleep(Duration),
    /// Closes in order.
    Close,
    /// Closes with a reset.
    Reset,
}

/// What a server saw and how it is to be reached.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
    open: Arc<AtomicUsize>,
    open_most: Arc<AtomicUsize>,
}

impl Server {
    /// Starts a server that answers its n-th request (from 0) with `script`.
    pub(crate) async fn start(script: impl Fn(usize, &str) -> Vec<Act> + Send + Sync + 'static) -> Self {
        Self::listen(true, script).await
    }

    /// Starts a server that acts without reading anything.
    pub(crate) async fn rude(acts: Vec<Act>) -> Self {
        Self::listen(false, move |_, _| acts.clone()).await
    }

    async fn listen(reads: bool, script: impl Fn(usize, &str) -> Vec<Act> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            requests: Arc::default(),
            connections: Arc::default(),
            open: Arc::default(),
            open_most: Arc::default(),
        };
        let (own, script) = (server.clone(), Arc::new(script));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                own.connections.fetch_add(1, Ordering::SeqCst);
                let (own, script) = (own.clone(), Arc::clone(&script));
                tokio::spawn(async move { own.serve(stream, reads, &*script).await });
            }
        });
        server
    }

    async fn serve(
        &self,
        mut stream: TcpStream,
        reads: bool,
        script: &(impl Fn(usize, &str) -> Vec<Act> + Sync),
    ) {
        loop {
            let request = if reads { read_request(&mut stream).await } else { Some(String::new()) };
            let Some(request) = request else { return };
            let number = {
                let mut requests = self.requests.lock().unwrap();
                requests.push(request.clone());
                requests.len() - 1
            };
            let open = self.open.fetch_add(1, Ordering::SeqCst) + 1;
            self.open_most.fetch_max(open, Ordering::SeqCst);
            let goes_on = act(&mut stream, script(number, &request)).await;
            self.open.fetch_sub(1, Ordering::SeqCst);
            if !goes_on || !reads {
                return;
            }
        }
    }

    /// The requests so far, whole.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// How many connections were made.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// How many requests were under way at once at most.
    pub(crate) fn open_most(&self) -> usize {
        self.open_most.load(Ordering::SeqCst)
    }

    /// The base address.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Whether the connection is still there afterwards.
async fn act(stream: &mut TcpStream, acts: Vec<Act>) -> bool {
    for act in acts {
        match act {
            Act::Write(bytes) => {
                if stream.write_all(&bytes).await.is_err() {
                    return false;
                }
            }
            Act::Forever(bytes, pause) => loop {
                if stream.write_all(&bytes).await.is_err() {
                    return false;
                }
                tokio::time::sleep(pause).await;
            },
            Act::Sleep(time) => tokio::time::sleep(time).await,
            Act::Close => {
                let _ = stream.shutdown().await;
                return false;
            }
            Act::Reset => {
                let _ = stream.set_zero_linger();
                return false;
            }
        }
    }
    true
}

/// A request, head and body; nothing if the connection ends first.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 16 << 10];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
            });
            if body.len() >= length.unwrap_or(0) {
                return Some(text);
            }
        }
        match stream.read(&mut buffer).await {
            Ok(read) if read > 0 => bytes.extend_from_slice(&buffer[..read]),
            _ => return None,
        }
    }
}

/// A whole answer.
pub(crate) fn answer(status: u16, headers: &str, body: &str) -> Vec<Act> {
    let length = body.len();
    vec![Act::Write(
        format!("HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\n\r\n{body}").into_bytes(),
    )]
}

/// A token endpoint's answer.
pub(crate) fn token(name: &str, seconds: u64) -> Vec<Act> {
    answer(200, "", &format!(r#"{{"access_token":"{name}","token_type":"Bearer","expires_in":{seconds}}}"#))
}
