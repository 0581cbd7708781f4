# GitHub: an organisation's people, teams, provisioned identities and Copilot seats. Facts: the description of the enterprise
# cloud. A 404 is also what somebody without the right to see is told: the principal must own the organisation.
manifest "github" {
  title  = "GitHub"
  domain = "software"

  var "org" {
    type  = "text"
    about = "the organisation's name in addresses"
  }

  auth "bearer" { part = "token" }

  headers = {
    accept               = "application/vnd.github+json"
    x-github-api-version = "2022-11-28"
  }

  limit "core" {
    rate        = 5000
    per         = "1h"
    reserve     = 50
    concurrency = 10
    remaining   = "x-ratelimit-remaining"
    reset       = "x-ratelimit-reset"
    reset_as    = "epoch_s"
  }

  message = coalesce(response.body.detail, response.body.message)

  error "rate_limited" { when = contains([403, 429], response.status) && (response.header.retry-after != null || response.header.x-ratelimit-remaining == "0" || contains(lower(response.body.message), "secondary rate limit")) }
  error "absent" { when = response.status == 404 && response.body.message == "Not Found" }
  error "transient" { when = response.status == 503 && response.header.retry-after != null }

  webhook "organization" {
    verify   = "hmac"
    header   = "x-hub-signature-256"
    prefix   = "sha256="
    dedupe   = request.header.x-github-delivery
    event    = concat(request.header.x-github-event, ".", request.body.action)
    kind     = request.body.membership.user.login == null ? null : "member"
    id       = request.body.membership.user.login
    evidence = "recalled: the signature and the events"
  }

  # A place in the organisation, accepted or only offered, with its role.
  lookup "org_membership" {
    inputs = { username = "text" }
    get    = "/orgs/{var.org}/memberships/{username}"
    error "absent" { when = response.status == 404 && response.body.message == "Not Found" }
    present       = contains(["active", "pending"], response.body.state)
    value         = response.body.role
    outputs       = { role = response.body.role, state = response.body.state }
    authoritative = true
  }

  lookup "team_membership" {
    inputs = {
      team     = "text"
      username = "text"
    }
    get = "/orgs/{var.org}/teams/{team}/memberships/{username}"
    error "absent" { when = response.status == 404 && response.body.message == "Not Found" }
    present       = contains(["active", "pending"], response.body.state)
    value         = response.body.role
    outputs       = { role = response.body.role }
    authoritative = true
  }

  # A provisioned identity by its name. A name with a quote in it would change the filter: then everybody is listed.
  lookup "identity_of_name" {
    inputs = { user_name = "text" }
    get    = "/scim/v2/organizations/{var.org}/Users"
    query = {
      filter     = contains(input.user_name, "\"") || contains(input.user_name, "\\") ? null : concat("userName eq \"", input.user_name, "\"")
      startIndex = page.offset + 1
      count      = 100
    }
    items         = response.body.Resources
    where         = lower(item.userName) == lower(input.user_name)
    value         = item.active == false ? "disabled" : "present"
    outputs       = { id = item.id }
    authoritative = true
    page "offset" {
      size  = 100
      total = response.body.totalResults
    }
  }

  lookup "identity" {
    inputs = { id = "text" }
    get    = "/scim/v2/organizations/{var.org}/Users/{id}"
    error "absent" { when = response.status == 404 && response.body != null }
    absent  = response.body.active == false
    present = response.body.id == input.id
    outputs = {
      user_name   = response.body.userName
      given_name  = response.body.name.givenName
      family_name = response.body.name.familyName
      email       = response.body.emails[0].value
      external_id = response.body.externalId
    }
    authoritative = true
  }

  # A seat that ends with the billing period was taken away already.
  lookup "copilot_seat" {
    inputs = { username = "text" }
    get    = "/orgs/{var.org}/members/{username}/copilot"
    error "absent" { when = response.status == 404 && response.body.message == "Not Found" }
    absent        = lower(response.body.assignee.login) == lower(input.username) && response.body.pending_cancellation_date != null
    present       = lower(response.body.assignee.login) == lower(input.username) && response.body.created_at != null
    value         = "assigned"
    authoritative = true
  }

  lookup "outsider" {
    inputs        = { username = "text" }
    get           = "/orgs/{var.org}/outside_collaborators"
    query         = { per_page = 100 }
    items         = response.body
    where         = lower(item.login) == lower(input.username)
    value         = "outside"
    authoritative = true
    page "link" {}
  }

  lookup "invitation_of_email" {
    inputs        = { email = "text" }
    get           = "/orgs/{var.org}/invitations"
    query         = { per_page = 100 }
    items         = response.body
    where         = lower(item.email) == lower(input.email)
    value         = "invited"
    outputs       = { id = text(item.id) }
    authoritative = true
    page "link" {}
  }

  lookup "invitation" {
    inputs        = { invitation = "text" }
    get           = "/orgs/{var.org}/invitations"
    query         = { per_page = 100 }
    items         = response.body
    where         = text(item.id) == input.invitation
    value         = "invited"
    outputs       = { email = item.email, role = item.role }
    authoritative = true
    page "link" {}
  }

  lookup "block" {
    inputs = { username = "text" }
    get    = "/orgs/{var.org}/blocks/{username}"
    error "absent" { when = response.status == 404 && response.body.message == "Not Found" }
    present       = response.status == 204
    value         = "blocked"
    authoritative = true
  }

  # Who is not in the organisation yet is invited, and the place waits for the person.
  awf "set_org_membership" {
    achieves = "create"
    inputs = {
      username = "text"
      role     = "text"
    }
    samples  = { role = "member" }
    personal = ["username"]
    evidence = "vendor spec"

    put  = "/orgs/{var.org}/memberships/{username}"
    json = { role = input.role }

    lookup "org_membership" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "remove_org_member" { with = { username = input.username } }
  }

  # The same call on somebody who has a place already.
  awf "change_org_role" {
    achieves = "update"
    inputs = {
      username = "text"
      role     = "text"
    }
    samples  = { role = "member" }
    personal = ["username"]
    evidence = "vendor spec"

    put  = "/orgs/{var.org}/memberships/{username}"
    json = { role = input.role }

    lookup "org_membership" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "change_org_role" {
      with = {
        username = input.username
        role     = snapshot.role
      }
    }
  }

  awf "remove_org_member" {
    achieves = "remove"
    inputs   = { username = "text" }
    samples  = { role = "member" }
    personal = ["username"]
    evidence = "vendor spec"

    delete = "/orgs/{var.org}/memberships/{username}"

    lookup "org_membership" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "set_org_membership" {
      with = {
        username = input.username
        role     = snapshot.role
      }
      loss = "private forks are gone, teams are joined anew, and the person has to accept an invitation"
    }
  }

  awf "add_team_member" {
    achieves = "create"
    inputs = {
      team     = "text"
      username = "text"
      role     = "text"
    }
    samples  = { role = "member" }
    personal = ["username"]
    evidence = "vendor spec"

    put  = "/orgs/{var.org}/teams/{team}/memberships/{username}"
    json = { role = input.role }

    lookup "team_membership" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "remove_team_member" {
      with = {
        team     = input.team
        username = input.username
      }
      loss = "whoever had no place in the organisation was invited to it, and stays invited"
    }
  }

  awf "remove_team_member" {
    achieves = "remove"
    inputs = {
      team     = "text"
      username = "text"
    }
    samples  = { role = "member" }
    personal = ["username"]
    evidence = "vendor spec"

    delete = "/orgs/{var.org}/teams/{team}/memberships/{username}"

    lookup "team_membership" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "add_team_member" {
      with = {
        team     = input.team
        username = input.username
        role     = snapshot.role
      }
    }
  }

  awf "scim_provision_user" {
    achieves = "create"
    inputs = {
      user_name   = "text"
      given_name  = "text"
      family_name = "text"
      email       = "text"
      external_id = "text"
    }
    personal = ["user_name", "given_name", "family_name", "email", "external_id"]
    optional = ["external_id"]
    outputs  = { id = "text" }
    evidence = "vendor spec"

    post = "/scim/v2/organizations/{var.org}/Users"
    json = {
      schemas    = ["urn:ietf:params:scim:schemas:core:2.0:User"]
      userName   = input.user_name
      externalId = input.external_id
      active     = true
      name = {
        givenName  = input.given_name
        familyName = input.family_name
      }
      emails = [{ value = input.email, type = "work", primary = true }]
    }
    capture = { id = response.body.id }

    lookup "identity_of_name" {}
    # Names are unique: a second creation is refused with 409.
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "scim_deprovision_user" { with = { id = output.id } }
  }

  awf "scim_deprovision_user" {
    achieves = "remove"
    inputs   = { id = "text" }
    evidence = "vendor spec"

    delete = "/scim/v2/organizations/{var.org}/Users/{id}"
    error "absent" { when = response.status == 404 && contains(response.body.schemas, "urn:ietf:params:scim:api:messages:2.0:Error") }

    lookup "identity" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "scim_provision_user" {
      with = {
        user_name   = snapshot.user_name
        given_name  = snapshot.given_name
        family_name = snapshot.family_name
        email       = snapshot.email
        external_id = snapshot.external_id
      }
      loss = "the identity has another id, and its person signs in anew to be in the organisation again"
    }
  }

  awf "assign_copilot_seat" {
    achieves = "create"
    inputs   = { username = "text" }
    personal = ["username"]
    evidence = "vendor spec"

    post = "/orgs/{var.org}/copilot/billing/selected_users"
    json = { selected_usernames = [input.username] }

    lookup "copilot_seat" {}
    # Nobody has two seats: a second call makes none (`seats_created` is 0).
    ambiguous "probe" {
      window   = "15s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "remove_copilot_seat" {
      with = { username = input.username }
      loss = "the seat is paid for until the billing period ends"
    }
  }

  awf "remove_copilot_seat" {
    achieves = "remove"
    inputs   = { username = "text" }
    personal = ["username"]
    evidence = "vendor spec; that the seat stays to the period's end is recalled"

    delete = "/orgs/{var.org}/copilot/billing/selected_users"
    json   = { selected_usernames = [input.username] }

    lookup "copilot_seat" {}
    ambiguous "resend" {}
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "assign_copilot_seat" { with = { username = input.username } }
  }

  # Only a member of the organisation is made an outside collaborator: who is removed is invited to each repository anew.
  awf "remove_outside_collaborator" {
    achieves = "remove"
    inputs   = { username = "text" }
    personal = ["username"]
    evidence = "vendor spec"

    delete = "/orgs/{var.org}/outside_collaborators/{username}"

    lookup "outsider" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "2s"
    }
    irreversible = "nothing lists the repositories that the person worked in, and each of them invites anew"
  }

  awf "convert_to_outside_collaborator" {
    achieves = "create"
    inputs   = { username = "text" }
    personal = ["username"]
    evidence = "vendor spec"

    put  = "/orgs/{var.org}/outside_collaborators/{username}"
    json = { async = false }

    lookup "outsider" {}
    # Whoever is no member any more is refused: a second call does nothing.
    ambiguous "probe" {
      window   = "15s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "5m"
      every  = "5s"
    }
    undo "set_org_membership" {
      with = {
        username = input.username
        role     = "member"
      }
      loss = "an owner comes back as a member, teams are joined anew, and the person has to accept an invitation"
    }
  }

  awf "invite_org_member" {
    achieves = "create"
    inputs = {
      email = "text"
      role  = "text"
    }
    samples  = { role = "direct_member" }
    personal = ["email"]
    outputs  = { id = "text" }
    evidence = "vendor spec"

    post = "/orgs/{var.org}/invitations"
    json = {
      email = input.email
      role  = input.role
    }
    capture = { id = text(response.body.id) }

    lookup "invitation_of_email" {}
    # Who is invited already is refused with 422.
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "cancel_org_invitation" {
      with = { invitation = output.id }
      loss = "the mail has been sent"
    }
  }

  awf "cancel_org_invitation" {
    achieves = "remove"
    inputs   = { invitation = "text" }
    samples  = { role = "direct_member" }
    evidence = "vendor spec"

    delete = "/orgs/{var.org}/invitations/{invitation}"

    lookup "invitation" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "invite_org_member" {
      with = {
        email = snapshot.email
        role  = snapshot.role
      }
      loss = "another invitation is sent, and it leads to no team"
    }
  }

  awf "block_user" {
    achieves = "create"
    inputs   = { username = "text" }
    personal = ["username"]
    evidence = "vendor spec"

    put = "/orgs/{var.org}/blocks/{username}"

    lookup "block" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "unblock_user" { with = { username = input.username } }
  }

  awf "unblock_user" {
    achieves = "remove"
    inputs   = { username = "text" }
    personal = ["username"]
    evidence = "vendor spec"

    delete = "/orgs/{var.org}/blocks/{username}"

    lookup "block" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "block_user" { with = { username = input.username } }
  }

  read "members" {
    kind     = "member"
    get      = "/orgs/{var.org}/members"
    query    = { per_page = 100 }
    evidence = "vendor spec"
    items    = response.body
    page "link" {}
    id = item.login
    text {
      login = item.login
      node  = item.node_id
      type  = item.type
    }
    int { number = item.id }
    bool { site_admin = item.site_admin }
  }

  read "identities" {
    kind = "identity"
    get  = "/scim/v2/organizations/{var.org}/Users"
    query = {
      startIndex = page.offset + 1
      count      = 100
    }
    evidence = "vendor spec"
    items    = response.body.Resources
    page "offset" {
      size  = 100
      total = response.body.totalResults
    }
    id      = item.id
    version = item.meta.lastModified
    text {
      user_name   = item.userName
      given_name  = item.name.givenName
      family_name = item.name.familyName
      email       = item.emails[0].value
      external_id = item.externalId
    }
    bool { active = item.active }
  }

  read "copilot_seats" {
    kind     = "copilot_seat"
    get      = "/orgs/{var.org}/copilot/billing/seats"
    query    = { per_page = 100 }
    evidence = "vendor spec"
    items    = response.body.seats
    page "link" {}
    id = item.assignee.login
    text {
      login            = item.assignee.login
      plan             = item.plan_type
      last_activity_at = item.last_activity_at
      editor           = item.last_activity_editor
    }
    date { ends = item.pending_cancellation_date }
  }
}
