//! The connector of the played systems: a few AWFs of each class of the step protocol.
//!
//! Invariants: pure, as every connector; the contracts promise exactly what [`crate::world`] keeps (its lags, delays, uniqueness and
//! keys), so what goes wrong under them is the kernel's doing.

use crate::systems::{Sight, Systems};
use crate::world::{CALL, KEY_LIFETIME_MS, MARKER, World, answer};
use std::sync::{Arc, LazyLock};
use xops_kernel::awf::{Achieves, Ambiguity, AwfName, Contract, From, Input, Readback, Undo};
use xops_kernel::fact::{Doubt, Observation, Reason};
use xops_kernel::id::Digest;
use xops_kernel::port::{
    Ask, Connector, Outcome, Page, Phase, ReadAsk, ReadContract, ReadPage, Request, Response, Sighting,
    Unrendered, lookup_proof,
};
use xops_kernel::record::Millis;
use xops_kernel::value::{Type, Value, Values};

/// How long a call may take.
pub const TIMEOUT_MS: u64 = 2_000;

/// How a lookup finds what it looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// The one object at the address.
    Address,
    /// The object with the serial of the inputs.
    Serial,
    /// The object that carries our marker.
    Marker,
    /// The member of a set.
    Member,
}

/// One AWF of the model.
#[derive(Clone, Debug)]
pub struct Spec {
    /// What the kernel knows of it.
    pub contract: Contract,
    /// How much older than now a lookup may be, in milliseconds.
    pub lag_ms: u64,
    /// How long after its timeout a call may still take effect; `0` if it may not.
    pub delay_ms: u64,
    method: &'static str,
    marks: bool,
    by: By,
    duplicate_is_done: bool,
}

/// The connector.
#[derive(Clone)]
pub struct Model {
    /// In the order of [`place`].
    specs: Vec<Spec>,
}

impl Default for Model {
    fn default() -> Self {
        let mut specs = all();
        specs.sort_by(|one, other| place(&one.contract.name).cmp(&place(&other.contract.name)));
        Self { specs }
    }
}

impl Model {
    /// The model as it is, made once: thousands of runs a second ask for it.
    pub fn shared() -> Arc<Self> {
        static MODEL: LazyLock<Arc<Model>> = LazyLock::new(Arc::default);
        Arc::clone(&MODEL)
    }

    /// The AWF `name`.
    pub fn spec(&self, name: &AwfName) -> Option<&Spec> {
        let found = self.specs.binary_search_by(|spec| place(&spec.contract.name).cmp(&place(name)));
        found.ok().and_then(|at| self.specs.get(at))
    }

    /// The model with one contract changed.
    #[must_use]
    pub fn changed(mut self, name: &AwfName, change: impl FnOnce(&mut Contract)) -> Self {
        if let Some(spec) = self.specs.iter_mut().find(|spec| spec.contract.name == *name) {
            change(&mut spec.contract);
        }
        self
    }
}

/// Where a name stands: by its lengths first, which tell most names apart without a look at their letters.
fn place(name: &AwfName) -> (usize, usize, &AwfName) {
    (name.system.len(), name.function.len(), name)
}

const PROBE: Ambiguity = Ambiguity::Probe { window_ms: 6_000, agreeing: 2, unique: false };
const UNIQUE: Ambiguity = Ambiguity::Probe { window_ms: 6_000, agreeing: 1, unique: true };
const PUT: Ambiguity = Ambiguity::Resend { lifetime_ms: None };
const KEYED: Ambiguity = Ambiguity::Resend { lifetime_ms: Some(KEY_LIFETIME_MS) };

