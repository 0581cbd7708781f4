//! Intune through Microsoft Graph: device configurations, compliance policies, apps and managed devices under `/v1.0`.
//!
//! - No users or groups of Graph: a target's group is taken as it comes, as Intune itself takes it.
//! - `assign` replaces the whole set of assignments, and nothing guards it against another writer: Graph has no
//!   version for it.
//! - Assignments are read eventually, everything else strongly.
//!
//! An assignment's id is `{parent id}_{group id}`, so the same target keeps its id when the set is replaced.

use super::{Call, Refusal, Route, Run, System, route, routed};
use crate::auth::{self, Access, Credentials};
use crate::fixed::{COMPLIANCE_POLICIES, DEVICE_CONFIGURATIONS, MOBILE_APPS};
use crate::seed::World;
use crate::store::{Fresh, Shape, Tx};
use crate::throttle::Rate;
use crate::wire::{Reply, Request};
use crate::{clock, mint};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const TENANT: &str = "8d5c2c1e-6f0a-4b8e-9a3d-2f7b1e4c5d60";

const ROUTES: &[Route] = &[
    Route { method: "POST", path: "/{tenant}/oauth2/v2.0/token", run: Run::Token },
    route("GET", "/v1.0/deviceManagement/deviceConfigurations", list_configurations),
    route("GET", "/v1.0/deviceManagement/deviceConfigurations/{id}", get_configuration),
    route("GET", "/v1.0/deviceManagement/deviceConfigurations/{id}/assignments", configuration_assignments),
    route("POST", "/v1.0/deviceManagement/deviceConfigurations/{id}/assign", assign_configuration),
    route("GET", "/v1.0/deviceManagement/deviceCompliancePolicies", list_policies),
    route("GET", "/v1.0/deviceManagement/deviceCompliancePolicies/{id}/assignments", policy_assignments),
    route("POST", "/v1.0/deviceManagement/deviceCompliancePolicies/{id}/assign", assign_policy),
    route("GET", "/v1.0/deviceAppManagement/mobileApps", list_apps),
    route("GET", "/v1.0/deviceAppManagement/mobileApps/{id}/assignments", app_assignments),
    route("POST", "/v1.0/deviceAppManagement/mobileApps/{id}/assign", assign_app),
    route("GET", "/v1.0/deviceManagement/managedDevices", list_devices),
    route("GET", "/v1.0/deviceManagement/managedDevices/{id}", get_device),
    route("DELETE", "/v1.0/deviceManagement/managedDevices/{id}", delete_device),
    route("POST", "/v1.0/deviceManagement/managedDevices/{id}/{action}", act_on_device),
];

/// The largest page.
const PAGE_MAX: usize = 1_000;

/// Target types, and the member that tells two of a type apart.
const TARGETS: &[(&str, Option<&str>)] = &[
    ("#microsoft.graph.groupAssignmentTarget", Some("groupId")),
    ("#microsoft.graph.exclusionGroupAssignmentTarget", Some("groupId")),
    ("#microsoft.graph.configurationManagerCollectionAssignmentTarget", Some("collectionId")),
    ("#microsoft.graph.allLicensedUsersAssignmentTarget", None),
    ("#microsoft.graph.allDevicesAssignmentTarget", None),
];

/// What a device does when it is told, and the state that this leaves in `managementState`.
const ACTIONS: &[(&str, Option<&str>)] = &[
    ("syncDevice", None),
    ("remoteLock", None),
    ("rebootNow", None),
    ("locateDevice", None),
    ("resetPasscode", None),
    ("disableLostMode", None),
    ("retire", Some("retirePending")),
    ("wipe", Some("wipePending")),
];

/// The stand-in for Intune.
#[derive(Debug)]
pub(crate) struct Intune;

