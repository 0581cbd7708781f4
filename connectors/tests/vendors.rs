//! What single systems answer, as their manifests take it: where a good status hides a failure, where an absence has to show
//! something, where a list that lacks a field proves nothing.

use crate::outcomes::{did, sighted};
use crate::support::{answer, json, soap};
use xops_kernel::port::Response;

fn check(found: &str, expect: &str) {
    assert_eq!(found, expect);
}

#[test]
fn a_refusal_of_status_200_is_no_success() {
    let snipe = |function: &str, body: &str| did("snipe_it", function, &json(200, body));
    check(&snipe("checkout_asset", r#"{"status":"success","messages":"done"}"#), "ok { }");
    check(
        &snipe(
            "checkout_asset",
            r#"{"status":"error","messages":"That asset is not available for checkout!"}"#,
        ),
        "conflict: status 200: That asset is not available for checkout!",
    );
    check(&snipe("update_asset", r#"{"status":"error","messages":"Asset does not exist."}"#), "absent");
    check(
        &snipe("update_asset", r#"{"status":"error","messages":{"status_id":["no"]}}"#),
        "invalid: status 200",
    );
    let adobe = |body: &str| did("adobe_umapi", "add_product_profile", &json(200, body));
    check(&adobe(r#"{"completed":1,"notCompleted":0,"result":"success"}"#), "ok { }");
    let wrong = r#"{"completed":0,"notCompleted":1,"result":"error","errors":[{"errorCode":"error.group.not_found","message":"no group"}]}"#;
    check(&adobe(wrong), "invalid: status 200: no group");
    // Part of it may hold: that is looked at, and not tried again.
    check(&adobe(r#"{"completed":1,"notCompleted":1,"result":"partial"}"#), "unknown: status 200: partial");
    let moved = |body: &str| did("salesforce", "transfer_records", &json(200, body));
    check(&moved(r#"[{"id":"1","success":true,"errors":[]}]"#), "ok { }");
    let locked = r#"[{"success":false,"errors":[{"statusCode":"UNABLE_TO_LOCK_ROW","message":"busy"}]}]"#;
    check(&moved(locked), "conflict: status 200");
}

#[test]
fn what_lacks_something_still_shows_what_is_needed_to_make_it() {
    let scope = |serials: &str| {
        json(200, &format!(r#"{{"prestageId":"1","versionLock":7,"assignments":[{serials}]}}"#))
    };
    let prestage = |response: Response| sighted("jamf_pro", "add_to_prestage", &[response]);
    check(
        &prestage(scope(r#"{"serialNumber":"OTHER"}"#)),
        "absent by authoritative lookup jamf_pro.prestage { version_lock = 7 }",
    );
    check(&prestage(scope(r#"{"serialNumber":"SERIAL-1"}"#)), "present member { version_lock = 7 }");
    let login = |frozen: bool| {
        let body =
            format!(r#"{{"totalSize":1,"records":[{{"Id":"0Yw1","UserId":"user-1","IsFrozen":{frozen}}}]}}"#);
        sighted("salesforce", "freeze_user", &[json(200, &body)])
    };
    check(&login(false), "absent by authoritative lookup salesforce.freeze { login = \"0Yw1\" }");
    check(&login(true), "present frozen { login = \"0Yw1\" }");
    let nobody = sighted("salesforce", "freeze_user", &[json(200, r#"{"totalSize":0,"records":[]}"#)]);
    check(&nobody, "failed unknown: status 200");
}

#[test]
fn a_list_that_does_not_show_what_is_sought_proves_nothing() {
    let list =
        |data: &str| json(200, &format!(r#"{{"data":[{data}],"meta":{{"page":{{"nextCursor":null}}}}}}"#));
    let employee = |answers: &[Response]| sighted("bamboohr", "create_employee", answers);
    check(&employee(&[list("")]), "absent by authoritative lookup bamboohr.employee { }");
    check(&employee(&[json(200, r#"{"data":[]}"#)]), "failed unknown: status 200");
    let found = list(r#"{"employeeId":7,"firstName":"Sarah"}"#);
    let asked = "-> api/v1/employees/7?fields=employeeNumber,status\n";
    let numbered = |number: &str| json(200, &format!(r#"{{"employeeNumber":"{number}","status":"Active"}}"#));
    check(
        &employee(&[found.clone(), numbered("employee_number-1")]),
        &format!("{asked}present present {{ id = \"7\" }}"),
    );
    // A filter that was not understood lists somebody else.
    check(
        &employee(&[found, numbered("another")]),
        &format!("{asked}unknown unexpected answer: status 200 {{ id = \"7\" }}"),
    );
    let device = |device: &str| sighted("kandji", "enable_lost_mode", &[json(200, device)]);
    check(
        &device(r#"{"device_id":"device-1","lost_mode_status":""}"#),
        "absent by authoritative lookup kandji.lost_mode { }",
    );
    check(&device(r#"{"device_id":"device-1"}"#), "unknown unexpected answer: status 200 { }");
    let desk = |body: &str| sighted("servicenow_wsd", "reserve_workspace", &[json(200, body)]);
    check(&desk(r#"{"result":[]}"#), "failed unknown: the answer holds no list of items, but null");
    check(
        &desk(r#"{"result":{"reservations":[]}}"#),
        "absent by authoritative lookup servicenow_wsd.reservation { }",
    );
    let seat = |state: &str| {
        let one = format!(
            r#"{{"sys_id":"r1","location":{{"sys_id":"location-1"}},"requested_for":{{"sys_id":"requested_for-1"}},"start":"start-1","end":"e","state":{{"value":"{state}"}},"subject":"Desk"}}"#
        );
        let answers = [
            json(200, &format!(r#"{{"result":{{"reservations":[{one}]}}}}"#)),
            json(200, r#"{"result":{"reservations":[]}}"#),
        ];
        let found = sighted("servicenow_wsd", "reserve_workspace", &answers);
        found.rsplit('\n').next().unwrap_or_default().to_owned()
    };
    check(&seat("confirmed"), "present reserved { end = \"e\", id = \"r1\" } marked Desk");
    check(&seat("cancelled"), "absent by authoritative lookup servicenow_wsd.reservation { }");
}

#[test]
fn an_address_that_leads_elsewhere_is_no_absence() {
    let html = answer(404, &[("content-type", "text/html")], "<h1>Not Found</h1>");
    let absent = |system: &str, function: &str, response: &Response| {
        sighted(system, function, std::slice::from_ref(response)).starts_with("absent")
    };
    let own = [
        ("kandji", "delete_device", json(404, r#"{"detail":"Not found."}"#)),
        ("coupa", "deactivate_supplier", json(404, r#"{"errors":{"error":["not available"]}}"#)),
        ("snowflake", "drop_user", json(404, r#"{"message":"no such user"}"#)),
        ("zscaler_zia", "delete_user", json(404, r#"{"code":"RESOURCE_NOT_FOUND","message":"no"}"#)),
        ("jamf_pro", "delete_computer_record", json(404, r#"{"errors":[{"code":"INVALID_ID"}]}"#)),
        ("servicenow", "delete_record", json(404, r#"{"error":{"message":"No Record found"}}"#)),
    ];
    for (system, function, response) in &own {
        assert!(absent(system, function, response), "{system}: its own word is not taken");
        assert!(
            !absent(system, function, &html),
            "{system}: an answer from elsewhere is taken for an absence"
        );
    }
}

#[test]
fn an_employee_ends_by_one_service_and_a_contract_by_the_other() {
    let ended = |element: &str| {
        let inside = format!(
            "<w:{element} xmlns:w=\"urn:com.workday/bsvc\"><w:Event_Reference><w:ID w:type=\"WID\">e1</w:ID></w:Event_Reference></w:{element}>"
        );
        did("workday", "set_end_date", &soap(200, &inside))
    };
    check(&ended("Terminate_Employee_Event_Response"), "ok { event = \"e1\" }");
    check(&ended("End_Contingent_Worker_Contract_Response"), "ok { event = \"e1\" }");
    check(&ended("Hire_Employee_Event_Response"), "unknown: status 200");
}

#[test]
fn a_hire_is_found_by_our_number_and_known_by_the_comment_of_its_event() {
    let workers = |total: u8, inside: &str| {
        soap(
            200,
            &format!(
                "<w:Get_Workers_Response xmlns:w=\"urn:com.workday/bsvc\"><w:Response_Results><w:Total_Results>{total}</w:Total_Results></w:Response_Results><w:Response_Data>{inside}</w:Response_Data></w:Get_Workers_Response>"
            ),
        )
    };
    let hired = |answers: &[Response]| {
        let found = sighted("workday", "hire_employee", answers);
        found.rsplit('\n').next().unwrap_or_default().to_owned()
    };
    check(&hired(&[workers(0, "")]), "absent by authoritative lookup workday.employee { }");
    let entry = |rescinded: u8| {
        format!(
            "<w:Worker><w:Worker_Data><w:Worker_ID>CW-1001</w:Worker_ID><w:Transaction_Log_Entry_Data><w:Transaction_Log_Entry>\
             <w:Transaction_Log_Reference><w:ID w:type=\"WID\">e1</w:ID></w:Transaction_Log_Reference><w:Transaction_Log_Data>\
             <w:Transaction_Log_Description>Hire: Sarah Chen</w:Transaction_Log_Description>\
             <w:Is_Rescind_Or_Rescinded>{rescinded}</w:Is_Rescind_Or_Rescinded></w:Transaction_Log_Data>\
             </w:Transaction_Log_Entry></w:Transaction_Log_Entry_Data></w:Worker_Data></w:Worker>"
        )
    };
    let event = soap(
        200,
        "<w:Get_Event_Details_Response xmlns:w=\"urn:com.workday/bsvc\"><w:Response_Data><w:Event><w:Event_Detail_Data>\
         <w:Process_History_Data><w:Comment>k-1</w:Comment></w:Process_History_Data></w:Event_Detail_Data></w:Event></w:Response_Data></w:Get_Event_Details_Response>",
    );
    check(&hired(&[workers(1, &entry(0)), event]), "present hired { event = \"e1\" } marked k-1");
    // Somebody who was there before us is there, and nothing of it is ours.
    check(&hired(&[workers(1, &entry(1))]), "present hired { }");
}

#[test]
fn a_profile_is_written_back_with_everything_else_in_its_scope() {
    let scope = r#"{"os_x_configuration_profile":{"scope":{"all_computers":false,"computers":[{"id":1,"name":"a"},{"id":9,"name":"b"}],"computer_groups":[{"id":4,"name":"g"}],"exclusions":{"buildings":[{"id":2,"name":"x"}]}}}}"#;
    let found = sighted("jamf_pro", "push_config_profile", &[json(200, scope)]);
    assert!(found.starts_with("present member"), "{found}");
    for part in [
        "others = [{ id = 9 }]",
        "computer_groups = [{ id = 4, name = \"g\" }]",
        "excluded_buildings = [{",
        "jss_users = []",
    ] {
        assert!(found.contains(part), "{part} is missing in {found}");
    }
}
