# Greenhouse Harvest: hires, rejections, openings and users of the hiring team. What answers hold is recalled where the
# description names no schema. Every call that changes something says on whose behalf.
manifest "greenhouse" {
  title  = "Greenhouse"
  domain = "workforce"

  var "on_behalf_of" {
    type    = "text"
    default = "1"
    about   = "the id of the user in whose name changes are made"
  }

  auth "basic" {
    username = "api_key"
  }

  headers = {
    accept       = "application/json"
    on-behalf-of = var.on_behalf_of
  }

  limit "harvest" {
    rate      = 50
    per       = "10s"
    reserve   = 50
    remaining = "x-ratelimit-remaining"
    reset     = "retry-after"
  }

  message = coalesce(response.body.message, first(response.body.errors[*].message))

  error "absent" { when = response.status == 404 && contains(response.body.message, "Resource not found") }
  error "transient" { when = response.status == 503 && response.header.retry-after != null }

  # The signature covers the body alone: a message is known again by its number.
  webhook "events" {
    evidence  = "vendor docs"
    verify    = "hmac"
    header    = "signature"
    prefix    = "sha256 "
    algorithm = "sha256"
    encoding  = "hex"
    signed    = "{body}"
    dedupe    = request.header.greenhouse-event-id
    event     = request.body.action
    kind      = "application"
    id        = request.body.payload.application.id
  }

  # Whether an application ended in a hire.
  lookup "hire" {
    inputs  = { application = "text" }
    get     = "/v1/applications/{application}"
    absent  = contains(["active", "rejected"], response.body.status)
    present = response.body.status == "hired"
    value   = "hired"
    outputs = {
      status    = response.body.status
      candidate = response.body.candidate_id
    }
    authoritative = true
  }

  lookup "rejection" {
    inputs        = { application = "text" }
    get           = "/v1/applications/{application}"
    absent        = contains(["active", "hired", "converted"], response.body.status)
    present       = response.body.status == "rejected"
    value         = "rejected"
    outputs       = { reason = response.body.rejection_reason.id }
    authoritative = true
  }

  lookup "user" {
    inputs = { email = "text" }
    get    = "/v1/users"
    query = {
      email    = input.email
      per_page = 100
    }
    items         = response.body
    where         = lower(item.primary_email_address) == lower(input.email)
    value         = item.disabled == true ? "disabled" : "present"
    outputs       = { id = item.id }
    authoritative = true
    page "link" {}
  }

  lookup "enabled_user" {
    inputs = { id = "int" }
    get    = "/v1/users/{id}"
    error "absent" { when = response.status == 404 && contains(response.body.message, "Resource not found") }
    absent        = response.body.id == input.id && response.body.disabled == true
    present       = response.body.id == input.id && response.body.disabled == false
    value         = "present"
    authoritative = true
  }

  # An open opening of a job by the id that is ours.
  lookup "opening" {
    inputs = {
      job        = "text"
      opening_id = "text"
    }
    get           = "/v1/jobs/{job}/openings"
    query         = { per_page = 100 }
    items         = response.body
    where         = item.opening_id == input.opening_id && item.status == "open"
    value         = "open"
    outputs       = { opening = item.id }
    authoritative = true
    page "link" {}
  }

  # An opening that is open, by its own id.
  lookup "open_opening" {
    inputs = {
      job     = "text"
      opening = "int"
    }
    get           = "/v1/jobs/{job}/openings"
    query         = { per_page = 100 }
    items         = response.body
    where         = item.id == input.opening && item.status == "open"
    value         = "open"
    outputs       = { opening_id = item.opening_id }
    authoritative = true
    page "link" {}
  }

  awf "hire_candidate" {
    achieves = "create"
    inputs = {
      application  = "text"
      start_date   = "date"
      opening      = "int"
      close_reason = "int"
    }
    personal = ["start_date"]
    optional = ["opening", "close_reason"]
    blast    = 1
    locks    = ["application:{application}"]
    evidence = "vendor docs"

    post = "/v1/applications/{application}/hire"
    json = {
      start_date      = input.start_date
      opening_id      = input.opening
      close_reason_id = input.close_reason
    }

    lookup "hire" {}
    # Who is hired cannot be hired once more on the same application.
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    irreversible = "the opening is filled and the candidate told: the opening is opened anew"
    forward      = "open_job_opening"
  }

  awf "reject_application" {
    achieves = "create"
    inputs = {
      application = "text"
      reason      = "int"
      notes       = "text"
    }
    personal = ["reason", "notes"]
    optional = ["reason", "notes"]
    locks    = ["application:{application}"]
    evidence = "vendor docs; what an application says of its rejection is recalled"

    post = "/v1/applications/{application}/reject"
    json = {
      rejection_reason_id = input.reason
      notes               = input.notes
    }

    lookup "rejection" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "unreject_application" {
      with = { application = input.application }
      loss = "the note of the rejection stays in the candidate's activity"
    }
  }

  awf "unreject_application" {
    achieves = "remove"
    inputs   = { application = "text" }
    locks    = ["application:{application}"]
    evidence = "vendor docs; what an application says of its rejection is recalled"

    post = "/v1/applications/{application}/unreject"

    lookup "rejection" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "reject_application" {
      with = {
        application = input.application
        reason      = snapshot.reason
      }
      loss = "the day of the rejection is a new one"
    }
  }

  # Addresses are unique: a second user with one is refused.
  awf "create_user" {
    achieves = "create"
    inputs = {
      email       = "text"
      first_name  = "text"
      last_name   = "text"
      employee_id = "text"
    }
    personal = ["email", "first_name", "last_name", "employee_id"]
    optional = ["employee_id"]
    outputs  = { id = "int" }
    evidence = "vendor docs; that addresses are unique is recalled"

    post = "/v1/users"
    json = {
      email             = input.email
      first_name        = input.first_name
      last_name         = input.last_name
      employee_id       = input.employee_id
      send_email_invite = false
    }
    capture = { id = response.body.id }

    lookup "user" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "disable_user" {
      with = { id = output.id }
      loss = "the user remains, disabled"
    }
  }

  awf "disable_user" {
    achieves = "remove"
    inputs   = { id = "int" }
    locks    = ["user:{id}"]
    evidence = "vendor docs"

    patch = "/v2/users/disable"
    json  = { user = { user_id = input.id } }

    lookup "enabled_user" {}
    # A second one changes nothing.
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "enable_user" {
      with = { id = input.id }
      loss = "roles on jobs that the disabling took away are not given back"
    }
  }

  awf "enable_user" {
    achieves = "create"
    inputs   = { id = "int" }
    locks    = ["user:{id}"]
    evidence = "vendor docs"

    patch = "/v2/users/enable"
    json  = { user = { user_id = input.id } }

    lookup "enabled_user" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "disable_user" { with = { id = input.id } }
  }

  awf "open_job_opening" {
    achieves = "create"
    inputs = {
      job        = "text"
      opening_id = "text"
    }
    outputs  = { opening = "int" }
    locks    = ["job:{job}"]
    evidence = "vendor docs"

    post = "/v1/jobs/{job}/openings"
    json = { openings = [{ opening_id = input.opening_id }] }

    # Ids of openings are ours, and may be given twice: it is looked before, under a lock.
    lookup "opening" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "close_job_opening" {
      with = {
        job     = input.job
        opening = output.opening
      }
      loss = "the opening remains, closed"
    }
  }

  awf "close_job_opening" {
    achieves = "remove"
    inputs = {
      job          = "text"
      opening      = "int"
      close_reason = "int"
    }
    optional = ["close_reason"]
    locks    = ["job:{job}"]
    evidence = "vendor docs"

    patch = "/v1/jobs/{job}/openings/{opening}"
    json = {
      status          = "closed"
      close_reason_id = input.close_reason
    }

    lookup "open_opening" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "open_job_opening" {
      with = {
        job        = input.job
        opening_id = snapshot.opening_id
      }
      loss = "the opening comes back as a new one beside the closed one"
    }
  }

  awf "anonymize_candidate" {
    inputs = {
      candidate = "text"
      fields    = "list(text)"
    }
    blast    = 1
    locks    = ["candidate:{candidate}"]
    evidence = "vendor docs"

    put   = "/v1/candidates/{candidate}/anonymize"
    query = { fields = join(input.fields, ",") }

    ambiguous "resend" {}
    irreversible = "what was erased of a person does not come back"
  }

  read "applications" {
    kind = "application"
    get  = "/v1/applications"
    query = {
      last_activity_after = page.since
      per_page            = 500
    }
    evidence = "vendor docs"
    items    = response.body
    page "link" {}
    delta "filter" { overlap = "5m" }
    id      = item.id
    version = item.last_activity_at
    text {
      status    = item.status
      candidate = item.candidate_id
      job       = first(item.jobs[*].id)
    }
  }

  read "users" {
    kind = "user"
    get  = "/v1/users"
    query = {
      updated_after = page.since
      per_page      = 500
    }
    evidence = "vendor docs"
    items    = response.body
    page "link" {}
    delta "filter" { overlap = "5m" }
    id      = item.id
    version = item.updated_at
    text {
      name        = item.name
      email       = item.primary_email_address
      employee_id = item.employee_id
    }
    bool {
      disabled   = item.disabled
      site_admin = item.site_admin
    }
  }
}
