//! Where a request may go: to its system's own host and port, over https, and never inwards by surprise.
//!
//! Three rules. A request goes to the declared scheme, host and port alone. Plain http is for loopback. Addresses that are not
//! of the public internet need a declaration (`allow_private`), and link-local, multicast and reserved ones (the metadata
//! services of clouds among them) are never reached. A name is judged again by what it resolves to at each connection, so a
//! name that changes its mind gains nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use url::{Host, Url};

/// Whose network an address belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The public internet.
    Public,
    /// An organisation's own network.
    Private,
    /// This machine.
    Loopback,
    /// Nothing that a connector has business with.
    Never,
}

/// Whose network `ip` belongs to, by the special-purpose registries (RFC 6890 and its updates). An IPv6 address that carries
/// an IPv4 one (mapped, NAT64, 6to4) counts as that one.
pub(crate) fn reach(ip: IpAddr) -> Reach {
    match ip {
        IpAddr::V4(ip) => reach_v4(ip),
        IpAddr::V6(ip) => reach_v6(ip),
    }
}

fn reach_v4(ip: Ipv4Addr) -> Reach {
    match ip.octets() {
        [127, ..] => Reach::Loopback,
        [10, ..] | [192, 168, ..] | [100, 64..=127, ..] | [172, 16..=31, ..] | [198, 18..=19, ..] => {
            Reach::Private
        }
        [0 | 224..=255, ..]
        | [169, 254, ..]
        | [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [198, 51, 100, _]
        | [203, 0, 113, _] => Reach::Never,
        _ => Reach::Public,
    }
}

fn reach_v6(ip: Ipv6Addr) -> Reach {
    let carried = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        reach_v4(Ipv4Addr::new(a, b, c, d))
    };
    match ip.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Reach::Loopback,
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => carried(high, low),
        [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] | [0x64, 0xff9b, 1, ..] => Reach::Private,
        [0 | 0x100 | 0xfe80..=0xfebf | 0xff00..=0xffff, ..] | [0x2001, 0 | 0xdb8, ..] => Reach::Never,
        _ => Reach::Public,
    }
}

/// Whether a connection to `ip` may be made for the host `name`.
pub(crate) fn permits(name: &str, ip: IpAddr, allow_private: bool) -> bool {
    match reach(ip) {
        // Plain http was permitted to this name for being this machine: it must be.
        Reach::Loopback => allow_private,
        _ if name == "localhost" => false,
        Reach::Public => true,
        Reach::Private => allow_private,
        Reach::Never => false,
    }
}

/// The scheme, host and port of a system (or of its token endpoint).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Home {
    scheme: String,
    host: Host<String>,
    port: u16,
}

impl Home {
    /// The home that `url` declares, or the rule that it breaks. `what` names it in the message.
    pub(crate) fn declared(what: &str, url: &Url, allow_private: bool) -> Result<Self, String> {
        let home = Self::of(url).map_err(|why| format!("{what} {why}"))?;
        let reach = match &home.host {
            Host::Domain(name) if name == "localhost" => Reach::Loopback,
            Host::Domain(_) => Reach::Public,
            Host::Ipv4(ip) => reach(IpAddr::V4(*ip)),
            Host::Ipv6(ip) => reach(IpAddr::V6(*ip)),
        };
        let host = &home.host;
        match reach {
            Reach::Never => {
                Err(format!("{what} leads to `{host}`, which is link-local or reserved: name a real host"))
            }
            Reach::Private | Reach::Loopback if !allow_private => Err(format!(
                "{what} leads to the private host `{host}`: declare `allow_private` if that is meant"
            )),
            _ if home.scheme == "http" && reach != Reach::Loopback => {
                Err(format!("{what} is `http` to `{host}`: use `https`, plain http is for loopback alone"))
            }
            _ => Ok(home),
        }
    }

