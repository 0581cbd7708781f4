# Okta: accounts and group memberships. Facts: the management API's description; `recalled` where they are not in it.
manifest "okta" {
  title  = "Okta"
  domain = "identity"

  var "send_email" {
    type    = "bool"
    default = false
    about   = "whether activation mails the person; an undo must not"
  }

  auth "api_key" {
    header = "authorization"
    prefix = "SSWS "
    part   = "api_token"
  }

  headers = { accept = "application/json" }

  limit "api" {
    rate      = 600
    per       = "1m"
    reserve   = 50
    remaining = "x-rate-limit-remaining"
    reset     = "x-rate-limit-reset"
    reset_as  = "epoch_s"
  }

  message = coalesce(response.body.errorCauses[0].errorSummary, response.body.errorSummary)

  error "absent" { when = response.status == 404 && response.body.errorCode == "E0000007" }
  error "conflict" { when = response.status == 400 && contains(response.text, "An object with this field already exists") }
  error "transient" { when = response.status == 503 && response.header.retry-after != null }

  # An account by its login. A deactivated account is there, but is not what a creation wants to see.
  lookup "account" {
    inputs = { login = "text" }
    get    = "/api/v1/users/{login}"
    error "absent" { when = response.status == 404 && response.body.errorCode == "E0000007" }
    present       = response.body.id != null
    value         = response.body.status == "DEPROVISIONED" ? "disabled" : "present"
    outputs       = { id = response.body.id, status = response.body.status }
    marker        = response.body.profile.xopsKey
    authoritative = true
  }

  # An account that is not deactivated, by its id.
  lookup "live_account" {
    inputs = { id = "text" }
    get    = "/api/v1/users/{id}"
    error "absent" { when = response.status == 404 && response.body.errorCode == "E0000007" }
    absent        = response.body.status == "DEPROVISIONED"
    present       = response.body.status != null
    value         = "present"
    outputs       = { status = response.body.status }
    authoritative = true
  }

  # Whether an account was activated, by its id.
  lookup "activation" {
    inputs        = { id = "text" }
    get           = "/api/v1/users/{id}"
    absent        = contains(["STAGED", "DEPROVISIONED"], response.body.status)
    present       = response.body.status != null
    value         = response.body.status == "SUSPENDED" ? "suspended" : "active"
    outputs       = { status = response.body.status }
    authoritative = true
  }

  # A membership, among the groups of the person: that list is read strongly, the members of a group are not.
  lookup "membership" {
    inputs = {
      user  = "text"
      group = "text"
    }
    get = "/api/v1/users/{user}/groups"
    error "absent" { when = response.status == 404 && response.body.errorCode == "E0000007" }
    items         = response.body
    where         = item.id == input.group
    value         = "member"
    authoritative = true
    page "link" {}
  }

  awf "create_identity" {
    achieves = "create"
    inputs = {
      login      = "text"
      email      = "text"
      first_name = "text"
      last_name  = "text"
    }
    personal = ["login", "email", "first_name", "last_name"]
    outputs  = { id = "text" }
    evidence = "vendor spec"

    post  = "/api/v1/users"
    query = { activate = false }
    json = {
      profile = {
        login     = input.login
        email     = input.email
        firstName = input.first_name
        lastName  = input.last_name
        xopsKey   = key
      }
    }
    capture = { id = response.body.id }

    lookup "account" {}
    # Logins are unique: a second creation is refused, it cannot make a second account.
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "disable_identity" {
      with = { id = output.id }
      loss = "the account remains, deprovisioned"
    }
  }

  awf "disable_identity" {
    achieves = "remove"
    inputs   = { id = "text" }
    evidence = "vendor spec; what a second deactivation answers is recalled"

    post  = "/api/v1/users/{id}/lifecycle/deactivate"
    query = { sendEmail = false }
    error "already_done" { when = response.status == 403 && response.body.errorCode == "E0000016" }

    lookup "live_account" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "activate_identity" {
      with = { id = input.id }
      loss = "password and factors are reset, and an account that was staged is active"
    }
  }

  awf "activate_identity" {
    achieves = "create"
    inputs   = { id = "text" }
    evidence = "vendor spec"

    post  = "/api/v1/users/{id}/lifecycle/activate"
    query = { sendEmail = var.send_email }
    error "already_done" { when = response.status == 403 && response.body.errorCode == "E0000016" }

    lookup "activation" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "disable_identity" {
      with = { id = input.id }
      loss = "an account that was staged is deprovisioned"
    }
  }

  # An account that was deprovisioned, by its login: it comes back with the id that it had.
  awf "restore_identity" {
    achieves = "update"
    inputs   = { login = "text" }
    personal = ["login"]
    outputs  = { id = "text" }
    evidence = "vendor spec: activation takes accounts that are staged or deprovisioned"

    post  = "/api/v1/users/{snapshot.id}/lifecycle/activate"
    query = { sendEmail = var.send_email }
    error "already_done" { when = response.status == 403 && response.body.errorCode == "E0000016" }

    lookup "account" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "disable_identity" { with = { id = snapshot.id } }
  }

  awf "assign_groups" {
    achieves = "create"
    inputs = {
      user  = "text"
      group = "text"
    }
    evidence = "vendor spec"

    put = "/api/v1/groups/{group}/users/{user}"

    lookup "membership" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "remove_groups" {
      with = {
        user  = input.user
        group = input.group
      }
    }
  }

  awf "remove_groups" {
    achieves = "remove"
    inputs = {
      user  = "text"
      group = "text"
    }
    evidence = "vendor spec"

    delete = "/api/v1/groups/{group}/users/{user}"

    lookup "membership" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "assign_groups" {
      with = {
        user  = input.user
        group = input.group
      }
    }
  }

  # Without a search, deactivated accounts are left out, and a complete read would prove them absent.
  read "users" {
    kind     = "user"
    get      = "/api/v1/users"
    query    = { limit = 200, search = "id pr" }
    evidence = "vendor spec; that `id pr` finds every account is recalled"
    items    = response.body
    page "link" {}
    id      = item.id
    version = item.lastUpdated
    text {
      login           = item.profile.login
      email           = item.profile.email
      first_name      = item.profile.firstName
      last_name       = item.profile.lastName
      status          = item.status
      department      = item.profile.department
      employee_number = item.profile.employeeNumber
      user_type       = item.profile.userType
    }
  }

  read "groups" {
    kind     = "group"
    get      = "/api/v1/groups"
    query    = { limit = 1000 }
    evidence = "vendor spec"
    items    = response.body
    page "link" {}
    id      = item.id
    version = item.lastMembershipUpdated
    text {
      name        = item.profile.name
      description = item.profile.description
      type        = item.type
    }
  }

  read "group_members" {
    kind     = "group_member"
    for_each = "group"
    get      = "/api/v1/groups/{parent}/users"
    query    = { limit = 1000 }
    evidence = "vendor spec"
    error "absent" { when = response.status == 404 && response.body.errorCode == "E0000007" }
    items = response.body
    page "link" {}
    id = concat(input.parent, "/", item.id)
    text {
      group = input.parent
      user  = item.id
    }
  }
}