impl System for Intune {
    fn name(&self) -> &'static str {
        "intune"
    }

    fn shape(&self) -> Shape {
        Shape {
            volatile: &["createdDateTime", "lastModifiedDateTime", "lastSyncDateTime", "enrolledDateTime"],
            indexes: &[],
        }
    }

    fn base_path(&self) -> &'static str {
        "/v1.0"
    }

    fn credentials(&self, seed: u64) -> Credentials {
        Credentials::default()
            .with("client_id", mint::guid(mint::bytes(seed, "intune", "client_id", 0)))
            .with("client_secret", auth::secret(seed, "intune", "client_secret", 32))
    }

    fn describe(&self, base: &str) -> Value {
        json!({
            "base_url": format!("{base}/v1.0"), "tenant": TENANT,
            "token_url": format!("{base}/{TENANT}/oauth2/v2.0/token"),
            "scope": "https://graph.microsoft.com/.default",
        })
    }

    fn plant(&self, tx: &mut Tx<'_>, world: &World) {
        let at = clock::instant(tx.now_ms);
        for (name, id, kind) in DEVICE_CONFIGURATIONS {
            let object = json!({"@odata.type": kind, "id": id, "displayName": name, "description": "",
                "version": 1, "createdDateTime": at, "lastModifiedDateTime": at});
            tx.plant("configuration", id, object);
        }
        for (name, id) in COMPLIANCE_POLICIES {
            tx.plant(
                "policy",
                id,
                json!({"@odata.type": "#microsoft.graph.windows10CompliancePolicy", "id": id,
                "displayName": name, "createdDateTime": at, "lastModifiedDateTime": at}),
            );
        }
        for (name, id) in MOBILE_APPS {
            tx.plant(
                "app",
                id,
                json!({"@odata.type": "#microsoft.graph.win32LobApp", "id": id,
                "displayName": name, "publisher": "Acme", "createdDateTime": at, "lastModifiedDateTime": at}),
            );
        }
        for person in world.settled() {
            let id = mint::guid(tx.fresh("device"));
            let serial = mint::base36("PF", 10, tx.fresh("serial"));
            let object = json!({
                "id": id, "userPrincipalName": person.email(), "userDisplayName": person.name(),
                "deviceName": format!("ACME-{serial}"), "serialNumber": serial, "operatingSystem": "Windows",
                "osVersion": "10.0.26100.1", "complianceState": "compliant", "managementState": "managed",
                "managedDeviceOwnerType": "company", "isEncrypted": true, "model": "Latitude 7450",
                "manufacturer": "Dell Inc.", "enrolledDateTime": at, "lastSyncDateTime": at,
                "deviceActionResults": [],
            });
            tx.plant("device", &id, object);
        }
    }

    fn find<'a>(&self, request: &'a Request) -> Call<'a> {
        routed(ROUTES, request)
    }

    fn admit(&self, call: &Call<'_>, access: &Access, now_ms: u64) -> Result<(), Reply> {
        if auth::bearer(call.request, access, now_ms) {
            return Ok(());
        }
        let text = match call.request.header("authorization") {
            None => "Access token is empty.",
            Some(_) => "Lifetime validation failed, the token is expired.",
        };
        Err(error(401, "InvalidAuthenticationToken", text).with("WWW-Authenticate", "Bearer"))
    }

    fn token(&self, call: &Call<'_>, access: &mut Access, seed: u64, now_ms: u64) -> Reply {
        let form = call.request.form();
        let field = |name: &str| auth::field(&form, name);
        let refused = |status, code: &str, text: &str| {
            Reply::json(status, &json!({"error": code, "error_description": text, "error_codes": [status]}))
        };
        if call.param("tenant") != TENANT {
            return refused(400, "invalid_request", "AADSTS90002: Tenant not found.");
        }
        if field("grant_type") != "client_credentials" {
            return refused(
                400,
                "unsupported_grant_type",
                "AADSTS70003: The app requested an unsupported grant type.",
            );
        }
        if field("client_id") != access.credentials.get("client_id") {
            return refused(
                400,
                "unauthorized_client",
                "AADSTS700016: Application was not found in the directory.",
            );
        }
        if field("client_secret") != access.credentials.get("client_secret") {
            return refused(401, "invalid_client", "AADSTS7000215: Invalid client secret provided.");
        }
        if !field("scope").ends_with("/.default") {
            return refused(
                400,
                "invalid_scope",
                "AADSTS1002012: The provided value for scope is not valid.",
            );
        }
        let (token, life_s) = access.give(seed, "intune", now_ms);
        let body = json!({"token_type": "Bearer", "expires_in": life_s, "ext_expires_in": life_s, "access_token": token});
        Reply::json(200, &body)
    }

    fn unknown(&self, call: &Call<'_>, status: u16) -> Reply {
        match status {
            405 => error(405, "UnknownError", "The method is not allowed for the resource."),
            _ => error(
                400,
                "BadRequest",
                &format!("Resource not found for the segment '{}'.", call.request.path),
            ),
        }
    }

    fn rate(&self, _call: &Call<'_>) -> (String, Rate) {
        ("tenant".to_owned(), Rate { limit: 2_000, window_ms: 20_000 })
    }

    fn refuse(&self, refusal: &Refusal) -> Reply {
        match refusal {
            Refusal::Throttled { retry_after_s } => {
                error(429, "TooManyRequests", "Too many requests.").later(*retry_after_s)
            }
            Refusal::Status { status, retry_after_s } => {
                let text = "The service is temporarily unavailable.";
                error(*status, "ServiceUnavailable", text).later(*retry_after_s)
            }
            Refusal::Rejected => {
                error(400, "BadRequest", "The request is not valid for the policy of the tenant.")
            }
        }
    }
}

