//! The codes of findings about manifests. Each has a page under `docs/errors/`.
//!
//! Invariants: a code is never given to another mistake. What is wrong with the file's form carries the `XS` codes of the
//! source crate.

/// Declares each code as a constant and all of them as a table.
macro_rules! codes {
    ($($name:ident = $code:literal, $title:literal;)*) => {
        $(#[doc = $title] pub const $name: &str = $code;)*
        /// Every code of this crate with its title, in order.
        pub const ALL: &[(&str, &str)] = &[$(($code, $title)),*];
    };
}

codes! {
    ONE_MANIFEST = "XM0001", "a file does not hold exactly one manifest";
    DUPLICATE = "XM0002", "two things have one name";
    NAME = "XM0003", "a name is badly formed";
    DOMAIN = "XM0004", "a domain does not exist";
    ROOT = "XM0005", "an expression refers to something that is not there";
    MEMBER = "XM0006", "an expression refers to a name that is not declared";
    CONDITION = "XM0007", "a condition is not true or false";
    TYPES = "XM0008", "values of different types meet";
    METHOD = "XM0009", "a request has not exactly one method";
    PATH = "XM0010", "a path is badly formed";
    BODY = "XM0011", "a request has a body that it cannot have";
    OUTCOME = "XM0012", "an outcome does not exist";
    LOOKUP = "XM0013", "a lookup does not exist";
    LOOKUP_INPUT = "XM0014", "a lookup is not told what it needs";
    UNDO = "XM0015", "an AWF does not say how it is undone";
    COMPENSATION = "XM0016", "a compensation does not exist";
    COMPENSATION_INPUT = "XM0017", "a compensation is not told what it needs";
    RESEND = "XM0018", "a call is sent again that may double its effect";
    PROBE = "XM0019", "an AWF is probed without a lookup";
    ACHIEVES = "XM0020", "an AWF achieves a change that nothing can see";
    OUTPUT = "XM0021", "an output is never captured";
    LISTING = "XM0022", "a listing is not complete";
    ABSENCE = "XM0023", "a lookup can never see an absence";
    ADOPTED = "XM0024", "what a probe adopts could not be undone";
    HEADER = "XM0025", "a header is badly formed";
    CHAIN = "XM0026", "lookups go on from one another for too long";
    LOCK = "XM0027", "a lock names something that is no input";
    ATTRIBUTE = "XM0028", "an attribute has two types";
    FOR_EACH = "XM0029", "a read is made for records that no earlier read gives";
    FAMILY = "XM0030", "a family does not exist";
    WEBHOOK = "XM0031", "a webhook could be forged or played again";
    DELTA = "XM0032", "a read of changes is not complete";
    POLL = "XM0033", "what an AWF waits for is not complete";
}
