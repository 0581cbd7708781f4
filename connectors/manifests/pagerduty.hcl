# PagerDuty: teams, who is on call, incidents. Facts: the REST API's description; limits are recalled. A listing by offsets ends
# at 10,000.
manifest "pagerduty" {
  title  = "PagerDuty"
  domain = "service"

  var "from" {
    type  = "text"
    about = "the address of the person in whose name incidents are opened and resolved"
  }

  auth "api_key" {
    header = "authorization"
    prefix = "Token token="
    part   = "api_token"
  }

  headers = { accept = "application/vnd.pagerduty+json;version=2" }

  limit "key" {
    rate      = 960
    per       = "1m"
    reserve   = 50
    remaining = "ratelimit-remaining"
    reset     = "ratelimit-reset"
    reset_as  = "delay_s"
  }

  message = coalesce(response.body.error.errors[0], response.body.error.message)

  error "absent" { when = response.status == 404 && contains([2100, 5001], response.body.error.code) }
  error "transient" { when = response.status == 503 && response.header.retry-after != null }

  webhook "events" {
    verify   = "hmac"
    header   = "x-pagerduty-signature"
    prefix   = "v1="
    dedupe   = request.body.event.id
    event    = request.body.event.event_type
    kind     = request.body.event.resource_type
    id       = request.body.event.data.id
    evidence = "recalled: the signature and the events"
  }

  lookup "team_membership" {
    inputs = {
      team = "text"
      user = "text"
    }
    get = "/teams/{team}/members"
    query = {
      limit  = 100
      offset = page.offset
      total  = true
    }
    items         = response.body.members
    where         = item.user.id == input.user
    value         = item.role
    outputs       = { role = item.role }
    authoritative = true
    page "offset" {
      size  = 100
      total = response.body.total
    }
  }

  # An override by who has it and when; times may be written in another zone than they were sent in.
  lookup "override_of" {
    inputs = {
      schedule = "text"
      user     = "text"
      start    = "text"
      end      = "text"
    }
    get = "/schedules/{schedule}/overrides"
    query = {
      since = input.start
      until = input.end
    }
    items         = response.body.overrides
    where         = item.user.id == input.user && epoch_s(item.start) == epoch_s(input.start) && epoch_s(item.end) == epoch_s(input.end)
    value         = "on_call"
    outputs       = { override = item.id }
    authoritative = true
  }

  lookup "override" {
    inputs = {
      schedule = "text"
      override = "text"
      start    = "text"
      end      = "text"
    }
    get = "/schedules/{schedule}/overrides"
    query = {
      since = input.start
      until = input.end
    }
    items         = response.body.overrides
    where         = item.id == input.override
    value         = "on_call"
    outputs       = { user = item.user.id }
    authoritative = true
  }

  # Who is called, a list a level: what is declared of a policy is the ids of its targets, level by level.
  lookup "policy" {
    inputs = { policy = "text" }
    get    = "/escalation_policies/{policy}"
    error "absent" { when = response.status == 404 && contains([2100, 5001], response.body.error.code) }
    present = response.body.escalation_policy.id == input.policy
    value   = response.body.escalation_policy.escalation_rules[*].targets[*].id
    outputs = {
      name  = response.body.escalation_policy.name
      rules = response.body.escalation_policy.escalation_rules
    }
    authoritative = true
  }

  # Our incident: the key is the one by which the system tells doubles apart.
  lookup "incident_of_key" {
    get           = "/incidents"
    evidence      = "recalled: the listing of incidents by their key"
    query         = { incident_key = key, limit = 100 }
    items         = response.body.incidents
    where         = item.incident_key == key
    outputs       = { id = item.id }
    marker        = item.incident_key
    authoritative = true
  }

  lookup "open_incident" {
    inputs = { incident = "text" }
    get    = "/incidents/{incident}"
    error "absent" { when = response.status == 404 && contains([2100, 5001], response.body.error.code) }
    absent        = response.body.incident.status == "resolved"
    present       = contains(["triggered", "acknowledged"], response.body.incident.status)
    value         = "open"
    authoritative = true
  }

  # That there are no sessions: what revoking them is to bring about.
  lookup "no_sessions" {
    inputs        = { user = "text" }
    get           = "/users/{user}/sessions"
    absent        = length(response.body.user_sessions) > 0
    present       = length(response.body.user_sessions) == 0
    authoritative = true
  }

  lookup "account" {
    inputs = { email = "text" }
    get    = "/users"
    query = {
      query  = input.email
      limit  = 100
      offset = page.offset
      total  = true
    }
    items         = response.body.users
    where         = lower(item.email) == lower(input.email)
    outputs       = { id = item.id }
    authoritative = true
    page "offset" {
      size  = 100
      total = response.body.total
    }
  }

  lookup "account_by_id" {
    inputs = { user = "text" }
    get    = "/users/{user}"
    error "absent" { when = response.status == 404 && contains([2100, 5001], response.body.error.code) }
    present = response.body.user.id == input.user
    outputs = {
      name  = response.body.user.name
      email = response.body.user.email
      role  = response.body.user.role
    }
    authoritative = true
  }

  awf "add_team_member" {
    achieves = "create"
    inputs = {
      team = "text"
      user = "text"
      role = "text"
    }
    samples  = { role = "responder" }
    evidence = "vendor spec"

    put  = "/teams/{team}/users/{user}"
    json = { role = input.role }

    lookup "team_membership" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "remove_team_member" {
      with = {
        team = input.team
        user = input.user
      }
    }
  }

  awf "remove_team_member" {
    achieves = "remove"
    inputs = {
      team = "text"
      user = "text"
    }
    samples  = { role = "responder" }
    evidence = "vendor spec"

    delete = "/teams/{team}/users/{user}"

    lookup "team_membership" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "add_team_member" {
      with = {
        team = input.team
        user = input.user
        role = snapshot.role
      }
    }
  }

  awf "create_schedule_override" {
    achieves = "create"
    inputs = {
      schedule = "text"
      user     = "text"
      start    = "text"
      end      = "text"
    }
    samples  = { start = "2026-12-01T09:00:00Z", end = "2026-12-08T09:00:00Z" }
    outputs  = { override = "text" }
    evidence = "vendor spec"

    post = "/schedules/{schedule}/overrides"
    json = {
      overrides = [{
        start = input.start
        end   = input.end
        user  = { id = input.user, type = "user_reference" }
      }]
    }
    # Each override has a status of its own inside an answer that is good.
    error "invalid" { when = response.body[0].status >= 400 }
    capture = { override = response.body[0].override.id }

    lookup "override_of" {}
    ambiguous "probe" {
      window   = "15s"
      agreeing = 3
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "delete_schedule_override" {
      with = {
        schedule = input.schedule
        override = output.override
        start    = input.start
        end      = input.end
      }
      loss = "what of the override has passed stays in the schedule"
    }
  }

  awf "delete_schedule_override" {
    achieves = "remove"
    inputs = {
      schedule = "text"
      override = "text"
      start    = "text"
      end      = "text"
    }
    samples  = { start = "2026-12-01T09:00:00Z", end = "2026-12-08T09:00:00Z" }
    evidence = "vendor spec; that an override under way is cut short is recalled"

    delete = "/schedules/{schedule}/overrides/{override}"

    lookup "override" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "create_schedule_override" {
      with = {
        schedule = input.schedule
        user     = snapshot.user
        start    = input.start
        end      = input.end
      }
      loss = "the override has another id, and what of it has passed is not covered again"
    }
  }

  # All levels are put at once: `levels` is what is declared, the ids of the targets level by level, and `rules` says it in full.
  awf "update_escalation_policy" {
    achieves = "update"
    inputs = {
      policy = "text"
      rules  = "list(map)"
    }
    samples  = { rules = [{ escalation_delay_in_minutes = 30, targets = [{ id = "PUSER01", type = "user_reference" }] }] }
    locks    = ["escalation_policy:{policy}"]
    evidence = "vendor spec"

    put = "/escalation_policies/{policy}"
    json = {
      escalation_policy = {
        type             = "escalation_policy"
        name             = snapshot.name
        escalation_rules = input.rules
      }
    }

    lookup "policy" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "update_escalation_policy" {
      with = {
        policy = input.policy
        rules  = snapshot.rules
      }
    }
  }

  awf "open_incident" {
    inputs = {
      title   = "text"
      service = "text"
      urgency = "text"
    }
    samples  = { urgency = "high" }
    optional = ["urgency"]
    outputs  = { id = "text" }
    evidence = "vendor spec; the listing by the key and the words of a refusal are recalled"

    post    = "/incidents"
    headers = { from = var.from }
    json = {
      incident = {
        type         = "incident"
        title        = input.title
        service      = { id = input.service, type = "service_reference" }
        urgency      = input.urgency
        incident_key = key
      }
    }
    capture = { id = response.body.incident.id }
    error "already_done" { when = response.status == 400 && contains(lower(response.text), "matching dedup key") }

    lookup "incident_of_key" {}
    # While an incident of the key is open, a second one is refused.
    ambiguous "probe" {
      window   = "15s"
      agreeing = 2
      unique   = true
    }
    undo "resolve_incident" {
      with = { incident = output.id }
      loss = "people have been called, and the incident remains, resolved"
    }
  }

  awf "resolve_incident" {
    achieves = "remove"
    inputs   = { incident = "text" }
    evidence = "vendor spec"

    put     = "/incidents/{incident}"
    headers = { from = var.from }
    json = {
      incident = {
        type   = "incident_reference"
        status = "resolved"
      }
    }

    lookup "open_incident" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    irreversible = "an incident that is resolved is not opened again; another one is opened"
    forward      = "open_incident"
  }

  awf "revoke_sessions" {
    inputs   = { user = "text" }
    evidence = "vendor spec"

    delete = "/users/{user}/sessions"

    lookup "no_sessions" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    irreversible = "sessions that ended do not come back; the person signs in again"
  }

  awf "create_user" {
    achieves = "create"
    inputs = {
      name  = "text"
      email = "text"
      role  = "text"
    }
    samples  = { role = "limited_user" }
    personal = ["name", "email"]
    optional = ["role"]
    outputs  = { id = "text" }
    evidence = "vendor spec"

    post    = "/users"
    headers = { from = var.from }
    json = {
      user = {
        type  = "user"
        name  = input.name
        email = input.email
        role  = input.role
      }
    }
    capture = { id = response.body.user.id }

    lookup "account" {}
    # An address is one person's: a second creation is refused.
    ambiguous "probe" {
      window   = "15s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "delete_user" {
      with = { user = output.id }
      loss = "the mail of invitation has been sent"
    }
  }

  # Who stands in an escalation policy or an open incident is not deleted: the system refuses.
  awf "delete_user" {
    achieves = "remove"
    inputs   = { user = "text" }
    samples  = { role = "limited_user" }
    evidence = "vendor spec; the words of the refusal are recalled"

    delete = "/users/{user}"
    error "conflict" { when = response.status == 400 && contains(lower(response.text), "incident") }

    lookup "account_by_id" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "create_user" {
      with = {
        name  = snapshot.name
        email = snapshot.email
        role  = snapshot.role
      }
      loss = "the person has another id and none of the teams, schedules, ways to be called and rules"
    }
  }

  read "users" {
    kind = "user"
    get  = "/users"
    query = {
      limit  = 100
      offset = page.offset
      total  = true
    }
    evidence = "vendor spec"
    items    = response.body.users
    page "offset" {
      size  = 100
      total = response.body.total
    }
    id = item.id
    text {
      name      = item.name
      email     = item.email
      role      = item.role
      time_zone = item.time_zone
      title     = item.job_title
    }
    texts { teams = item.teams[*].id }
  }

  # Who is called now, by policy, level and schedule.
  read "oncalls" {
    kind = "oncall"
    get  = "/oncalls"
    query = {
      limit  = 100
      offset = page.offset
      total  = true
    }
    evidence = "vendor spec"
    items    = response.body.oncalls
    page "offset" {
      size  = 100
      total = response.body.total
    }
    id = concat(item.escalation_policy.id, "/", item.escalation_level, "/", coalesce(item.schedule.id, "-"), "/", item.user.id)
    text {
      policy   = item.escalation_policy.id
      schedule = item.schedule.id
      user     = item.user.id
      start    = item.start
      end      = item.end
    }
    int { level = item.escalation_level }
  }
}
