# Zoom: people with their licences, and their telephones. Facts: the API's description of 2021; limits and error codes are
# recalled. A person is named by an id or by the address.
manifest "zoom" {
  title  = "Zoom"
  domain = "communications"

  var "account_id" {
    type  = "text"
    about = "the account in whose name the server-to-server application acts"
  }

  hosts = ["zoom.us"]

  auth "oauth2_client_credentials" {
    token_url = "https://zoom.us/oauth/token"
    grant     = "account_credentials"
    form      = { account_id = "var:account_id" }
    in_form   = false
  }

  headers = { accept = "application/json" }

  limit "users" {
    paths       = ["/users*", "/groups*"]
    rate        = 40
    per         = "1s"
    reserve     = 50
    concurrency = 10
  }

  limit "phone" {
    paths       = ["/phone/*"]
    rate        = 20
    per         = "1s"
    reserve     = 50
    concurrency = 5
  }

  message = response.body.message

  error "absent" { when = response.status == 404 && response.body.code == 1001 }
  error "conflict" { when = contains([400, 409], response.status) && response.body.code == 1005 }
  error "transient" { when = response.status == 503 && response.header.retry-after != null }

  webhook "events" {
    verify           = "hmac"
    header           = "x-zm-signature"
    prefix           = "v0="
    signed           = "v0:{timestamp}:{body}"
    timestamp_header = "x-zm-request-timestamp"
    tolerance        = "5m"
    event            = request.body.event
    kind             = starts_with(request.body.event, "user.") ? "user" : null
    id               = request.body.payload.object.id
    evidence         = "recalled: the signature, the events and the handshake"
    handshake {
      when  = request.body.event == "endpoint.url_validation"
      json  = { plainToken = request.body.payload.plainToken }
      prove = { encryptedToken = request.body.payload.plainToken }
    }
  }

  # A person by the address. Who is deactivated is there, but is not what a creation wants to see.
  lookup "account" {
    inputs = { email = "text" }
    get    = "/users/{email}"
    error "absent" { when = response.status == 404 && response.body.code == 1001 }
    present       = lower(response.body.email) == lower(input.email)
    value         = response.body.status == "inactive" ? "disabled" : "present"
    outputs       = { id = response.body.id }
    authoritative = true
  }

  # A person who is not deactivated.
  lookup "live_account" {
    inputs = { user = "text" }
    get    = "/users/{user}"
    error "absent" { when = response.status == 404 && response.body.code == 1001 }
    absent        = response.body.status == "inactive"
    present       = contains(["active", "pending"], response.body.status)
    value         = "active"
    authoritative = true
  }

  lookup "any_account" {
    inputs = { user = "text" }
    get    = "/users/{user}"
    error "absent" { when = response.status == 404 && response.body.code == 1001 }
    present       = (response.body.id == input.user || lower(response.body.email) == lower(input.user))
    authoritative = true
  }

  # One attribute (`type` is the licence). What is not set shows the empty text: it is never absent.
  lookup "attribute" {
    inputs = {
      user      = "text"
      attribute = "text"
    }
    get = "/users/{user}"
    error "absent" { when = response.status == 404 && response.body.code == 1001 }
    present       = (response.body.id == input.user || lower(response.body.email) == lower(input.user))
    value         = coalesce(member(response.body, input.attribute), "")
    outputs       = { value = member(response.body, input.attribute) }
    authoritative = true
  }

  # A calling plan, among those of the person's telephone.
  lookup "plan" {
    inputs = {
      user = "text"
      plan = "text"
    }
    get           = "/phone/users/{user}"
    items         = list(response.body.calling_plan)
    where         = text(item.type) == input.plan
    value         = "assigned"
    authoritative = true
  }

  lookup "number" {
    inputs = {
      user   = "text"
      number = "text"
    }
    get           = "/phone/users/{user}"
    items         = list(response.body.phone_numbers)
    where         = item.id == input.number
    value         = "assigned"
    authoritative = true
  }

  lookup "membership" {
    inputs = {
      group = "text"
      user  = "text"
    }
    get = "/groups/{group}/members"
    query = {
      page_size       = 300
      next_page_token = page.cursor
    }
    items         = list(response.body.members)
    where         = item.id == input.user
    value         = "member"
    authoritative = true
    page "cursor" { next = response.body.next_page_token }
  }

  awf "create_user" {
    achieves = "create"
    inputs = {
      email      = "text"
      first_name = "text"
      last_name  = "text"
      type       = "int"
    }
    samples  = { type = 2 }
    personal = ["email", "first_name", "last_name"]
    outputs  = { id = "text" }
    evidence = "vendor spec; the code of an address that is taken is recalled"

    post = "/users"
    json = {
      action = "create"
      user_info = {
        email      = input.email
        type       = input.type
        first_name = input.first_name
        last_name  = input.last_name
      }
    }
    capture = { id = response.body.id }

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
    undo "deactivate_user" {
      with = { user = output.id }
      loss = "the account remains, deactivated"
    }
  }

  # One attribute a call: its facet is a step of its own, with its own undo. `type` 1 is the free licence, 2 the paid one.
  awf "update_user" {
    achieves = "update"
    inputs = {
      user      = "text"
      attribute = "text"
      value     = "any"
    }
    samples  = { attribute = "type", value = 2 }
    personal = ["value"]
    optional = ["value"]
    locks    = ["user:{user}"]
    evidence = "vendor spec; that the empty text empties an attribute is recalled"

    patch = "/users/{user}"
    json  = object(input.attribute, coalesce(input.value, ""))

    lookup "attribute" {}
    # Only this attribute is written: a second call writes what is there.
    ambiguous "probe" {
      window   = "15s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "update_user" {
      with = {
        user      = input.user
        attribute = input.attribute
        value     = snapshot.value
      }
    }
  }

  awf "deactivate_user" {
    achieves = "remove"
    inputs   = { user = "text" }
    evidence = "vendor spec"

    put  = "/users/{user}/status"
    json = { action = "deactivate" }

    lookup "live_account" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "activate_user" { with = { user = input.user } }
  }

  awf "activate_user" {
    achieves = "create"
    inputs   = { user = "text" }
    evidence = "vendor spec"

    put  = "/users/{user}/status"
    json = { action = "activate" }

    lookup "live_account" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "deactivate_user" { with = { user = input.user } }
  }

  # Takes the person out of the account; what belongs to it goes to somebody else, if one is named.
  awf "delete_user" {
    achieves = "remove"
    inputs = {
      user        = "text"
      transfer_to = "text"
    }
    personal = ["transfer_to"]
    optional = ["transfer_to"]
    evidence = "vendor spec"

    delete = "/users/{user}"
    query = {
      action             = "disassociate"
      transfer_email     = input.transfer_to
      transfer_meeting   = input.transfer_to == null ? null : true
      transfer_webinar   = input.transfer_to == null ? null : true
      transfer_recording = input.transfer_to == null ? null : true
    }

    lookup "any_account" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    irreversible = "the person keeps the account and leaves ours; meetings and recordings stay with whom they went to"
    forward      = "create_user"
  }

  awf "revoke_sso_token" {
    inputs   = { user = "text" }
    evidence = "vendor spec"

    delete = "/users/{user}/token"

    ambiguous "resend" {}
    irreversible = "a token that was revoked does not come back; the person signs in again"
  }

  awf "assign_calling_plan" {
    achieves = "create"
    inputs = {
      user = "text"
      plan = "text"
    }
    samples  = { plan = "200" }
    evidence = "vendor spec"

    post = "/phone/users/{user}/calling_plans"
    json = { calling_plans = [{ type = input.plan }] }

    lookup "plan" {}
    # A plan of a type is there once.
    ambiguous "probe" {
      window   = "15s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "remove_calling_plan" {
      with = {
        user = input.user
        plan = input.plan
      }
    }
  }

  awf "remove_calling_plan" {
    achieves = "remove"
    inputs = {
      user = "text"
      plan = "text"
    }
    evidence = "vendor spec"

    delete = "/phone/users/{user}/calling_plans/{plan}"

    lookup "plan" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "assign_calling_plan" {
      with = {
        user = input.user
        plan = input.plan
      }
    }
  }

  awf "assign_phone_number" {
    achieves = "create"
    inputs = {
      user   = "text"
      number = "text"
    }
    locks    = ["number:{number}"]
    evidence = "vendor spec"

    post = "/phone/users/{user}/phone_numbers"
    json = { phone_numbers = [{ id = input.number }] }

    lookup "number" {}
    # A number is one person's.
    ambiguous "probe" {
      window   = "15s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "unassign_phone_number" {
      with = {
        user   = input.user
        number = input.number
      }
    }
  }

  awf "unassign_phone_number" {
    achieves = "remove"
    inputs = {
      user   = "text"
      number = "text"
    }
    locks    = ["number:{number}"]
    evidence = "vendor spec"

    delete = "/phone/users/{user}/phone_numbers/{number}"

    lookup "number" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "assign_phone_number" {
      with = {
        user   = input.user
        number = input.number
      }
    }
  }

  awf "add_group_member" {
    achieves = "create"
    inputs = {
      group = "text"
      user  = "text"
    }
    evidence = "vendor spec"

    post = "/groups/{group}/members"
    json = { members = [{ id = input.user }] }

    lookup "membership" {}
    # Nobody is in a group twice.
    ambiguous "probe" {
      window   = "15s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "remove_group_member" {
      with = {
        group = input.group
        user  = input.user
      }
    }
  }

  awf "remove_group_member" {
    achieves = "remove"
    inputs = {
      group = "text"
      user  = "text"
    }
    evidence = "vendor spec"

    delete = "/groups/{group}/members/{user}"

    lookup "membership" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "add_group_member" {
      with = {
        group = input.group
        user  = input.user
      }
    }
  }

  # A listing shows the people of one status: without the others, who is deactivated would look like somebody who is gone.
  read "active_users" {
    kind = "user"
    get  = "/users"
    query = {
      status          = "active"
      page_size       = 300
      next_page_token = page.cursor
    }
    evidence = "vendor spec"
    items    = response.body.users
    page "cursor" { next = response.body.next_page_token }
    id = item.id
    text {
      email      = item.email
      first_name = item.first_name
      last_name  = item.last_name
      department = item.dept
      status     = item.status
      plan       = item.plan_united_type
    }
    int { type = item.type }
  }

  read "inactive_users" {
    kind = "user"
    get  = "/users"
    query = {
      status          = "inactive"
      page_size       = 300
      next_page_token = page.cursor
    }
    evidence = "vendor spec"
    items    = response.body.users
    page "cursor" { next = response.body.next_page_token }
    id = item.id
    text {
      email      = item.email
      first_name = item.first_name
      last_name  = item.last_name
      department = item.dept
      status     = item.status
      plan       = item.plan_united_type
    }
    int { type = item.type }
  }

  # Who has not accepted yet is named by the address: there is no id before.
  read "pending_users" {
    kind = "user"
    get  = "/users"
    query = {
      status          = "pending"
      page_size       = 300
      next_page_token = page.cursor
    }
    evidence = "vendor spec"
    items    = response.body.users
    page "cursor" { next = response.body.next_page_token }
    id = coalesce(item.id, item.email)
    text {
      email      = item.email
      first_name = item.first_name
      last_name  = item.last_name
      department = item.dept
      status     = item.status
      plan       = item.plan_united_type
    }
    int { type = item.type }
  }

  read "phone_numbers" {
    kind = "phone_number"
    get  = "/phone/numbers"
    query = {
      type            = "all"
      page_size       = 100
      next_page_token = page.cursor
    }
    evidence = "vendor spec"
    items    = response.body.phone_numbers
    page "cursor" { next = response.body.next_page_token }
    id = item.id
    text {
      number      = item.number
      number_type = item.number_type
      assignee    = item.assignee.id
      status      = item.status
      source      = item.source
    }
  }
}