/// Graph's error envelope.
fn error(status: u16, code: &str, text: &str) -> Reply {
    let id = mint::guid(mint::bytes(0, "intune", text, u64::from(status)));
    let inner = json!({"date": clock::instant(clock::now_ms()), "request-id": id, "client-request-id": id});
    Reply::json(status, &json!({"error": {"code": code, "message": text, "innerError": inner}}))
}

fn absent(id: &str) -> Reply {
    error(404, "ResourceNotFound", &format!("Resource '{id}' does not exist."))
}

/// One page of a collection: `$filter`, `$select`, `$top` and `$skiptoken`.
fn page<'a>(call: &Call<'_>, all: impl Iterator<Item = &'a Value>) -> Reply {
    let mut kept = Vec::new();
    let filter = match call.request.asked("$filter").map(Filter::parse) {
        Some(Err(text)) => return error(400, "BadRequest", &text),
        Some(Ok(filter)) => Some(filter),
        None => None,
    };
    kept.extend(all.filter(|one| filter.as_ref().is_none_or(|filter| filter.fits(one))));
    let top = call.request.number("$top").filter(|top| *top > 0).unwrap_or(PAGE_MAX).min(PAGE_MAX);
    let skip = call.request.number("$skiptoken").or_else(|| call.request.number("$skip")).unwrap_or(0);
    let from = skip.min(kept.len());
    let shown = &kept[from..(from + top).min(kept.len())];
    let members: Option<Vec<&str>> =
        call.request.asked("$select").map(|text| text.split(',').map(str::trim).collect());
    let items: Vec<Value> = shown.iter().map(|one| selected(one, members.as_deref())).collect();
    let here = format!("{}{}", call.request.base, call.request.path);
    let mut body = json!({"@odata.context": format!("{}/v1.0/$metadata", call.request.base), "value": items});
    if from + shown.len() < kept.len() {
        let next = (from + shown.len()).to_string();
        body["@odata.nextLink"] =
            json!(format!("{here}?{}", call.request.query_with(&[("$skiptoken", &next)])));
    }
    Reply::json(200, &body)
}

fn selected(one: &Value, members: Option<&[&str]>) -> Value {
    let (Some(map), Some(members)) = (one.as_object(), members) else { return one.clone() };
    let kept = map.iter().filter(|(name, _)| members.contains(&name.as_str()) || *name == "id");
    Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>())
}

/// `member op 'value'`, one comparison.
struct Filter {
    member: String,
    op: String,
    value: String,
}

impl Filter {
    fn parse(text: &str) -> Result<Self, String> {
        let mut words = text.splitn(3, ' ');
        let mut next = || words.next().filter(|word| !word.is_empty()).map(str::to_owned);
        let (member, op, value) = (next(), next(), next());
        let (Some(member), Some(op), Some(value)) = (member, op, value) else {
            return Err("Invalid filter clause".to_owned());
        };
        if !["eq", "ne", "gt", "ge", "lt", "le"].contains(&op.as_str())
            || value.contains(" and ")
            || value.contains(" or ")
        {
            return Err("Invalid filter clause".to_owned());
        }
        Ok(Self { member, op, value: value.trim_matches('\'').to_owned() })
    }

    fn fits(&self, one: &Value) -> bool {
        let have = match &one[self.member.as_str()] {
            Value::String(text) => text.to_lowercase(),
            other => other.to_string(),
        };
        let order = have.cmp(&self.value.to_lowercase());
        match self.op.as_str() {
            "eq" => order.is_eq(),
            "ne" => order.is_ne(),
            "gt" => order.is_gt(),
            "ge" => order.is_ge(),
            "lt" => order.is_lt(),
            _ => order.is_le(),
        }
    }
}

fn list(call: &Call<'_>, tx: &Tx<'_>, kind: &str) -> Reply {
    page(call, tx.view(Fresh::Strong).all(kind).map(|(_, one)| one))
}

fn get(call: &Call<'_>, tx: &Tx<'_>, kind: &str) -> Reply {
    let id = call.param("id");
    tx.view(Fresh::Strong).get(kind, id).map_or_else(|| absent(id), |one| Reply::json(200, one))
}

fn assignments(call: &Call<'_>, tx: &Tx<'_>, kind: &str) -> Reply {
    let id = call.param("id");
    if tx.view(Fresh::Strong).get(kind, id).is_none() {
        return absent(id);
    }
    let own = tx.view(Fresh::Eventual).under(&format!("{kind}_assignment"), &format!("{id}/"));
    page(call, own.map(|(_, one)| one))
}

