//! The laws of tenants and systems: one tenant, known domains and manifests, addresses that are safe to call, no secret.

use super::draft::{At, Said, System};
use super::world::{World, meant};
use crate::code;
use crate::finding::{Finding, suggest};
use crate::reader::listed;
use core::net::{Ipv4Addr, Ipv6Addr};
use xops_kernel::declare::DOMAINS;

/// Holds tenants and systems to their laws.
pub(super) fn check(world: &World<'_>, findings: &mut Vec<Finding>) {
    tenants(world, findings);
    for (name, system) in &world.drafts.systems {
        domain(system, findings);
        manifest(world, name, system, findings);
        address(system, findings);
        for (word, said) in &system.credential {
            credential(&system.at, &word.text, said, findings);
        }
    }
}

fn tenants(world: &World<'_>, findings: &mut Vec<Finding>) {
    let Some((first, more)) = world.drafts.tenants.split_first() else {
        if world.whole {
            let message = "no file declares the tenant";
            let finding = Finding::error(code::TENANT, "", 0..0, message, "");
            findings.push(finding.help("write `tenant \"name\" { principal = \"...\" }`".to_owned()));
        }
        return;
    };
    for again in more {
        let finding = again.at.error(code::TENANT, "there is more than one tenant", "another one");
        let finding =
            finding.why("the data of two tenants never meet: each has its own folder, files and keys");
        findings.push(first.at.relate(finding, "the first"));
    }
}

/// Reports a word that is none of the seven domains.
pub(super) fn known_domain(
    at: &At,
    said: (&str, &std::ops::Range<usize>),
    findings: &mut Vec<Finding>,
) -> bool {
    let (name, span) = said;
    if DOMAINS.contains(&name) {
        return true;
    }
    let finding =
        at.error_at(span, code::UNKNOWN_DOMAIN, format!("there is no domain `{name}`"), "unknown domain");
    let help = suggest(name, DOMAINS).unwrap_or_else(|| format!("there are {}", listed(&DOMAINS)));
    findings.push(finding.help(help));
    false
}

fn domain(system: &System, findings: &mut Vec<Finding>) {
    if let Some((name, span)) = &system.domain {
        known_domain(&system.at, (name, span), findings);
    }
}

fn manifest(world: &World<'_>, name: &str, system: &System, findings: &mut Vec<Finding>) {
    let (manifest, span) = &system.manifest;
    if world.manifests.contains_key(manifest) || manifest.is_empty() && *span == (0..0) {
        return;
    }
    let message = format!("there is no manifest `{manifest}` for system `{name}`");
    let finding = system.at.error_at(span, code::UNKNOWN_MANIFEST, message, "unknown manifest");
    findings.push(finding.help(meant(manifest, world.manifests.keys().map(String::as_str))));
}

fn address(system: &System, findings: &mut Vec<Finding>) {
    let (url, span) = &system.base_url;
    if url.is_empty() && *span == (0..0) {
        return;
    }
    if let Err((message, help)) = safe_address(url) {
        let code = if has_credential(url) { code::SECRET } else { code::ADDRESS };
        let finding = system.at.error_at(span, code, message, "not a safe base address");
        let why = "credentials and personal data go to this address";
        findings.push(finding.why(why).help(help.to_owned()));
    }
}

fn authority(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| rest).split('/').next().unwrap_or_default()
}

fn has_credential(url: &str) -> bool {
    authority(url).contains('@')
}

/// Whether calls may go to `url`: `https`, or `http` to this machine alone; for a directory `ldaps`, or `ldap`, which asks for TLS
/// before anything is told but on this machine; a host, no credential, query or fragment.
fn safe_address(url: &str) -> Result<(), (String, &'static str)> {
    let form = "write `https://host/path`";
    if has_credential(url) {
        return Err(("a base address has no credential in it".to_owned(), "use the block `credential`"));
    }
    let Some((scheme, rest)) = url.split_once("://") else {
        return Err((format!("`{url}` is no address"), form));
    };
    if url.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') {
        return Err(("a base address has no white space and no `\\`".to_owned(), form));
    }
    if rest.contains(['?', '#']) {
        return Err(("a base address has no query and no fragment".to_owned(), form));
    }
    let authority = authority(url);
    let host = host_of(authority)
        .ok_or_else(|| (format!("`{authority}` is no host with an optional port"), form))?;
    match scheme {
        "https" | "ldaps" | "ldap" => Ok(()),
        "http" if is_loopback(host) => Ok(()),
        "http" => Err((
            format!("`http` would send to `{host}` in clear"),
            "use `https`; `http` is for this machine alone",
        )),
        other => Err((format!("`{other}` is no scheme that systems are called by"), form)),
    }
}

fn host_of(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']')?;
            (host, after.strip_prefix(':').or(after.is_empty().then_some("1"))?)
        }
        None => authority.split_once(':').unwrap_or((authority, "1")),
    };
    let named = host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':'));
    (!host.is_empty() && named && port.parse::<u16>().is_ok()).then_some(host)
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
        || host.parse::<Ipv6Addr>().is_ok_and(|ip| ip.is_loopback())
}

fn credential(at: &At, part: &str, (text, span): &Said, findings: &mut Vec<Finding>) {
    let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let from = match text.split_once(':') {
        Some(("env", variable)) => !variable.is_empty() && variable.chars().all(name),
        Some(("file", path)) => !path.trim().is_empty(),
        Some(("command", line)) => line.starts_with('/'),
        Some(("systemd", part)) => !part.is_empty() && part.chars().all(|c| name(c) || c == '-' || c == '.'),
        _ => false,
    };
    if !from {
        // The text is not repeated: it may be the secret.
        let message = format!("the credential `{part}` does not say where it comes from");
        let finding =
            at.error_at(span, code::SECRET, message, "none of `env:`, `file:`, `command:`, `systemd:`");
        findings.push(
            finding
                .why("files are reviewed, copied and kept: a secret in one is known to all who read it, for ever")
                .help(
                    "write \"env:NAME\" for an environment variable, \"file:PATH\" for a file, \"command:/PATH ARGUMENTS\" for \
                     what a program prints, or \"systemd:NAME\" for a credential of the service"
                        .to_owned(),
                ),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_go_by_https_or_stay_on_this_machine() {
        for safe in [
            "https://acme.okta.com",
            "https://acme.okta.com:8443/api/v1",
            "http://127.0.0.1:8080/ccx",
            "http://localhost",
            "http://[::1]:9000",
        ] {
            assert_eq!(safe_address(safe), Ok(()), "{safe}");
        }
        for unsafe_ in [
            "acme.okta.com",
            "http://acme.okta.com",
            "http://127.0.0.1.evil.example",
            "http://localhost@evil.example",
            "https://user:pass@acme.okta.com",
            "https://",
            "https://acme .com",
            "https://acme.com?x=1",
            "https://acme.com:port",
            "http://[::1",
            "ftp://localhost",
            "https://exa\u{301}mple.com",
        ] {
            assert!(safe_address(unsafe_).is_err(), "{unsafe_}");
        }
    }
}
