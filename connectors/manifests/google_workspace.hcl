# Google Workspace, by the Directory, Data Transfer and Reports APIs: accounts, organisational units, aliases, groups, admin
# roles, tokens. An account is asked for by its id or by any of its addresses, so that an address found may be an alias.
manifest "google_workspace" {
  title   = "Google Workspace"
  domain  = "identity"
  extends = "google"

  var "customer" {
    type    = "text"
    default = "my_customer"
  }

  auth "google_service_account" {
    scopes = [
      "https://www.googleapis.com/auth/admin.directory.user",
      "https://www.googleapis.com/auth/admin.directory.user.security",
      "https://www.googleapis.com/auth/admin.directory.user.alias",
      "https://www.googleapis.com/auth/admin.directory.group",
      "https://www.googleapis.com/auth/admin.directory.rolemanagement",
      "https://www.googleapis.com/auth/admin.datatransfer",
      "https://www.googleapis.com/auth/admin.reports.audit.readonly"
    ]
    subject = "var:delegate"
  }

  limit "project" {
    rate        = 2400
    per         = "1m"
    reserve     = 50
    concurrency = 10
  }

  # An account by its primary address. Our key stands among its external ids.
  lookup "account" {
    inputs = { email = "text" }
    get    = "/admin/directory/v1/users/{email}"
    query  = { projection = "full" }
    error "absent" { when = response.status == 404 && response.body.error.errors[0].reason == "notFound" }
    present       = (response.body.id == input.email || contains([lower(response.body.primaryEmail)], lower(input.email)) || contains(list(response.body.aliases), lower(input.email)) || contains(list(response.body.nonEditableAliases), lower(input.email)))
    value         = lower(response.body.primaryEmail) == lower(input.email) ? "present" : "an alias of another account"
    outputs       = { id = response.body.id }
    marker        = join(response.body.externalIds[*].value, " ")
    authoritative = true
  }

  # An account by its id or any of its addresses, suspended or not.
  lookup "account_object" {
    inputs = { user = "text" }
    get    = "/admin/directory/v1/users/{user}"
    error "absent" { when = response.status == 404 && response.body.error.errors[0].reason == "notFound" }
    present = (response.body.id == input.user || contains([lower(response.body.primaryEmail)], lower(input.user)) || contains(list(response.body.aliases), lower(input.user)) || contains(list(response.body.nonEditableAliases), lower(input.user)))
    value   = "present"
    outputs = {
      id       = response.body.id
      org_unit = response.body.orgUnitPath
    }
    authoritative = true
  }

  lookup "active_account" {
    inputs = { user = "text" }
    get    = "/admin/directory/v1/users/{user}"
    error "absent" { when = response.status == 404 && response.body.error.errors[0].reason == "notFound" }
    absent        = (response.body.id == input.user || contains([lower(response.body.primaryEmail)], lower(input.user)) || contains(list(response.body.aliases), lower(input.user)) || contains(list(response.body.nonEditableAliases), lower(input.user))) && response.body.suspended == true
    present       = (response.body.id == input.user || contains([lower(response.body.primaryEmail)], lower(input.user)) || contains(list(response.body.aliases), lower(input.user)) || contains(list(response.body.nonEditableAliases), lower(input.user))) && response.body.suspended == false
    value         = "active"
    authoritative = true
  }

  # One attribute by the name that the API has for it; the two names of a person stand inside `name`. A list that is not set
  # is the empty list, anything else that is not set the empty text.
  lookup "attribute" {
    inputs = {
      user      = "text"
      attribute = "text"
    }
    get   = "/admin/directory/v1/users/{user}"
    query = { projection = "full" }
    error "absent" { when = response.status == 404 && response.body.error.errors[0].reason == "notFound" }
    present = (response.body.id == input.user || contains([lower(response.body.primaryEmail)], lower(input.user)) || contains(list(response.body.aliases), lower(input.user)) || contains(list(response.body.nonEditableAliases), lower(input.user)))
    value = coalesce(
      contains(["givenName", "familyName"], input.attribute) ? member(response.body.name, input.attribute) : member(response.body, input.attribute),
      contains(["organizations", "relations", "locations", "externalIds", "phones", "addresses", "languages"], input.attribute) ? [] : ""
    )
    outputs = {
      value = coalesce(
        contains(["givenName", "familyName"], input.attribute) ? member(response.body.name, input.attribute) : member(response.body, input.attribute),
        contains(["organizations", "relations", "locations", "externalIds", "phones", "addresses", "languages"], input.attribute) ? [] : ""
      )
    }
    authoritative = true
  }

  lookup "org_unit" {
    inputs = { user = "text" }
    get    = "/admin/directory/v1/users/{user}"
    error "absent" { when = response.status == 404 && response.body.error.errors[0].reason == "notFound" }
    present       = (response.body.id == input.user || contains([lower(response.body.primaryEmail)], lower(input.user)) || contains(list(response.body.aliases), lower(input.user)) || contains(list(response.body.nonEditableAliases), lower(input.user))) && response.body.orgUnitPath != null
    value         = response.body.orgUnitPath
    outputs       = { org_unit = response.body.orgUnitPath }
    authoritative = true
  }

  lookup "second_factor" {
    inputs        = { user = "text" }
    get           = "/admin/directory/v1/users/{user}"
    absent        = (response.body.id == input.user || contains([lower(response.body.primaryEmail)], lower(input.user)) || contains(list(response.body.aliases), lower(input.user)) || contains(list(response.body.nonEditableAliases), lower(input.user))) && response.body.isEnrolledIn2Sv == false
    present       = (response.body.id == input.user || contains([lower(response.body.primaryEmail)], lower(input.user)) || contains(list(response.body.aliases), lower(input.user)) || contains(list(response.body.nonEditableAliases), lower(input.user))) && response.body.isEnrolledIn2Sv == true
    value         = "enrolled"
    authoritative = true
  }

  lookup "backup_codes" {
    inputs        = { user = "text" }
    get           = "/admin/directory/v1/users/{user}/verificationCodes"
    items         = list(response.body.items)
    where         = item.verificationCode != null
    value         = "issued"
    authoritative = true
  }

  lookup "oauth_token" {
    inputs = {
      user   = "text"
      client = "text"
    }
    get           = "/admin/directory/v1/users/{user}/tokens"
    items         = list(response.body.items)
    where         = item.clientId == input.client
    value         = "member"
    authoritative = true
  }

  lookup "app_password" {
    inputs = {
      user = "text"
      code = "text"
    }
    get           = "/admin/directory/v1/users/{user}/asps"
    items         = list(response.body.items)
    where         = text(item.codeId) == input.code
    value         = "member"
    authoritative = true
  }

  lookup "alias" {
    inputs = {
      user  = "text"
      alias = "text"
    }
    get           = "/admin/directory/v1/users/{user}/aliases"
    items         = list(response.body.aliases)
    where         = lower(item.alias) == lower(input.alias)
    value         = "member"
    authoritative = true
  }

  lookup "group" {
    inputs = { email = "text" }
    get    = "/admin/directory/v1/groups/{email}"
    error "absent" { when = response.status == 404 && response.body.error.errors[0].reason == "notFound" }
    present = (lower(response.body.email) == lower(input.email) || contains(list(response.body.aliases), lower(input.email)) || contains(list(response.body.nonEditableAliases), lower(input.email)))
    value   = lower(response.body.email) == lower(input.email) ? "present" : "an alias of another group"
    outputs = {
      id          = response.body.id
      name        = response.body.name
      description = response.body.description
    }
    authoritative = true
  }

  lookup "group_member" {
    inputs = {
      group  = "text"
      member = "text"
    }
    get = "/admin/directory/v1/groups/{group}/members/{member}"
    error "absent" { when = response.status == 404 && response.body.error.errors[0].reason == "notFound" }
    present = response.body.id != null
    value   = "member"
    outputs = {
      role     = response.body.role
      delivery = response.body.delivery_settings
    }
    authoritative = true
  }

  # A role of a person, in the whole customer or in one organisational unit.
  lookup "admin_role" {
    inputs = {
      user = "text"
      role = "text"
    }
    get = "/admin/directory/v1/customer/{var.customer}/roleassignments"
    query = {
      userKey    = input.user
      maxResults = 200
      pageToken  = page.cursor
    }
    items = list(response.body.items)
    where = item.roleId == input.role && item.assignedTo == input.user
    value = "member"
    outputs = {
      id       = item.roleAssignmentId
      scope    = item.scopeType
      org_unit = item.orgUnitId
    }
    authoritative = true
    page "cursor" { next = response.body.nextPageToken }
  }

  # Transfers between two people. Those that were seen before are told the second time: a new one is ours.
  lookup "transfer" {
    inputs = {
      from  = "text"
      to    = "text"
      known = "list(text)"
    }
    optional = ["known"]
    get      = "/admin/datatransfer/v1/transfers"
    query = {
      oldOwnerUserId = input.from
      newOwnerUserId = input.to
      maxResults     = 500
      pageToken      = page.cursor
    }
    items         = list(response.body.dataTransfers)
    where         = input.known != null && !contains(input.known, item.id)
    value         = "transferred"
    outputs       = { transfer = item.id }
    gather        = { known = item.id }
    authoritative = true
    evidence      = "recalled: the listing of transfers and its filter"
    page "cursor" { next = response.body.nextPageToken }
  }

  awf "create_user" {
    achieves = "create"
    inputs = {
      email       = "text"
      given_name  = "text"
      family_name = "text"
      password    = "text"
      org_unit    = "text"
    }
    optional = ["org_unit"]
    personal = ["email", "given_name", "family_name", "password"]
    redact   = ["password"]
    outputs  = { id = "text" }
    evidence = "vendor spec; the shape of an external id is recalled"

    post = "/admin/directory/v1/users"
    json = {
      primaryEmail = input.email
      name = {
        givenName  = input.given_name
        familyName = input.family_name
      }
      password                  = input.password
      changePasswordAtNextLogin = true
      orgUnitPath               = input.org_unit
      externalIds               = [{ type = "custom", customType = "xops", value = key }]
    }
    capture = { id = response.body.id }

    lookup "account" {}
    # Addresses are unique: a second creation is refused.
    ambiguous "probe" {
      window   = "1m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "5m"
      every  = "2s"
    }
    undo "suspend_user" {
      with = { user = output.id }
      loss = "the account remains, suspended"
    }
  }

  # One attribute at a time, so that each is a facet of its own and comes back by itself. The call takes what it is given and
  # leaves the rest as it is.
  awf "update_user" {
    achieves = "update"
    inputs = {
      user      = "text"
      attribute = "text"
      value     = "any"
    }
    personal = ["user", "value"]
    evidence = "vendor spec; that `update` takes a part and leaves the rest, by the vendor's documentation"
    samples = {
      attribute = "givenName"
      value     = "Sarah"
    }

    put  = "/admin/directory/v1/users/{user}"
    json = contains(["givenName", "familyName"], input.attribute) ? { name = object(input.attribute, input.value) } : object(input.attribute, input.value)

    lookup "attribute" {}
    ambiguous "resend" {}
    readback {
      within = "5m"
      every  = "2s"
    }
    undo "update_user" {
      with = {
        user      = input.user
        attribute = input.attribute
        value     = snapshot.value
      }
    }
  }

  awf "suspend_user" {
    achieves = "remove"
    inputs   = { user = "text" }
    personal = ["user"]
    evidence = "vendor spec"

    patch = "/admin/directory/v1/users/{user}"
    json  = { suspended = true }

    lookup "active_account" {}
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "1s"
    }
    undo "unsuspend_user" { with = { user = input.user } }
  }

  awf "unsuspend_user" {
    achieves = "create"
    inputs   = { user = "text" }
    personal = ["user"]
    evidence = "vendor spec"

    patch = "/admin/directory/v1/users/{user}"
    json  = { suspended = false }

    lookup "active_account" {}
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "1s"
    }
    undo "suspend_user" { with = { user = input.user } }
  }

  awf "move_org_unit" {
    achieves = "update"
    inputs = {
      user     = "text"
      org_unit = "text"
    }
    personal = ["user"]
    evidence = "vendor spec"

    patch = "/admin/directory/v1/users/{user}"
    json  = { orgUnitPath = input.org_unit }

    lookup "org_unit" {}
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "5m"
      every  = "2s"
    }
    undo "move_org_unit" {
      with = {
        user     = input.user
        org_unit = snapshot.org_unit
      }
    }
  }

  awf "delete_user" {
    achieves = "remove"
    inputs   = { user = "text" }
    personal = ["user"]
    evidence = "vendor spec; what comes back with an account is recalled"

    delete = "/admin/directory/v1/users/{user}"

    lookup "account_object" {}
    ambiguous "resend" {}
    readback {
      within = "5m"
      every  = "2s"
    }
    undo "undelete_user" {
      with = {
        user     = snapshot.id
        org_unit = snapshot.org_unit
      }
      loss = "the account comes back within 20 days only, and without its licences and memberships"
    }
  }

  # By the id that the account had.
  awf "undelete_user" {
    achieves = "create"
    inputs = {
      user     = "text"
      org_unit = "text"
    }
    personal = ["user"]
    evidence = "vendor spec"

    post = "/admin/directory/v1/users/{user}/undelete"
    json = { orgUnitPath = input.org_unit }

    lookup "account_object" {}
    # What was undeleted is no deleted account any more.
    ambiguous "probe" {
      window   = "2m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "10m"
      every  = "5s"
    }
    undo "delete_user" {
      with = { user = input.user }
      loss = "the 20 days in which it can be restored start anew"
    }
  }

  # Whoever is signed out twice is signed out: the call puts no session in the place of all.
  awf "sign_out_user" {
    inputs   = { user = "text" }
    locks    = ["sessions:{user}"]
    evidence = "vendor spec"

    post = "/admin/directory/v1/users/{user}/signOut"

    ambiguous "resend" { replaces_within = "15m" }
    irreversible = "sessions that were ended do not come back; whoever may, signs in again"
  }

  awf "turn_off_2sv" {
    achieves = "remove"
    inputs   = { user = "text" }
    personal = ["user"]
    evidence = "vendor spec"

    post = "/admin/directory/v1/users/{user}/twoStepVerification/turnOff"

    lookup "second_factor" {}
    # What is off is not turned off: a second call is refused.
    ambiguous "probe" {
      window   = "1m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "10m"
      every  = "5s"
    }
    irreversible = "a second factor is enrolled by whoever holds it"
    forward      = "generate_backup_codes"
  }

  # New codes take the place of the old ones, and can be read afterwards.
  awf "generate_backup_codes" {
    achieves = "create"
    inputs   = { user = "text" }
    personal = ["user"]
    evidence = "vendor spec"

    post = "/admin/directory/v1/users/{user}/verificationCodes/generate"

    lookup "backup_codes" {}
    ambiguous "probe" {
      window   = "1m"
      agreeing = 2
    }
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "invalidate_backup_codes" { with = { user = input.user } }
  }

  awf "invalidate_backup_codes" {
    achieves = "remove"
    inputs   = { user = "text" }
    personal = ["user"]
    evidence = "vendor spec"

    post = "/admin/directory/v1/users/{user}/verificationCodes/invalidate"

    lookup "backup_codes" {}
    ambiguous "probe" {
      window   = "1m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "2s"
    }
    irreversible = "the same codes are not issued again; somebody must be told the new ones"
    forward      = "generate_backup_codes"
  }

  awf "revoke_oauth_token" {
    achieves = "remove"
    inputs = {
      user   = "text"
      client = "text"
    }
    personal = ["user"]
    evidence = "vendor spec"

    delete = "/admin/directory/v1/users/{user}/tokens/{client}"

    lookup "oauth_token" {}
    ambiguous "resend" {}
    readback {
      within = "2m"
      every  = "2s"
    }
    irreversible = "consent is given by the person"
  }

  awf "delete_app_password" {
    achieves = "remove"
    inputs = {
      user = "text"
      code = "text"
    }
    personal = ["user"]
    evidence = "vendor spec"
    samples  = { code = "1" }

    delete = "/admin/directory/v1/users/{user}/asps/{code}"

    lookup "app_password" {}
    ambiguous "resend" {}
    readback {
      within = "2m"
      every  = "2s"
    }
    irreversible = "an app password is made by the person, and is another one then"
  }

  awf "add_user_alias" {
    achieves = "create"
    inputs = {
      user  = "text"
      alias = "text"
    }
    personal = ["user", "alias"]
    evidence = "vendor spec"

    post = "/admin/directory/v1/users/{user}/aliases"
    json = { alias = input.alias }

    lookup "alias" {}
    # Addresses are unique: a second one is refused.
    ambiguous "probe" {
      window   = "1m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "5m"
      every  = "2s"
    }
    undo "remove_user_alias" {
      with = {
        user  = input.user
        alias = input.alias
      }
    }
  }

  awf "remove_user_alias" {
    achieves = "remove"
    inputs = {
      user  = "text"
      alias = "text"
    }
    personal = ["user", "alias"]
    evidence = "vendor spec"

    delete = "/admin/directory/v1/users/{user}/aliases/{alias}"

    lookup "alias" {}
    ambiguous "resend" {}
    readback {
      within = "5m"
      every  = "2s"
    }
    undo "add_user_alias" {
      with = {
        user  = input.user
        alias = input.alias
      }
    }
  }

  awf "create_group" {
    achieves = "create"
    inputs = {
      email       = "text"
      name        = "text"
      description = "text"
    }
    optional = ["description"]
    outputs  = { id = "text" }
    evidence = "vendor spec"

    post = "/admin/directory/v1/groups"
    json = {
      email       = input.email
      name        = input.name
      description = input.description
    }
    capture = { id = response.body.id }

    lookup "group" {}
    ambiguous "probe" {
      window   = "1m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "5m"
      every  = "2s"
    }
    undo "delete_group" { with = { email = input.email } }
  }

  awf "delete_group" {
    achieves = "remove"
    inputs   = { email = "text" }
    evidence = "vendor spec"

    delete = "/admin/directory/v1/groups/{email}"

    lookup "group" {}
    ambiguous "resend" {}
    readback {
      within = "5m"
      every  = "2s"
    }
    undo "create_group" {
      with = {
        email       = input.email
        name        = snapshot.name
        description = snapshot.description
      }
      loss = "its id, members, settings and aliases"
    }
  }

  # As `OWNER` or `MANAGER` where `role` says so.
  awf "add_group_member" {
    achieves = "create"
    inputs = {
      group    = "text"
      member   = "text"
      role     = "text"
      delivery = "text"
    }
    optional = ["role", "delivery"]
    personal = ["member"]
    evidence = "vendor spec; the answer to a second addition is recalled"

    post = "/admin/directory/v1/groups/{group}/members"
    json = {
      email             = input.member
      role              = coalesce(input.role, "MEMBER")
      delivery_settings = input.delivery
    }
    error "already_done" { when = response.status == 409 && response.body.error.errors[0].reason == "duplicate" }

    lookup "group_member" {}
    ambiguous "probe" {
      window   = "1m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "5m"
      every  = "2s"
    }
    undo "remove_group_member" {
      with = {
        group  = input.group
        member = input.member
      }
    }
  }

  awf "remove_group_member" {
    achieves = "remove"
    inputs = {
      group  = "text"
      member = "text"
    }
    personal = ["member"]
    evidence = "vendor spec"

    delete = "/admin/directory/v1/groups/{group}/members/{member}"

    lookup "group_member" {}
    ambiguous "resend" {}
    readback {
      within = "5m"
      every  = "2s"
    }
    undo "add_group_member" {
      with = {
        group    = input.group
        member   = input.member
        role     = snapshot.role
        delivery = snapshot.delivery
      }
    }
  }

  # By the person's id; in the whole customer, or in one organisational unit where it is given.
  awf "assign_admin_role" {
    achieves = "create"
    inputs = {
      user     = "text"
      role     = "text"
      scope    = "text"
      org_unit = "text"
    }
    optional = ["scope", "org_unit"]
    personal = ["user"]
    outputs  = { id = "text" }
    evidence = "vendor spec; the words of a scope are recalled"
    samples = {
      role  = "1"
      scope = "CUSTOMER"
    }

    post = "/admin/directory/v1/customer/{var.customer}/roleassignments"
    json = {
      roleId     = input.role
      assignedTo = input.user
      scopeType  = coalesce(input.scope, input.org_unit == null ? "CUSTOMER" : "ORG_UNIT")
      orgUnitId  = input.org_unit
    }
    capture = { id = response.body.roleAssignmentId }

    lookup "admin_role" {}
    ambiguous "probe" {
      window   = "2m"
      agreeing = 2
    }
    readback {
      within = "5m"
      every  = "2s"
    }
    undo "remove_admin_role" {
      with = {
        user = input.user
        role = input.role
      }
    }
  }

  awf "remove_admin_role" {
    achieves = "remove"
    inputs = {
      user = "text"
      role = "text"
    }
    personal = ["user"]
    evidence = "vendor spec"
    samples = {
      role  = "1"
      scope = "CUSTOMER"
    }

    delete = "/admin/directory/v1/customer/{var.customer}/roleassignments/{snapshot.id}"

    lookup "admin_role" {}
    ambiguous "resend" {}
    readback {
      within = "5m"
      every  = "2s"
    }
    undo "assign_admin_role" {
      with = {
        user     = input.user
        role     = input.role
        scope    = snapshot.scope
        org_unit = snapshot.org_unit
      }
      loss = "the assignment comes back under another id"
    }
  }

  # What one person owned in one application (Drive, Calendar) becomes another's.
  awf "transfer_ownership" {
    inputs = {
      from        = "text"
      to          = "text"
      application = "text"
    }
    outputs  = { transfer = "text" }
    blast    = 1
    evidence = "vendor spec; the parameters and the words of a status are recalled"
    samples  = { application = "55656082996" }

    post = "/admin/datatransfer/v1/transfers"
    json = {
      oldOwnerUserId = input.from
      newOwnerUserId = input.to
      applicationDataTransfers = [{
        applicationId             = input.application
        applicationTransferParams = [{ key = "PRIVACY_LEVEL", value = ["PRIVATE", "SHARED"] }]
      }]
    }
    capture = { transfer = response.body.id }

    lookup "transfer" {}
    after "transfer" { known = snapshot.known }
    ambiguous "probe" {
      window   = "5m"
      agreeing = 3
    }
    poll {
      get    = "/admin/datatransfer/v1/transfers/{output.transfer}"
      done   = response.body.overallTransferStatusCode == "completed"
      fail   = response.body.overallTransferStatusCode == "failed"
      every  = "30s"
      within = "24h"
    }
    # The way back would take along what the new owner had before.
    irreversible = "what was transferred lies among the new owner's own, and is told apart by hand"
  }

  read "users" {
    kind = "user"
    get  = "/admin/directory/v1/users"
    query = {
      customer   = var.customer
      projection = "full"
      maxResults = 500
      pageToken  = page.cursor
    }
    evidence = "vendor spec"
    items    = list(response.body.users)
    page "cursor" { next = response.body.nextPageToken }
    deletes = "full_scan"
    id      = item.id
    version = item.etag
    text {
      email       = item.primaryEmail
      first_name  = item.name.givenName
      last_name   = item.name.familyName
      org_unit    = item.orgUnitPath
      title       = item.organizations[0].title
      department  = item.organizations[0].department
      last_signin = item.lastLoginTime
    }
    bool {
      suspended      = item.suspended
      archived       = item.archived
      second_factor  = item.isEnrolledIn2Sv
      is_super_admin = item.isAdmin
    }
  }

  read "groups" {
    kind = "group"
    get  = "/admin/directory/v1/groups"
    query = {
      customer   = var.customer
      maxResults = 200
      pageToken  = page.cursor
    }
    evidence = "recalled: the listing of those whose members are read"
    items    = list(response.body.groups)
    page "cursor" { next = response.body.nextPageToken }
    id      = item.id
    version = item.etag
    text {
      email       = item.email
      name        = item.name
      description = item.description
    }
  }

  read "group_members" {
    kind     = "group_member"
    for_each = "group"
    get      = "/admin/directory/v1/groups/{parent}/members"
    query = {
      maxResults = 200
      pageToken  = page.cursor
    }
    evidence = "vendor spec"
    error "absent" { when = response.status == 404 && response.body.error.errors[0].reason == "notFound" }
    items = list(response.body.members)
    page "cursor" { next = response.body.nextPageToken }
    id = concat(input.parent, "/", item.id)
    text {
      group = input.parent
      user  = item.id
      email = item.email
      role  = item.role
    }
  }

  read "admin_activity" {
    kind = "admin_activity"
    get  = "/admin/reports/v1/activity/users/all/applications/admin"
    query = {
      startTime  = page.since
      maxResults = 1000
      pageToken  = page.cursor
    }
    evidence = "vendor spec; the size of a page is recalled"
    items    = list(response.body.items)
    page "cursor" { next = response.body.nextPageToken }
    delta "filter" { overlap = "10m" }
    id = concat(item.id.time, "/", item.id.uniqueQualifier)
    text {
      actor = item.actor.email
      at    = item.id.time
      event = item.events[0].name
    }
  }
}
