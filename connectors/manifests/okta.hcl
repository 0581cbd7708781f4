# Okta: accounts and group memberships. Facts: the management API's description; `recalled` where they are not in it.
manifest "okta" {
  title  = "Okta"
  domain = "identity"

  var "send_email" {
    type    = "bool"
    default = false
    about   = "whether activation mails the person; an undo must not"
  }

  var "manager_relationship" {
    type    = "text"
    default = "manager"
    about   = "the primary name of the linked object that says who manages whom"
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

  # An event hook shows the secret as it is, and is asked once, without it, whether somebody listens.
  webhook "events" {
    verify   = "token"
    header   = "authorization"
    dedupe   = request.body.eventId
    each     = request.body.data.events
    event    = item.eventType
    kind     = starts_with(item.eventType, "group.user_membership.") ? "group_member" : starts_with(item.eventType, "user.") ? "user" : starts_with(item.eventType, "group.") ? "group" : null
    id       = item.target[0].id
    evidence = "recalled: the header, the events and the question"
    handshake {
      open = true
      when = request.header.x-okta-verification-challenge != null
      json = { verification = request.header.x-okta-verification-challenge }
    }
  }

  # An account by its login. A deactivated account is there, but is not what a creation wants to see.
  lookup "account" {
    inputs = { login = "text" }
    get    = "/api/v1/users/{login}"
    error "absent" { when = response.status == 404 && response.body.errorCode == "E0000007" }
    present       = (response.body.id == input.login || lower(response.body.profile.login) == lower(input.login))
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
    absent        = (response.body.id == input.id || lower(response.body.profile.login) == lower(input.id)) && response.body.status == "DEPROVISIONED"
    present       = (response.body.id == input.id || lower(response.body.profile.login) == lower(input.id)) && response.body.status != null
    value         = "present"
    outputs       = { status = response.body.status }
    authoritative = true
  }

  # Whether an account was activated, by its id.
  lookup "activation" {
    inputs        = { id = "text" }
    get           = "/api/v1/users/{id}"
    absent        = (response.body.id == input.id || lower(response.body.profile.login) == lower(input.id)) && contains(["STAGED", "DEPROVISIONED"], response.body.status)
    present       = (response.body.id == input.id || lower(response.body.profile.login) == lower(input.id)) && response.body.status != null
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

  # One attribute of the profile. An attribute that is not set shows the empty text: so it is never absent, and setting it is
  # always an update.
  lookup "attribute" {
    inputs = {
      id        = "text"
      attribute = "text"
    }
    get = "/api/v1/users/{id}"
    error "absent" { when = response.status == 404 && response.body.errorCode == "E0000007" }
    present       = (response.body.id == input.id || lower(response.body.profile.login) == lower(input.id)) && response.body.profile != null
    value         = coalesce(member(response.body.profile, input.attribute), "")
    outputs       = { value = member(response.body.profile, input.attribute) }
    authoritative = true
  }

  # The whole profile, of which one attribute is looked at.
  lookup "whole_profile" {
    inputs = {
      id        = "text"
      attribute = "text"
    }
    get = "/api/v1/users/{id}"
    error "absent" { when = response.status == 404 && response.body.errorCode == "E0000007" }
    present       = (response.body.id == input.id || lower(response.body.profile.login) == lower(input.id)) && response.body.profile != null
    value         = coalesce(member(response.body.profile, input.attribute), "")
    outputs       = { value = member(response.body.profile, input.attribute), profile = response.body.profile }
    authoritative = true
  }

  # A suspension, which only an active account can have.
  lookup "suspension" {
    inputs = { id = "text" }
    get    = "/api/v1/users/{id}"
    error "absent" { when = response.status == 404 && response.body.errorCode == "E0000007" }
    absent        = response.body.status != null && response.body.status != "SUSPENDED"
    present       = response.body.status == "SUSPENDED"
    value         = "suspended"
    outputs       = { status = response.body.status }
    authoritative = true
  }

  # Whether the password is expired: what the call is to bring about, so that being there means done.
  lookup "password_expired" {
    inputs        = { id = "text" }
    get           = "/api/v1/users/{id}"
    absent        = response.body.status != null && response.body.status != "PASSWORD_EXPIRED"
    present       = response.body.status == "PASSWORD_EXPIRED"
    authoritative = true
  }

  # Whether the account waits for its person to set a new password.
  lookup "recovery" {
    inputs        = { id = "text" }
    get           = "/api/v1/users/{id}"
    absent        = response.body.status != null && response.body.status != "RECOVERY"
    present       = response.body.status == "RECOVERY"
    authoritative = true
  }

  # A lock after too many failed signings-in.
  lookup "unlocked" {
    inputs        = { id = "text" }
    get           = "/api/v1/users/{id}"
    absent        = (response.body.id == input.id || lower(response.body.profile.login) == lower(input.id)) && response.body.status == "LOCKED_OUT"
    present       = (response.body.id == input.id || lower(response.body.profile.login) == lower(input.id)) && response.body.status != null && response.body.status != "LOCKED_OUT"
    authoritative = true
  }

  # An account that is deactivated and can be deleted. Of another one nothing is said: so nothing is done to it.
  lookup "deactivated_account" {
    inputs = { id = "text" }
    get    = "/api/v1/users/{id}"
    error "absent" { when = response.status == 404 && response.body.errorCode == "E0000007" }
    present       = response.body.status == "DEPROVISIONED"
    authoritative = true
  }

  # A factor by what it is; a person has one of a kind of a provider.
  lookup "factor_of_kind" {
    inputs = {
      user        = "text"
      factor_type = "text"
      provider    = "text"
    }
    get           = "/api/v1/users/{user}/factors"
    items         = response.body
    where         = item.factorType == input.factor_type && item.provider == input.provider
    value         = "enrolled"
    outputs       = { id = item.id, status = item.status }
    authoritative = true
  }

  lookup "factor" {
    inputs = {
      user   = "text"
      factor = "text"
    }
    get   = "/api/v1/users/{user}/factors"
    items = response.body
    where = item.id == input.factor
    value = "enrolled"
    outputs = {
      factor_type = item.factorType
      provider    = item.provider
      phone       = item.profile.phoneNumber
    }
    authoritative = true
  }

  # That there are no factors: what a reset is to bring about.
  lookup "no_factors" {
    inputs        = { user = "text" }
    get           = "/api/v1/users/{user}/factors"
    absent        = length(response.body) > 0
    present       = length(response.body) == 0
    authoritative = true
  }

  # The description gives one object where the vendor lists several.
  lookup "temporary_code" {
    inputs        = { user = "text" }
    get           = "/api/v1/users/{user}/authenticator-enrollments"
    items         = list(response.body)
    where         = item.type == "tac"
    value         = "issued"
    outputs       = { id = item.id }
    authoritative = true
  }

  lookup "enrollment" {
    inputs = {
      user       = "text"
      enrollment = "text"
    }
    get           = "/api/v1/users/{user}/authenticator-enrollments"
    items         = list(response.body)
    where         = item.id == input.enrollment
    value         = "enrolled"
    outputs       = { authenticator = after_last(item._links.authenticator.href, "/") }
    authoritative = true
  }

  # That no grant is left: what revoking them is to bring about.
  lookup "no_grants" {
    inputs        = { user = "text" }
    get           = "/api/v1/users/{user}/grants"
    absent        = length(response.body) > 0
    present       = length(response.body) == 0
    authoritative = true
  }

  # A group by its name, which is unique among the groups that Okta itself keeps. `q` matches the beginning: each is judged here.
  lookup "group_of_name" {
    inputs        = { name = "text" }
    get           = "/api/v1/groups"
    query         = { q = input.name, limit = 1000 }
    items         = response.body
    where         = item.profile.name == input.name && item.type == "OKTA_GROUP"
    outputs       = { id = item.id }
    authoritative = true
    page "link" {}
  }

  lookup "group" {
    inputs = { group = "text" }
    get    = "/api/v1/groups/{group}"
    error "absent" { when = response.status == 404 && response.body.errorCode == "E0000007" }
    present       = response.body.id == input.group
    outputs       = { name = response.body.profile.name, description = response.body.profile.description }
    authoritative = true
  }

  # A rule by its name, which is unique.
  lookup "rule_of_name" {
    inputs        = { name = "text" }
    get           = "/api/v1/groups/rules"
    evidence      = "recalled: the listing of rules"
    items         = response.body
    where         = item.name == input.name
    value         = item.status == "ACTIVE" ? "active" : "inactive"
    outputs       = { id = item.id }
    authoritative = true
    page "link" {}
  }

  lookup "active_rule" {
    inputs = { rule = "text" }
    get    = "/api/v1/groups/rules/{rule}"
    error "absent" { when = response.status == 404 && response.body.errorCode == "E0000007" }
    absent        = contains(["INACTIVE", "INVALID"], response.body.status)
    present       = response.body.status == "ACTIVE"
    value         = "active"
    authoritative = true
  }

  # Somebody in an app, by a group or singly.
  lookup "app_user" {
    inputs = {
      app  = "text"
      user = "text"
    }
    get = "/api/v1/apps/{app}/users/{user}"
    error "absent" { when = response.status == 404 && response.body.errorCode == "E0000007" }
    present       = response.body.id == input.user
    value         = "assigned"
    outputs       = { profile = response.body.profile, scope = response.body.scope }
    authoritative = true
  }

  lookup "app_group" {
    inputs = {
      app   = "text"
      group = "text"
    }
    get = "/api/v1/apps/{app}/groups/{group}"
    error "absent" { when = response.status == 404 && response.body.errorCode == "E0000007" }
    present       = response.body.id == input.group
    value         = "assigned"
    outputs       = { profile = response.body.profile, priority = response.body.priority }
    authoritative = true
  }

  # The manager, whose id ends the address that the link gives.
  lookup "manager" {
    inputs        = { user = "text" }
    get           = "/api/v1/users/{user}/linkedObjects/{var.manager_relationship}"
    items         = response.body
    value         = after_last(item._links.self.href, "/")
    outputs       = { manager = after_last(item._links.self.href, "/") }
    authoritative = true
  }

  lookup "device_suspension" {
    inputs = { device = "text" }
    get    = "/api/v1/devices/{device}"
    error "absent" { when = response.status == 404 && response.body.errorCode == "E0000007" }
    absent        = contains(["ACTIVE", "UNSUSPENDED", "DEACTIVATED"], response.body.status)
    present       = response.body.status == "SUSPENDED"
    value         = "suspended"
    authoritative = true
  }

  # A campaign by its name; its description carries our key.
  lookup "campaign_of_name" {
    inputs        = { name = "text" }
    get           = "/governance/api/v1/campaigns"
    evidence      = "recalled: the listing of campaigns and their states"
    items         = response.body.data
    where         = item.name == input.name && !contains(["COMPLETED", "DELETED"], item.status)
    value         = "running"
    outputs       = { id = item.id }
    marker        = item.description
    authoritative = true
    page "link" {}
  }

  lookup "campaign" {
    inputs        = { campaign = "text" }
    get           = "/governance/api/v1/campaigns/{campaign}"
    absent        = response.body.id == input.campaign && contains(["COMPLETED", "DELETED"], response.body.status)
    present       = response.body.id == input.campaign && response.body.status != null
    value         = "running"
    authoritative = true
  }

  lookup "admin_role" {
    inputs = {
      user = "text"
      type = "text"
    }
    get           = "/api/v1/users/{user}/roles"
    items         = response.body
    where         = item.type == input.type
    value         = "assigned"
    outputs       = { id = item.id }
    authoritative = true
  }

  lookup "admin_role_by_id" {
    inputs = {
      user = "text"
      role = "text"
    }
    get           = "/api/v1/users/{user}/roles"
    items         = response.body
    where         = item.id == input.role
    value         = "assigned"
    outputs       = { type = item.type }
    authoritative = true
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

  # One attribute of the profile a call: its facet is a step of its own, with its own undo.
  awf "update_profile" {
    achieves = "update"
    inputs = {
      id        = "text"
      attribute = "text"
      value     = "text"
    }
    personal = ["value"]
    optional = ["value"]
    locks    = ["user:{id}"]
    evidence = "vendor spec; that null empties an attribute is recalled"

    post      = "/api/v1/users/{id}"
    json      = { profile = object(input.attribute, input.value) }
    keep_null = true

    lookup "attribute" {}
    # Only this attribute is written: a second call writes what is there.
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "update_profile" {
      with = {
        id        = input.id
        attribute = input.attribute
        value     = snapshot.value
      }
    }
  }

  # The whole profile: what is not written is emptied. For repairs; `update_profile` is the everyday way.
  awf "replace_profile" {
    achieves = "update"
    inputs = {
      id        = "text"
      attribute = "text"
      value     = "text"
      profile   = "map"
    }
    personal = ["value", "profile"]
    optional = ["value"]
    locks    = ["user:{id}"]
    evidence = "vendor spec; `attribute` and `value` name what of the profile is looked at"

    put  = "/api/v1/users/{id}"
    json = { profile = input.profile }

    lookup "whole_profile" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "replace_profile" {
      with = {
        id        = input.id
        attribute = input.attribute
        value     = snapshot.value
        profile   = snapshot.profile
      }
    }
  }

  awf "reactivate_identity" {
    inputs   = { id = "text" }
    evidence = "vendor spec; that it takes accounts whose activation is pending is recalled"

    post  = "/api/v1/users/{id}/lifecycle/reactivate"
    query = { sendEmail = var.send_email }

    # Each call makes a new link: nobody can see whether the one before arrived.
    ambiguous "park" {}
    nothing_to_undo = "a new activation link takes the place of the old one; the account stays as it was"
  }

  awf "suspend_identity" {
    achieves = "create"
    inputs   = { id = "text" }
    evidence = "vendor spec; that only active accounts are suspended is recalled"

    post = "/api/v1/users/{id}/lifecycle/suspend"

    lookup "suspension" {}
    # What is suspended already is refused.
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "unsuspend_identity" { with = { id = input.id } }
  }

  awf "unsuspend_identity" {
    achieves = "remove"
    inputs   = { id = "text" }
    evidence = "vendor spec"

    post = "/api/v1/users/{id}/lifecycle/unsuspend"

    lookup "suspension" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "suspend_identity" { with = { id = input.id } }
  }

  awf "unlock_identity" {
    inputs   = { id = "text" }
    evidence = "vendor spec"

    post = "/api/v1/users/{id}/lifecycle/unlock"

    lookup "unlocked" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "500ms"
    }
    nothing_to_undo = "a lock after failed signings-in is the system's own and comes back by itself"
  }

  # The same call on an account that is not deactivated would only deactivate it.
  awf "delete_identity" {
    achieves = "remove"
    inputs   = { id = "text" }
    evidence = "vendor spec; that an account must be deactivated first is recalled"

    delete = "/api/v1/users/{id}"
    query  = { sendEmail = false }

    lookup "deactivated_account" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "500ms"
    }
    irreversible = "the account, its history and its factors are gone; it is made anew"
    forward      = "create_identity"
  }

  awf "expire_password" {
    inputs   = { id = "text" }
    evidence = "vendor spec; the status that follows is recalled"

    post = "/api/v1/users/{id}/lifecycle/expire_password"

    lookup "password_expired" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "500ms"
    }
    irreversible = "an expired password does not become good again; the person sets a new one"
    forward      = "reset_password"
  }

  awf "reset_password" {
    inputs   = { id = "text" }
    evidence = "vendor spec; the status that follows is recalled"

    post  = "/api/v1/users/{id}/lifecycle/reset_password"
    query = { sendEmail = true }

    lookup "recovery" {}
    # A second call sends the mail once more and changes nothing else.
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "500ms"
    }
    irreversible = "the old password is no longer taken; the person sets a new one"
  }

  awf "reset_mfa_factors" {
    inputs   = { user = "text" }
    evidence = "vendor spec"

    post = "/api/v1/users/{user}/lifecycle/reset_factors"

    lookup "no_factors" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "500ms"
    }
    irreversible = "the secrets of the factors are gone; each is enrolled anew"
    forward      = "enroll_factor"
  }

  awf "enroll_factor" {
    achieves = "create"
    inputs = {
      user        = "text"
      factor_type = "text"
      provider    = "text"
      phone       = "text"
    }
    samples  = { factor_type = "sms", provider = "OKTA" }
    personal = ["phone"]
    optional = ["phone"]
    outputs  = { id = "text" }
    evidence = "vendor spec"

    post = "/api/v1/users/{user}/factors"
    json = {
      factorType = input.factor_type
      provider   = input.provider
      profile    = input.phone == null ? null : { phoneNumber = input.phone }
    }
    capture = { id = response.body.id }

    lookup "factor_of_kind" {}
    # A second factor of the kind is refused.
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "unenroll_factor" {
      with = {
        user   = input.user
        factor = output.id
      }
    }
  }

  awf "unenroll_factor" {
    achieves = "remove"
    inputs = {
      user   = "text"
      factor = "text"
    }
    samples  = { factor_type = "sms", provider = "OKTA" }
    evidence = "vendor spec"

    delete = "/api/v1/users/{user}/factors/{factor}"

    lookup "factor" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "enroll_factor" {
      with = {
        user        = input.user
        factor_type = snapshot.factor_type
        provider    = snapshot.provider
        phone       = snapshot.phone
      }
      loss = "the factor is enrolled anew and waits for its person to activate it"
    }
  }

  # The code stands in the answer and nowhere else afterwards: a later step hands it over.
  awf "issue_temporary_access_code" {
    achieves = "create"
    inputs = {
      user          = "text"
      authenticator = "text"
      minutes       = "int"
    }
    outputs = {
      id   = "text"
      code = "text"
    }
    optional = ["minutes"]
    redact   = ["code"]
    evidence = "vendor spec; that `ttl` counts minutes is recalled"

    post = "/api/v1/users/{user}/authenticator-enrollments/tac"
    json = {
      authenticatorId = input.authenticator
      profile = {
        multiUse = false
        ttl      = text(coalesce(input.minutes, 60))
      }
    }
    capture = {
      id   = response.body.id
      code = response.body.profile.tac
    }

    lookup "temporary_code" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "delete_authenticator_enrollment" {
      with = {
        user       = input.user
        enrollment = output.id
      }
    }
  }

  awf "delete_authenticator_enrollment" {
    achieves = "remove"
    inputs = {
      user       = "text"
      enrollment = "text"
    }
    evidence = "vendor spec"

    delete = "/api/v1/users/{user}/authenticator-enrollments/{enrollment}"

    lookup "enrollment" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "issue_temporary_access_code" {
      with = {
        user          = input.user
        authenticator = snapshot.authenticator
      }
      loss = "another code than the one that was deleted; what is no temporary code is enrolled by its person again"
    }
  }

  # Nothing lists the sessions of a person: the answer is all that is known.
  awf "revoke_sessions" {
    inputs   = { user = "text" }
    evidence = "vendor spec"

    delete = "/api/v1/users/{user}/sessions"
    query  = { oauthTokens = true }

    ambiguous "resend" {}
    irreversible = "sessions that ended do not come back; the person signs in again"
  }

  awf "revoke_oauth_grants" {
    inputs   = { user = "text" }
    evidence = "vendor spec"

    delete = "/api/v1/users/{user}/grants"

    lookup "no_grants" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "500ms"
    }
    irreversible = "a grant is given by the person and by nobody else"
  }

  awf "create_group" {
    achieves = "create"
    inputs = {
      name        = "text"
      description = "text"
    }
    optional = ["description"]
    outputs  = { id = "text" }
    evidence = "vendor spec; that names are unique and `q` reads strongly is recalled"

    post = "/api/v1/groups"
    json = {
      profile = {
        name        = input.name
        description = input.description
      }
    }
    capture = { id = response.body.id }

    lookup "group_of_name" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "delete_group" { with = { group = output.id } }
  }

  awf "delete_group" {
    achieves = "remove"
    inputs   = { group = "text" }
    evidence = "vendor spec"

    delete = "/api/v1/groups/{group}"

    lookup "group" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "create_group" {
      with = {
        name        = snapshot.name
        description = snapshot.description
      }
      loss = "the group has another id and is without its members, rules and apps"
    }
  }

  # A rule is made inactive and put to work by `activate_group_rule`.
  awf "create_group_rule" {
    achieves = "create"
    inputs = {
      name       = "text"
      expression = "text"
      groups     = "list(text)"
    }
    outputs  = { id = "text" }
    evidence = "vendor spec; the listing by which it is found, and that names are unique, are recalled"

    post = "/api/v1/groups/rules"
    json = {
      type = "group_rule"
      name = input.name
      conditions = {
        expression = {
          type  = "urn:okta:expression:1.0"
          value = input.expression
        }
      }
      actions = { assignUserToGroups = { groupIds = input.groups } }
    }
    capture = { id = response.body.id }

    lookup "rule_of_name" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "deactivate_group_rule" {
      with = { rule = output.id }
      loss = "the rule remains, inactive"
    }
  }

  awf "activate_group_rule" {
    achieves = "create"
    inputs   = { rule = "text" }
    locks    = ["rule:{rule}"]
    evidence = "vendor spec"

    post = "/api/v1/groups/rules/{rule}/lifecycle/activate"

    lookup "active_rule" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "deactivate_group_rule" {
      with = { rule = input.rule }
      loss = "whom the rule put into its groups may stay there"
    }
  }

  awf "deactivate_group_rule" {
    achieves = "remove"
    inputs   = { rule = "text" }
    locks    = ["rule:{rule}"]
    evidence = "vendor spec"

    post = "/api/v1/groups/rules/{rule}/lifecycle/deactivate"

    lookup "active_rule" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "activate_group_rule" { with = { rule = input.rule } }
  }

  awf "assign_app_to_user" {
    achieves = "create"
    inputs = {
      app     = "text"
      user    = "text"
      profile = "map"
    }
    personal = ["profile"]
    optional = ["profile"]
    evidence = "vendor spec"

    post = "/api/v1/apps/{app}/users"
    json = {
      id      = input.user
      scope   = "USER"
      profile = input.profile
    }

    lookup "app_user" {}
    # Nobody is in an app twice: a second call finds the first.
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "remove_app_from_user" {
      with = {
        app  = input.app
        user = input.user
      }
      loss = "an account that the app made for it is switched off there, not removed"
    }
  }

  awf "remove_app_from_user" {
    achieves = "remove"
    inputs = {
      app  = "text"
      user = "text"
    }
    evidence = "vendor spec"

    delete = "/api/v1/apps/{app}/users/{user}"
    query  = { sendEmail = false }

    lookup "app_user" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "assign_app_to_user" {
      with = {
        app     = input.app
        user    = input.user
        profile = snapshot.profile
      }
      loss = "the credentials that the app kept for the person are not set again"
    }
  }

  awf "assign_app_to_group" {
    achieves = "create"
    inputs = {
      app      = "text"
      group    = "text"
      priority = "int"
      profile  = "map"
    }
    optional = ["priority", "profile"]
    evidence = "vendor spec"

    put = "/api/v1/apps/{app}/groups/{group}"
    json = {
      priority = input.priority
      profile  = input.profile
    }

    lookup "app_group" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "remove_app_from_group" {
      with = {
        app   = input.app
        group = input.group
      }
      loss = "accounts that the app made for members are switched off there, not removed"
    }
  }

  awf "remove_app_from_group" {
    achieves = "remove"
    inputs = {
      app   = "text"
      group = "text"
    }
    evidence = "vendor spec"

    delete = "/api/v1/apps/{app}/groups/{group}"

    lookup "app_group" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "assign_app_to_group" {
      with = {
        app      = input.app
        group    = input.group
        priority = snapshot.priority
        profile  = snapshot.profile
      }
      loss = "members come back to the app without the credentials that it kept for them"
    }
  }

  awf "set_manager_link" {
    achieves = "create"
    inputs = {
      user    = "text"
      manager = "text"
    }
    locks    = ["manager_of:{user}"]
    evidence = "vendor spec"

    put = "/api/v1/users/{user}/linkedObjects/{var.manager_relationship}/{manager}"

    lookup "manager" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "remove_manager_link" { with = { user = input.user } }
  }

  # The same call where there is a manager already: it takes the place of the other.
  awf "change_manager_link" {
    achieves = "update"
    inputs = {
      user    = "text"
      manager = "text"
    }
    locks    = ["manager_of:{user}"]
    evidence = "vendor spec"

    put = "/api/v1/users/{user}/linkedObjects/{var.manager_relationship}/{manager}"

    lookup "manager" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "change_manager_link" {
      with = {
        user    = input.user
        manager = snapshot.manager
      }
    }
  }

  awf "remove_manager_link" {
    achieves = "remove"
    inputs   = { user = "text" }
    locks    = ["manager_of:{user}"]
    evidence = "vendor spec"

    delete = "/api/v1/users/{user}/linkedObjects/{var.manager_relationship}"

    lookup "manager" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "set_manager_link" {
      with = {
        user    = input.user
        manager = snapshot.manager
      }
    }
  }

  awf "suspend_device" {
    achieves = "create"
    inputs   = { device = "text" }
    evidence = "vendor spec"

    post = "/api/v1/devices/{device}/lifecycle/suspend"

    lookup "device_suspension" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "unsuspend_device" { with = { device = input.device } }
  }

  awf "unsuspend_device" {
    achieves = "remove"
    inputs   = { device = "text" }
    evidence = "vendor spec"

    post = "/api/v1/devices/{device}/lifecycle/unsuspend"

    lookup "device_suspension" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "suspend_device" { with = { device = input.device } }
  }

  awf "launch_access_campaign" {
    achieves = "create"
    inputs = {
      name      = "text"
      start     = "text"
      days      = "int"
      time_zone = "text"
      group     = "text"
      reviewer  = "text"
    }
    samples  = { start = "2026-12-01T09:00:00Z", days = 21 }
    outputs  = { id = "text" }
    evidence = "vendor spec; the words of types, the listing and its states are recalled"

    post = "/governance/api/v1/campaigns"
    json = {
      name        = input.name
      description = key
      scheduleSettings = {
        type           = "ONE_OFF"
        startDate      = input.start
        durationInDays = input.days
        timeZone       = input.time_zone
      }
      resourceSettings = {
        type            = "GROUP"
        targetResources = [{ resourceId = input.group, resourceType = "GROUP" }]
      }
      principalScopeSettings = { type = "USERS" }
      reviewerSettings = {
        type       = "USER"
        reviewerId = input.reviewer
      }
      remediationSettings = {
        accessApproved = "NO_ACTION"
        accessRevoked  = "DENY"
        noResponse     = "NO_ACTION"
      }
    }
    capture = { id = response.body.id }

    lookup "campaign_of_name" {}
    # Names are not unique: only the description tells ours from another.
    ambiguous "probe" {
      window   = "30s"
      agreeing = 3
    }
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "end_access_campaign" {
      with = {
        campaign         = output.id
        skip_remediation = true
      }
      loss = "the campaign remains, ended, with what was decided in it"
    }
  }

  awf "end_access_campaign" {
    achieves = "remove"
    inputs = {
      campaign         = "text"
      skip_remediation = "bool"
    }
    optional = ["skip_remediation"]
    evidence = "vendor spec; the states are recalled"

    post = "/governance/api/v1/campaigns/{campaign}/end"
    json = { skipRemediation = coalesce(input.skip_remediation, false) }

    lookup "campaign" {}
    # What has ended does not end twice.
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "5m"
      every  = "2s"
    }
    irreversible = "what reviewers revoked is taken away, and an ended campaign does not go on"
    forward      = "launch_access_campaign"
  }

  awf "assign_admin_role" {
    achieves = "create"
    inputs = {
      user = "text"
      type = "text"
    }
    samples  = { type = "USER_ADMIN" }
    outputs  = { id = "text" }
    evidence = "vendor spec"

    post    = "/api/v1/users/{user}/roles"
    query   = { disableNotifications = true }
    json    = { type = input.type }
    capture = { id = response.body.id }

    lookup "admin_role" {}
    # Nobody has a role twice: the second assignment is refused.
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "remove_admin_role" {
      with = {
        user = input.user
        role = output.id
      }
    }
  }

  awf "remove_admin_role" {
    achieves = "remove"
    inputs = {
      user = "text"
      role = "text"
    }
    samples  = { type = "USER_ADMIN" }
    evidence = "vendor spec"

    delete = "/api/v1/users/{user}/roles/{role}"

    lookup "admin_role_by_id" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "assign_admin_role" {
      with = {
        user = input.user
        type = snapshot.type
      }
      loss = "the assignment has another id, and is without the targets that narrowed it"
    }
  }

  # Without a search, deactivated accounts are left out, and a complete read would prove them absent.
  read "users" {
    kind  = "user"
    get   = "/api/v1/users"
    query = { limit = 200, search = coalesce(page.delta, "id pr") }
    delta "filter" {
      overlap = "5m"
      since   = concat("lastUpdated gt \"", page.since, "\"")
    }
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
    query    = { limit = 1000, filter = page.delta }
    evidence = "vendor spec"
    items    = response.body
    page "link" {}
    delta "filter" {
      overlap = "5m"
      since   = concat("lastMembershipUpdated gt \"", page.since, "\"")
    }
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

  read "devices" {
    kind     = "device"
    get      = "/api/v1/devices"
    query    = { limit = 200, search = page.delta }
    evidence = "vendor spec"
    items    = response.body
    page "link" {}
    delta "filter" {
      overlap = "5m"
      since   = concat("lastUpdated gt \"", page.since, "\"")
    }
    id      = item.id
    version = item.lastUpdated
    text {
      name       = item.profile.displayName
      platform   = item.profile.platform
      os_version = item.profile.osVersion
      serial     = item.profile.serialNumber
      udid       = item.profile.udid
      model      = item.profile.model
      status     = item.status
    }
    bool {
      registered = item.profile.registered
      managed    = item.profile.managed
    }
  }

  read "apps" {
    kind     = "app"
    get      = "/api/v1/apps"
    query    = { limit = 200 }
    evidence = "recalled: the listing of what `apps/{appId}` addresses"
    items    = response.body
    page "link" {}
    id      = item.id
    version = item.lastUpdated
    text {
      name    = item.label
      status  = item.status
      sign_on = item.signOnMode
    }
  }

  read "app_users" {
    kind     = "app_user"
    for_each = "app"
    get      = "/api/v1/apps/{parent}/users"
    query    = { limit = 500 }
    evidence = "vendor spec"
    error "absent" { when = response.status == 404 && response.body.errorCode == "E0000007" }
    items = response.body
    page "link" {}
    id      = concat(input.parent, "/", item.id)
    version = item.lastUpdated
    text {
      app       = input.parent
      user      = item.id
      scope     = item.scope
      status    = item.status
      user_name = item.credentials.userName
    }
  }

  # Who changed accounts, memberships and assignments. The log always names a next page: it is over at an empty one. Its other
  # events are many, and are left where they are.
  read "changes" {
    kind = "change"
    get  = "/api/v1/logs"
    query = {
      since     = page.since
      filter    = "eventType sw \"user.lifecycle\" or eventType sw \"group.user_membership\" or eventType sw \"application.user_membership\""
      limit     = 1000
      sortOrder = "ASCENDING"
    }
    evidence = "vendor spec; the filter's words are recalled"
    items    = response.body
    page "link" { last = length(response.body) == 0 }
    delta "events" { overlap = "1m" }
    deletes = "event"
    id      = item.uuid
    text {
      event       = item.eventType
      at          = item.published
      actor       = item.actor.id
      actor_name  = item.actor.alternateId
      target      = item.target[0].id
      target_name = item.target[0].alternateId
      outcome     = item.outcome.result
    }
  }
}
