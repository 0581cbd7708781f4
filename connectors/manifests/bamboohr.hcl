# BambooHR: employees and the rows of their tables. What answers hold is recalled. A new row answers without its id, a new
# employee with a `location` header: both are found again by what is unique in them (the number, the day). A row that is
# deleted comes back under another id.
manifest "bamboohr" {
  title  = "BambooHR"
  domain = "workforce"

  auth "basic" {
    username = "api_key"
  }

  headers = { accept = "application/json" }

  message = response.header.x-bamboohr-error-message

  error "absent" { when = response.status == 404 && response.header.x-bamboohr-error-message != null }
  error "rate_limited" { when = response.status == 503 && response.header.retry-after != null }
  error "conflict" { when = response.status == 409 }

  # What the subscription sends: the signature covers the body and the moment behind it.
  webhook "changes" {
    evidence         = "vendor docs, by its clients"
    verify           = "hmac"
    header           = "x-bamboohr-signature"
    algorithm        = "sha256"
    encoding         = "hex"
    timestamp_header = "x-bamboohr-timestamp"
    signed           = "{body}{timestamp}"
    tolerance        = "5m"
    dedupe           = request.header.x-bamboohr-signature
    kind             = "employee"
    id               = request.body.employees[0].id
  }

  # An employee by number. The list takes it as a filter and does not show it: so the one that is found is asked for it.
  lookup "employee" {
    inputs = { employee_number = "text" }
    get    = "/api/v1/employees"
    query = {
      "filter[employeeNumber]" = input.employee_number
      "page[limit]"            = 100
      "page[after]"            = page.cursor
    }
    evidence      = "vendor docs, by a client of the list"
    ok            = response.status == 200 && response.body.meta.page != null
    items         = response.body.data
    outputs       = { id = text(item.employeeId) }
    authoritative = true
    page "cursor" { next = response.body.meta.page.nextCursor }
    then "numbered_employee" { id = text(item.employeeId) }
  }

  # Another number means that the filter was not understood: that proves nothing.
  lookup "numbered_employee" {
    inputs        = { employee_number = "text" }
    get           = "/api/v1/employees/{carry.id}"
    query         = { fields = "employeeNumber,status" }
    present       = response.body.employeeNumber == input.employee_number
    value         = response.body.status == "Inactive" ? "disabled" : "present"
    authoritative = true
  }

  # One field of an employee.
  lookup "field" {
    inputs = {
      id    = "text"
      field = "text"
    }
    get = "/api/v1/employees/{id}"
    query = {
      fields      = input.field
      onlyCurrent = false
    }
    error "absent" { when = response.status == 404 && response.header.x-bamboohr-error-message != null }
    present       = text(response.body.id) == input.id
    value         = coalesce(text(member(response.body, input.field)), "")
    outputs       = { value = coalesce(text(member(response.body, input.field)), "") }
    authoritative = true
  }

  # The end of an employment on a day, in the table of states.
  lookup "termination" {
    inputs = {
      id = "text"
      on = "date"
    }
    get           = "/api/v1/employees/{id}/tables/employmentStatus"
    items         = response.body
    where         = item.date == input.on && item.employmentStatus == "Terminated"
    value         = item.date
    value_type    = "date"
    outputs       = { row = text(item.id) }
    marker        = item.comment
    authoritative = true
  }

  # The job of an employee from a day on.
  lookup "job" {
    inputs = {
      id = "text"
      on = "date"
    }
    get           = "/api/v1/employees/{id}/tables/jobInfo"
    items         = response.body
    where         = item.date == input.on
    value         = item.jobTitle
    outputs       = { row = text(item.id) }
    authoritative = true
  }

  # The row of a table for a day.
  lookup "row_of_day" {
    inputs = {
      id    = "text"
      table = "text"
      on    = "date"
    }
    get           = "/api/v1/employees/{id}/tables/{table}"
    items         = response.body
    where         = item.date == input.on
    value         = item.date
    value_type    = "date"
    outputs       = { row = text(item.id) }
    marker        = item.comment
    authoritative = true
  }

  # A row of any table, with the columns of the tables of jobs and states.
  lookup "row" {
    inputs = {
      id    = "text"
      table = "text"
      row   = "text"
    }
    get           = "/api/v1/employees/{id}/tables/{table}"
    items         = response.body
    where = text(item.id) == input.row
    value = "present"
    outputs = {
      on                 = item.date
      location           = item.location
      department         = item.department
      division           = item.division
      title              = item.jobTitle
      reports_to         = item.reportsTo
      status             = item.employmentStatus
      termination_type   = text(item.terminationTypeId)
      termination_reason = text(item.terminationReasonId)
      termination_rehire = text(item.terminationRehireId)
      comment            = item.comment
    }
    authoritative = true
  }

  # Time off that was asked for, and neither denied nor cancelled.
  lookup "time_off" {
    inputs = {
      id    = "text"
      type  = "int"
      start = "date"
      end   = "date"
    }
    get = "/api/v1/time_off/requests"
    query = {
      employeeId = input.id
      start      = input.start
      end        = input.end
    }
    items         = response.body
    where         = item.start == input.start && item.end == input.end && text(item.type.id) == text(input.type) && !contains(["denied", "canceled", "cancelled"], item.status.status)
    value         = "requested"
    outputs       = { request = text(item.id) }
    authoritative = true
  }

  lookup "time_off_status" {
    inputs = {
      request = "text"
      start   = "date"
      end     = "date"
    }
    get = "/api/v1/time_off/requests"
    query = {
      id    = input.request
      start = input.start
      end   = input.end
    }
    items         = response.body
    where         = text(item.id) == input.request
    value         = item.status.status
    outputs       = { status = item.status.status }
    authoritative = true
  }

  # Files by their ids, which are numbers.
  lookup "file" {
    inputs = {
      id   = "text"
      file = "text"
    }
    get           = "/api/v1/employees/{id}/files/view"
    items         = response.body.categories
    where         = contains(concat(",", join(item.files[*].id, ","), ","), concat(",", input.file, ","))
    value         = "present"
    authoritative = true
  }

  # A file of a category by its name.
  lookup "file_named" {
    inputs = {
      id        = "text"
      category  = "text"
      file_name = "text"
    }
    get           = "/api/v1/employees/{id}/files/view"
    items         = response.body.categories
    where         = text(item.id) == input.category && contains(item.files[*].name, input.file_name)
    value         = "present"
    outputs       = { file = text(member(pick(item.files, "name", input.file_name), "id")) }
    authoritative = true
  }

  # Numbers of employees are ours: whoever has it is the one.
  awf "create_employee" {
    achieves = "create"
    inputs = {
      employee_number = "text"
      first_name      = "text"
      last_name       = "text"
      hire_date       = "date"
      email           = "text"
      department      = "text"
      title           = "text"
      location        = "text"
    }
    personal = ["employee_number", "first_name", "last_name", "hire_date", "email"]
    optional = ["email", "department", "title", "location"]
    outputs  = { id = "text" }
    locks    = ["employee_number:{employee_number}"]
    evidence = "vendor docs; the names of optional fields and how the list is filtered are recalled"

    post = "/api/v1/employees"
    json = {
      employeeNumber = input.employee_number
      firstName      = input.first_name
      lastName       = input.last_name
      hireDate       = input.hire_date
      workEmail      = input.email
      department     = input.department
      jobTitle       = input.title
      location       = input.location
    }
    capture = { id = after_last(response.header.location, "/") }

    lookup "employee" {}
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
    }
    readback {
      within = "60s"
      every  = "2s"
    }
    # The undo's day is the day of the hire: an employment that never was.
    undo "terminate_employee" {
      with = {
        id = output.id
        on = input.hire_date
      }
      loss = "the employee remains, terminated, and keeps the number"
    }
  }

  # Any field of an employee, by its name.
  awf "update_employee" {
    achieves = "update"
    inputs = {
      id    = "text"
      field = "text"
      value = "text"
    }
    personal = ["value"]
    locks    = ["employee:{id}"]
    evidence = "vendor docs"

    post = "/api/v1/employees/{id}"
    json = object(input.field, input.value)

    lookup "field" {}
    # The same value a second time changes nothing.
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "update_employee" {
      with = {
        id    = input.id
        field = input.field
        value = snapshot.value
      }
      loss = "a field that keeps a history shows both values"
    }
  }

  awf "terminate_employee" {
    achieves = "create"
    inputs = {
      id     = "text"
      on     = "date"
      type   = "text"
      reason = "text"
      rehire = "text"
    }
    personal = ["on", "type", "reason", "rehire"]
    optional = ["type", "reason", "rehire"]
    outputs  = { row = "text" }
    locks    = ["employee:{id}"]
    evidence = "vendor docs; the columns of the table are recalled"

    post = "/api/v1_1/employees/{id}/tables/employmentStatus"
    json = {
      date                = input.on
      employmentStatus    = "Terminated"
      terminationTypeId   = input.type
      terminationReasonId = input.reason
      terminationRehireId = input.rehire
      comment             = key
    }

    lookup "termination" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "delete_table_row" {
      with = {
        id    = input.id
        table = "employmentStatus"
        row   = output.row
      }
    }
  }

  awf "add_job_row" {
    achieves = "create"
    inputs = {
      id         = "text"
      on         = "date"
      title      = "text"
      department = "text"
      location   = "text"
      division   = "text"
      reports_to = "text"
    }
    personal = ["on", "title", "reports_to"]
    optional = ["department", "location", "division", "reports_to"]
    outputs  = { row = "text" }
    locks    = ["employee:{id}"]
    evidence = "vendor docs; the columns of the table are recalled"

    post = "/api/v1_1/employees/{id}/tables/jobInfo"
    json = {
      date       = input.on
      jobTitle   = input.title
      department = input.department
      location   = input.location
      division   = input.division
      reportsTo  = input.reports_to
    }

    lookup "job" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "delete_table_row" {
      with = {
        id    = input.id
        table = "jobInfo"
        row   = output.row
      }
    }
  }

  awf "delete_table_row" {
    achieves = "remove"
    inputs = {
      id    = "text"
      table = "text"
      row   = "text"
    }
    locks    = ["employee:{id}"]
    evidence = "vendor docs"

    delete = "/api/v1/employees/{id}/tables/{table}/{row}"
    error "absent" { when = response.status == 404 && response.header.x-bamboohr-error-message != null }

    lookup "row" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "add_table_row" {
      with = {
        id                 = input.id
        table              = input.table
        on                 = snapshot.on
        location           = snapshot.location
        department         = snapshot.department
        division           = snapshot.division
        title              = snapshot.title
        reports_to         = snapshot.reports_to
        status             = snapshot.status
        termination_type   = snapshot.termination_type
        termination_reason = snapshot.termination_reason
        termination_rehire = snapshot.termination_rehire
        comment            = snapshot.comment
      }
      loss = "the row comes back under another id, with the columns of the tables of jobs and states alone"
    }
  }

  # A row with all its columns: what takes back a deletion.
  awf "add_table_row" {
    achieves = "create"
    inputs = {
      id                 = "text"
      table              = "text"
      on                 = "date"
      location           = "text"
      department         = "text"
      division           = "text"
      title              = "text"
      reports_to         = "text"
      status             = "text"
      termination_type   = "text"
      termination_reason = "text"
      termination_rehire = "text"
      comment            = "text"
    }
    personal = ["on", "title", "reports_to", "status", "termination_type", "termination_reason", "termination_rehire", "comment"]
    optional = ["location", "department", "division", "title", "reports_to", "status", "termination_type", "termination_reason", "termination_rehire", "comment"]
    outputs  = { row = "text" }
    locks    = ["employee:{id}"]
    evidence = "vendor docs; the columns of the tables are recalled"

    post = "/api/v1_1/employees/{id}/tables/{table}"
    json = {
      date                = input.on
      location            = input.location
      department          = input.department
      division            = input.division
      jobTitle            = input.title
      reportsTo           = input.reports_to
      employmentStatus    = input.status
      terminationTypeId   = input.termination_type
      terminationReasonId = input.termination_reason
      terminationRehireId = input.termination_rehire
      comment             = input.comment
    }

    lookup "row_of_day" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "delete_table_row" {
      with = {
        id    = input.id
        table = input.table
        row   = output.row
      }
    }
  }

  awf "request_time_off" {
    achieves = "create"
    inputs = {
      id    = "text"
      type  = "int"
      start = "date"
      end   = "date"
    }
    personal = ["type", "start", "end"]
    outputs  = { request = "text" }
    locks    = ["employee:{id}"]
    evidence = "vendor docs; what a request answers is recalled"

    put = "/api/v1/employees/{id}/time_off/request"
    json = {
      status        = "requested"
      start         = input.start
      end           = input.end
      timeOffTypeId = input.type
    }

    lookup "time_off" {}
    # It is a PUT that makes a request each time.
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "set_time_off_status" {
      with = {
        request = output.request
        start   = input.start
        end     = input.end
        status  = "canceled"
      }
      loss = "the request remains, cancelled, and whoever approves it has been told"
    }
  }

  awf "set_time_off_status" {
    achieves = "update"
    inputs = {
      request = "text"
      start   = "date"
      end     = "date"
      status  = "text"
    }
    personal = ["start", "end"]
    locks    = ["time_off:{request}"]
    evidence = "vendor docs; what a request answers is recalled"

    put = "/api/v1/time_off/requests/{request}/status"
    json = {
      status = input.status == "approved" ? "approved" : input.status == "denied" ? "denied" : "canceled"
      note   = key
    }

    lookup "time_off_status" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "set_time_off_status" {
      with = {
        request = input.request
        start   = input.start
        end     = input.end
        status  = snapshot.status
      }
      loss = "a request that was only asked for cannot be set back to that, and whoever asked has been told"
    }
  }

  # The file's bytes are an input, as base64. A second file of the same name would be another file.
  awf "attach_employee_file" {
    achieves = "create"
    inputs = {
      id        = "text"
      category  = "text"
      file_name = "text"
      content   = "text"
      share     = "bool"
    }
    optional = ["share"]
    personal = ["file_name", "content"]
    redact   = ["content"]
    outputs  = { file = "text" }
    locks    = ["files:{id}"]
    samples  = { content = "aGVsbG8=" }
    evidence = "vendor docs; what an upload answers is recalled"

    post = "/api/v1/employees/{id}/files"
    parts = {
      category = input.category
      fileName = input.file_name
      share    = coalesce(input.share, false) ? "yes" : "no"
      file     = { name = input.file_name, base64 = input.content }
    }
    capture = { file = after_last(response.header.location, "/") }

    lookup "file_named" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "delete_employee_file" {
      with = {
        id   = input.id
        file = output.file
      }
    }
  }

  awf "delete_employee_file" {
    achieves = "remove"
    inputs = {
      id   = "text"
      file = "text"
    }
    evidence = "vendor docs; how files are listed is recalled"

    delete = "/api/v1/employees/{id}/files/{file}"
    error "absent" { when = response.status == 404 && response.header.x-bamboohr-error-message != null }

    lookup "file" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    irreversible = "the file's bytes are not kept here"
  }

  # What changed since a moment: the vendor tells only the ids, and what happened to them.
  read "changed_employees" {
    kind  = "employee_change"
    get   = "/api/v1/employees/changed"
    query = { since = coalesce(page.since, "1970-01-01T00:00:00Z") }
    evidence = "vendor docs; the listing of ids as members of a map is recalled"
    items    = values(response.body.employees)
    delta "filter" { overlap = "5m" }
    id      = item.id
    version = item.lastChanged
    text { action = item.action }
  }

  # Who there is, and then what is known of each.
  read "employee_ids" {
    kind = "employee_id"
    get  = "/api/v1/employees"
    query = {
      "page[limit]" = 1000
      "page[after]" = page.cursor
    }
    evidence = "vendor docs, by a client of the list"
    ok       = response.status == 200 && response.body.meta.page != null
    items    = response.body.data
    page "cursor" { next = response.body.meta.page.nextCursor }
    id = text(item.employeeId)
    text { status = item.status }
  }

  read "employees" {
    kind     = "employee"
    for_each = "employee_id"
    get      = "/api/v1/employees/{parent}"
    query    = { fields = "employeeNumber,firstName,lastName,workEmail,jobTitle,department,division,location,status,hireDate,terminationDate,supervisorEId" }
    evidence = "vendor docs; the names of fields are recalled"
    error "absent" { when = response.status == 404 && response.header.x-bamboohr-error-message != null }
    items = list(response.body)
    id    = text(item.id)
    text {
      employee_number = item.employeeNumber
      first_name      = item.firstName
      last_name       = item.lastName
      email           = item.workEmail
      title           = item.jobTitle
      department      = item.department
      division        = item.division
      location        = item.location
      status          = item.status
      manager         = item.supervisorEId
    }
    date {
      hire_date        = item.hireDate
      termination_date = item.terminationDate
    }
  }
}
