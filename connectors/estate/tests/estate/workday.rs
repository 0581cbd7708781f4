//! Workday: reading workers, entering the end of a contract and rescinding it, in SOAP.

use crate::client::{Answer, Stage, call};

fn envelope(stage: &Stage, request: &str, inside: &str) -> String {
    format!(
        concat!(
            r#"<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:bsvc="urn:com.workday/bsvc">"#,
            r#"<soapenv:Header><wsse:Security xmlns:wsse="w"><wsse:UsernameToken><wsse:Username>{user}</wsse:Username>"#,
            r#"<wsse:Password Type="PasswordText">{password}</wsse:Password></wsse:UsernameToken></wsse:Security></soapenv:Header>"#,
            r#"<soapenv:Body><bsvc:{request} bsvc:version="v31.2">{inside}</bsvc:{request}></soapenv:Body></soapenv:Envelope>"#
        ),
        user = stage.secret("workday", "username"),
        password = stage.secret("workday", "password"),
        request = request,
        inside = inside,
    )
}

pub(crate) fn send(stage: &Stage, service: &str, request: &str, inside: &str) -> Answer {
    let url = format!("{}/ccx/service/acme/{service}/v31.2", stage.base("workday"));
    let body = envelope(stage, request, inside);
    call("POST", &url, &[("Content-Type", "text/xml; charset=utf-8")], &body).expect("an answer")
}

fn worker(stage: &Stage, id: &str) -> Answer {
    let inside = format!(
        concat!(
            r#"<bsvc:Request_References><bsvc:Worker_Reference><bsvc:ID bsvc:type="Contingent_Worker_ID">{}</bsvc:ID>"#,
            "</bsvc:Worker_Reference></bsvc:Request_References><bsvc:Response_Group><bsvc:Include_Reference>true</bsvc:Include_Reference>",
            "<bsvc:Include_Personal_Information>true</bsvc:Include_Personal_Information>",
            "<bsvc:Include_Employment_Information>true</bsvc:Include_Employment_Information>",
            "<bsvc:Include_Organizations>true</bsvc:Include_Organizations>",
            "<bsvc:Include_Transaction_Log_Data>true</bsvc:Include_Transaction_Log_Data></bsvc:Response_Group>"
        ),
        id
    );
    send(stage, "Human_Resources", "Get_Workers_Request", &inside)
}

pub(crate) fn end(stage: &Stage, id: &str, date: &str) -> Answer {
    let inside = format!(
        concat!(
            "<bsvc:End_Contingent_Worker_Contract_Data><bsvc:Contingent_Worker_Reference>",
            r#"<bsvc:ID bsvc:type="Contingent_Worker_ID">{}</bsvc:ID></bsvc:Contingent_Worker_Reference>"#,
            "<bsvc:Contract_End_Date>{}</bsvc:Contract_End_Date><bsvc:End_Contract_Event_Data><bsvc:Primary_Reason_Reference>",
            r#"<bsvc:ID bsvc:type="Termination_Subcategory_ID">End_of_Contract</bsvc:ID></bsvc:Primary_Reason_Reference>"#,
            "</bsvc:End_Contract_Event_Data></bsvc:End_Contingent_Worker_Contract_Data><bsvc:Business_Process_Parameters>",
            "<bsvc:Auto_Complete>true</bsvc:Auto_Complete><bsvc:Comment_Data><bsvc:Comment>xops key 42 &amp; more</bsvc:Comment>",
            "</bsvc:Comment_Data></bsvc:Business_Process_Parameters>"
        ),
        id, date
    );
    send(stage, "Staffing", "End_Contingent_Worker_Contract_Request", &inside)
}