/// The key of a target within its parent, or what is wrong with it.
fn target_key(target: &Value) -> Result<String, String> {
    let kind = target["@odata.type"].as_str().unwrap_or_default();
    let Some((_, member)) = TARGETS.iter().find(|(name, _)| *name == kind) else {
        return Err(format!("'{kind}' is no type of assignment target."));
    };
    let Some(member) = member else { return Ok(kind.trim_start_matches("#microsoft.graph.").to_owned()) };
    let id = target[*member].as_str().unwrap_or_default();
    let is_guid = id.len() == 36 && id.split('-').map(str::len).eq([8, 4, 4, 4, 12]);
    match (*member, is_guid) {
        ("groupId", false) => Err(format!("'{id}' is no valid groupId.")),
        _ => Ok(id.to_owned()),
    }
}

/// Replaces the whole set of assignments of one parent; the answer is the new set.
fn assign(call: &Call<'_>, tx: &mut Tx<'_>, kind: &str, member: &str) -> Result<Vec<Value>, Reply> {
    let id = call.param("id");
    if tx.get(kind, id).is_none() {
        return Err(absent(id));
    }
    let body = call.request.json().unwrap_or_default();
    let Some(asked) = body[member].as_array() else {
        return Err(error(400, "ModelValidationFailure", &format!("The property '{member}' is required.")));
    };
    let mut wanted = BTreeMap::new();
    for one in asked {
        let key = target_key(&one["target"]).map_err(|text| error(400, "BadRequest", &text))?;
        let mut object = json!({"id": format!("{id}_{key}"), "target": one["target"]});
        for extra in ["intent", "settings"] {
            if !one[extra].is_null() {
                object[extra] = one[extra].clone();
            }
        }
        wanted.insert(format!("{id}/{key}"), object);
    }
    let table = format!("{kind}_assignment");
    let gone: Vec<String> = tx
        .truth()
        .under(&table, &format!("{id}/"))
        .filter(|(key, _)| !wanted.contains_key(*key))
        .map(|(key, _)| key.to_owned())
        .collect();
    for key in gone {
        tx.remove(&table, &key);
    }
    for (key, object) in &wanted {
        tx.put(&table, key, object.clone());
    }
    Ok(wanted.into_values().collect())
}

fn assigned(call: &Call<'_>, outcome: Result<Vec<Value>, Reply>) -> Reply {
    let context = format!("{}/v1.0/$metadata", call.request.base);
    outcome
        .map_or_else(|reply| reply, |set| Reply::json(200, &json!({"@odata.context": context, "value": set})))
}

fn list_configurations(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    list(call, tx, "configuration")
}

fn get_configuration(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    get(call, tx, "configuration")
}

fn configuration_assignments(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    assignments(call, tx, "configuration")
}

fn assign_configuration(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let outcome = assign(call, tx, "configuration", "assignments");
    assigned(call, outcome)
}

fn list_policies(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    list(call, tx, "policy")
}

fn policy_assignments(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    assignments(call, tx, "policy")
}

fn assign_policy(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let outcome = assign(call, tx, "policy", "assignments");
    assigned(call, outcome)
}

fn list_apps(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    list(call, tx, "app")
}

fn app_assignments(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    assignments(call, tx, "app")
}

fn assign_app(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    assign(call, tx, "app", "mobileAppAssignments").map_or_else(|reply| reply, |_| Reply::empty(204))
}

fn list_devices(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    list(call, tx, "device")
}

fn get_device(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    get(call, tx, "device")
}

fn delete_device(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let id = call.param("id");
    if tx.remove("device", id) { Reply::empty(204) } else { absent(id) }
}

fn act_on_device(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let id = call.param("id");
    let Some(mut device) = tx.get("device", id).cloned() else { return absent(id) };
    let Some((action, state)) = ACTIONS.iter().find(|(action, _)| *action == call.param("action")) else {
        return error(
            400,
            "BadRequest",
            &format!("Resource not found for the segment '{}'.", call.param("action")),
        );
    };
    if let Some(state) = state {
        device["managementState"] = json!(state);
    }
    let at = clock::instant(tx.now_ms);
    if let Some(results) = device["deviceActionResults"].as_array_mut() {
        results.retain(|one| one["actionName"] != *action);
        results.push(json!({
            "actionName": action, "actionState": "pending", "startDateTime": at, "lastUpdatedDateTime": at,
        }));
    }
    device["lastSyncDateTime"] = json!(at);
    tx.put("device", id, device);
    Reply::empty(204)
}
