//! Faults that can be switched on and off: what a system does to a caller on a bad day.
//!
//! - No fault is on unless somebody asked for it, and none is drawn by lot: `after` and `times` count calls.
//! - A fault that names no operation spares the token endpoints.

use serde_json::{Value, json};

/// Faults that may be on at once.
const FAULTS_MAX: usize = 1_000;
/// The longest delay, hold and look into the past, in milliseconds.
const DELAY_MS_MAX: u64 = 120_000;

/// What happens to the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The system's own business rejection; nothing happens.
    Reject,
    /// A status of the system's gateway or limiter; nothing happens.
    Status(u16),
    /// Nothing happens, nobody answers.
    TimeoutBefore,
    /// It happens, nobody answers.
    TimeoutAfter,
    /// Nothing happens, the connection is closed.
    ResetBefore,
    /// It happens, the connection is closed without an answer.
    ResetAfter,
    /// It happens, the connection is closed in the middle of the answer.
    ResetMidBody,
    /// It happens, the answer comes late.
    Slow,
    /// Reads of this call see the store as it was `delay_ms` ago.
    StaleRead,
    /// It happens, the answer is complete HTTP around half a body.
    Truncate,
    /// It happens, and the gateway says that it failed.
    StatusAfter(u16),
    /// It happens, the answer's members have other names than yesterday.
    SchemaChange,
    /// It happens, the answer speaks of another customer's objects.
    WrongTenant,
    /// Every token that the system gave out expires before this call is judged.
    ExpireTokens,
}

impl Kind {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "reject" => Self::Reject,
            "timeout_before" => Self::TimeoutBefore,
            "timeout_after" => Self::TimeoutAfter,
            "reset_before" => Self::ResetBefore,
            "reset_after" => Self::ResetAfter,
            "reset_mid_body" => Self::ResetMidBody,
            "slow" => Self::Slow,
            "stale_read" => Self::StaleRead,
            "truncate" => Self::Truncate,
            "expire_tokens" => Self::ExpireTokens,
            "schema_change" => Self::SchemaChange,
            "wrong_tenant" => Self::WrongTenant,
            other => {
                let (after, status) = match other.strip_prefix("status_after:") {
                    Some(status) => (true, status),
                    None => (false, other.strip_prefix("status:")?),
                };
                let status = status.parse().ok().filter(|status| (400..=599).contains(status))?;
                return Some(if after { Self::StatusAfter(status) } else { Self::Status(status) });
            }
        })
    }

    /// Whether the call is answered or dropped without reaching the store.
    pub(crate) fn is_before(self) -> bool {
        matches!(self, Self::Reject | Self::Status(_) | Self::TimeoutBefore | Self::ResetBefore)
    }
}

/// A fault that applies to the call at hand.
#[derive(Clone, Debug)]
pub(crate) struct Applied {
    pub(crate) id: u64,
    pub(crate) word: String,
    pub(crate) kind: Kind,
    pub(crate) delay_ms: u64,
    pub(crate) retry_after_s: Option<u64>,
}

#[derive(Debug)]
struct Fault {
    id: u64,
    system: String,
    operation: Option<String>,
    word: String,
    kind: Kind,
    after: u64,
    times: Option<u64>,
    retry_after_s: Option<u64>,
    delay_ms: Option<u64>,
    passed: u64,
    hits: u64,
}

impl Fault {
    fn matches(&self, system: &str, names: &[&str], is_token: bool) -> bool {
        if self.system != "*" && self.system != system {
            return false;
        }
        match &self.operation {
            None => !is_token,
            Some(pattern) => names.iter().any(|name| glob(pattern, name)),
        }
    }

    fn delay(&self) -> u64 {
        let usual = match self.kind {
            Kind::Slow => 2_000,
            Kind::StaleRead => 60_000,
            Kind::TimeoutBefore | Kind::TimeoutAfter => DELAY_MS_MAX,
            _ => 0,
        };
        self.delay_ms.unwrap_or(usual).min(DELAY_MS_MAX)
    }

    fn shown(&self) -> Value {
        json!({
            "id": self.id, "system": self.system, "operation": self.operation, "kind": self.word,
            "after": self.after, "times": self.times, "retry_after_s": self.retry_after_s,
            "delay_ms": self.delay_ms, "passed": self.passed, "hits": self.hits,
        })
    }
}

/// The faults that are on, in the order in which they were switched on.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    on: Vec<Fault>,
    last: u64,
}

