//! `ServiceNow`'s tables: their fields, and how a record is made and changed.
//!
//! - No field that is not listed here is ever stored.

use crate::store::{Tx, View};
use crate::{clock, mint};
use serde_json::{Map, Value, json};

/// One table: name, prefix of its numbers (none: no numbers), fields beside the system's, reference fields and
/// the tables that they point to.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) prefix: Option<&'static str>,
    fields: &'static [&'static str],
    references: &'static [(&'static str, &'static str)],
}

const TABLES: &[Table] = &[
    Table {
        name: "sys_user",
        prefix: None,
        fields: &[
            "user_name",
            "email",
            "first_name",
            "last_name",
            "name",
            "title",
            "department",
            "active",
            "locked_out",
            "employee_number",
            "location",
            "manager",
            "phone",
        ],
        references: &[("manager", "sys_user")],
    },
    Table {
        name: "sc_request",
        prefix: Some("REQ"),
        fields: &[
            "number",
            "requested_for",
            "opened_by",
            "opened_at",
            "request_state",
            "state",
            "stage",
            "approval",
            "active",
            "short_description",
            "description",
            "correlation_id",
            "correlation_display",
            "comments",
            "price",
            "close_notes",
        ],
        references: &[("requested_for", "sys_user"), ("opened_by", "sys_user")],
    },
    Table {
        name: "sc_req_item",
        prefix: Some("RITM"),
        fields: &[
            "number",
            "request",
            "cat_item",
            "requested_for",
            "quantity",
            "state",
            "stage",
            "active",
            "short_description",
            "correlation_id",
            "variables",
            "opened_at",
            "comments",
            "close_notes",
        ],
        references: &[("request", "sc_request"), ("cat_item", "sc_cat_item"), ("requested_for", "sys_user")],
    },
    Table {
        name: "sc_cat_item",
        prefix: None,
        fields: &["name", "short_description", "active", "price", "category"],
        references: &[],
    },
    Table {
        name: "incident",
        prefix: Some("INC"),
        fields: &[
            "number",
            "short_description",
            "description",
            "caller_id",
            "state",
            "incident_state",
            "urgency",
            "impact",
            "priority",
            "category",
            "assignment_group",
            "assigned_to",
            "correlation_id",
            "close_code",
            "close_notes",
            "active",
            "opened_at",
            "comments",
            "work_notes",
        ],
        references: &[("caller_id", "sys_user"), ("assigned_to", "sys_user")],
    },
    Table {
        name: "sys_user_group",
        prefix: None,
        fields: &["name", "description", "manager", "active"],
        references: &[("manager", "sys_user")],
    },
    Table {
        name: "sys_user_grmember",
        prefix: None,
        fields: &["user", "group"],
        references: &[("user", "sys_user"), ("group", "sys_user_group")],
    },
    Table {
        name: "change_request",
        prefix: Some("CHG"),
        fields: &[
            "number",
            "short_description",
            "type",
            "state",
            "approval",
            "cmdb_ci",
            "start_date",
            "end_date",
            "correlation_id",
            "active",
        ],
        references: &[],
    },
    Table {
        name: "alm_hardware",
        prefix: None,
        fields: &[
            "asset_tag",
            "serial_number",
            "display_name",
            "model",
            "assigned_to",
            "assigned",
            "install_status",
            "substatus",
            "location",
            "managed_by",
        ],
        references: &[("assigned_to", "sys_user"), ("managed_by", "sys_user")],
    },
];

const SYSTEM_FIELDS: &[&str] = &[
    "sys_id",
    "sys_created_on",
    "sys_created_by",
    "sys_updated_on",
    "sys_updated_by",
    "sys_mod_count",
    "sys_class_name",
];

pub(super) const USERNAME: &str = "xops.integration";

pub(super) fn table_of(name: &str) -> Option<&'static Table> {
    TABLES.iter().find(|table| table.name == name)
}

pub(super) fn has_field(table: &str, field: &str) -> bool {
    SYSTEM_FIELDS.contains(&field) || table_of(table).is_some_and(|table| table.fields.contains(&field))
}

pub(super) fn target(table: &str, field: &str) -> Option<&'static str> {
    table_of(table)?.references.iter().find(|(name, _)| *name == field).map(|(_, target)| *target)
}

pub(super) fn minted(tx: &mut Tx<'_>, table: &str) -> String {
    let ordinal = tx.next(table);
    mint::hex32(tx.seed(), "servicenow", table, ordinal)
}

/// A new record with every field empty.
pub(super) fn blank(table: &str, id: &str, at: &str) -> Map<String, Value> {
    let fields = table_of(table).map_or(&[] as &[&str], |table| table.fields);
    let mut record: Map<String, Value> =
        fields.iter().map(|field| ((*field).to_owned(), json!(""))).collect();
    for (name, value) in [
        ("sys_id", id),
        ("sys_class_name", table),
        ("sys_created_on", at),
        ("sys_updated_on", at),
        ("sys_created_by", USERNAME),
        ("sys_updated_by", USERNAME),
        ("sys_mod_count", "0"),
    ] {
        record.insert(name.to_owned(), json!(value));
    }
    record
}

/// Sets the fields that the record has; the others are ignored, and every value becomes a string.
pub(super) fn fill(record: &mut Map<String, Value>, fields: &Value) {
    for (name, value) in fields.as_object().into_iter().flatten() {
        let text = match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        if record.contains_key(name) && !SYSTEM_FIELDS.contains(&name.as_str()) {
            record.insert(name.clone(), Value::String(text));
        }
    }
}

pub(super) fn label(view: View<'_>, table: &str, id: &str) -> String {
    let record = view.get(table, id);
    let text = |name: &str| record.and_then(|record| record[name].as_str()).filter(|text| !text.is_empty());
    text("name").or_else(|| text("number")).or_else(|| text("display_name")).unwrap_or(id).to_owned()
}

pub(super) fn number(tx: &mut Tx<'_>, prefix: &str) -> String {
    format!("{prefix}{:07}", 10_000 + tx.next(prefix))
}

/// Sets fields of a record that exists and counts the modification, if it is one.
pub(super) fn modify(tx: &mut Tx<'_>, table: &str, id: &str, fields: &Value) {
    let Some(Value::Object(mut record)) = tx.get(table, id).cloned() else { return };
    fill(&mut record, fields);
    let count = record["sys_mod_count"].as_str().and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    record.insert("sys_mod_count".to_owned(), json!((count + 1).to_string()));
    record.insert("sys_updated_on".to_owned(), json!(clock::instant_spaced(tx.now_ms)));
    tx.put(table, id, Value::Object(record));
}
