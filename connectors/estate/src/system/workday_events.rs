//! Business processes that end work: entering, rescinding and reading their events.
//!
//! - No event is ever deleted: a rescinded one stays and says so.
//! - A worker has at most one end that holds.

use super::Call;
use super::workday::{asked, ids, invalid, invalid_id, refer, response, worker_of};
use crate::clock;
use crate::mint;
use crate::soap::{Element, Xml};
use crate::store::{Fresh, Tx};
use crate::wire::Reply;
use serde_json::{Value, json};

const DONE: &str = "Successfully Completed";
const RESCINDED: &str = "Rescinded";
const CANCELED: &str = "Canceled";

/// How one of the two ending processes names its elements.
struct Ending {
    process: &'static str,
    data: &'static str,
    worker: &'static str,
    id_type: &'static str,
    date: &'static str,
    detail: &'static str,
    response: &'static str,
}

/// `End_Contingent_Worker_Contract`.
pub(super) fn end_contract(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let names = Ending {
        process: "End Contingent Worker Contract",
        data: "End_Contingent_Worker_Contract_Data",
        worker: "Contingent_Worker_Reference",
        id_type: "Contingent_Worker_ID",
        date: "Contract_End_Date",
        detail: "End_Contract_Event_Data",
        response: "End_Contingent_Worker_Contract_Response",
    };
    end(call, tx, &names)
}

/// `Terminate_Employee`.
pub(super) fn terminate(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let names = Ending {
        process: "Terminate Employee",
        data: "Terminate_Employee_Data",
        worker: "Employee_Reference",
        id_type: "Employee_ID",
        date: "Termination_Date",
        detail: "Terminate_Event_Data",
        response: "Terminate_Employee_Event_Response",
    };
    end(call, tx, &names)
}

fn end(call: &Call<'_>, tx: &mut Tx<'_>, names: &Ending) -> Reply {
    let request = asked(call);
    let nothing = Element::default();
    let data = request.child(names.data).unwrap_or(&nothing);
    let (wid, mut worker) = match worker_of(tx.truth(), data.child(names.worker).unwrap_or(&nothing)) {
        Ok((wid, worker)) => (wid.to_owned(), worker.clone()),
        Err((kind, id)) => return invalid_id(&kind, &id),
    };
    if worker["id_type"] != names.id_type {
        return invalid(&format!("The worker is not valid for {}.", names.process));
    }
    let Some(day) = data.text_at(names.date).and_then(clock::day) else {
        return invalid(&format!("Element Content '{}' is required and must be a date.", names.date));
    };
    let reason = data.at(&format!("{}/Primary_Reason_Reference", names.detail));
    let Some((_, reason)) = reason.and_then(|reason| ids(reason).find(|(_, id)| !id.is_empty())) else {
        return invalid("Element Content 'Primary_Reason_Reference' is required.");
    };
    if worker["start"].as_str().is_some_and(|start| day.as_str() < start) {
        return invalid(&format!("{} must not be before the start of the contract.", names.date));
    }
    if !worker["end"].is_null() {
        return invalid(&format!(
            "The worker already has an end event in effect for {}.",
            worker["end"]["date"]
        ));
    }
    let last_day = data.text_at(&format!("{}/Last_Day_of_Work", names.detail)).and_then(clock::day);
    let comment = request.text_at("Business_Process_Parameters/Comment_Data/Comment");
    let event = mint_event(tx);
    let object = json!({
        "wid": event, "type": names.process, "worker": wid, "state": DONE, "effective": day, "reason": reason,
        "comments": comment.into_iter().collect::<Vec<_>>(), "moment": tx.now_ms,
    });
    let last_day = last_day.unwrap_or_else(|| day.clone());
    worker["end"] = json!({"event": event, "date": day, "reason": reason, "last_day": last_day});
    worker["updated"] = json!(tx.now_ms);
    tx.put("event", &event, object);
    tx.put("worker", &wid, worker);
    let mut xml = Xml::default();
    xml.reference("Event_Reference", Some(names.process), &[("WID", &event)]);
    response(call, names.response, xml)
}

fn mint_event(tx: &mut Tx<'_>) -> String {
    let ordinal = tx.next("event");
    mint::hex32(tx.seed(), "workday", "event", ordinal)
}

/// The event that a request names by WID: its WID and object.
fn named(tx: &Tx<'_>, request: &Element) -> Result<(String, Value), Reply> {
    let reference = request.child("Event_Reference");
    let (kind, id) = reference.and_then(|reference| ids(reference).next()).unwrap_or(("WID", ""));
    match tx.get("event", id) {
        Some(event) if kind == "WID" => Ok((id.to_owned(), event.clone())),
        _ => Err(invalid_id(kind, id)),
    }
}

