# HubSpot: seats of people. A user is found by the address, which is unique; the version of the interface is part of its paths.
manifest "hubspot" {
  title  = "HubSpot"
  domain = "software"

  auth "bearer" { part = "access_token" }

  headers = { accept = "application/json" }

  limit "portal" {
    rate      = 100
    per       = "10s"
    reserve   = 20
    remaining = "x-hubspot-ratelimit-remaining"
  }

  message = response.body.message

  error "absent" { when = response.status == 404 && response.body.category == "OBJECT_NOT_FOUND" }
  error "conflict" { when = response.status == 409 }
  error "transient" { when = response.status == 503 && response.header.retry-after != null }

  lookup "user" {
    inputs = { email = "text" }
    get    = "/settings/users/2026-03/{email}"
    query  = { idProperty = "EMAIL" }
    error "absent" { when = response.status == 404 && response.body.category == "OBJECT_NOT_FOUND" }
    present = lower(response.body.email) == lower(input.email)
    outputs = {
      id   = response.body.id
      role = response.body.roleId
      team = response.body.primaryTeamId
    }
    authoritative = true
  }

  lookup "seat" {
    inputs = { user = "text" }
    get    = "/settings/users/2026-03/{user}"
    query  = { idProperty = "USER_ID" }
    error "absent" { when = response.status == 404 && response.body.category == "OBJECT_NOT_FOUND" }
    present = text(response.body.id) == input.user
    outputs = {
      email = response.body.email
      role  = response.body.roleId
      team  = response.body.primaryTeamId
    }
    authoritative = true
  }

  awf "provision_user" {
    achieves = "create"
    inputs = {
      email = "text"
      role  = "text"
      team  = "text"
    }
    personal = ["email"]
    optional = ["role", "team"]
    outputs  = { id = "text" }
    evidence = "vendor spec; the words of the failures are recalled"

    post = "/settings/users/2026-03"
    json = {
      email            = input.email
      roleId           = input.role
      primaryTeamId    = input.team
      sendWelcomeEmail = false
    }
    capture = { id = response.body.id }

    lookup "user" {}
    # An address is a user once.
    ambiguous "probe" {
      window   = "15s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "remove_user" { with = { user = output.id } }
  }

  awf "remove_user" {
    achieves = "remove"
    inputs   = { user = "text" }
    evidence = "vendor spec"

    delete = "/settings/users/2026-03/{user}"
    query  = { idProperty = "USER_ID" }

    lookup "seat" {}
    ambiguous "resend" {}
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "provision_user" {
      with = {
        email = snapshot.email
        role  = snapshot.role
        team  = snapshot.team
      }
      loss = "what the person owned is nobody's, and further teams and permissions are not given back"
    }
  }

  read "users" {
    kind = "user"
    get  = "/settings/users/2026-03"
    query = {
      limit = 100
      after = page.cursor
    }
    evidence = "vendor spec"
    items    = response.body.results
    page "cursor" { next = response.body.paging.next.after }
    id = item.id
    text {
      email = item.email
      role  = item.roleId
      team  = item.primaryTeamId
    }
    bool { super_admin = item.superAdmin }
  }
}