fn all() -> Vec<Spec> {
    use Achieves::{Create, Remove, Update};
    let shelf = [("id", From::Input("id".into()))];
    let before = [("id", From::Input("id".into())), ("value", From::Snapshot("value".into()))];
    let serial = [("id", From::Input("id".into())), ("serial", From::Output("serial".into()))];
    let member = [("id", From::Input("id".into())), ("member", From::Input("member".into()))];
    vec![
        spec("put.create", "PUT", Some(Create), PUT)
            .looks(By::Address)
            .lags(1_000)
            .undo("delete", &shelf, None),
        spec("put.update", "PATCH", Some(Update), PUT)
            .looks(By::Address)
            .lags(1_000)
            .undo("update", &before, None),
        spec("put.remove", "DELETE", Some(Remove), PUT).looks(By::Address).lags(1_000).undo(
            "restore",
            &before,
            Some("its history"),
        ),
        spec("put.delete", "DELETE", Some(Remove), PUT).looks(By::Address).lags(1_000),
        spec("put.restore", "PUT", Some(Create), PUT).looks(By::Address).lags(1_000),
        spec("keyed.create", "POST", Some(Create), KEYED).delays(3_000).undo("delete", &serial, None),
        spec("keyed.delete", "DELETE", Some(Remove), PUT).looks(By::Serial),
        spec("unique.create", "POST", Some(Create), UNIQUE)
            .marks()
            .looks(By::Address)
            .lags(1_500)
            .delays(3_000)
            .done()
            .undo("delete", &shelf, None),
        spec("unique.delete", "DELETE", Some(Remove), PROBE).looks(By::Address).lags(1_500).delays(3_000),
        spec("strict.create", "POST", Some(Create), UNIQUE)
            .marks()
            .looks(By::Address)
            .lags(1_500)
            .delays(3_000)
            .undo("disable", &shelf, Some("it can be disabled, not un-created")),
        spec("strict.disable", "PATCH", Some(Update), PUT).looks(By::Address).lags(1_500),
        spec("marked.create", "POST", Some(Create), PROBE)
            .marks()
            .finds(By::Marker)
            .lags(2_000)
            .delays(3_000)
            .undo("delete", &serial, None),
        spec("marked.delete", "DELETE", Some(Remove), PROBE).looks(By::Serial).lags(2_000).delays(3_000),
        spec("bare.create", "POST", Some(Create), PROBE)
            .looks(By::Address)
            .lags(1_000)
            .delays(3_000)
            .undo("delete", &serial, None),
        spec("bare.delete", "DELETE", Some(Remove), PROBE).looks(By::Serial).lags(1_000),
        spec("blind.send", "POST", None, Ambiguity::Park),
        spec("blind.grant", "POST", Some(Create), Ambiguity::Park).undo("revoke", &serial, None),
        spec("blind.revoke", "DELETE", Some(Remove), Ambiguity::Park),
        spec("note.post", "POST", None, PROBE).marks().finds(By::Marker).lags(2_000).delays(3_000),
        spec("set.add", "PUT", Some(Create), PROBE)
            .looks(By::Member)
            .locks()
            .delays(2_000)
            .undo("drop", &member, None),
        spec("set.drop", "PUT", Some(Remove), PROBE).looks(By::Member).locks().delays(2_000),
    ]
}

fn spec(name: &str, method: &'static str, achieves: Option<Achieves>, ambiguity: Ambiguity) -> Spec {
    let (system, function) = name.split_once('.').unwrap_or((name, ""));
    let text = |required| Input { is: Type::Any, required, personal: false };
    let inputs =
        ["id", "value", "serial", "member", "parent"].map(|input| (input.to_owned(), text(input == "id")));
    let contract = Contract {
        name: AwfName::new(system, function),
        achieves,
        inputs: inputs.into(),
        outputs: [("serial".to_owned(), Type::Text), ("value".to_owned(), Type::Text)].into(),
        undo: Undo::Nothing,
        ambiguity,
        snapshot: false,
        readback: None,
        locks: Vec::new(),
        timeout_ms: TIMEOUT_MS,
        tries_max: 4,
        manifest: Digest::default(),
    };
    Spec { contract, lag_ms: 0, delay_ms: 0, method, marks: false, by: By::Address, duplicate_is_done: false }
}

