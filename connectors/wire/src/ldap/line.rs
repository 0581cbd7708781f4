//! A connection to a directory: made, told who asks, and then one operation at a time.
//!
//! Invariants: a password goes out only when the connection is private (or stays on this machine) and the directory has shown its
//! certificate; nothing is read ahead of TLS, so nothing said in clear passes for what was said in private; a message is as long
//! as the bound before any of it is kept.

use super::ask::{self, message};
use super::ber::length;
use super::told;
use crate::address::permits;
use crate::exchange::chain;
use rustls::pki_types::ServerName;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// A result or an extended answer without entries is not longer than this, in bytes.
const SMALL_BYTES_MAX: usize = 64 * 1024;
/// How many addresses of one name are tried.
const ADDRESSES_MAX: usize = 16;

/// How a connection becomes private.
#[derive(Clone)]
pub(crate) enum Private {
    /// It stays on this machine.
    No,
    /// TLS from the first byte.
    Tls(Arc<rustls::ClientConfig>),
    /// TLS once the directory agreed.
    StartTls(Arc<rustls::ClientConfig>),
}

/// Where a directory lives.
pub(crate) struct Site {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) allow_private: bool,
    pub(crate) private: Private,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Why there is no connection that may be used.
pub(crate) enum Unmade {
    /// It may be tried again.
    Failed(String),
    /// The directory refuses the credential, or this way of telling it.
    Refused(String),
}

/// A connection that the directory knows who is behind.
pub(crate) struct Line {
    /// Its number, of no meaning but here.
    pub(crate) number: u64,
    stream: Box<dyn Stream>,
    next_id: i32,
}

impl Line {
    /// Connects to `site` and says who asks.
    pub(crate) async fn open(site: &Site, number: u64, who: Option<(&str, &str)>) -> Result<Self, Unmade> {
        let failed = Unmade::Failed;
        let tcp = connect(site).await.map_err(failed)?;
        let mut line = match &site.private {
            Private::No => Self { number, stream: Box::new(tcp), next_id: 1 },
            Private::Tls(config) => {
                let tls = handshake(site, config, Box::new(tcp)).await.map_err(failed)?;
                Self { number, stream: tls, next_id: 1 }
            }
            Private::StartTls(config) => {
                let mut line = Self { number, stream: Box::new(tcp), next_id: 1 };
                let (code, words) = line.simple(&ask::start_tls(), 0x78).await.map_err(failed)?;
                if code != 0 {
                    return Err(Unmade::Failed(format!("the directory refuses TLS: code {code}: {words}")));
                }
                let tls = handshake(site, config, line.stream).await.map_err(failed)?;
                Self { number, stream: tls, next_id: line.next_id }
            }
        };
        if let Some((dn, password)) = who {
            let (code, words) =
                line.simple(&ask::bind(dn, password.as_bytes()), 0x61).await.map_err(failed)?;
            let why = format!("code {code}: {words}");
            match code {
                0 => {}
                // busy, unavailable, unwillingToPerform of a server that restarts, other.
                1 | 51 | 52 | 80 => return Err(Unmade::Failed(why)),
                _ => return Err(Unmade::Refused(why)),
            }
        }
        Ok(line)
    }

    /// Whether nothing was heard on it while nobody asked: an end, or a farewell.
    pub(crate) async fn is_quiet(&mut self) -> bool {
        timeout(Duration::ZERO, self.stream.read_u8()).await.is_err()
    }

    /// Sends an operation; the number of its message.
    pub(crate) async fn send(&mut self, operation: &[u8], controls: &[u8]) -> Result<i32, String> {
        let id = self.next_id;
        self.next_id = self.next_id.checked_add(1).unwrap_or(1);
        let bytes = message(id, operation, controls);
        let sent = async {
            self.stream.write_all(&bytes).await?;
            self.stream.flush().await
        };
        sent.await.map_err(|error| chain(&error)).map(|()| id)
    }

    /// The content of the next message, which has at most `bytes_max` bytes.
    pub(crate) async fn receive(&mut self, bytes_max: usize) -> Result<Vec<u8>, String> {
        let mut head = Vec::with_capacity(6);
        let long = loop {
            head.push(
                self.stream
                    .read_u8()
                    .await
                    .map_err(|error| format!("the directory is gone: {}", chain(&error)))?,
            );
            if head[0] != 0x30 {
                return Err("the directory does not speak LDAP".to_owned());
            }
            if let Some((long, _)) = length(head[0], &head[1..])? {
                break long;
            }
        };
        if long > bytes_max {
            return Err(format!("the answer is longer than {bytes_max} bytes"));
        }
        // Grows with what comes: an announced length alone takes no memory.
        let mut content = Vec::new();
        let read = (&mut self.stream).take(long as u64).read_to_end(&mut content).await;
        read.map_err(|error| format!("the answer broke off: {}", chain(&error)))?;
        if content.len() < long {
            return Err(format!("the answer broke off after {} bytes", content.len()));
        }
        Ok(content)
    }

    /// Sends an operation that one result answers.
    async fn simple(&mut self, operation: &[u8], ends_by: u8) -> Result<(u16, String), String> {
        let id = self.send(operation, &[]).await?;
        let content = self.receive(SMALL_BYTES_MAX).await?;
        let answer = told::message(&content)?;
        if answer.id != i64::from(id) || answer.tag != ends_by {
            return Err("the directory answers what was not asked".to_owned());
        }
        let ended = told::ended(answer.content)?;
        Ok((ended.code, ended.words))
    }
}

async fn connect(site: &Site) -> Result<TcpStream, String> {
    let host = site.host.trim_start_matches('[').trim_end_matches(']');
    let all = tokio::net::lookup_host((host, site.port)).await.map_err(|error| chain(&error))?;
    let mut why = format!("`{host}` has no address that may be reached: a private one needs `allow_private`");
    for address in all.filter(|address| permits(host, address.ip(), site.allow_private)).take(ADDRESSES_MAX) {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                stream.set_nodelay(true).map_err(|error| chain(&error))?;
                return Ok(stream);
            }
            Err(error) => why = chain(&error),
        }
    }
    Err(why)
}

async fn handshake(
    site: &Site,
    config: &Arc<rustls::ClientConfig>,
    stream: Box<dyn Stream>,
) -> Result<Box<dyn Stream>, String> {
    let host = site.host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = ServerName::try_from(host).map_err(|error| chain(&error))?;
    let connector = TlsConnector::from(Arc::clone(config));
    let tls = connector.connect(name, stream).await.map_err(|error| chain(&error))?;
    Ok(Box::new(tls))
}
