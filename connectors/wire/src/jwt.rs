//! JSON Web Tokens that we sign ourselves (RFC 7515, RFC 7519), with ring's keys.
//!
//! Absent: verification, and every algorithm that no system of ours asks for. A key is read once, when the client is made, so
//! that a key that cannot sign is told to whoever configures it, and not in the middle of a run.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use ring::{digest, hmac};
use serde_json::{Map, Value as Json};
use std::sync::Arc;
use xops_connectors::auth::Algorithm;

/// What signs.
enum Key {
    Rsa(Box<RsaKeyPair>),
    Ecdsa(Box<EcdsaKeyPair>),
    Hmac(hmac::Key),
}

/// What every token of one system says.
pub(crate) struct Signer {
    key: Arc<Key>,
    key_id: Option<String>,
    claims: Map<String, Json>,
    lifetime_s: u64,
}

impl Signer {
    /// A signer with the private key `pem` (PKCS #8 or PKCS #1 for RSA, PKCS #8 for ECDSA; any text for HMAC). `claims` are those that do not change.
    pub(crate) fn new(
        algorithm: Algorithm,
        pem: &str,
        key_id: Option<&str>,
        claims: Map<String, Json>,
        lifetime_s: u64,
    ) -> Result<Self, String> {
        let key = match algorithm {
            Algorithm::Rs256 => Key::Rsa(Box::new(rsa(pem)?)),
            Algorithm::Es256 => Key::Ecdsa(Box::new(ecdsa(pem)?)),
            Algorithm::Hs256 => Key::Hmac(hmac::Key::new(hmac::HMAC_SHA256, pem.as_bytes())),
        };
        Ok(Self { key: Arc::new(key), key_id: key_id.map(str::to_owned), claims, lifetime_s })
    }

    /// The same key for another subject; the declared one where there is none.
    pub(crate) fn acting_for(&self, subject: Option<&str>) -> Self {
        let mut claims = self.claims.clone();
        claims.extend(subject.map(|subject| ("sub".to_owned(), Json::from(subject))));
        Self { key: Arc::clone(&self.key), key_id: self.key_id.clone(), claims, lifetime_s: self.lifetime_s }
    }

    /// How long its tokens are good, in seconds.
    pub(crate) fn lifetime_s(&self) -> u64 {
        self.lifetime_s
    }

