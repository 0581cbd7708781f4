//! The HTTP client underneath, with every convenience that would act on its own turned off.
//!
//! Absent: redirects, proxies of the environment, cookies, compression, referers, retries. The one thing that is sent a
//! second time below us is a request that an idle connection had not yet taken when the server closed it: nothing of it had
//! left (see `parcel`).

use crate::address::permits;
use crate::lost::Error;
use crate::target::Limits;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use std::net::SocketAddr;

/// More headers than this in one response are an attack or a mistake.
const RESPONSE_HEADERS_MAX: usize = 256;
/// How many addresses of one name are tried.
const ADDRESSES_MAX: usize = 16;

/// Makes ring the process's cryptography, if none is chosen yet. May be called any number of times; a client does it itself.
pub fn install_crypto() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Losing a race against another thread is as good as winning it.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

/// A client that connects to public addresses, or to private ones too. Without `tls` the machine's certificates are not read,
/// which a machine without any needs not have.
pub(crate) fn build(allow_private: bool, tls: bool, limits: &Limits) -> Result<reqwest::Client, Error> {
    install_crypto();
    let builder = reqwest::Client::builder()
        .http1_only()
        .http1_max_headers(RESPONSE_HEADERS_MAX)
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .user_agent(concat!("xops/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(limits.connect_max)
        .pool_max_idle_per_host(limits.idle_connections_max)
        .pool_idle_timeout(limits.idle_max)
        .tcp_nodelay(true)
        .dns_resolver(Resolver { allow_private });
    let builder = if tls { builder } else { builder.tls_backend_preconfigured(no_certificates()) };
    builder.build().map_err(|error| Error::Tls(crate::exchange::chain(&error)))
}

/// A TLS configuration that trusts nobody.
fn no_certificates() -> rustls::ClientConfig {
    rustls::ClientConfig::builder()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth()
}

/// The machine's resolver, without the addresses that may not be reached.
struct Resolver {
    allow_private: bool,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let name = name.as_str();
            let all = tokio::net::lookup_host((name, 0)).await?;
            let permitted: Vec<SocketAddr> = all
                .filter(|address| permits(name, address.ip(), allow_private))
                .take(ADDRESSES_MAX)
                .collect();
            if permitted.is_empty() {
                let why = format!(
                    "`{name}` has no address that may be reached: a private one needs `allow_private`"
                );
                return Err(why.into());
            }
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
}
