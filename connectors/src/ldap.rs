//! What a directory is asked (RFC 4511) and what its result codes mean, before anything is known of one directory.
//!
//! Absent: BER and connections (the wire has them). A rendered request is like any other: its method is one of [`METHODS`], its
//! address an LDAP URL (RFC 4516) with the entry's name, its query the parts of a search, its body the values as JSON; what a
//! directory answers comes back as its result code for a status, with the entries as JSON.

pub mod filter;
pub mod name;

use crate::model::Word;

/// The methods of rendered requests.
pub const METHODS: [&str; 5] = ["SEARCH", "ADD", "MODIFY", "DELETE", "RENAME"];
/// Schemes of addresses: `ldaps` begins with TLS; `ldap` asks for it (`StartTLS`), but for this machine.
pub const SCHEMES: [&str; 2] = ["ldap", "ldaps"];

/// Whether `scheme` is a directory's.
pub fn is_scheme(scheme: &str) -> bool {
    SCHEMES.contains(&scheme)
}

/// What a result code means where no rule of a manifest says otherwise (RFC 4511, appendix A.2). `acting` tells a call that may
/// have an effect from one that has none.
pub(crate) fn word(code: u16, acting: bool) -> Word {
    match code {
        0 => Word::Ok,
        // authMethodNotSupported, strongerAuthRequired, confidentialityRequired, inappropriateAuthentication,
        // insufficientAccessRights.
        7 | 8 | 13 | 48 | 50 => Word::Forbidden,
        // noSuchAttribute, attributeOrValueExists, notAllowedOnNonLeaf, entryAlreadyExists: another state is in the way.
        16 | 20 | 66 | 68 => Word::Conflict,
        32 => Word::Absent,
        49 => Word::AuthExpired,
        // busy: "the server is too busy to service the operation".
        51 => Word::RateLimited,
        52 => Word::Transient,
        // assertionFailed (RFC 4528).
        122 => Word::PreconditionFailed,
        // protocolError, sizeLimitExceeded, referral, adminLimitExceeded, unavailableCriticalExtension, and what is wrong with
        // names, values and the schema.
        2 | 4 | 10 | 11 | 12 | 17 | 18 | 19 | 21 | 33 | 34 | 36 | 53 | 54 | 64 | 65 | 67 | 69 | 71 => {
            Word::Invalid
        }
        // timeLimitExceeded: an update may have been made before the time was up. operationsError and other say nothing; neither
        // does what nobody has heard of.
        1 | 3 | 80 if !acting => Word::Transient,
        _ => Word::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_code_promises_only_what_the_standard_says() {
        for (code, reading, acting) in [
            (0, Word::Ok, Word::Ok),
            (3, Word::Transient, Word::Unknown),
            (20, Word::Conflict, Word::Conflict),
            (32, Word::Absent, Word::Absent),
            (49, Word::AuthExpired, Word::AuthExpired),
            (52, Word::Transient, Word::Transient),
            (80, Word::Transient, Word::Unknown),
            (4096, Word::Unknown, Word::Unknown),
        ] {
            assert_eq!((word(code, false), word(code, true)), (reading, acting), "{code}");
        }
    }
}