impl Faults {
    /// Switches a fault on; the answer is the fault with its id, or what is wrong with the order.
    pub(crate) fn add(&mut self, order: &Value, systems: &[&str]) -> Result<Value, String> {
        if self.on.len() >= FAULTS_MAX {
            return Err(format!("{FAULTS_MAX} faults are on already: delete some"));
        }
        let word = order["kind"].as_str().ok_or("`kind` is missing")?;
        let kind = Kind::parse(word).ok_or_else(|| format!("`{word}` is no kind of fault"))?;
        let system = order["system"].as_str().ok_or("`system` is missing")?;
        if system != "*" && !systems.contains(&system) {
            return Err(format!("`{system}` is no system here: use one of {}", systems.join(", ")));
        }
        self.last += 1;
        let fault = Fault {
            id: self.last,
            system: system.to_owned(),
            operation: order["operation"].as_str().map(str::to_owned),
            word: word.to_owned(),
            kind,
            after: order["after"].as_u64().unwrap_or(0),
            times: order["times"].as_u64(),
            retry_after_s: order["retry_after_s"].as_u64(),
            delay_ms: order["delay_ms"].as_u64(),
            passed: 0,
            hits: 0,
        };
        let shown = fault.shown();
        self.on.push(fault);
        Ok(shown)
    }

    /// The first fault that this call meets; it counts the call for every fault that it matches until then.
    pub(crate) fn meet(&mut self, system: &str, names: &[&str], is_token: bool) -> Option<Applied> {
        for fault in self.on.iter_mut().filter(|fault| fault.matches(system, names, is_token)) {
            if fault.times.is_some_and(|times| fault.hits >= times) {
                continue;
            }
            if fault.passed < fault.after {
                fault.passed += 1;
                continue;
            }
            fault.hits += 1;
            return Some(Applied {
                id: fault.id,
                word: fault.word.clone(),
                kind: fault.kind,
                delay_ms: fault.delay(),
                retry_after_s: fault.retry_after_s,
            });
        }
        None
    }

    /// Switches all faults off, or one by its id; how many went off.
    pub(crate) fn clear(&mut self, id: Option<u64>) -> usize {
        let before = self.on.len();
        self.on.retain(|fault| id.is_some_and(|id| id != fault.id));
        before - self.on.len()
    }

    pub(crate) fn shown(&self) -> Value {
        Value::Array(self.on.iter().map(Fault::shown).collect())
    }
}

/// Whether `text` fits a pattern in which `*` stands for any characters, slashes included.
fn glob(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(after) = text.strip_prefix(head) else { return false };
    (0..=after.len()).filter(|at| after.is_char_boundary(*at)).any(|at| glob(rest, &after[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(order: &Value, calls: usize, expect: &str) {
        let mut faults = Faults::default();
        faults.add(order, &["okta"]).expect("a fault");
        let met = |faults: &mut Faults| faults.meet("okta", &["GET /a/1", "GET /a/{id}"], false).is_some();
        let marks: String = (0..calls).map(|_| if met(&mut faults) { 'x' } else { '.' }).collect();
        assert_eq!(marks, expect);
    }

    #[test]
    fn a_fault_lets_calls_pass_and_then_hits_a_number_of_times() {
        check(&json!({"system": "okta", "kind": "reject"}), 3, "xxx");
        check(&json!({"system": "okta", "kind": "reject", "after": 1, "times": 1}), 4, ".x..");
        check(&json!({"system": "*", "kind": "status:503", "operation": "GET /a/*"}), 1, "x");
        check(&json!({"system": "*", "kind": "slow", "operation": "GET /a/{id}"}), 1, "x");
        check(&json!({"system": "*", "kind": "slow", "operation": "POST *"}), 1, ".");
    }

    #[test]
    fn an_order_that_makes_no_sense_is_refused() {
        let refused = |order: Value| Faults::default().add(&order, &["okta"]).expect_err("a refusal");
        assert!(refused(json!({"system": "okta", "kind": "status:200"})).contains("no kind"));
        assert!(refused(json!({"system": "octa", "kind": "reject"})).contains("no system"));
    }

    #[test]
    fn a_fault_without_an_operation_spares_the_token_endpoint() {
        let mut faults = Faults::default();
        faults.add(&json!({"system": "okta", "kind": "reject"}), &["okta"]).expect("a fault");
        assert!(faults.meet("okta", &["POST /token"], true).is_none());
        assert!(faults.meet("okta", &["POST /token"], false).is_some());
    }
}
