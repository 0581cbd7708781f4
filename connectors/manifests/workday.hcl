# Workday: workers, and the end of a contingent worker's contract. Workday Web Services (SOAP), v31.2 types.
# The end that a contract intends is `Worker_Contract_Data/Contract_End_Date`; the end that is in force is
# `Worker_Status_Data/End_Employment_Date`, and an event stands behind it. Our key is the comment of that event.
manifest "workday" {
  title  = "Workday"
  domain = "workforce"

  var "tenant" {
    type  = "text"
    about = "the tenant's name in the addresses of its services"
  }

  var "version" {
    type    = "text"
    default = "v31.2"
  }

  var "end_reason_type" {
    type    = "text"
    default = "General_Event_Subcategory_ID"
  }

  var "end_reason" {
    type    = "text"
    default = "End_Contingent_Worker_Contract_End_of_Contract"
    about   = "the tenant's reason for the planned end of a contract"
  }

  var "end_process" {
    type    = "text"
    default = "End Contingent Worker Contract"
    about   = "how the log of transactions calls the business process"
  }

  auth "ws_security" {}

  soap {
    namespace            = "urn:com.workday/bsvc"
    qualified_attributes = true
    keyed                = { ID = "type" }
  }

  timeout = "60s"

  limit "integration_user" {
    rate        = 300
    per         = "1m"
    concurrency = 1
  }

  message = response.body.Fault.faultstring

  error "auth_expired" { when = contains(response.body.Fault.faultcode, "authenticationError") }
  error "forbidden" { when = contains(response.body.Fault.faultstring, "not authorized") }
  error "invalid" { when = response.body.Fault.detail.Validation_Fault != null || contains(response.body.Fault.faultcode, "validationError") }
  error "transient" { when = response.status == 503 && response.header.retry-after != null }

  # The end of a contract that is in force, and the event behind it.
  lookup "contract_end" {
    inputs = { worker = "text" }
    post   = "/ccx/service/{var.tenant}/Human_Resources/{var.version}"
    soap = {
      Get_Workers_Request = {
        "@version" = var.version
        Request_References = {
          Worker_Reference = {
            ID = { "@type" = "Contingent_Worker_ID", "#text" = input.worker }
          }
        }
        Response_Group = {
          Include_Reference              = true
          Include_Employment_Information = true
          Include_Transaction_Log_Data   = true
        }
      }
    }
    ok         = response.status == 200 && response.body.Get_Workers_Response.Response_Data.Worker.Worker_Data.Worker_ID == input.worker
    absent     = response.body.Get_Workers_Response.Response_Data.Worker.Worker_Data.Employment_Data.Worker_Status_Data.Active != null && response.body.Get_Workers_Response.Response_Data.Worker.Worker_Data.Employment_Data.Worker_Status_Data.End_Employment_Date == null
    present    = response.body.Get_Workers_Response.Response_Data.Worker.Worker_Data.Employment_Data.Worker_Status_Data.End_Employment_Date != null
    value      = response.body.Get_Workers_Response.Response_Data.Worker.Worker_Data.Employment_Data.Worker_Status_Data.End_Employment_Date
    value_type = "date"
    items      = list(response.body.Get_Workers_Response.Response_Data.Worker.Worker_Data.Transaction_Log_Entry_Data.Transaction_Log_Entry)
    where      = !contains(["1", "true"], item.Transaction_Log_Data.Is_Rescind_Or_Rescinded) && starts_with(item.Transaction_Log_Data.Transaction_Log_Description, var.end_process)
    outputs = {
      end_date = response.body.Get_Workers_Response.Response_Data.Worker.Worker_Data.Employment_Data.Worker_Status_Data.End_Employment_Date
      event    = item.Transaction_Log_Reference.ID.WID
    }
    authoritative = true
    then "end_event" { event = item.Transaction_Log_Reference.ID.WID }
  }

  # The event: its first comment is the one that it was started with.
  lookup "end_event" {
    post = "/ccx/service/{var.tenant}/Integrations/{var.version}"
    soap = {
      Get_Event_Details_Request = {
        "@version" = var.version
        Request_References = {
          Event_Reference = {
            ID = { "@type" = "WID", "#text" = carry.event }
          }
        }
      }
    }
    # The log of transactions has just named it: where it is not known, it is not shown yet.
    error "transient" { when = contains(response.body.Fault.faultstring, "Invalid ID value") }
    ok            = response.status == 200 && response.body.Get_Event_Details_Response.Response_Data.Event != null
    marker        = first(response.body.Get_Event_Details_Response.Response_Data.Event.Event_Detail_Data.Process_History_Data[*].Comment)
    authoritative = true
  }

  awf "set_end_date" {
    achieves = "create"
    inputs = {
      worker   = "text"
      end_date = "date"
    }
    personal = ["end_date"]
    outputs  = { event = "text" }
    evidence = "client library; that a second end is refused with these words is recalled"

    post = "/ccx/service/{var.tenant}/Staffing/{var.version}"
    soap = {
      End_Contingent_Worker_Contract_Request = {
        "@version" = var.version
        End_Contingent_Worker_Contract_Data = {
          Contingent_Worker_Reference = {
            ID = { "@type" = "Contingent_Worker_ID", "#text" = input.worker }
          }
          Contract_End_Date = input.end_date
          End_Contract_Event_Data = {
            Primary_Reason_Reference = {
              ID = { "@type" = var.end_reason_type, "#text" = var.end_reason }
            }
            Last_Day_of_Work = input.end_date
          }
        }
        Business_Process_Parameters = {
          Auto_Complete = true
          Run_Now       = true
          Comment_Data  = { Comment = key }
        }
      }
    }
    ok      = response.status == 200 && response.body.End_Contingent_Worker_Contract_Response != null
    capture = { event = response.body.End_Contingent_Worker_Contract_Response.Event_Reference.ID.WID }
    error "conflict" { when = contains(response.body.Fault.faultstring, "already has an end") }

    lookup "contract_end" {}
    # Read after write is strong, and a worker has one end in force at most: a second one is refused.
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "clear_end_date" {
      with = {
        worker = input.worker
        event  = output.event
      }
    }
  }

  awf "clear_end_date" {
    achieves = "remove"
    inputs = {
      worker = "text"
      event  = "text"
    }
    evidence = "client library; that a second rescission is refused with these words is recalled"

    post = "/ccx/service/{var.tenant}/Integrations/{var.version}"
    soap = {
      Rescind_Business_Process_Request = {
        "@version" = var.version
        Event_Reference = {
          ID = { "@type" = "WID", "#text" = input.event }
        }
        Rescind_Business_Process_Data = { Comment = key }
      }
    }
    ok = response.status == 200 && response.body.Rescind_Business_Process_Response != null
    error "already_done" { when = contains(response.body.Fault.faultstring, "already been rescinded") }

    lookup "contract_end" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "set_end_date" {
      with = {
        worker   = input.worker
        end_date = snapshot.end_date
      }
      loss = "the end date comes back under a new event"
    }
  }

  read "workers" {
    kind = "worker"
    post = "/ccx/service/{var.tenant}/Human_Resources/{var.version}"
    soap = {
      Get_Workers_Request = {
        "@version" = var.version
        Response_Filter = {
          Page  = page.number
          Count = 200
        }
        Response_Group = {
          Include_Reference              = true
          Include_Personal_Information   = true
          Include_Employment_Information = true
          Include_Organizations          = true
          Exclude_Cost_Centers           = true
          Exclude_Companies              = true
        }
      }
    }
    evidence = "client library; the parts inside `Worker_Data` are recalled"
    ok       = response.status == 200 && response.body.Get_Workers_Response.Response_Results.Total_Results != null
    items    = list(response.body.Get_Workers_Response.Response_Data.Worker)
    page "number" { last = response.body.Get_Workers_Response.Response_Results.Total_Pages }

    id = item.Worker_Data.Worker_ID
    text {
      worker_id   = item.Worker_Data.Worker_ID
      wid         = item.Worker_Reference.ID.WID
      handle      = item.Worker_Data.User_ID
      first_name  = item.Worker_Data.Personal_Data.Name_Data.Legal_Name_Data.Name_Detail_Data.First_Name
      last_name   = item.Worker_Data.Personal_Data.Name_Data.Legal_Name_Data.Name_Detail_Data.Last_Name
      email       = first(item.Worker_Data.Personal_Data.Contact_Data.Email_Address_Data[*].Email_Address)
      worker_type = item.Worker_Reference.ID.Contingent_Worker_ID != null ? "contingent" : "employee"
      status      = contains(["1", "true"], item.Worker_Data.Employment_Data.Worker_Status_Data.Active) ? "active" : "inactive"
      title       = first(item.Worker_Data.Employment_Data.Worker_Job_Data[*].Position_Data.Business_Title)
      department  = first(item.Worker_Data.Organization_Data.Worker_Organization_Data[*].Organization_Data.Organization_Name)
      location    = first(item.Worker_Data.Employment_Data.Worker_Job_Data[*].Position_Data.Business_Site_Summary_Data.Name)
      country     = first(item.Worker_Data.Employment_Data.Worker_Job_Data[*].Position_Data.Business_Site_Summary_Data.Address_Data.Country_Reference.ID["ISO_3166-1_Alpha-2_Code"])
    }
    date {
      start_date   = item.Worker_Data.Employment_Data.Worker_Status_Data.Hire_Date
      contract_end = item.Worker_Data.Employment_Data.Worker_Contract_Data.Contract_End_Date
      end_date     = item.Worker_Data.Employment_Data.Worker_Status_Data.End_Employment_Date
    }
  }
}
