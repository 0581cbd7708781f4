//! Reading workers and organisations: `Get_Workers` and `Get_Organizations`.
//!
//! - No compensation, benefits, roles or photos: response groups that ask for them get nothing.
//! - Pages hold at most [`COUNT_MAX`] and are ordered by WID.

use super::Call;
use super::workday::{asked, ids, invalid, invalid_id, is_active, refer, response, worker_of};
use crate::clock;
use crate::soap::{Element, Xml};
use crate::store::{Fresh, Tx, View};
use crate::wire::Reply;
use serde_json::Value;

/// The largest page.
const COUNT_MAX: usize = 999;
/// The page size when none is asked for.
const COUNT: usize = 100;

/// Which parts of a worker are asked for.
struct Group<'a>(Option<&'a Element>);

impl Group<'_> {
    /// Without a response group, the parts that Workday gives unasked.
    fn has(&self, part: &str) -> bool {
        let usual = ["Include_Reference", "Include_Personal_Information", "Include_Employment_Information"];
        self.0.map_or_else(|| usual.contains(&part), |asked| asked.is_true(part))
    }
}

/// A page of a list: from, count, and the number of the page.
struct Page {
    number: usize,
    count: usize,
}

impl Page {
    fn of(request: &Element) -> Result<Self, Reply> {
        let filter = request.child("Response_Filter");
        let number = |name: &str, usual: usize| match filter.and_then(|filter| filter.text_at(name)) {
            None => Ok(usual),
            Some(text) => {
                text.parse().map_err(|_| invalid(&format!("'{text}' is not a valid value for {name}.")))
            }
        };
        let page = Self { number: number("Page", 1)?, count: number("Count", COUNT)? };
        if page.number == 0 || page.count == 0 || page.count > COUNT_MAX {
            return Err(invalid(&format!("Page must be at least 1 and Count between 1 and {COUNT_MAX}.")));
        }
        Ok(page)
    }

    fn cut<'a, T>(&self, all: &'a [T]) -> &'a [T] {
        let from = (self.number - 1).saturating_mul(self.count).min(all.len());
        &all[from..(from + self.count).min(all.len())]
    }

    fn results(&self, xml: &mut Xml, total: usize, shown: usize) {
        xml.block("Response_Results", |xml| {
            xml.leaf("Total_Results", &total.to_string());
            xml.leaf("Total_Pages", &total.div_ceil(self.count).to_string());
            xml.leaf("Page_Results", &shown.to_string());
            xml.leaf("Page", &self.number.to_string());
        });
    }
}

/// `Get_Workers`.
pub(super) fn get_workers(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let request = asked(call);
    let view = tx.view(Fresh::Strong);
    let page = match Page::of(request) {
        Ok(page) => page,
        Err(reply) => return reply,
    };
    let mut missing = Vec::new();
    let chosen = if let Some(references) = request.child("Request_References") {
        match referred(view, references, &mut missing) {
            Ok(chosen) => chosen,
            Err(reply) => return reply,
        }
    } else {
        let criteria = request.child("Request_Criteria");
        let fits =
            |worker: &Value| criteria.is_none_or(|criteria| chosen_by(criteria, worker, tx.now_ms, view));
        view.all("worker").map(|(_, worker)| worker).filter(|worker| fits(worker)).collect()
    };
    let shown = page.cut(&chosen);
    let group = Group(request.child("Response_Group"));
    let mut xml = Xml::default();
    page.results(&mut xml, chosen.len(), shown.len());
    xml.block("Response_Data", |xml| {
        for worker in shown {
            xml.block("Worker", |xml| write_worker(xml, worker, &group, view, tx.now_ms));
        }
    });
    if !missing.is_empty() {
        xml.block("Invalid_Reference_ID_Response", |xml| {
            for (kind, id) in &missing {
                xml.block("Invalid_Reference", |xml| {
                    xml.leaf("Invalid_Reference_ID", id);
                    xml.leaf("Invalid_Reference_ID_Type", kind);
                });
            }
        });
    }
    response(call, "Get_Workers_Response", xml)
}

fn referred<'a>(
    view: View<'a>,
    references: &Element,
    missing: &mut Vec<(String, String)>,
) -> Result<Vec<&'a Value>, Reply> {
    let lenient = |name: &str| matches!(references.attribute(name), Some("1" | "true"));
    let is_lenient = lenient("Ignore_Invalid_References") || lenient("Skip_Non_Existing_Instances");
    let mut chosen = Vec::new();
    for reference in references.all("Worker_Reference") {
        match worker_of(view, reference) {
            Ok((_, worker)) => chosen.push(worker),
            Err(unknown) if is_lenient => missing.push(unknown),
            Err((kind, id)) => return Err(invalid_id(&kind, &id)),
        }
    }
    Ok(chosen)
}