fn about(event: &str, list: bool) -> String {
    let reference =
        format!(r#"<bsvc:Event_Reference><bsvc:ID bsvc:type="WID">{event}</bsvc:ID></bsvc:Event_Reference>"#);
    if list { format!("<bsvc:Request_References>{reference}</bsvc:Request_References>") } else { reference }
}

fn wid(answer: &Answer) -> String {
    let (_, rest) = answer.body.split_once(r#"wd:type="WID">"#).expect("a WID");
    rest[..32].to_owned()
}

#[test]
fn the_end_of_a_contract_is_entered_once_and_rescinded_once() {
    let stage = Stage::new();
    let before = worker(&stage, "CW-1001");
    assert!(
        before.body.contains("<wd:Contract_End_Date>2027-05-31</wd:Contract_End_Date>"),
        "{}",
        before.body
    );
    assert!(before.body.contains("<wd:Email_Address>sarah.chen@acme.example</wd:Email_Address>"));
    assert!(before.body.contains("Field Engineering") && !before.body.contains("End_Employment_Date"));
    let digest = stage.digest("workday");

    let ended = end(&stage, "CW-1001", "2027-05-31");
    assert_eq!(ended.status, 200, "{}", ended.body);
    let event = wid(&ended);
    let after = worker(&stage, "CW-1001");
    assert!(after.body.contains("<wd:End_Employment_Date>2027-05-31</wd:End_Employment_Date>"));
    assert!(after.body.contains(&event) && after.body.contains("<wd:Is_Rescind_Or_Rescinded>0<"));
    let detail = send(&stage, "Integrations", "Get_Event_Details_Request", &about(&event, true));
    assert!(detail.body.contains("<wd:Comment>xops key 42 &amp; more</wd:Comment>"), "{}", detail.body);
    assert!(
        detail.body.contains(r#"wd:Descriptor="Successfully Completed""#) && detail.body.contains("CW-1001")
    );
    assert_ne!(stage.digest("workday"), digest);

    let twice = end(&stage, "CW-1001", "2027-06-30");
    assert_eq!(twice.status, 500);
    assert!(twice.body.contains("Validation_Fault") && twice.body.contains("already has an end event"));

    let rescind = || send(&stage, "Integrations", "Rescind_Business_Process_Request", &about(&event, false));
    assert_eq!(rescind().status, 200);
    assert!(rescind().body.contains("already been rescinded"));
    let last = worker(&stage, "CW-1001");
    assert!(
        !last.body.contains("End_Employment_Date") && last.body.contains("<wd:Is_Rescind_Or_Rescinded>1<")
    );
    assert_eq!(end(&stage, "CW-1001", "2027-06-30").status, 200, "a rescinded end makes room for another");
}

#[test]
fn all_workers_come_page_by_page() {
    let stage = Stage::new();
    let page = |number: usize| {
        let inside = format!(
            "<bsvc:Response_Filter><bsvc:Page>{number}</bsvc:Page><bsvc:Count>20</bsvc:Count></bsvc:Response_Filter>"
        );
        let answer = send(&stage, "Human_Resources", "Get_Workers_Request", &inside);
        assert!(
            answer.body.contains("<wd:Total_Results>37</wd:Total_Results><wd:Total_Pages>2</wd:Total_Pages>"),
            "{}",
            answer.body
        );
        answer.body.matches("<wd:Worker>").count()
    };
    assert_eq!((page(1), page(2), page(3)), (20, 17, 0));
    let only = "<bsvc:Request_Criteria><bsvc:Exclude_Employees>true</bsvc:Exclude_Employees></bsvc:Request_Criteria>";
    let answer = send(&stage, "Human_Resources", "Get_Workers_Request", only);
    assert!(answer.body.contains("<wd:Total_Results>12<"));
    let large = "<bsvc:Response_Filter><bsvc:Count>1000</bsvc:Count></bsvc:Response_Filter>";
    assert_eq!(send(&stage, "Human_Resources", "Get_Workers_Request", large).status, 500);
}

#[test]
fn an_unknown_worker_is_a_fault_unless_it_may_be_ignored() {
    let stage = Stage::new();
    let fault = worker(&stage, "CW-9999");
    assert_eq!(fault.status, 500);
    let text = fault.body.replace("&apos;", "'");
    assert!(text.contains("'CW-9999' is not a valid ID value for type = 'Contingent_Worker_ID'"));
    let reference = r#"<bsvc:Worker_Reference><bsvc:ID bsvc:type="Employee_ID">CW-1001</bsvc:ID></bsvc:Worker_Reference>"#;
    let inside = format!(
        r#"<bsvc:Request_References bsvc:Ignore_Invalid_References="1">{reference}</bsvc:Request_References>"#
    );
    let ignored = send(&stage, "Human_Resources", "Get_Workers_Request", &inside);
    assert_eq!(ignored.status, 200, "a contingent worker is no employee");
    assert!(ignored.body.contains("<wd:Invalid_Reference_ID>CW-1001<"));
}

#[test]
fn a_request_without_reason_credentials_or_service_is_a_fault() {
    let stage = Stage::new();
    let inside = concat!(
        r#"<bsvc:End_Contingent_Worker_Contract_Data><bsvc:Contingent_Worker_Reference><bsvc:ID bsvc:type="Contingent_Worker_ID">CW-1002</bsvc:ID>"#,
        "</bsvc:Contingent_Worker_Reference><bsvc:Contract_End_Date>2027-03-31</bsvc:Contract_End_Date></bsvc:End_Contingent_Worker_Contract_Data>"
    );
    let fault = send(&stage, "Staffing", "End_Contingent_Worker_Contract_Request", inside);
    assert!(fault.status == 500 && fault.body.contains("Primary_Reason_Reference"));
    let wrong = send(&stage, "Integrations", "Get_Workers_Request", "");
    assert!(wrong.status == 500 && wrong.body.contains("Processing_Fault"));
    let url = format!("{}/ccx/service/acme/Human_Resources/v31.2", stage.base("workday"));
    let body =
        envelope(&stage, "Get_Workers_Request", "").replace(&stage.secret("workday", "password"), "wrong");
    let refused = call("POST", &url, &[("Content-Type", "text/xml")], &body).expect("an answer");
    assert!(refused.status == 500 && refused.body.contains("invalid username or password"));
}

#[test]
fn organisations_are_listed_by_type() {
    let stage = Stage::new();
    let inside = concat!(
        r#"<bsvc:Request_Criteria><bsvc:Organization_Type_Reference><bsvc:ID bsvc:type="Organization_Type_ID">SUPERVISORY</bsvc:ID>"#,
        "</bsvc:Organization_Type_Reference></bsvc:Request_Criteria>"
    );
    let answer = send(&stage, "Human_Resources", "Get_Organizations_Request", inside);
    assert!(
        answer.body.contains("<wd:Total_Results>8<")
            && answer.body.contains("<wd:Name>Data Platform</wd:Name>")
    );
}

#[test]
fn a_draft_by_rest_needs_a_token_and_waits_until_it_is_submitted() {
    let stage = Stage::new();
    let token_url = format!("{}/ccx/oauth2/acme/token", stage.base("workday"));
    let form = |refresh: &str| {
        let (id, secret) = (stage.secret("workday", "client_id"), stage.secret("workday", "client_secret"));
        format!("grant_type=refresh_token&client_id={id}&client_secret={secret}&refresh_token={refresh}")
    };
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    assert_eq!(call("POST", &token_url, &headers, &form("stolen")).expect("an answer").status, 400);
    let good = form(&stage.secret("workday", "refresh_token"));
    let token = call("POST", &token_url, &headers, &good).expect("an answer").json()["access_token"].clone();
    let order = serde_json::json!({"system": "workday", "kind": "worker", "id": "w1", "create": true,
        "set": {"wid": "w1", "worker_id": "29001", "id_type": "Employee_ID", "location": "Mexico City"}});
    stage.control("POST", "/mutate", &order);
    let rest = |method: &str, path: &str, body: &str, token: &str| {
        let url = format!("{}/ccx/api/staffing/v6/acme{path}", stage.base("workday"));
        let bearer = format!("Bearer {token}");
        call(method, &url, &[("Authorization", &bearer), ("Content-Type", "application/json")], body)
            .expect("an answer")
    };
    let token = token.as_str().expect("a token");
    let body = r#"{"date":"2027-01-01","location":{"id":"Bengaluru"}}"#;
    assert_eq!(rest("POST", "/workers/w1/jobChanges", body, "none").status, 401);
    let draft = rest("POST", "/workers/w1/jobChanges", body, token).json();
    let id = draft["id"].as_str().expect("an id");
    let place = || {
        stage.control("GET", "/state?system=workday", &serde_json::Value::Null)["workday"]["objects"]["worker"]["w1"]["location"].clone()
    };
    assert_eq!(place(), "Mexico City");
    assert_eq!(rest("POST", &format!("/jobChanges/{id}/submit"), "{}", token).status, 200);
    assert_eq!(place(), "Bengaluru");
    assert_eq!(
        rest("POST", &format!("/jobChanges/{id}/submit"), "{}", token).status,
        400,
        "it is no draft any more"
    );
    let rescind = || send(&stage, "Integrations", "Rescind_Business_Process_Request", &about(id, false));
    assert_eq!(rescind().status, 200);
    assert_eq!(place(), "Mexico City");
}

#[test]
fn a_process_that_is_described_is_entered_once_and_refuses_an_unknown_worker() {
    let stage = Stage::new();
    let leave = |worker: &str| {
        let inside = format!(
            concat!(
                r#"<bsvc:Request_Leave_of_Absence_Data><bsvc:Worker_Reference><bsvc:ID bsvc:type="Employee_ID">{}</bsvc:ID></bsvc:Worker_Reference>"#,
                "<bsvc:Leave_Request_Data><bsvc:First_Day_of_Leave>2027-01-01</bsvc:First_Day_of_Leave></bsvc:Leave_Request_Data></bsvc:Request_Leave_of_Absence_Data>"
            ),
            worker
        );
        send(&stage, "Absence_Management", "Request_Leave_of_Absence_Request", &inside)
    };
    let unknown = leave("99999");
    assert!(unknown.status == 500 && unknown.body.contains("is not a valid ID value"), "{}", unknown.body);
    let entered = leave("21001");
    assert!(
        entered.status == 200 && entered.body.contains("Request_Leave_of_Absence_Response"),
        "{}",
        entered.body
    );
    assert!(leave("21001").body.contains("Validation_Fault"), "whoever is on leave cannot begin one");
}
