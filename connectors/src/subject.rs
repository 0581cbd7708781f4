//! On whose behalf a request is made, where a system lets a service act for a person (domain-wide delegation).
//!
//! Invariants: the person is an input of the call, so it stands in the plan and passes the gate; it travels to the wire in a
//! header of its own, which the wire takes out and sends to nobody.

use crate::auth::{Auth, Grant, SUBJECT_HEADER, Told};
use crate::scope::{Scope, scalar};
use xops_kernel::value::Value;

/// `headers`, and the one that names the subject where the authentication of the request wants one.
pub(crate) fn named(
    scope: &Scope<'_>,
    mut headers: Vec<(String, String)>,
) -> Result<Vec<(String, String)>, String> {
    if let Some(input) = input(&scope.manifest.auth) {
        // What is not asked for a person is asked as the manifest's variable says, or as the service itself.
        let value = ["parent", input].iter().rev().find_map(|name| scope.inputs.get(*name));
        if let Some(value) = value.filter(|value| !value.is_null()) {
            let subject = scalar(value).filter(|text| !text.bytes().any(|byte| byte < b' ' || byte == 0x7f));
            let subject = subject
                .ok_or_else(|| format!("`{input}` is {}, and names nobody", Value::type_name(value)))?;
            headers.push((SUBJECT_HEADER.to_owned(), subject));
        }
    }
    Ok(headers)
}

/// The input that names the subject.
fn input(auth: &Auth) -> Option<&str> {
    match auth {
        Auth::OAuth2 { grant: Grant::Bearer(signed) | Grant::Assertion { signed, .. }, .. } => {
            match &signed.subject {
                Some(Told::Input(name)) => Some(name),
                _ => None,
            }
        }
        Auth::Several { by_path, otherwise } => {
            by_path.iter().map(|(_, auth)| auth).chain([otherwise.as_ref()]).find_map(input)
        }
        _ => None,
    }
}