fn chosen_by(criteria: &Element, worker: &Value, now_ms: u64, view: View<'_>) -> bool {
    let is_contingent = worker["id_type"] == "Contingent_Worker_ID";
    if (criteria.is_true("Exclude_Contingent_Workers") && is_contingent)
        || (criteria.is_true("Exclude_Employees") && !is_contingent)
        || (criteria.is_true("Exclude_Inactive_Workers") && !is_active(worker, now_ms))
    {
        return false;
    }
    let organizations: Vec<&str> =
        criteria.all("Organization_Reference").flat_map(ids).map(|(_, id)| id).collect();
    let in_one = |id: &&str| worker["organization"] == **id || worker["cost_center"] == **id;
    if !organizations.is_empty() && !organizations.iter().any(in_one) {
        return false;
    }
    if let Some(event) = criteria.child("Event_Reference") {
        let wid = worker["wid"].as_str();
        let about = |id: &str| view.get("event", id).is_some_and(|event| event["worker"].as_str() == wid);
        if !ids(event).any(|(_, id)| about(id)) {
            return false;
        }
    }
    let updated = worker["updated"].as_u64().unwrap_or(0);
    criteria.all("Transaction_Log_Criteria_Data").all(|one| {
        let bound =
            |name: &str| one.text_at(&format!("Transaction_Date_Range_Data/{name}")).and_then(clock::parse);
        bound("Updated_From").is_none_or(|from| updated >= from)
            && bound("Updated_Through").is_none_or(|through| updated <= through)
    })
}

fn write_worker(xml: &mut Xml, worker: &Value, group: &Group<'_>, view: View<'_>, now_ms: u64) {
    let text = |member: &str| worker[member].as_str().unwrap_or_default();
    if group.has("Include_Reference") {
        refer(xml, "Worker_Reference", worker);
    }
    xml.leaf("Worker_Descriptor", &format!("{} {}", text("first"), text("last")));
    xml.block("Worker_Data", |xml| {
        xml.leaf("Worker_ID", text("worker_id"));
        xml.leaf("User_ID", text("user"));
        if group.has("Include_Personal_Information") {
            write_person(xml, worker);
        }
        if group.has("Include_Employment_Information") {
            xml.block("Employment_Data", |xml| write_employment(xml, worker, now_ms));
        }
        if group.has("Include_Organizations") {
            xml.block("Organization_Data", |xml| {
                for id in [text("organization"), text("cost_center")] {
                    write_membership(xml, id, view.get("organization", id));
                }
            });
        }
        if group.has("Include_Transaction_Log_Data") {
            xml.block("Transaction_Log_Entry_Data", |xml| write_transactions(xml, text("wid"), view));
        }
    });
}

fn write_person(xml: &mut Xml, worker: &Value) {
    let text = |member: &str| worker[member].as_str().unwrap_or_default();
    xml.block("Personal_Data", |xml| {
        xml.block("Name_Data", |xml| {
            for name in ["Legal_Name_Data", "Preferred_Name_Data"] {
                xml.block(name, |xml| {
                    xml.block("Name_Detail_Data", |xml| {
                        xml.reference(
                            "Country_Reference",
                            None,
                            &[("ISO_3166-1_Alpha-2_Code", text("country"))],
                        );
                        xml.leaf("First_Name", text("first"));
                        if !text("middle").is_empty() {
                            xml.leaf("Middle_Name", text("middle"));
                        }
                        xml.leaf("Last_Name", text("last"));
                    });
                });
            }
        });
        xml.block("Contact_Data", |xml| {
            if text("email").is_empty() {
                return;
            }
            xml.block("Email_Address_Data", |xml| {
                xml.leaf("Email_Address", text("email"));
                xml.reference("Email_Reference", None, &[("WID", &format!("email-{}", text("wid")))]);
                xml.block("Usage_Data", |xml| {
                    xml.marked("Type_Data", ("Primary", "1"), |xml| {
                        xml.reference(
                            "Type_Reference",
                            Some("Work"),
                            &[("Communication_Usage_Type_ID", "WORK")],
                        );
                    });
                });
            });
        });
    });
}

fn write_employment(xml: &mut Xml, worker: &Value, now_ms: u64) {
    let text = |member: &str| worker[member].as_str().unwrap_or_default();
    let end = worker["end"]["date"].as_str();
    let is_contingent = worker["id_type"] == "Contingent_Worker_ID";
    xml.marked("Worker_Job_Data", ("Primary_Job", "1"), |xml| {
        xml.block("Position_Data", |xml| {
            xml.reference("Position_Reference", Some(text("title")), &[("Position_ID", text("position"))]);
            xml.leaf("Position_ID", text("position"));
            xml.leaf("Position_Title", text("title"));
            xml.leaf("Business_Title", worker["business_title"].as_str().unwrap_or(text("title")));
            xml.leaf("Start_Date", text("start"));
            if let Some(end) = end {
                xml.leaf("End_Employment_Date", end);
            }
            let kind = if is_contingent {
                ("Contingent_Worker_Type_ID", "Contractor")
            } else {
                ("Employee_Type_ID", "Regular")
            };
            xml.reference("Worker_Type_Reference", Some(kind.1), &[kind]);
            if !text("work_space").is_empty() {
                xml.reference("Work_Space__Reference", None, &[("Location_ID", text("work_space"))]);
            }
            xml.block("Business_Site_Summary_Data", |xml| {
                xml.reference(
                    "Location_Reference",
                    Some(text("location")),
                    &[("Location_ID", text("location"))],
                );
                xml.leaf("Name", text("location"));
                xml.block("Address_Data", |xml| {
                    xml.reference("Country_Reference", None, &[("ISO_3166-1_Alpha-2_Code", text("country"))]);
                });
            });
        });
    });
    xml.block("Worker_Status_Data", |xml| {
        let active = is_active(worker, now_ms);
        xml.flag("Active", active);
        xml.leaf("Active_Status_Date", text("start"));
        xml.leaf("Hire_Date", text("start"));
        xml.leaf("Original_Hire_Date", text("start"));
        if let Some(end) = end {
            xml.leaf("End_Employment_Date", end);
        }
        xml.leaf("First_Day_of_Work", text("start"));
        xml.flag("Terminated", !active);
        if let Some(end) = end.filter(|_| !active) {
            xml.leaf("Termination_Date", end);
        }
    });
    if is_contingent {
        xml.block("Worker_Contract_Data", |xml| {
            if let Some(intended) = worker["intended_end"].as_str() {
                xml.leaf("Contract_End_Date", intended);
            }
        });
    }
}