impl Spec {
    fn looks(mut self, by: By) -> Self {
        self.contract.snapshot = true;
        self.contract.readback = Some(Readback { within_ms: 8_000, settle: 2, every_ms: 400 });
        self.finds(by)
    }

    fn finds(mut self, by: By) -> Self {
        self.by = by;
        self
    }

    fn lags(mut self, lag_ms: u64) -> Self {
        self.lag_ms = lag_ms;
        self
    }

    fn delays(mut self, delay_ms: u64) -> Self {
        self.delay_ms = delay_ms;
        self
    }

    fn marks(mut self) -> Self {
        self.marks = true;
        self
    }

    fn done(mut self) -> Self {
        self.duplicate_is_done = true;
        self
    }

    fn locks(mut self) -> Self {
        self.contract.locks = vec!["{id}".into()];
        self
    }

    fn undo(mut self, function: &str, with: &[(&str, From)], loss: Option<&str>) -> Self {
        let awf = AwfName::new(&self.contract.name.system, function);
        let with = with.iter().map(|(name, from)| ((*name).to_owned(), from.clone())).collect();
        self.contract.undo = Undo::By { awf, with, loss: loss.map(str::to_owned) };
        self
    }
}

impl Systems for Model {
    fn lag_and_delay(&self, awf: &AwfName) -> (u64, u64) {
        self.spec(awf).map_or((0, 0), |spec| (spec.lag_ms, spec.delay_ms))
    }

    fn perform(&self, world: &mut World, request: &Request, _call: &str, now: Millis) -> Response {
        world.perform(request, now)
    }

    fn look(&self, world: &World, request: &Request, sight: Sight) -> Response {
        world.look(request, sight.at)
    }

    fn as_connector(self: Arc<Self>) -> Arc<dyn Connector> {
        self
    }
}

impl Connector for Model {
    fn contract(&self, awf: &AwfName) -> Option<&Contract> {
        self.spec(awf).map(|spec| &spec.contract)
    }

    fn render(&self, ask: &Ask<'_>) -> Result<Request, Unrendered> {
        let what = || format!("{} {}", ask.awf, ask.phase.word());
        let missing = |name: &str| Unrendered { what: what(), why: format!("`{name}` is missing") };
        let spec = self.spec(ask.awf).ok_or_else(|| missing("manifest"))?;
        let input = |name: &str| ask.inputs.get(name).map(Value::to_string).ok_or_else(|| missing(name));
        let address = format!("/{}/{}", ask.awf.system, input("id")?);
        let mut request = Request {
            system: ask.awf.system.clone(),
            method: "GET".into(),
            url: address,
            query: Vec::new(),
            headers: Vec::new(),
            content_type: None,
            body: Vec::new(),
        };
        if ask.phase != Phase::Do {
            return Ok(request);
        }
        spec.method.clone_into(&mut request.method);
        request.headers.push((CALL.into(), ask.key.to_string()));
        if spec.marks {
            request.headers.push((MARKER.into(), ask.key.to_string()));
        }
        match (spec.by, spec.method) {
            (By::Member, _) => request.body = set_body(ask, &input("member")?),
            (By::Address, "DELETE") if ask.awf.system != "blind" => {}
            (_, "DELETE") => request.url = format!("{}#{}", request.url, input("serial")?),
            _ if ask.awf.function == "disable" => request.body = b"disabled".to_vec(),
            _ => request.body = input("value")?.into_bytes(),
        }
        Ok(request)
    }

    fn classify(&self, ask: &Ask<'_>, response: &Response) -> Outcome {
        let done = self.spec(ask.awf).is_some_and(|spec| spec.duplicate_is_done);
        let body = String::from_utf8_lossy(&response.body);
        match response.status {
            200..=299 => {
                let serial =
                    body.strip_prefix("serial ").map(|serial| ("serial".to_owned(), Value::from(serial)));
                Outcome::Ok(serial.into_iter().collect())
            }
            409 if done => Outcome::AlreadyDone(Values::new()),
            _ => failure(response),
        }
    }

