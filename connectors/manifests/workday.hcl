# Workday: workers, their contracts, jobs, leaves and accounts. Workday Web Services (SOAP), v31.2 types, and Staffing (REST).
# The end that a contract intends is `Worker_Contract_Data/Contract_End_Date`; the end that is in force is
# `Worker_Status_Data/End_Employment_Date`, and an event stands behind it. Our key is the comment of that event.
# Every business process leaves an event in the log of the worker's transactions; what began one is undone by rescinding its
# event, which keeps both in the history. The log, the states of events and what stands inside `Worker_Data` are recalled.
# Job changes and assignments go by the REST service of the same host, with a credential of its own; a worker's id there is the
# `wid` of the read below. A draft has no effect until it is submitted.
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

  var "termination_process" {
    type    = "text"
    default = "Terminate"
    about   = "the same for the end of an employment"
  }

  var "hire_process" {
    type    = "text"
    default = "Hire"
    about   = "the same for a hire"
  }

  var "contract_process" {
    type    = "text"
    default = "Contract Contingent Worker"
    about   = "the same for the start of a contract"
  }

  var "no_show_process" {
    type    = "text"
    default = "No Show"
    about   = "the same for someone who did not come"
  }

  var "leave_process" {
    type    = "text"
    default = "Request Leave of Absence"
    about   = "the same for the start of a leave"
  }

  var "return_process" {
    type    = "text"
    default = "Request Return from Leave of Absence"
    about   = "the same for the end of a leave"
  }

  var "termination_reason" {
    type    = "text"
    default = "Terminate_Employee_Voluntary_Resignation"
    about   = "the tenant's reason for the end of an employment"
  }

  var "manager_role" {
    type    = "text"
    default = "Manager"
    about   = "the role that the manager of an organization has"
  }

  var "rest_version" {
    type    = "text"
    default = "v6"
    about   = "the version of the Staffing service (REST)"
  }

  auth "ws_security" {}

  auth "oauth2_refresh" {
    paths     = ["/ccx/api/"]
    token_url = "/ccx/oauth2/{tenant}/token"
  }

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

  message = coalesce(response.body.Fault.faultstring, response.body.error)

  error "auth_expired" { when = contains(response.body.Fault.faultcode, "authenticationError") }
  error "forbidden" { when = contains(response.body.Fault.faultstring, "not authorized") }
  error "invalid" { when = response.body.Fault.detail.Validation_Fault != null || contains(response.body.Fault.faultcode, "validationError") }
  error "transient" { when = response.status == 503 && response.header.retry-after != null }

  # The end of a contract or of an employment that is in force, and the event behind it.
  lookup "contract_end" {
    inputs = {
      worker      = "text"
      worker_type = "text"
    }
    optional = ["worker_type"]
    post     = "/ccx/service/{var.tenant}/Human_Resources/{var.version}"
    soap = {
      Get_Workers_Request = {
        "@version" = var.version
        Request_References = {
          Worker_Reference = {
            ID = { "@type" = input.worker_type == "employee" ? "Employee_ID" : "Contingent_Worker_ID", "#text" = input.worker }
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
    absent     = response.body.Get_Workers_Response.Response_Data.Worker.Worker_Data.Employment_Data.Worker_Status_Data.Active != null && coalesce(response.body.Get_Workers_Response.Response_Data.Worker.Worker_Data.Employment_Data.Worker_Status_Data.End_Employment_Date, response.body.Get_Workers_Response.Response_Data.Worker.Worker_Data.Employment_Data.Worker_Status_Data.Termination_Date) == null
    present    = coalesce(response.body.Get_Workers_Response.Response_Data.Worker.Worker_Data.Employment_Data.Worker_Status_Data.End_Employment_Date, response.body.Get_Workers_Response.Response_Data.Worker.Worker_Data.Employment_Data.Worker_Status_Data.Termination_Date) != null
    value      = coalesce(response.body.Get_Workers_Response.Response_Data.Worker.Worker_Data.Employment_Data.Worker_Status_Data.End_Employment_Date, response.body.Get_Workers_Response.Response_Data.Worker.Worker_Data.Employment_Data.Worker_Status_Data.Termination_Date)
    value_type = "date"
    items      = list(response.body.Get_Workers_Response.Response_Data.Worker.Worker_Data.Transaction_Log_Entry_Data.Transaction_Log_Entry)
    where      = !contains(["1", "true"], item.Transaction_Log_Data.Is_Rescind_Or_Rescinded) && starts_with(item.Transaction_Log_Data.Transaction_Log_Description, input.worker_type == "employee" ? var.termination_process : var.end_process)
    outputs = {
      end_date = coalesce(response.body.Get_Workers_Response.Response_Data.Worker.Worker_Data.Employment_Data.Worker_Status_Data.End_Employment_Date, response.body.Get_Workers_Response.Response_Data.Worker.Worker_Data.Employment_Data.Worker_Status_Data.Termination_Date)
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

  # A business process of an employee that took effect on a day, in the log of transactions.
  lookup "logged" {
    inputs = {
      worker  = "text"
      process = "text"
      on      = "date"
    }
    post= "/ccx/service/{var.tenant}/Human_Resources/{var.version}"
    soap = {
      Get_Workers_Request = {
        "@version" = var.version
        Request_References = {
          Worker_Reference = {
            ID = { "@type" = "Employee_ID", "#text" = input.worker }
          }
        }
        Response_Group = {
          Include_Reference            = true
          Include_Transaction_Log_Data = true
        }
      }
    }
    ok            = response.status == 200 && response.body.Get_Workers_Response.Response_Data.Worker.Worker_Data.Worker_ID == input.worker
    items         = list(response.body.Get_Workers_Response.Response_Data.Worker.Worker_Data.Transaction_Log_Entry_Data.Transaction_Log_Entry)
    where         = !contains(["1", "true"], item.Transaction_Log_Data.Is_Rescind_Or_Rescinded) && starts_with(item.Transaction_Log_Data.Transaction_Log_Description, input.process) && starts_with(item.Transaction_Log_Data.Transaction_Effective_Moment, input.on)
    value         = "done"
    outputs       = { event = item.Transaction_Log_Reference.ID.WID }
    authoritative = true
    then "end_event" { event = item.Transaction_Log_Reference.ID.WID }
  }

  # An employee by the number that we gave, and the event of the hire.
  lookup "employee" {
    inputs = { worker = "text" }
    post   = "/ccx/service/{var.tenant}/Human_Resources/{var.version}"
    soap = {
      Get_Workers_Request = {
        "@version" = var.version
        Request_References = {
          "@Skip_Non_Existing_Instances" = true
          Worker_Reference = {
            ID = { "@type" = "Employee_ID", "#text" = input.worker }
          }
        }
        Response_Group = {
          Include_Reference              = true
          Include_Employment_Information = true
          Include_Transaction_Log_Data   = true
        }
      }
    }
    ok            = response.status == 200 && response.body.Get_Workers_Response.Response_Results.Total_Results != null
    absent        = response.body.Get_Workers_Response.Response_Results.Total_Results == "0"
    present       = response.body.Get_Workers_Response.Response_Data.Worker.Worker_Data.Worker_ID == input.worker
    items         = list(response.body.Get_Workers_Response.Response_Data.Worker.Worker_Data.Transaction_Log_Entry_Data.Transaction_Log_Entry)
    where         = !contains(["1", "true"], item.Transaction_Log_Data.Is_Rescind_Or_Rescinded) && starts_with(item.Transaction_Log_Data.Transaction_Log_Description, var.hire_process)
    value         = "hired"
    outputs       = { event = item.Transaction_Log_Reference.ID.WID }
    authoritative = true
    then "end_event" { event = item.Transaction_Log_Reference.ID.WID }
  }

  # A contingent worker by the number that we gave, and the event of the contract.
  lookup "contingent_worker" {
    inputs = { worker = "text" }
    post   = "/ccx/service/{var.tenant}/Human_Resources/{var.version}"
    soap = {
      Get_Workers_Request = {
        "@version" = var.version
        Request_References = {
          "@Skip_Non_Existing_Instances" = true
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
    ok            = response.status == 200 && response.body.Get_Workers_Response.Response_Results.Total_Results != null
    absent        = response.body.Get_Workers_Response.Response_Results.Total_Results == "0"
    present       = response.body.Get_Workers_Response.Response_Data.Worker.Worker_Data.Worker_ID == input.worker
    items         = list(response.body.Get_Workers_Response.Response_Data.Worker.Worker_Data.Transaction_Log_Entry_Data.Transaction_Log_Entry)
    where         = !contains(["1", "true"], item.Transaction_Log_Data.Is_Rescind_Or_Rescinded) && starts_with(item.Transaction_Log_Data.Transaction_Log_Description, var.contract_process)
    value         = "contracted"
    outputs       = { event = item.Transaction_Log_Reference.ID.WID }
    authoritative = true
    then "end_event" { event = item.Transaction_Log_Reference.ID.WID }
  }

  # The event of a business process, while it stands.
  lookup "standing_event" {
    inputs = { event = "text" }
    post   = "/ccx/service/{var.tenant}/Integrations/{var.version}"
    soap = {
      Get_Event_Details_Request = {
        "@version" = var.version
        Request_References = {
          Event_Reference = {
            ID = { "@type" = "WID", "#text" = input.event }
          }
        }
      }
    }
    ok            = response.status == 200 && response.body.Get_Event_Details_Response.Response_Data.Event.Event_Reference.ID.WID == input.event
    absent        = contains(["Canceled", "Cancelled", "Rescinded"], response.body.Get_Event_Details_Response.Response_Data.Event.Event_Detail_Data.Event_State_Reference["@Descriptor"])
    present       = response.body.Get_Event_Details_Response.Response_Data.Event.Event_Detail_Data.Event_State_Reference["@Descriptor"] != null
    value         = "standing"
    outputs       = { state = response.body.Get_Event_Details_Response.Response_Data.Event.Event_Detail_Data.Event_State_Reference["@Descriptor"] }
    authoritative = true
  }

  # The work space of a position.
  lookup "work_space" {
    inputs = {
      worker   = "text"
      position = "text"
    }
    post= "/ccx/service/{var.tenant}/Human_Resources/{var.version}"
    soap = {
      Get_Workers_Request = {
        "@version" = var.version
        Request_References = {
          Worker_Reference = {
            ID = { "@type" = "Employee_ID", "#text" = input.worker }
          }
        }
        Response_Group = {
          Include_Reference              = true
          Include_Employment_Information = true
        }
      }
    }
    ok            = response.status == 200 && response.body.Get_Workers_Response.Response_Data.Worker.Worker_Data.Worker_ID == input.worker
    items         = list(response.body.Get_Workers_Response.Response_Data.Worker.Worker_Data.Employment_Data.Worker_Job_Data)
    where         = item.Position_Data.Position_ID == input.position
    value         = coalesce(item.Position_Data.Work_Space__Reference.ID.Location_ID, "none")
    outputs       = { work_space = item.Position_Data.Work_Space__Reference.ID.Location_ID }
    authoritative = true
  }

  # The primary work email of a worker.
  lookup "work_email" {
    inputs = { worker = "text" }
    post   = "/ccx/service/{var.tenant}/Human_Resources/{var.version}"
    soap = {
      Get_Workers_Request = {
        "@version" = var.version
        Request_References = {
          Worker_Reference = {
            ID = { "@type" = "Employee_ID", "#text" = input.worker }
          }
        }
        Response_Group = {
          Include_Reference            = true
          Include_Personal_Information = true
        }
      }
    }
    ok    = response.status == 200 && response.body.Get_Workers_Response.Response_Data.Worker.Worker_Data.Worker_ID == input.worker
    items = list(response.body.Get_Workers_Response.Response_Data.Worker.Worker_Data.Personal_Data.Contact_Data.Email_Address_Data)
    where = contains(item.Usage_Data[*].Type_Data.Type_Reference.ID.Communication_Usage_Type_ID, "WORK") && (contains(item.Usage_Data[*].Type_Data["@Primary"], "1") || contains(item.Usage_Data[*].Type_Data["@Primary"], "true"))
    value = item.Email_Address
    outputs = {
      email     = item.Email_Address
      reference = item.Email_Reference.ID.WID
    }
    authoritative = true
  }

  # The legal name of a worker, in one line.
  lookup "legal_name" {
    inputs = { worker = "text" }
    post   = "/ccx/service/{var.tenant}/Human_Resources/{var.version}"
    soap = {
      Get_Workers_Request = {
        "@version" = var.version
        Request_References = {
          Worker_Reference = {
            ID = { "@type" = "Employee_ID", "#text" = input.worker }
          }
        }
        Response_Group = {
          Include_Reference            = true
          Include_Personal_Information = true
        }
      }
    }
    ok      = response.status == 200 && response.body.Get_Workers_Response.Response_Data.Worker.Worker_Data.Worker_ID == input.worker
    absent  = response.body.Get_Workers_Response.Response_Data.Worker.Worker_Data.Personal_Data != null && response.body.Get_Workers_Response.Response_Data.Worker.Worker_Data.Personal_Data.Name_Data.Legal_Name_Data == null
    present = response.body.Get_Workers_Response.Response_Data.Worker.Worker_Data.Personal_Data.Name_Data.Legal_Name_Data.Name_Detail_Data.Last_Name != null
    value   = concat(response.body.Get_Workers_Response.Response_Data.Worker.Worker_Data.Personal_Data.Name_Data.Legal_Name_Data.Name_Detail_Data.First_Name, " ", response.body.Get_Workers_Response.Response_Data.Worker.Worker_Data.Personal_Data.Name_Data.Legal_Name_Data.Name_Detail_Data.Last_Name)
    outputs = {
      first_name  = response.body.Get_Workers_Response.Response_Data.Worker.Worker_Data.Personal_Data.Name_Data.Legal_Name_Data.Name_Detail_Data.First_Name
      middle_name = response.body.Get_Workers_Response.Response_Data.Worker.Worker_Data.Personal_Data.Name_Data.Legal_Name_Data.Name_Detail_Data.Middle_Name
      last_name   = response.body.Get_Workers_Response.Response_Data.Worker.Worker_Data.Personal_Data.Name_Data.Legal_Name_Data.Name_Detail_Data.Last_Name
      country     = response.body.Get_Workers_Response.Response_Data.Worker.Worker_Data.Personal_Data.Name_Data.Legal_Name_Data.Name_Detail_Data.Country_Reference.ID["ISO_3166-1_Alpha-2_Code"]
    }
    authoritative = true
  }

  # The supervisory organization of a worker.
  lookup "supervisory_organization" {
    inputs = { worker = "text" }
    post   = "/ccx/service/{var.tenant}/Human_Resources/{var.version}"
    soap = {
      Get_Workers_Request = {
        "@version" = var.version
        Request_References = {
          Worker_Reference = {
            ID = { "@type" = "Employee_ID", "#text" = input.worker }
          }
        }
        Response_Group = {
          Include_Reference     = true
          Include_Organizations = true
        }
      }
    }
    ok            = response.status == 200 && response.body.Get_Workers_Response.Response_Data.Worker.Worker_Data.Worker_ID == input.worker
    items         = list(response.body.Get_Workers_Response.Response_Data.Worker.Worker_Data.Organization_Data.Worker_Organization_Data)
    where         = item.Organization_Data.Organization_Type_Reference.ID.Organization_Type_ID == "SUPERVISORY"
    value         = item.Organization_Data.Organization_Reference_ID
    outputs       = { organization = item.Organization_Data.Organization_Reference_ID }
    authoritative = true
  }

  # The manager of an organization.
  lookup "manager" {
    inputs = { organization = "text" }
    post   = "/ccx/service/{var.tenant}/Human_Resources/{var.version}"
    soap = {
      Get_Organizations_Request = {
        "@version" = var.version
        Request_References = {
          Organization_Reference = {
            ID = { "@type" = "Organization_Reference_ID", "#text" = input.organization }
          }
        }
        Response_Group = { Include_Roles_Data = true }
      }
    }
    ok            = response.status == 200 && response.body.Get_Organizations_Response.Response_Data.Organization.Organization_Data.Reference_ID == input.organization
    absent        = response.body.Get_Organizations_Response.Response_Data.Organization.Organization_Data.Name != null && response.body.Get_Organizations_Response.Response_Data.Organization.Organization_Data.Manager_Reference == null
    present       = response.body.Get_Organizations_Response.Response_Data.Organization.Organization_Data.Manager_Reference != null
    value         = response.body.Get_Organizations_Response.Response_Data.Organization.Organization_Data.Manager_Reference.ID.Employee_ID
    outputs       = { manager = response.body.Get_Organizations_Response.Response_Data.Organization.Organization_Data.Manager_Reference.ID.Employee_ID }
    authoritative = true
  }

  # Whether somebody may sign in to Workday, by the name of the account.
  lookup "account" {
    inputs = { user_name = "text" }
    post   = "/ccx/service/{var.tenant}/Human_Resources/{var.version}"
    soap = {
      Get_Workday_Account_Request = {
        "@version" = var.version
        Request_References = {
          Workday_Account_Reference = {
            ID = { "@type" = "WorkdayUserName", "#text" = input.user_name }
          }
        }
      }
    }
    error "absent" { when = contains(response.body.Fault.faultstring, "Invalid ID value") && contains(response.body.Fault.faultstring, "WorkdayUserName") }
    ok            = response.status == 200 && response.body.Get_Workday_Account_Response.Response_Data.Workday_Account_Response_Data.Workday_Account_for_Worker_Data.User_Name == input.user_name
    absent        = contains(["1", "true"], response.body.Get_Workday_Account_Response.Response_Data.Workday_Account_Response_Data.Workday_Account_for_Worker_Data.Account_Disabled)
    present       = contains(["0", "false"], response.body.Get_Workday_Account_Response.Response_Data.Workday_Account_Response_Data.Workday_Account_for_Worker_Data.Account_Disabled)
    value         = "enabled"
    authoritative = true
  }

  # The business title of a worker.
  lookup "business_title" {
    inputs = { worker = "text" }
    post   = "/ccx/service/{var.tenant}/Human_Resources/{var.version}"
    soap = {
      Get_Workers_Request = {
        "@version" = var.version
        Request_References = {
          Worker_Reference = {
            ID = { "@type" = "Employee_ID", "#text" = input.worker }
          }
        }
        Response_Group = {
          Include_Reference              = true
          Include_Employment_Information = true
        }
      }
    }
    ok            = response.status == 200 && response.body.Get_Workers_Response.Response_Data.Worker.Worker_Data.Worker_ID == input.worker
    items         = list(response.body.Get_Workers_Response.Response_Data.Worker.Worker_Data.Employment_Data.Worker_Job_Data)
    where         = contains(["1", "true"], item["@Primary_Job"])
    value         = item.Position_Data.Business_Title
    outputs       = { title = item.Position_Data.Business_Title }
    authoritative = true
  }

  # A position that is not closed, by the number that we gave.
  lookup "open_position" {
    inputs = { position = "text" }
    post   = "/ccx/service/{var.tenant}/Staffing/{var.version}"
    soap = {
      Get_Positions_Request = {
        "@version" = var.version
        Request_References = {
          "@Skip_Non_Existing_Instances" = true
          Positions_Reference = {
            ID = { "@type" = "Position_ID", "#text" = input.position }
          }
        }
        Response_Group = { Include_Reference = true }
      }
    }
    ok            = response.status == 200 && response.body.Get_Positions_Response.Response_Results.Total_Results != null
    absent        = response.body.Get_Positions_Response.Response_Results.Total_Results == "0" || contains(["1", "true"], response.body.Get_Positions_Response.Response_Data.Position.Position_Data.Closed)
    present       = response.body.Get_Positions_Response.Response_Data.Position.Position_Reference.ID.Position_ID == input.position
    value         = "open"
    authoritative = true
  }

  # An account, enabled or not. One that is not known is a mistake in the reference.
  lookup "any_account" {
    inputs = { user_name = "text" }
    post   = "/ccx/service/{var.tenant}/Human_Resources/{var.version}"
    soap = {
      Get_Workday_Account_Request = {
        "@version" = var.version
        Request_References = {
          Workday_Account_Reference = {
            ID = { "@type" = "WorkdayUserName", "#text" = input.user_name }
          }
        }
      }
    }
    error "absent" { when = contains(response.body.Fault.faultstring, "Invalid ID value") && contains(response.body.Fault.faultstring, "WorkdayUserName") }
    ok            = response.status == 200
    present       = response.body.Get_Workday_Account_Response.Response_Data.Workday_Account_Response_Data.Workday_Account_for_Worker_Data.User_Name == input.user_name
    value         = "present"
    authoritative = true
  }

  # Whether a job change was submitted and stands: a draft has no status.
  lookup "job_change" {
    inputs        = { job_change = "text" }
    get           = "/ccx/api/staffing/{var.rest_version}/{var.tenant}/jobChanges/{job_change}"
    answers       = "json"
    evidence      = "recalled: where the answer says what became of the process"
    absent        = response.body.id == input.job_change && (response.body.businessProcessParameters.overallStatus == null || contains(["Canceled", "Cancelled", "Rescinded"], response.body.businessProcessParameters.overallStatus))
    present       = response.body.id == input.job_change && response.body.businessProcessParameters.overallStatus != null
    value         = "submitted"
    outputs       = { status = response.body.businessProcessParameters.overallStatus }
    authoritative = true
  }

  # The location that a draft of a job change has.
  lookup "job_change_location" {
    inputs        = { job_change = "text" }
    get           = "/ccx/api/staffing/{var.rest_version}/{var.tenant}/jobChanges/{job_change}/location"
    answers       = "json"
    evidence      = "recalled: that the answer is a list of one"
    items         = response.body.data
    where         = item.id != null && item.location != null
    value         = item.location.id
    outputs       = { location = item.location.id }
    authoritative = true
  }

  lookup "org_assignment" {
    inputs        = { assignment = "text" }
    get           = "/ccx/api/staffing/{var.rest_version}/{var.tenant}/organizationAssignmentChanges/{assignment}"
    answers       = "json"
    evidence      = "recalled: where the answer says what became of the process"
    absent        = response.body.id == input.assignment && (response.body.businessProcessParameters.overallStatus == null || contains(["Canceled", "Cancelled", "Rescinded"], response.body.businessProcessParameters.overallStatus))
    present       = response.body.id == input.assignment && response.body.businessProcessParameters.overallStatus != null
    value         = "submitted"
    outputs       = { status = response.body.businessProcessParameters.overallStatus }
    authoritative = true
  }

  # The cost centre that a draft of an assignment has.
  lookup "cost_center" {
    inputs        = { assignment = "text" }
    get           = "/ccx/api/staffing/{var.rest_version}/{var.tenant}/organizationAssignmentChanges/{assignment}/costCenter"
    answers       = "json"
    evidence      = "recalled: that the answer is a list of one"
    items         = response.body.data
    where         = item.id != null && item.costCenter != null
    value         = item.costCenter.id
    outputs       = { cost_center = item.costCenter.id }
    authoritative = true
  }

  # A contingent worker's contract ends by one service, the employment of whoever is `employee` by another.
  awf "set_end_date" {
    achieves = "create"
    inputs = {
      worker      = "text"
      end_date    = "date"
      worker_type = "text"
    }
    personal = ["end_date"]
    optional = ["worker_type"]
    samples  = { worker_type = "employee" }
    outputs  = { event = "text" }
    locks    = ["worker:{worker}"]
    evidence = "client library; that a second end is refused with these words is recalled"

    post = "/ccx/service/{var.tenant}/Staffing/{var.version}"
    soap = input.worker_type == "employee" ? {
      Terminate_Employee_Request = {
        "@version" = var.version
        Terminate_Employee_Data = {
          Employee_Reference = {
            ID = { "@type" = "Employee_ID", "#text" = input.worker }
          }
          Termination_Date = input.end_date
          Terminate_Event_Data = {
            Primary_Reason_Reference = {
              ID = { "@type" = var.end_reason_type, "#text" = var.termination_reason }
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
    } : {
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
    ok      = response.status == 200 && coalesce(response.body.End_Contingent_Worker_Contract_Response, response.body.Terminate_Employee_Event_Response) != null
    capture = { event = coalesce(response.body.End_Contingent_Worker_Contract_Response.Event_Reference.ID.WID, response.body.Terminate_Employee_Event_Response.Event_Reference.ID.WID) }
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
        worker      = input.worker
        event       = output.event
        worker_type = input.worker_type
      }
      loss = "the history keeps the end and its rescission"
    }
  }

  awf "clear_end_date" {
    achieves = "remove"
    inputs = {
      worker      = "text"
      event       = "text"
      worker_type = "text"
    }
    optional = ["worker_type"]
    locks    = ["worker:{worker}"]
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
        worker      = input.worker
        end_date    = snapshot.end_date
        worker_type = input.worker_type
      }
      loss = "the end date comes back under a new event"
    }
  }

  # The contract's end with a reason of its own; `set_end_date` has the tenant's.
  awf "end_contingent_contract" {
    achieves = "create"
    inputs = {
      worker   = "text"
      end_date = "date"
      reason   = "text"
    }
    personal = ["end_date", "reason"]
    optional = ["reason"]
    outputs  = { event = "text" }
    locks    = ["worker:{worker}"]
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
              ID = { "@type" = var.end_reason_type, "#text" = coalesce(input.reason, var.end_reason) }
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
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "rescind_business_process" {
      with = { event = output.event }
      loss = "the history keeps the end and its rescission"
    }
  }

  # Who is hired is an applicant, a former worker, a student, an academic affiliate or somebody new: one of these is given.
  # The number is ours, and numbers are unique: a second hire is refused.
  awf "hire_employee" {
    achieves = "create"
    inputs = {
      worker             = "text"
      hire_date          = "date"
      applicant          = "text"
      former_worker      = "text"
      student            = "text"
      academic_affiliate = "text"
      first_name         = "text"
      last_name          = "text"
      country            = "text"
      organization       = "text"
      position           = "text"
      job_profile        = "text"
      location           = "text"
      employee_type      = "text"
      reason             = "text"
    }
    personal = ["worker", "hire_date", "applicant", "former_worker", "student", "academic_affiliate", "first_name", "last_name"]
    optional = ["applicant", "former_worker", "student", "academic_affiliate", "first_name", "last_name", "country", "organization", "position", "job_profile", "location", "employee_type", "reason"]
    outputs  = { event = "text" }
    evidence = "client library; the parts inside `Applicant_Data` and `Position_Details` are recalled"

    post = "/ccx/service/{var.tenant}/Staffing/{var.version}"
    soap = {
      Hire_Employee_Request = {
        "@version" = var.version
        Hire_Employee_Data = {
          Applicant_Reference = input.applicant == null ? null : { ID = { "@type" = "Applicant_ID", "#text" = input.applicant } }
          Former_Worker_Reference = input.former_worker == null ? null : { ID = { "@type" = "Former_Worker_ID", "#text" = input.former_worker } }
          Student_Reference = input.student == null ? null : { ID = { "@type" = "Student_ID", "#text" = input.student } }
          Academic_Affiliate_Reference = input.academic_affiliate == null ? null : { ID = { "@type" = "Academic_Affiliate_ID", "#text" = input.academic_affiliate } }
          Applicant_Data = input.last_name == null ? null : {
            Personal_Data = {
              Name_Data = {
                Legal_Name_Data = {
                  Name_Detail_Data = {
                    Country_Reference = input.country == null ? null : { ID = { "@type" = "ISO_3166-1_Alpha-2_Code", "#text" = input.country } }
                    First_Name        = input.first_name
                    Last_Name         = input.last_name
                  }
                }
              }
            }
          }
          Hire_Employee_Event_Data = {
            Position_Details = {
              Job_Profile_Reference = input.job_profile == null ? null : { ID = { "@type" = "Job_Profile_ID", "#text" = input.job_profile } }
              Location_Reference    = input.location == null ? null : { ID = { "@type" = "Location_ID", "#text" = input.location } }
            }
            Employee_ID             = input.worker
            Hire_Reason_Reference   = input.reason == null ? null : { ID = { "@type" = var.end_reason_type, "#text" = input.reason } }
            Employee_Type_Reference = input.employee_type == null ? null : { ID = { "@type" = "Employee_Type_ID", "#text" = input.employee_type } }
            First_Day_of_Work       = input.hire_date
          }
          Organization_Reference = input.organization == null ? null : { ID = { "@type" = "Organization_Reference_ID", "#text" = input.organization } }
          Position_Reference = input.position == null ? null : { ID = { "@type" = "Position_ID", "#text" = input.position } }
          Hire_Date = input.hire_date
        }
        Business_Process_Parameters = {
          Auto_Complete = true
          Run_Now       = true
          Comment_Data  = { Comment = key }
        }
      }
    }
    ok      = response.status == 200 && response.body.Hire_Employee_Event_Response != null
    capture = { event = response.body.Hire_Employee_Event_Response.Event_Reference.ID.WID }
    error "conflict" { when = contains(response.body.Fault.faultstring, "already in use") }

    lookup "employee" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "rescind_hire" {
      with = {
        worker = input.worker
        event  = output.event
      }
      loss = "the record of the applicant remains, and the history keeps the hire and its rescission"
    }
  }

  awf "rescind_hire" {
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

    lookup "employee" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    irreversible = "a hire that was rescinded is made anew, with everything that it was told"
    forward      = "hire_employee"
  }

  awf "record_no_show" {
    achieves = "create"
    inputs = {
      worker    = "text"
      hire_date = "date"
    }
    personal = ["worker", "hire_date"]
    outputs  = { event = "text" }
    locks    = ["worker:{worker}"]
    evidence = "client library; that the log shows it under the day of the hire is recalled"

    post = "/ccx/service/{var.tenant}/Staffing/{var.version}"
    soap = {
      No_Show_Request = {
        "@version" = var.version
        No_Show_Employee_Data = {
          Employee_Reference = {
            ID = { "@type" = "Employee_ID", "#text" = input.worker }
          }
        }
        Business_Process_Parameters = {
          Auto_Complete = true
          Run_Now       = true
          Comment_Data  = { Comment = key }
        }
      }
    }
    ok      = response.status == 200 && response.body.No_Show_Event_Response != null
    capture = { event = response.body.No_Show_Event_Response.Event_Reference.ID.WID }

    lookup "logged" {
      process = var.no_show_process
      on      = input.hire_date
    }
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "rescind_business_process" {
      with = { event = output.event }
      loss = "the history keeps the no-show and its rescission"
    }
  }

  # A process that is not finished is cancelled; one that is finished is rescinded.
  awf "cancel_business_process" {
    achieves = "remove"
    inputs   = { event = "text" }
    evidence = "client library; the words of the states are recalled"

    post = "/ccx/service/{var.tenant}/Integrations/{var.version}"
    soap = {
      Cancel_Business_Process_Request = {
        "@version" = var.version
        Event_Reference = {
          ID = { "@type" = "WID", "#text" = input.event }
        }
        Cancel_Business_Process_Data = { Comment = key }
      }
    }
    ok = response.status == 200 && response.body.Cancel_Business_Process_Response != null

    lookup "standing_event" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    irreversible = "a process that was cancelled is started anew"
  }

  awf "rescind_business_process" {
    achieves = "remove"
    inputs   = { event = "text" }
    evidence = "client library; the words of the states, and that a second rescission is refused with these words, are recalled"

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

    lookup "standing_event" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    irreversible = "a process that was rescinded is started anew"
  }

  # One of applicant, former worker and a name is given. The number is ours, and numbers are unique.
  awf "contract_contingent_worker" {
    achieves = "create"
    inputs = {
      worker        = "text"
      start_date    = "date"
      end_date      = "date"
      applicant     = "text"
      former_worker = "text"
      first_name    = "text"
      last_name     = "text"
      country       = "text"
      organization  = "text"
      position      = "text"
      job_profile   = "text"
      location      = "text"
      worker_type   = "text"
      supplier      = "text"
    }
    personal = ["worker", "start_date", "end_date", "applicant", "former_worker", "first_name", "last_name"]
    optional = ["end_date", "applicant", "former_worker", "first_name", "last_name", "country", "organization", "position", "job_profile", "location", "worker_type", "supplier"]
    outputs  = { event = "text" }
    evidence = "client library; the parts inside `Personal_Data` are recalled"

    post = "/ccx/service/{var.tenant}/Staffing/{var.version}"
    soap = {
      Contract_Contingent_Worker_Request = {
        "@version" = var.version
        Contract_Contingent_Worker_Data = {
          Applicant_Reference = input.applicant == null ? null : { ID = { "@type" = "Applicant_ID", "#text" = input.applicant } }
          Former_Worker_Reference = input.former_worker == null ? null : { ID = { "@type" = "Former_Worker_ID", "#text" = input.former_worker } }
          Applicant_Data = input.last_name == null ? null : {
            Personal_Data = {
              Name_Data = {
                Legal_Name_Data = {
                  Name_Detail_Data = {
                    Country_Reference = input.country == null ? null : { ID = { "@type" = "ISO_3166-1_Alpha-2_Code", "#text" = input.country } }
                    First_Name        = input.first_name
                    Last_Name         = input.last_name
                  }
                }
              }
            }
          }
          Contract_Start_Date = input.start_date
          Contract_Contingent_Worker_Event_Data = {
            Position_Details = {
              Job_Profile_Reference = input.job_profile == null ? null : { ID = { "@type" = "Job_Profile_ID", "#text" = input.job_profile } }
              Location_Reference    = input.location == null ? null : { ID = { "@type" = "Location_ID", "#text" = input.location } }
            }
            Contingent_Worker_ID           = input.worker
            Contract_Worker_Type_Reference = input.worker_type == null ? null : { ID = { "@type" = "Contingent_Worker_Type_ID", "#text" = input.worker_type } }
            Contract_End_Date              = input.end_date
            First_Day_of_Work              = input.start_date
            Supplier_Reference             = input.supplier == null ? null : { ID = { "@type" = "Supplier_ID", "#text" = input.supplier } }
          }
          Organization_Reference = input.organization == null ? null : { ID = { "@type" = "Organization_Reference_ID", "#text" = input.organization } }
          Position_Reference = input.position == null ? null : { ID = { "@type" = "Position_ID", "#text" = input.position } }
        }
        Business_Process_Parameters = {
          Auto_Complete = true
          Run_Now       = true
          Comment_Data  = { Comment = key }
        }
      }
    }
    ok      = response.status == 200 && response.body.Contract_Contingent_Worker_Response != null
    capture = { event = response.body.Contract_Contingent_Worker_Response.Event_Reference.ID.WID }
    error "conflict" { when = contains(response.body.Fault.faultstring, "already in use") }

    lookup "contingent_worker" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "rescind_business_process" {
      with = { event = output.event }
      loss = "the record of the applicant remains, and the history keeps the contract and its rescission"
    }
  }

  # Who had the role before is taken out of it: it has one holder.
  awf "change_manager" {
    achieves = "update"
    inputs = {
      organization = "text"
      manager      = "text"
      on           = "date"
    }
    personal = ["manager"]
    locks    = ["organization:{organization}"]
    evidence = "client library; that the organization shows its manager by `Manager_Reference` is in it too"

    post = "/ccx/service/{var.tenant}/Staffing/{var.version}"
    soap = {
      Assign_Roles_Request = {
        "@version" = var.version
        Assign_Roles_Event_Data = {
          Event_Target_Assignee_Reference = {
            ID = { "@type" = "Employee_ID", "#text" = input.manager }
          }
          Effective_Date = input.on
          Assign_Roles_Role_Assignment_Data = {
            Role_Assigner_Reference = {
              ID = { "@type" = "Organization_Reference_ID", "#text" = input.organization }
            }
            Assignable_Role_Reference = {
              ID = { "@type" = "Organization_Role_ID", "#text" = var.manager_role }
            }
            Remove_Existing_Assignees_for_Assignable_Role_on_Role_Assigner = true
            Assignees_to_Add_Reference = {
              ID = { "@type" = "Employee_ID", "#text" = input.manager }
            }
          }
        }
        Business_Process_Parameters = {
          Auto_Complete = true
          Run_Now       = true
          Comment_Data  = { Comment = key }
        }
      }
    }
    ok = response.status == 200 && response.body.Assign_Roles_Response != null

    lookup "manager" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "change_manager" {
      with = {
        organization = input.organization
        manager      = snapshot.manager
        on           = input.on
      }
      loss = "the history of the role shows both changes"
    }
  }

  awf "change_work_space" {
    achieves = "update"
    inputs = {
      worker     = "text"
      position   = "text"
      work_space = "text"
      on         = "date"
    }
    personal = ["worker", "work_space"]
    locks    = ["worker:{worker}"]
    evidence = "client library; where `Worker_Data` shows the work space is recalled"

    post = "/ccx/service/{var.tenant}/Staffing/{var.version}"
    soap = {
      Change_Work_Space_Request = {
        "@version" = var.version
        Work_Space_Change_Event_Data = {
          Position_Reference = {
            ID = { "@type" = "Position_ID", "#text" = input.position }
          }
          Effective_Date = input.on
          Work_Space_Reference = {
            ID = { "@type" = "Location_ID", "#text" = input.work_space }
          }
        }
        Business_Process_Parameters = {
          Auto_Complete = true
          Run_Now       = true
          Comment_Data  = { Comment = key }
        }
      }
    }
    ok = response.status == 200 && response.body.Change_Work_Space_Response != null

    lookup "work_space" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    # Who had no work space cannot be given none again: then a person is asked.
    undo "change_work_space" {
      with = {
        worker     = input.worker
        position   = input.position
        work_space = snapshot.work_space
        on         = input.on
      }
      loss = "the history shows both changes"
    }
  }

  # `Do_Not_Replace_All` leaves the other addresses of the worker as they are.
  awf "write_work_email_back" {
    achieves = "create"
    inputs = {
      worker = "text"
      email  = "text"
      on     = "date"
    }
    personal = ["worker", "email"]
    locks    = ["worker:{worker}"]
    evidence = "client library; the codes of the usage are recalled"

    post = "/ccx/service/{var.tenant}/Human_Resources/{var.version}"
    soap = {
      Maintain_Contact_Information_for_Person_Event_Request = {
        "@version" = var.version
        Business_Process_Parameters = {
          Auto_Complete = true
          Run_Now       = true
          Comment_Data  = { Comment = key }
        }
        Maintain_Contact_Information_Data = {
          Worker_Reference = {
            ID = { "@type" = "Employee_ID", "#text" = input.worker }
          }
          Worker_Contact_Information_Data = {
            Email_Address_Data = {
              "@Do_Not_Replace_All" = true
              Email_Address         = input.email
              Usage_Data = {
                "@Public" = true
                Type_Data = {
                  "@Primary" = true
                  Type_Reference = {
                    ID = { "@type" = "Communication_Usage_Type_ID", "#text" = "WORK" }
                  }
                }
              }
            }
          }
          Effective_Date = input.on
        }
      }
    }
    ok = response.status == 200 && response.body.Maintain_Contact_Information_for_Person_Event_Response != null

    lookup "work_email" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "remove_work_email" {
      with = {
        worker = input.worker
        on     = input.on
      }
      loss = "the history shows both changes"
    }
  }

  awf "remove_work_email" {
    achieves = "remove"
    inputs = {
      worker = "text"
      on     = "date"
    }
    personal = ["worker"]
    locks    = ["worker:{worker}"]
    evidence = "client library; the codes of the usage are recalled"

    post = "/ccx/service/{var.tenant}/Human_Resources/{var.version}"
    soap = {
      Maintain_Contact_Information_for_Person_Event_Request = {
        "@version" = var.version
        Business_Process_Parameters = {
          Auto_Complete = true
          Run_Now       = true
          Comment_Data  = { Comment = key }
        }
        Maintain_Contact_Information_Data = {
          Worker_Reference = {
            ID = { "@type" = "Employee_ID", "#text" = input.worker }
          }
          Worker_Contact_Information_Data = {
            Email_Address_Data = {
              "@Delete"             = true
              "@Do_Not_Replace_All" = true
              Email_Address         = snapshot.email
              Email_Reference = {
                ID = { "@type" = "WID", "#text" = snapshot.reference }
              }
            }
          }
          Effective_Date = input.on
        }
      }
    }
    ok = response.status == 200 && response.body.Maintain_Contact_Information_for_Person_Event_Response != null

    lookup "work_email" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "write_work_email_back" {
      with = {
        worker = input.worker
        email  = snapshot.email
        on     = input.on
      }
      loss = "what else the address was used for is not set again"
    }
  }

  awf "change_legal_name" {
    achieves = "update"
    inputs = {
      worker      = "text"
      country     = "text"
      first_name  = "text"
      middle_name = "text"
      last_name   = "text"
      on          = "date"
    }
    personal = ["worker", "first_name", "middle_name", "last_name"]
    optional = ["middle_name"]
    locks    = ["worker:{worker}"]
    evidence = "client library; the parts inside `Name_Data` are recalled"

    post = "/ccx/service/{var.tenant}/Human_Resources/{var.version}"
    soap = {
      Change_Legal_Name_Request = {
        "@version" = var.version
        Change_Legal_Name_Data = {
          Name_Data = {
            Country_Reference = {
              ID = { "@type" = "ISO_3166-1_Alpha-2_Code", "#text" = input.country }
            }
            First_Name  = input.first_name
            Middle_Name = input.middle_name
            Last_Name   = input.last_name
          }
          Person_Reference = {
            ID = { "@type" = "Employee_ID", "#text" = input.worker }
          }
          Effective_Date = input.on
        }
        Business_Process_Parameters = {
          Auto_Complete = true
          Run_Now       = true
          Comment_Data  = { Comment = key }
        }
      }
    }
    ok = response.status == 200 && response.body.Change_Legal_Name_Response != null

    lookup "legal_name" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "change_legal_name" {
      with = {
        worker      = input.worker
        country     = snapshot.country
        first_name  = snapshot.first_name
        middle_name = snapshot.middle_name
        last_name   = snapshot.last_name
        on          = input.on
      }
      loss = "the history shows both changes, and titles, suffixes and local scripts are not set again"
    }
  }

  awf "place_on_leave" {
    achieves = "create"
    inputs = {
      worker     = "text"
      leave_type = "text"
      first_day  = "date"
      last_day   = "date"
    }
    personal = ["worker", "leave_type", "first_day", "last_day"]
    outputs  = { event = "text" }
    locks    = ["worker:{worker}"]
    evidence = "client library; that the log shows it under the first day is recalled"

    post = "/ccx/service/{var.tenant}/Absence_Management/{var.version}"
    soap = {
      Request_Leave_of_Absence_Request = {
        "@version" = var.version
        Request_Leave_of_Absence_Data = {
          Worker_Reference = {
            ID = { "@type" = "Employee_ID", "#text" = input.worker }
          }
          Leave_Request_Data = {
            Leave_of_Absence_Type_Reference = {
              ID = { "@type" = "Leave_of_Absence_Type_ID", "#text" = input.leave_type }
            }
            First_Day_of_Leave          = input.first_day
            Estimated_Last_Day_of_Leave = input.last_day
          }
        }
        Business_Process_Parameters = {
          Auto_Complete = true
          Run_Now       = true
          Comment_Data  = { Comment = key }
        }
      }
    }
    ok      = response.status == 200 && response.body.Request_Leave_of_Absence_Response != null
    capture = { event = response.body.Request_Leave_of_Absence_Response.Event_Reference.ID.WID }

    lookup "logged" {
      process = var.leave_process
      on      = input.first_day
    }
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "rescind_business_process" {
      with = { event = output.event }
      loss = "the history keeps the leave and its rescission"
    }
  }

  # `leave` is the event that the leave began with.
  awf "return_from_leave" {
    achieves = "create"
    inputs = {
      worker         = "text"
      leave          = "text"
      last_day       = "date"
      first_day_back = "date"
    }
    personal = ["worker", "last_day", "first_day_back"]
    outputs  = { event = "text" }
    locks    = ["worker:{worker}"]
    evidence = "client library; that the log shows it under the first day back is recalled"

    post = "/ccx/service/{var.tenant}/Absence_Management/{var.version}"
    soap = {
      Request_Return_from_Leave_of_Absence_Request = {
        "@version" = var.version
        Request_Return_from_Leave_of_Absence_Data = {
          Worker_Reference = {
            ID = { "@type" = "Employee_ID", "#text" = input.worker }
          }
          Leaves_Returning_from_Data = {
            Request_Leave_of_Absence_Reference = {
              ID = { "@type" = "WID", "#text" = input.leave }
            }
            Actual_Last_Day_of_Leave = input.last_day
          }
          First_Day_Back_at_Work = input.first_day_back
        }
        Business_Process_Parameters = {
          Auto_Complete = true
          Run_Now       = true
          Comment_Data  = { Comment = key }
        }
      }
    }
    ok      = response.status == 200 && response.body.Request_Return_from_Leave_of_Absence_Response != null
    capture = { event = response.body.Request_Return_from_Leave_of_Absence_Response.Event_Reference.ID.WID }

    lookup "logged" {
      process = var.return_process
      on      = input.first_day_back
    }
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "rescind_business_process" {
      with = { event = output.event }
      loss = "the history keeps the return and its rescission"
    }
  }

  awf "disable_workday_account" {
    achieves = "remove"
    inputs = {
      worker    = "text"
      user_name = "text"
    }
    personal = ["worker", "user_name"]
    locks    = ["account:{user_name}"]
    evidence = "client library; the names of the kinds of references are recalled"

    post = "/ccx/service/{var.tenant}/Human_Resources/{var.version}"
    soap = {
      Workday_Account_for_Worker_Update = {
        "@version" = var.version
        Workday_Account_for_Worker_Data = {
          User_Name        = input.user_name
          Account_Disabled = true
        }
        Worker_Reference = {
          Employee_Reference = {
            Integration_ID_Reference = {
              ID = { "@System_ID" = "WD-EMPLID", "#text" = input.worker }
            }
          }
        }
      }
    }
    ok = response.status == 200 && response.body.Fault == null

    lookup "account" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "enable_workday_account" {
      with = {
        worker    = input.worker
        user_name = input.user_name
      }
    }
  }

  awf "enable_workday_account" {
    achieves = "create"
    inputs = {
      worker    = "text"
      user_name = "text"
    }
    personal = ["worker", "user_name"]
    locks    = ["account:{user_name}"]
    evidence = "client library; the names of the kinds of references are recalled"

    post = "/ccx/service/{var.tenant}/Human_Resources/{var.version}"
    soap = {
      Workday_Account_for_Worker_Update = {
        "@version" = var.version
        Workday_Account_for_Worker_Data = {
          User_Name        = input.user_name
          Account_Disabled = false
        }
        Worker_Reference = {
          Employee_Reference = {
            Integration_ID_Reference = {
              ID = { "@System_ID" = "WD-EMPLID", "#text" = input.worker }
            }
          }
        }
      }
    }
    ok = response.status == 200 && response.body.Fault == null

    lookup "account" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "disable_workday_account" {
      with = {
        worker    = input.worker
        user_name = input.user_name
      }
    }
  }

  # One worker of the organization: whoever moves more runs it for each.
  awf "move_workers_by_org" {
    achieves = "update"
    inputs = {
      worker   = "text"
      position = "text"
      from     = "text"
      to       = "text"
      on       = "date"
    }
    personal = ["worker"]
    locks    = ["worker:{worker}"]
    evidence = "client library; where `Worker_Data` shows the organization is recalled"

    post = "/ccx/service/{var.tenant}/Staffing/{var.version}"
    soap = {
      Move_Workers_By_Organization_Request = {
        "@version" = var.version
        Move_Workers_By_Organization_Data = {
          Effective_Date = input.on
          From_Organization_Reference = {
            ID = { "@type" = "Organization_Reference_ID", "#text" = input.from }
          }
          Move_Workers_By_Organization_Position_Data = {
            Position_to_Move_Reference = {
              ID = { "@type" = "Position_ID", "#text" = input.position }
            }
            Worker_for_Position_Reference = {
              ID = { "@type" = "Employee_ID", "#text" = input.worker }
            }
          }
          To_Organization_Reference = {
            ID = { "@type" = "Organization_Reference_ID", "#text" = input.to }
          }
        }
        Business_Process_Parameters = {
          Auto_Complete = true
          Run_Now       = true
          Comment_Data  = { Comment = key }
        }
      }
    }
    ok = response.status == 200 && response.body.Move_Workers_By_Organization_Response != null

    lookup "supervisory_organization" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "move_workers_by_org" {
      with = {
        worker   = input.worker
        position = input.position
        from     = input.to
        to       = snapshot.organization
        on       = input.on
      }
      loss = "the history shows both moves"
    }
  }

  awf "approve_business_process" {
    inputs   = { event = "text" }
    evidence = "client library"

    post = "/ccx/service/{var.tenant}/Integrations/{var.version}"
    soap = {
      Approve_Business_Process_Request = {
        "@version" = var.version
        Event_Reference = {
          ID = { "@type" = "WID", "#text" = input.event }
        }
        Approve_Business_Process_Data = { Comment = key }
      }
    }
    ok = response.status == 200 && response.body.Approve_Business_Process_Response != null

    # What it is approved for may still wait for others: nothing shows whose approval was given.
    ambiguous "park" {}
    undo "rescind_business_process" {
      with = { event = input.event }
      loss = "the whole process is rescinded, and the history keeps it"
    }
  }

  awf "change_business_title" {
    achieves = "update"
    inputs = {
      worker = "text"
      title  = "text"
      on     = "date"
    }
    personal = ["worker", "title"]
    locks    = ["worker:{worker}"]
    evidence = "client library; where `Worker_Data` shows the title is recalled"

    post = "/ccx/service/{var.tenant}/Human_Resources/{var.version}"
    soap = {
      Change_Business_Title_Request = {
        "@version" = var.version
        Change_Business_Title_Business_Process_Data = {
          Worker_Reference = {
            ID = { "@type" = "Employee_ID", "#text" = input.worker }
          }
          Change_Business_Title_Data = {
            Event_Effective_Date    = input.on
            Proposed_Business_Title = input.title
          }
        }
        Business_Process_Parameters = {
          Auto_Complete = true
          Run_Now       = true
          Comment_Data  = { Comment = key }
        }
      }
    }
    ok = response.status == 200 && response.body.Change_Business_Title_Response != null

    lookup "business_title" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "change_business_title" {
      with = {
        worker = input.worker
        title  = snapshot.title
        on     = input.on
      }
      loss = "the history shows both changes"
    }
  }

  # Numbers of positions are ours and unique.
  awf "create_position" {
    achieves = "create"
    inputs = {
      position     = "text"
      organization = "text"
      title        = "text"
      available    = "date"
    }
    evidence = "client library; where `Get_Positions` shows the number is recalled"

    post = "/ccx/service/{var.tenant}/Staffing/{var.version}"
    soap = {
      Create_Position_Request = {
        "@version" = var.version
        Create_Position_Data = {
          Supervisory_Organization_Reference = {
            ID = { "@type" = "Organization_Reference_ID", "#text" = input.organization }
          }
          Position_Data = {
            Position_ID       = input.position
            Job_Posting_Title = input.title
          }
          Position_Group_Restrictions_Data = { Availability_Date = input.available }
        }
        Business_Process_Parameters = {
          Auto_Complete = true
          Run_Now       = true
          Comment_Data  = { Comment = key }
        }
      }
    }
    ok = response.status == 200 && response.body.Create_Position_Response != null
    error "conflict" { when = contains(response.body.Fault.faultstring, "already in use") }

    lookup "open_position" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "close_position" {
      with = {
        position = input.position
        on       = input.available
      }
      loss = "the position remains, closed"
    }
  }

  awf "close_position" {
    achieves = "remove"
    inputs = {
      position = "text"
      on       = "date"
    }
    evidence = "client library; where `Get_Positions` shows the number is recalled"

    post = "/ccx/service/{var.tenant}/Staffing/{var.version}"
    soap = {
      Close_Position_Request = {
        "@version" = var.version
        Close_Restriction_Data = {
          Position_Reference = {
            ID = { "@type" = "Position_ID", "#text" = input.position }
          }
          Close_Event_Data = { Close_Date = input.on }
        }
        Business_Process_Parameters = {
          Auto_Complete = true
          Run_Now       = true
          Comment_Data  = { Comment = key }
        }
      }
    }
    ok = response.status == 200 && response.body.Close_Position_Response != null

    lookup "open_position" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    irreversible = "a position that was closed is made anew"
    forward      = "create_position"
  }

  # Without a password of ours: Workday makes one, and sends it.
  awf "provision_workday_account" {
    achieves = "create"
    inputs = {
      worker    = "text"
      user_name = "text"
    }
    personal = ["worker", "user_name"]
    evidence = "client library; the names of the kinds of references are recalled"

    post = "/ccx/service/{var.tenant}/Human_Resources/{var.version}"
    soap = {
      Workday_Account_for_Worker_Add = {
        "@version" = var.version
        Workday_Account_for_Worker_Data = {
          User_Name                = input.user_name
          Generate_Random_Password = true
        }
        Worker_Reference = {
          Employee_Reference = {
            Integration_ID_Reference = {
              ID = { "@System_ID" = "WD-EMPLID", "#text" = input.worker }
            }
          }
        }
      }
    }
    ok = response.status == 200 && response.body.Fault == null

    lookup "any_account" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "disable_workday_account" {
      with = {
        worker    = input.worker
        user_name = input.user_name
      }
      loss = "the account remains, disabled"
    }
  }

  # A draft: nothing of it holds before it is submitted, and nothing lists drafts. What was not answered is looked at by a person.
  awf "change_job" {
    inputs = {
      worker       = "text"
      on           = "date"
      reason       = "text"
      job          = "text"
      organization = "text"
      location     = "text"
    }
    personal = ["worker"]
    optional = ["reason", "job", "organization", "location"]
    outputs  = { job_change = "text" }
    locks    = ["worker:{worker}"]
    evidence = "vendor spec"

    post    = "/ccx/api/staffing/{var.rest_version}/{var.tenant}/workers/{worker}/jobChanges"
    answers = "json"
    json = {
      date                    = input.on
      reason                  = input.reason == null ? null : { id = input.reason }
      job                     = input.job == null ? null : { id = input.job }
      supervisoryOrganization = input.organization == null ? null : { id = input.organization }
      location                = input.location == null ? null : { id = input.location }
    }
    capture = { job_change = response.body.id }

    ambiguous "park" {}
    undo "cancel_business_process" {
      with = { event = output.job_change }
      loss = "a draft that was cancelled is kept by the history"
    }
  }

  awf "submit_job_change" {
    achieves = "create"
    inputs   = { job_change = "text" }
    locks    = ["job_change:{job_change}"]
    evidence = "vendor spec; where the answer says what became of the process is recalled"

    post    = "/ccx/api/staffing/{var.rest_version}/{var.tenant}/jobChanges/{job_change}/submit"
    answers = "json"
    json    = {}

    lookup "job_change" {}
    # What was submitted is no draft any more: it cannot be submitted twice.
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "rescind_business_process" {
      with = { event = input.job_change }
      loss = "the history keeps the change and its rescission"
    }
  }

  # In a draft: it holds once that is submitted.
  awf "change_job_location" {
    achieves = "update"
    inputs = {
      job_change = "text"
      location   = "text"
    }
    locks    = ["job_change:{job_change}"]
    evidence = "vendor spec; what the draft answers is recalled"

    patch   = "/ccx/api/staffing/{var.rest_version}/{var.tenant}/jobChanges/{job_change}/location/{job_change}"
    answers = "json"
    json    = { location = { id = input.location } }

    lookup "job_change_location" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "change_job_location" {
      with = {
        job_change = input.job_change
        location   = snapshot.location
      }
    }
  }

  awf "change_org_assignment" {
    inputs = {
      worker   = "text"
      on       = "date"
      position = "text"
    }
    personal = ["worker"]
    optional = ["position"]
    outputs  = { assignment = "text" }
    locks    = ["worker:{worker}"]
    evidence = "vendor spec"

    post    = "/ccx/api/staffing/{var.rest_version}/{var.tenant}/workers/{worker}/organizationAssignmentChanges"
    answers = "json"
    json = {
      date     = input.on
      position = input.position == null ? null : { id = input.position }
    }
    capture = { assignment = response.body.id }

    ambiguous "park" {}
    undo "cancel_business_process" {
      with = { event = output.assignment }
      loss = "a draft that was cancelled is kept by the history"
    }
  }

  # In a draft: it holds once that is submitted.
  awf "set_cost_center" {
    achieves = "update"
    inputs = {
      assignment  = "text"
      cost_center = "text"
    }
    locks    = ["assignment:{assignment}"]
    evidence = "vendor spec; what the draft answers is recalled"

    patch   = "/ccx/api/staffing/{var.rest_version}/{var.tenant}/organizationAssignmentChanges/{assignment}/costCenter/{assignment}"
    answers = "json"
    json    = { costCenter = { id = input.cost_center } }

    lookup "cost_center" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "set_cost_center" {
      with = {
        assignment  = input.assignment
        cost_center = snapshot.cost_center
      }
    }
  }

  awf "submit_org_assignment" {
    achieves = "create"
    inputs   = { assignment = "text" }
    locks    = ["assignment:{assignment}"]
    evidence = "vendor spec; where the answer says what became of the process is recalled"

    post    = "/ccx/api/staffing/{var.rest_version}/{var.tenant}/organizationAssignmentChanges/{assignment}/submit"
    answers = "json"
    json    = {}

    lookup "org_assignment" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "rescind_business_process" {
      with = { event = input.assignment }
      loss = "the history keeps the change and its rescission"
    }
  }

  # A draft with nothing in it yet: what goes into it has no description here.
  awf "update_work_contact" {
    inputs   = { worker = "text" }
    personal = ["worker"]
    outputs  = { change = "text" }
    locks    = ["worker:{worker}"]
    evidence = "unverified: the description names the call and no members"

    post    = "/ccx/api/staffing/{var.rest_version}/{var.tenant}/workers/{worker}/workContactInformationChanges"
    answers = "json"
    json    = {}
    capture = { change = response.body.id }

    ambiguous "park" {}
    undo "cancel_business_process" {
      with = { event = output.change }
      loss = "a draft that was cancelled is kept by the history"
    }
  }

  read "workers" {
    kind = "worker"
    post = "/ccx/service/{var.tenant}/Human_Resources/{var.version}"
    soap = {
      Get_Workers_Request = {
        "@version" = var.version
        Request_Criteria = page.since == null ? null : {
          Transaction_Log_Criteria_Data = {
            Transaction_Date_Range_Data = {
              Updated_From = page.since
            }
          }
        }
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
    delta "filter" { overlap = "5m" }

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

  read "organizations" {
    kind = "organization"
    post = "/ccx/service/{var.tenant}/Human_Resources/{var.version}"
    soap = {
      Get_Organizations_Request = {
        "@version" = var.version
        Request_Criteria = {
          Include_Inactive = true
          Transaction_Log_Criteria = page.since == null ? null : {
            Transaction_Date_Range_Data = {
              Updated_From = page.since
            }
          }
        }
        Response_Filter = {
          Page  = page.number
          Count = 200
        }
        Response_Group = {
          Include_Roles_Data     = true
          Include_Hierarchy_Data = true
        }
      }
    }
    evidence = "client library; the parts inside references are recalled"
    ok       = response.status == 200 && response.body.Get_Organizations_Response.Response_Results.Total_Results != null
    items    = list(response.body.Get_Organizations_Response.Response_Data.Organization)
    page "number" { last = response.body.Get_Organizations_Response.Response_Results.Total_Pages }
    delta "filter" { overlap = "5m" }

    id      = item.Organization_Data.Reference_ID
    version = item.Organization_Data.Last_Updated_DateTime
    text {
      wid     = item.Organization_Reference.ID.WID
      name    = item.Organization_Data.Name
      type    = item.Organization_Data.Organization_Type_Reference.ID.Organization_Type_ID
      manager = item.Organization_Data.Manager_Reference.ID.Employee_ID
    }
    bool { inactive = item.Organization_Data.Inactive }
  }

  read "positions" {
    kind = "position"
    post = "/ccx/service/{var.tenant}/Staffing/{var.version}"
    soap = {
      Get_Positions_Request = {
        "@version" = var.version
        Request_Criteria = {
          Transaction_Log_Criteria_Data = page.since == null ? null : {
            Transaction_Date_Range_Data = {
              Updated_From = page.since
            }
          }
          Include_Closed_Positions = true
        }
        Response_Filter = {
          Page  = page.number
          Count = 200
        }
        Response_Group = {
          Include_Reference                        = true
          Include_Position_Definition_Data         = true
          Include_Worker_For_Filled_Positions_Data = true
        }
      }
    }
    evidence = "client library; the parts inside `Position_Data` are recalled"
    ok       = response.status == 200 && response.body.Get_Positions_Response.Response_Results.Total_Results != null
    items    = list(response.body.Get_Positions_Response.Response_Data.Position)
    page "number" { last = response.body.Get_Positions_Response.Response_Results.Total_Pages }
    delta "filter" { overlap = "5m" }

    id = item.Position_Reference.ID.Position_ID
    text {
      wid          = item.Position_Reference.ID.WID
      title        = item.Position_Data.Position_Definition_Data.Job_Posting_Title
      organization = item.Position_Data.Supervisory_Organization_Reference.ID.Organization_Reference_ID
      worker       = item.Position_Data.Worker_For_Filled_Position.Worker_Reference.ID.Employee_ID
    }
    bool { closed = item.Position_Data.Closed }
  }
}
