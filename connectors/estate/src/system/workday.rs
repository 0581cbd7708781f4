//! Workday: SOAP services `Human_Resources`, `Staffing` and `Integrations` under `/ccx/service/{tenant}/{service}/{version}`.
//!
//! - No reports-as-a-service, and no business process that waits for an approver unless it is made so from outside (`open`).
//! - Services that are not here, and REST, are described in `worlds/workday.wire`.
//! - Read after write is strong, as Workday's is.
//!
//! Where the end of a contract is found: the end that the contract *intends* is `Employment_Data/Worker_Contract_Data/
//! Contract_End_Date`; it is there from the beginning, and no event stands behind it. The end that has been *entered*
//! (`End_Contingent_Worker_Contract`, or `Terminate_Employee` for employees) is `Employment_Data/Worker_Status_Data/
//! End_Employment_Date` and `.../Position_Data/End_Employment_Date`; both are absent until the event exists and after
//! it was rescinded. With `Include_Transaction_Log_Data` a worker carries one `Transaction_Log_Entry` for each event;
//! its `Transaction_Log_Reference/ID[@type=WID]` is the WID of the event (the real service has a log entry of its own
//! there), and `Is_Rescind_Or_Rescinded` is `1` once the event was rescinded. The comment of a process is in
//! `Get_Event_Details_Response/Response_Data/Event/Event_Detail_Data/Process_History_Data/Comment`.
//! Event states, as `Event_State_Reference/@Descriptor`: `In Progress`, `Successfully Completed`, `Canceled`, `Rescinded`.

use super::{Call, Handler, Refusal, Run, System, workday_events as events, workday_workers as workers};
use crate::auth::{self, Access, Credentials};
use crate::clock;
use crate::fixed::DEPARTMENTS;
use crate::mint;
use crate::seed::{Bond, Person, World};
use crate::soap::{self, Element, Xml};
use crate::store::{Shape, Tx, View};
use crate::throttle::Rate;
use crate::wire::{Reply, Request, fits};
use serde_json::{Value, json};

const TENANT: &str = "acme";
const VERSION: &str = "v31.2";
const USERNAME: &str = "ISU_XOPS";
const TOKEN_PATH: &str = "/ccx/oauth2/{tenant}/token";
const PATH: &str = "/ccx/service/{tenant}/{service}/{version}";

/// Request element, services that know it, name of the operation, handler.
const OPERATIONS: &[(&str, &[&str], &str, Handler)] = &[
    ("Get_Workers_Request", &["Human_Resources", "Staffing"], "Get_Workers", workers::get_workers),
    ("Get_Organizations_Request", &["Human_Resources"], "Get_Organizations", workers::get_organizations),
    (
        "End_Contingent_Worker_Contract_Request",
        &["Staffing"],
        "End_Contingent_Worker_Contract",
        events::end_contract,
    ),
    ("Terminate_Employee_Request", &["Staffing"], "Terminate_Employee", events::terminate),
    ("Rescind_Business_Process_Request", &["Integrations"], "Rescind_Business_Process", events::rescind),
    ("Cancel_Business_Process_Request", &["Integrations"], "Cancel_Business_Process", events::cancel),
    ("Get_Event_Details_Request", &["Integrations"], "Get_Event_Detail", events::get_event_details),
];

/// The stand-in for Workday.
#[derive(Debug)]
pub(crate) struct Workday;