    fn sight(&self, ask: &Ask<'_>, response: &Response) -> Page {
        let Some(spec) = self.spec(ask.awf) else {
            return Page::Failed(Outcome::Invalid("no manifest".into()));
        };
        if response.status != 200 {
            return Page::Failed(failure(response));
        }
        let body = String::from_utf8_lossy(&response.body);
        let unclear = |detail: &str| {
            let doubt = Doubt { reason: Reason::Unexpected, detail: detail.to_owned(), since: 0 };
            Page::Over(Sighting { seen: Observation::Unknown(doubt), outputs: Values::new(), marker: None })
        };
        let mut found = None;
        let mut members = Vec::new();
        let text = |name: &str| ask.inputs.get(name).map(Value::to_string).unwrap_or_default();
        let sought = match spec.by {
            By::Address => String::new(),
            By::Serial => text("serial"),
            By::Marker => ask.key.to_string(),
            By::Member => text("member"),
        };
        for line in body.lines() {
            let mut parts = line.split('\t');
            let (Some(serial), Some(value), Some(marker)) = (parts.next(), parts.next(), parts.next()) else {
                return unclear("the answer is no list");
            };
            let it_is = match spec.by {
                By::Address => true,
                By::Serial => serial == sought,
                By::Marker => marker == sought,
                By::Member => {
                    members.push(Value::from(value));
                    value == sought
                }
            };
            if it_is && found.is_none() {
                found = Some((serial, value, marker));
            }
        }
        let members = (spec.by == By::Member).then(|| ("members".to_owned(), Value::List(members)));
        let mut outputs: Values = members.into_iter().collect();
        let (seen, marker) = match found {
            None => (Observation::Absent(lookup_proof(ask.awf)), None),
            Some((serial, value, marker)) => {
                outputs.insert("serial".into(), Value::from(serial));
                outputs.insert("value".into(), Value::from(value));
                let marker = Some(marker).filter(|marker| !marker.is_empty());
                (Observation::Present(Value::from(value)), marker.map(str::to_owned))
            }
        };
        Page::Over(Sighting { seen, outputs, marker })
    }

    fn reads(&self, _system: &str) -> Vec<ReadContract> {
        Vec::new()
    }

    fn render_read(&self, _config: &Values, read: &ReadAsk<'_>) -> Result<Request, Unrendered> {
        Err(Unrendered { what: read.read.to_owned(), why: "the model has no reads".into() })
    }

    fn page(&self, _config: &Values, _read: &ReadAsk<'_>, _response: &Response) -> ReadPage {
        ReadPage::Failed(Outcome::Invalid("the model has no reads".into()))
    }
}

/// The whole set with or without the member, from what the snapshot kept.
fn set_body(ask: &Ask<'_>, member: &str) -> Vec<u8> {
    let known = ask.snapshot.get("members").and_then(Value::as_list).unwrap_or(&[]);
    let mut members: Vec<String> =
        known.iter().map(Value::to_string).filter(|known| known != member).collect();
    if ask.awf.function == "add" {
        members.push(member.to_owned());
    }
    members.sort();
    members.iter().flat_map(|member| format!("{member},").into_bytes()).collect()
}

fn failure(response: &Response) -> Outcome {
    let why = String::from_utf8_lossy(&response.body).into_owned();
    match response.status {
        401 => Outcome::AuthExpired,
        403 => Outcome::Forbidden(why),
        404 => Outcome::Absent,
        409 => Outcome::Conflict(why),
        412 => Outcome::PreconditionFailed(why),
        429 => Outcome::RateLimited { retry_after_ms: why.parse().ok() },
        503 => Outcome::Transient(why),
        400..=499 => Outcome::Invalid(why),
        _ => Outcome::Unknown(why),
    }
}

/// An error before anything is executed.
pub fn refusal(status: u16, why: &str) -> Response {
    answer(status, why)
}