    /// The home of any address of good form.
    fn of(url: &Url) -> Result<Self, String> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("has the scheme `{}`: use `https`", url.scheme()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("holds a user name or password: move it to the credential".to_owned());
        }
        if url.fragment().is_some() {
            return Err("has a fragment: remove what follows `#`".to_owned());
        }
        match (url.host(), url.port_or_known_default()) {
            (Some(host), Some(port)) => {
                Ok(Self { scheme: url.scheme().to_owned(), host: host.to_owned(), port })
            }
            _ => Err("has no host: write it in full".to_owned()),
        }
    }

    /// Whether the scheme asks for TLS.
    pub(crate) fn is_tls(&self) -> bool {
        self.scheme == "https"
    }

    /// Refuses an address that leads anywhere else.
    pub(crate) fn owns(&self, url: &Url) -> Result<(), String> {
        let other = Self::of(url).map_err(|why| format!("the address {why}"))?;
        if other == *self {
            return Ok(());
        }
        let name = |home: &Self| format!("{}://{}:{}", home.scheme, home.host, home.port);
        Err(format!("the address leads to `{}`, and the system lives at `{}`", name(&other), name(self)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ip: &str, expect: Reach) {
        assert_eq!(reach(ip.parse().unwrap()), expect, "{ip}");
    }

    #[test]
    fn addresses_are_sorted_by_whose_network_they_are() {
        check("93.184.216.34", Reach::Public);
        check("2606:4700::1111", Reach::Public);
        for ip in ["10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "fd00:ec2::254"] {
            check(ip, Reach::Private);
        }
        for ip in ["172.32.0.1", "172.15.0.1", "100.128.0.1", "192.169.0.1", "11.0.0.1"] {
            check(ip, Reach::Public);
        }
        for ip in ["169.254.169.254", "0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "fe80::1", "ff02::1"] {
            check(ip, Reach::Never);
        }
        check("127.0.0.1", Reach::Loopback);
        check("127.8.9.10", Reach::Loopback);
        check("::1", Reach::Loopback);
    }

    #[test]
    fn an_ipv4_address_in_ipv6_clothes_is_judged_as_itself() {
        check("::ffff:127.0.0.1", Reach::Loopback);
        check("::ffff:10.0.0.1", Reach::Private);
        check("64:ff9b::a9fe:a9fe", Reach::Never);
        check("2002:7f00:1::", Reach::Loopback);
        check("::ffff:93.184.216.34", Reach::Public);
    }

    fn declared(url: &str, allow_private: bool) -> Result<(), String> {
        Home::declared("`base_url`", &Url::parse(url).unwrap(), allow_private).map(drop)
    }

    #[test]
    fn a_home_is_https_or_loopback_and_private_only_by_declaration() {
        assert_eq!(declared("https://acme.okta.com", false), Ok(()));
        assert_eq!(declared("http://127.0.0.1:8080", true), Ok(()));
        assert_eq!(declared("http://localhost:8080", true), Ok(()));
        assert_eq!(declared("https://10.0.0.1", true), Ok(()));
        for (url, allow_private) in [
            ("http://acme.okta.com", false),
            ("http://10.0.0.1", true),
            ("https://10.0.0.1", false),
            ("http://127.0.0.1:8080", false),
            ("http://0x7f.1:8080", false),
            ("http://2130706433", false),
            ("https://[::ffff:10.0.0.1]", false),
            ("https://169.254.169.254", true),
            ("https://user:canary@acme.okta.com", true),
            ("ftp://acme.okta.com", true),
            ("https://acme.okta.com/#x", true),
        ] {
            let refused = declared(url, allow_private).unwrap_err();
            assert!(!refused.contains("canary"), "{refused}");
        }
    }

    #[test]
    fn a_system_owns_its_own_scheme_host_and_port_alone() {
        let home =
            Home::declared("`base_url`", &Url::parse("https://acme.okta.com/api").unwrap(), false).unwrap();
        for url in ["https://acme.okta.com/x", "https://ACME.okta.com:443/x", "https:\\\\acme.okta.com\\x"] {
            assert_eq!(home.owns(&Url::parse(url).unwrap()), Ok(()), "{url}");
        }
        for url in [
            "http://acme.okta.com/x",
            "https://acme.okta.com:444/x",
            "https://okta.com/x",
            "https://acme.okta.com.evil.example/x",
            "https://acme.okta.com@evil.example/x",
            "https://evil.example\\@acme.okta.com/x",
            "https://evil.example#@acme.okta.com",
            "https://acme.okta.com./x",
            "file:///etc/passwd",
        ] {
            assert!(home.owns(&Url::parse(url).unwrap()).is_err(), "{url}");
        }
    }

    #[test]
    fn what_a_name_resolves_to_is_judged_again() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(permits("acme.okta.com", ip("93.184.216.34"), false));
        assert!(!permits("acme.okta.com", ip("127.0.0.1"), false));
        assert!(!permits("acme.okta.com", ip("10.0.0.1"), false));
        assert!(permits("acme.okta.com", ip("10.0.0.1"), true));
        assert!(!permits("acme.okta.com", ip("169.254.169.254"), true));
        assert!(!permits("localhost", ip("93.184.216.34"), true), "plain http would leave the machine");
        assert!(permits("localhost", ip("127.0.0.1"), true));
    }
}