/// `Rescind_Business_Process`.
pub(super) fn rescind(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let request = asked(call);
    let (wid, mut event) = match named(tx, request) {
        Ok(found) => found,
        Err(reply) => return reply,
    };
    if event["state"] == RESCINDED {
        return invalid("The business process has already been rescinded.");
    }
    if event["state"] != DONE {
        return invalid("Only a business process that is completed can be rescinded.");
    }
    close(&mut event, RESCINDED, request.text_at("Rescind_Business_Process_Data/Comment"), tx.now_ms);
    let worker = event["worker"].as_str().unwrap_or_default().to_owned();
    restore(&event, &worker, tx);
    tx.put("event", &wid, event);
    if let Some(mut object) = tx.get("worker", &worker).cloned()
        && object["end"]["event"] == wid.as_str()
    {
        object["end"] = Value::Null;
        object["updated"] = json!(tx.now_ms);
        tx.put("worker", &worker, object);
    }
    let mut xml = Xml::default();
    xml.reference("Event_Reference", None, &[("WID", &wid)]);
    response(call, "Rescind_Business_Process_Response", xml)
}

fn close(event: &mut Value, state: &str, comment: Option<&str>, now_ms: u64) {
    event["state"] = json!(state);
    event["closed"] = json!(now_ms);
    if let Some(members) = event.as_object_mut() {
        members.remove("open");
    }
    if let (Some(comment), Some(comments)) = (comment, event["comments"].as_array_mut()) {
        comments.push(json!(comment));
    }
}

/// Takes back what an event did to its worker: it made it (`made`), or it set members that said something else before
/// (`restores`; the empty text is nothing).
fn restore(event: &Value, worker: &str, tx: &mut Tx<'_>) {
    if event["made"] == "worker" {
        tx.remove("worker", worker);
        return;
    }
    let (Some(old), Some(mut object)) = (event["restores"].as_object(), tx.get("worker", worker).cloned())
    else {
        return;
    };
    for (name, value) in old {
        if value == "" {
            object.as_object_mut().map(|members| members.remove(name));
        } else {
            object[name] = value.clone();
        }
    }
    tx.put("worker", worker, object);
}

/// `Cancel_Business_Process`: of an event that is `open`.
pub(super) fn cancel(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let request = asked(call);
    let (wid, mut event) = match named(tx, request) {
        Ok(found) => found,
        Err(reply) => return reply,
    };
    if event["open"].is_null() {
        return invalid("Only a business process that is in progress can be canceled.");
    }
    close(&mut event, CANCELED, request.text_at("Cancel_Business_Process_Data/Comment"), tx.now_ms);
    tx.put("event", &wid, event);
    let mut xml = Xml::default();
    xml.reference("Event_Reference", None, &[("WID", &wid)]);
    response(call, "Cancel_Business_Process_Response", xml)
}

/// `Get_Event_Detail`, whose request element is `Get_Event_Details_Request`.
pub(super) fn get_event_details(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let view = tx.view(Fresh::Strong);
    let references = asked(call).child("Request_References");
    let wanted: Vec<(&str, &str)> = references
        .into_iter()
        .flat_map(|all| all.all("Event_Reference"))
        .filter_map(|reference| ids(reference).next())
        .collect();
    if wanted.is_empty() {
        return invalid("Element Content 'Event_Reference' is required.");
    }
    if let Some((kind, id)) =
        wanted.iter().find(|(kind, id)| *kind != "WID" || view.get("event", id).is_none())
    {
        return invalid_id(kind, id);
    }
    let mut xml = Xml::default();
    xml.block("Response_Results", |xml| {
        for (name, value) in
            [("Total_Results", wanted.len()), ("Total_Pages", 1), ("Page_Results", wanted.len()), ("Page", 1)]
        {
            xml.leaf(name, &value.to_string());
        }
    });
    xml.block("Response_Data", |xml| {
        for (_, wid) in &wanted {
            if let Some(event) = view.get("event", wid) {
                let worker = event["worker"].as_str().and_then(|worker| view.get("worker", worker));
                xml.block("Event", |xml| write_event(xml, wid, event, worker));
            }
        }
    });
    response(call, "Get_Event_Details_Response", xml)
}

fn write_event(xml: &mut Xml, wid: &str, event: &Value, worker: Option<&Value>) {
    let text = |member: &str| event[member].as_str().unwrap_or_default();
    let moment = clock::instant(event["moment"].as_u64().unwrap_or(0));
    xml.reference("Event_Reference", Some(text("type")), &[("WID", wid)]);
    xml.block("Event_Detail_Data", |xml| {
        xml.leaf("Creation_Date", &moment);
        xml.leaf("Completed_Date", &moment);
        let state = mint::hex32(0, "workday", text("state"), 0);
        xml.reference("Event_State_Reference", Some(text("state")), &[("WID", &state)]);
        if let Some(worker) = worker {
            refer(xml, "Event_Target_Reference", worker);
        }
        for comment in event["comments"].as_array().into_iter().flatten() {
            xml.block("Process_History_Data", |xml| {
                xml.leaf("Comment", comment.as_str().unwrap_or_default());
            });
        }
    });
}