    /// A token made at `now_s`, seconds since 1970.
    pub(crate) fn token(&self, now_s: u64) -> Result<String, String> {
        let random = SystemRandom::new();
        let alg = match &*self.key {
            Key::Rsa(_) => "RS256",
            Key::Ecdsa(_) => "ES256",
            Key::Hmac(_) => "HS256",
        };
        let mut header = Map::from_iter([("alg".to_owned(), alg.into()), ("typ".to_owned(), "JWT".into())]);
        header.extend(self.key_id.iter().map(|id| ("kid".to_owned(), Json::from(id.as_str()))));
        let mut claims = self.claims.clone();
        claims.insert("iat".to_owned(), now_s.into());
        claims.insert("exp".to_owned(), now_s.saturating_add(self.lifetime_s).into());
        let mut id = [0; 16];
        ring::rand::SecureRandom::fill(&random, &mut id).map_err(|_| "there is no randomness".to_owned())?;
        claims.insert("jti".to_owned(), URL_SAFE_NO_PAD.encode(id).into());
        let part = |map: Map<String, Json>| URL_SAFE_NO_PAD.encode(Json::Object(map).to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let failed = |_| "the private key did not sign: check it".to_owned();
        let signature = match &*self.key {
            Key::Rsa(key) => {
                let mut out = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut out).map_err(failed)?;
                out
            }
            Key::Ecdsa(key) => key.sign(&random, signed.as_bytes()).map_err(failed)?.as_ref().to_vec(),
            Key::Hmac(key) => hmac::sign(key, signed.as_bytes()).as_ref().to_vec(),
        };
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

const NO_KEY: &str =
    "the part `private_key` is no private key: it begins with `-----BEGIN PRIVATE KEY-----` (PKCS #8)";

/// The content of the first PEM block of one of these kinds (RFC 7468), and which kind it is.
fn pem_block(text: &str, kinds: &[&'static str]) -> Result<(&'static str, Vec<u8>), String> {
    // Configuration often holds the newlines of a key as two letters.
    let text = text.replace("\\n", "\n");
    for kind in kinds {
        let (begin, end) = (format!("-----BEGIN {kind}-----"), format!("-----END {kind}-----"));
        let inside =
            text.split_once(&begin).and_then(|(_, rest)| rest.split_once(&end)).map(|(inside, _)| inside);
        if let Some(inside) = inside {
            let letters: String = inside.chars().filter(|letter| !letter.is_ascii_whitespace()).collect();
            return Ok((kind, STANDARD.decode(letters).map_err(|_| NO_KEY.to_owned())?));
        }
    }
    Err(NO_KEY.to_owned())
}

fn rsa(pem: &str) -> Result<RsaKeyPair, String> {
    let (kind, der) = pem_block(pem, &["PRIVATE KEY", "RSA PRIVATE KEY"])?;
    let key = if kind == "PRIVATE KEY" { RsaKeyPair::from_pkcs8(&der) } else { RsaKeyPair::from_der(&der) };
    key.map_err(|rejected| format!("the part `private_key` is no RSA key that can be used: {rejected}"))
}

fn ecdsa(pem: &str) -> Result<EcdsaKeyPair, String> {
    let (_, der) = pem_block(pem, &["PRIVATE KEY"])?;
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der, &SystemRandom::new())
        .map_err(|rejected| format!("the part `private_key` is no P-256 key that can be used: {rejected}"))
}

/// SHA-256 of `bytes` in hexadecimal letters.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// Two letters a byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let letter = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [letter(byte >> 4), letter(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::signature::{ECDSA_P256_SHA256_FIXED, KeyPair, UnparsedPublicKey};

    fn parts(token: &str) -> (Json, Json, Vec<u8>, String) {
        let parts: Vec<&str> = token.split('.').collect();
        let json = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        let signature = URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
        (json(parts[0]), json(parts[1]), signature, format!("{}.{}", parts[0], parts[1]))
    }

    #[test]
    fn a_token_says_who_and_when_and_its_signature_holds() {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pem =
            format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(&pkcs8));
        let claims = Map::from_iter([("iss".to_owned(), Json::from("me"))]);
        let signer = Signer::new(Algorithm::Es256, &pem, Some("k1"), claims, 60).unwrap();
        let token = signer.token(1_000).unwrap();
        let (header, claims, signature, content) = parts(&token);
        assert_eq!(header, serde_json::json!({"alg": "ES256", "typ": "JWT", "kid": "k1"}));
        assert_eq!(
            (&claims["iss"], &claims["iat"], &claims["exp"]),
            (&"me".into(), &1_000.into(), &1_060.into())
        );
        let key =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap();
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.public_key().as_ref());
        assert!(public.verify(content.as_bytes(), &signature).is_ok());
        assert!(public.verify(b"another", &signature).is_err());
        assert_ne!(token, signer.token(1_000).unwrap(), "no two tokens have one `jti`");
    }

    #[test]
    fn a_key_that_is_none_is_refused_without_being_shown() {
        for (algorithm, text) in [
            (Algorithm::Rs256, "canary"),
            (Algorithm::Rs256, "-----BEGIN PRIVATE KEY-----\nY2FuYXJ5\n-----END PRIVATE KEY-----"),
            (Algorithm::Es256, "-----BEGIN PRIVATE KEY-----\n!canary!\n-----END PRIVATE KEY-----"),
        ] {
            let error = Signer::new(algorithm, text, None, Map::new(), 60).err().unwrap();
            assert!(error.contains("`private_key`") && !error.contains("canary"), "{error}");
        }
    }

    #[test]
    fn hmac_agrees_with_the_example_of_rfc_7515() {
        // RFC 7515, appendix A.1: the signature of a given header and payload; here the primitive and the encoding.
        let key = URL_SAFE_NO_PAD
            .decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
            .unwrap();
        let signed = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        let signature = URL_SAFE_NO_PAD.encode(hmac::sign(&key, signed.as_bytes()));
        assert_eq!(signature, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    }
}