fn write_membership(xml: &mut Xml, id: &str, organization: Option<&Value>) {
    let Some(organization) = organization else { return };
    let text = |member: &str| organization[member].as_str().unwrap_or_default();
    xml.block("Worker_Organization_Data", |xml| {
        xml.reference(
            "Organization_Reference",
            Some(text("name")),
            &[("WID", text("wid")), ("Organization_Reference_ID", id)],
        );
        xml.block("Organization_Data", |xml| {
            xml.leaf("Organization_Reference_ID", id);
            xml.leaf("Organization_Name", text("name"));
            xml.reference("Organization_Type_Reference", None, &[("Organization_Type_ID", text("type"))]);
        });
    });
}

fn write_transactions(xml: &mut Xml, worker: &str, view: View<'_>) {
    for (wid, event) in view.with("event", "/worker", worker) {
        let moment = |member: &str| clock::instant(event[member].as_u64().unwrap_or(0));
        xml.block("Transaction_Log_Entry", |xml| {
            xml.reference("Transaction_Log_Reference", event["type"].as_str(), &[("WID", wid)]);
            xml.block("Transaction_Log_Data", |xml| {
                xml.leaf("Transaction_Log_Description", event["type"].as_str().unwrap_or_default());
                xml.leaf("Transaction_Effective_Moment", event["effective"].as_str().unwrap_or_default());
                xml.leaf("Transaction_Entry_Moment", &moment("moment"));
                xml.flag("Is_Rescind_Or_Rescinded", event["state"] == "Rescinded");
                xml.flag("Is_Correction_Or_Corrected", false);
            });
        });
    }
}

/// `Get_Organizations`.
pub(super) fn get_organizations(call: &Call<'_>, tx: &mut Tx<'_>) -> Reply {
    let request = asked(call);
    let view = tx.view(Fresh::Strong);
    let page = match Page::of(request) {
        Ok(page) => page,
        Err(reply) => return reply,
    };
    let references: Vec<&str> = request
        .child("Request_References")
        .into_iter()
        .flat_map(|all| all.all("Organization_Reference"))
        .flat_map(ids)
        .map(|(_, id)| id)
        .collect();
    let of = |id: &str| view.all("organization").find(|(key, one)| *key == id || one["wid"] == id);
    if let Some(id) = references.iter().find(|id| of(id).is_none()) {
        return invalid_id("Organization_Reference_ID", id);
    }
    let types: Vec<&str> = request
        .child("Request_Criteria")
        .into_iter()
        .flat_map(|all| all.all("Organization_Type_Reference"))
        .flat_map(ids)
        .map(|(_, id)| id)
        .collect();
    let fits = |id: &str, one: &Value| {
        (references.is_empty() || references.iter().any(|wanted| *wanted == id || one["wid"] == **wanted))
            && (types.is_empty() || types.iter().any(|wanted| one["type"] == **wanted))
    };
    let chosen: Vec<(&str, &Value)> = view.all("organization").filter(|(id, one)| fits(id, one)).collect();
    let shown = page.cut(&chosen);
    let mut xml = Xml::default();
    page.results(&mut xml, chosen.len(), shown.len());
    xml.block("Response_Data", |xml| {
        for (id, one) in shown {
            let text = |member: &str| one[member].as_str().unwrap_or_default();
            xml.block("Organization", |xml| {
                let pairs = [("WID", text("wid")), ("Organization_Reference_ID", id)];
                xml.reference("Organization_Reference", Some(text("name")), &pairs);
                xml.block("Organization_Data", |xml| {
                    xml.leaf("Reference_ID", id);
                    xml.leaf("Name", text("name"));
                    xml.reference(
                        "Organization_Type_Reference",
                        None,
                        &[("Organization_Type_ID", text("type"))],
                    );
                    xml.flag("Inactive", false);
                    if !text("manager").is_empty() {
                        xml.reference("Manager_Reference", None, &[("Employee_ID", text("manager"))]);
                    }
                });
            });
        }
    });
    response(call, "Get_Organizations_Response", xml)
}