impl System for Workday {
    fn name(&self) -> &'static str {
        "workday"
    }

    fn shape(&self) -> Shape {
        Shape {
            volatile: &["moment", "updated", "closed"],
            indexes: &[("worker", "/worker_id"), ("event", "/worker")],
        }
    }

    fn credentials(&self, seed: u64) -> Credentials {
        Credentials::default()
            .with("username", format!("{USERNAME}@{TENANT}"))
            .with("password", auth::secret(seed, "workday", "password", 20))
            .with("client_id", mint::hex32(seed, "workday", "client_id", 0))
            .with("client_secret", auth::secret(seed, "workday", "client_secret", 32))
            .with("refresh_token", auth::secret(seed, "workday", "refresh_token", 32))
    }

    fn describe(&self, base: &str) -> Value {
        let token_url = format!("{base}{}", TOKEN_PATH.replace("{tenant}", TENANT));
        json!({"base_url": base, "tenant": TENANT, "version": VERSION, "token_url": token_url})
    }

    fn plant(&self, tx: &mut Tx<'_>, world: &World) {
        for one in DEPARTMENTS {
            for (id, name, kind) in [
                (one.organization_id, one.name.to_owned(), "SUPERVISORY"),
                (one.cost_center, format!("{} {}", one.cost_center, one.name), "COST_CENTER"),
            ] {
                let wid = mint::hex32(0, "workday", "organization", u64::from(number_of(id)));
                tx.plant("organization", id, json!({"wid": wid, "id": id, "name": name, "type": kind}));
            }
        }
        for person in &world.people {
            let ordinal = tx.next("worker");
            let wid = mint::hex32(tx.seed(), "workday", "worker", ordinal);
            let object = worker(&wid, person);
            tx.plant("worker", &wid, object);
        }
    }

    fn find<'a>(&self, request: &'a Request) -> Call<'a> {
        let unknown = |operation: &str, status| Call {
            request,
            operation: operation.to_owned(),
            params: Vec::new(),
            document: None,
            run: Run::Unknown(status),
        };
        if let Some(params) = fits(TOKEN_PATH, &request.path).filter(|_| request.method == "POST") {
            let operation = format!("POST {TOKEN_PATH}");
            return Call { request, operation, params, document: None, run: Run::Token };
        }
        let Some(params) = fits(PATH, &request.path) else { return unknown("unknown", 404) };
        if request.method != "POST" {
            return unknown("unknown", 405);
        }
        let parsed = std::str::from_utf8(&request.body).ok().and_then(|text| soap::parse(text).ok());
        let Some(document) = parsed else { return unknown("unreadable", 400) };
        let element =
            document.child("Body").and_then(|body| body.children.first()).map(|one| one.name.clone());
        let service = params.iter().find(|(name, _)| name == "service").map_or("", |(_, value)| value);
        let found = OPERATIONS.iter().find(|(request, services, ..)| {
            element.as_deref() == Some(*request) && services.contains(&service)
        });
        let Some((_, _, name, handler)) = found else {
            return unknown(element.as_deref().unwrap_or("unknown"), 400);
        };
        Call {
            request,
            operation: (*name).to_owned(),
            params,
            document: Some(document),
            run: Run::Do(*handler),
        }
    }

    fn token(&self, call: &Call<'_>, access: &mut Access, seed: u64, now_ms: u64) -> Reply {
        let (form, known) = (call.request.form(), &access.credentials);
        let (id, secret) = (known.get("client_id"), known.get("client_secret"));
        let in_form = auth::field(&form, "client_id") == id && auth::field(&form, "client_secret") == secret;
        let is_known = (in_form || auth::basic(call.request, id, secret))
            && auth::field(&form, "refresh_token") == known.get("refresh_token");
        if auth::field(&form, "grant_type") != "refresh_token" || !is_known || call.param("tenant") != TENANT
        {
            return Reply::json(400, &json!({"error": "invalid_grant"}));
        }
        let (token, life_s) = access.give(seed, "workday", now_ms);
        Reply::json(200, &json!({"access_token": token, "token_type": "Bearer", "expires_in": life_s}))
    }

    fn admit(&self, call: &Call<'_>, access: &Access, now_ms: u64) -> Result<(), Reply> {
        if call.document.is_none() {
            let refused = Reply::json(401, &json!({"error": "invalid token"}));
            return if auth::bearer(call.request, access, now_ms) { Ok(()) } else { Err(refused) };
        }
        let token = call.document.as_ref().and_then(|all| all.at("Header/Security/UsernameToken"));
        let text = |name: &str| token.and_then(|token| token.text_at(name)).unwrap_or_default();
        let credentials = &access.credentials;
        let is_known = text("Username") == credentials.get("username")
            && text("Password") == credentials.get("password");
        if is_known && call.param("tenant") == TENANT {
            return Ok(());
        }
        let code = "Client.authenticationError";
        Err(Reply::xml(500, soap::fault(code, "invalid username or password", Some("Processing_Fault"))))
    }

    fn unknown(&self, _call: &Call<'_>, status: u16) -> Reply {
        match status {
            400 => Reply::xml(
                500,
                soap::fault(
                    "Client.processingError",
                    "Processing error occurred. The task submitted is not authorized or does not exist.",
                    Some("Processing_Fault"),
                ),
            ),
            other => Reply::empty(other),
        }
    }

    fn rate(&self, _call: &Call<'_>) -> (String, Rate) {
        // Workday publishes no limit for SOAP.
        ("all".to_owned(), Rate { limit: u64::MAX, window_ms: 60_000 })
    }

    fn refuse(&self, refusal: &Refusal) -> Reply {
        let server = |status, text, wait: Option<u64>| {
            let fault = soap::fault("Server.processingError", text, Some("Processing_Fault"));
            Reply::xml(status, fault).later(wait)
        };
        match refusal {
            Refusal::Throttled { retry_after_s } => server(429, "too many requests", *retry_after_s),
            Refusal::Status { status, retry_after_s } => {
                server(*status, "Processing error occurred. Service temporarily unavailable.", *retry_after_s)
            }
            Refusal::Rejected => {
                invalid("The action is not valid for the worker by a condition rule of the business process.")
            }
        }
    }
}

/// A small stable number for a reference id, so that organisations have the same WID under every seed.
fn number_of(id: &str) -> u32 {
    id.bytes().fold(0, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)))
}

fn worker(wid: &str, person: &Person) -> Value {
    json!({
        "wid": wid,
        "worker_id": person.worker_id,
        "id_type": if person.bond == Bond::Employee { "Employee_ID" } else { "Contingent_Worker_ID" },
        "first": person.first, "last": person.last,
        "user": person.login, "email": person.email(),
        "title": person.title, "position": format!("P-{}", person.worker_id),
        "organization": person.department.organization_id,
        "department": person.department.name,
        "cost_center": person.department.cost_center,
        "location": person.location, "country": person.country,
        "start": person.start, "intended_end": person.intended_end,
        "end": Value::Null, "updated": 0,
    })
}

/// The request element; the routing guarantees that it is there.
pub(super) fn asked<'a>(call: &'a Call<'_>) -> &'a Element {
    static NOTHING: Element =
        Element { name: String::new(), attributes: Vec::new(), children: Vec::new(), text: String::new() };
    let body = call.document.as_ref().and_then(|all| all.child("Body"));
    body.and_then(|body| body.children.first()).unwrap_or(&NOTHING)
}

/// A response in the version of the call.
pub(super) fn response(call: &Call<'_>, name: &str, xml: Xml) -> Reply {
    Reply::xml(200, xml.response(name, call.param("version")))
}

/// Refuses by a rule of the business.
pub(super) fn invalid(text: &str) -> Reply {
    let text = format!("Validation error occurred. {text}");
    Reply::xml(500, soap::fault("Client.validationError", &text, Some("Validation_Fault")))
}

/// What Workday says of an id that it does not know.
pub(super) fn invalid_id(kind: &str, id: &str) -> Reply {
    invalid(&format!("Invalid ID value.  '{id}' is not a valid ID value for type = '{kind}'"))
}

/// Type and id of every `ID` of a reference.
pub(super) fn ids(reference: &Element) -> impl Iterator<Item = (&str, &str)> {
    reference.all("ID").map(|one| (one.attribute("type").unwrap_or_default(), one.text.trim()))
}

/// The worker that a reference names: WID and object.
pub(super) fn worker_of<'a>(
    view: View<'a>,
    reference: &Element,
) -> Result<(&'a str, &'a Value), (String, String)> {
    let mut last = (String::from("WID"), String::new());
    for (kind, id) in ids(reference) {
        let found = match kind {
            "WID" => view.get("worker", id).and_then(|one| Some((one["wid"].as_str()?, one))),
            _ => view.with("worker", "/worker_id", id).into_iter().find(|(_, one)| one["id_type"] == kind),
        };
        if let Some(found) = found {
            return Ok(found);
        }
        last = (kind.to_owned(), id.to_owned());
    }
    Err(last)
}

/// Whether a worker works here on the day of `now_ms`.
pub(super) fn is_active(worker: &Value, now_ms: u64) -> bool {
    worker["end"]["date"].as_str().is_none_or(|end| end >= clock::date(now_ms).as_str())
}

/// Writes a reference to a worker.
pub(super) fn refer(xml: &mut Xml, name: &str, worker: &Value) {
    let text = |member: &str| worker[member].as_str().unwrap_or_default();
    let full = format!("{} {}", text("first"), text("last"));
    xml.reference(name, Some(&full), &[("WID", text("wid")), (text("id_type"), text("worker_id"))]);
}
