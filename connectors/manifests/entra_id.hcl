# Entra ID, by Microsoft Graph v1.0: accounts, groups, directory roles, sign-in methods, devices. The directory is replicated:
# a good write may be read late, so readbacks wait. A deleted account, and a deleted Microsoft 365 group, can be restored for
# 30 days. Our key stands in `extensionAttribute15` of an account and in `uniqueName` of a group.
manifest "entra_id" {
  title   = "Microsoft Entra ID"
  domain  = "identity"
  extends = "microsoft_graph"

  limit "identity" {
    rate    = 3500
    per     = "10s"
    reserve = 50
  }

  limit "writes" {
    methods = ["POST", "PUT", "PATCH", "DELETE"]
    rate    = 3000
    per     = "150s"
    reserve = 50
  }

  error "conflict" { when = response.status == 400 && contains(response.body.error.message, "Another object with the same value for property") }

  # An account by its user principal name, switched on or not.
  lookup "account" {
    inputs = { user_principal_name = "text" }
    get    = "/users/{user_principal_name}"
    query  = { "$select" = "id,userPrincipalName,accountEnabled,onPremisesExtensionAttributes" }
    error "absent" { when = response.status == 404 && response.body.error.code == "Request_ResourceNotFound" }
    present = lower(response.body.userPrincipalName) == lower(input.user_principal_name)
    value   = "present"
    outputs = {
      id      = response.body.id
      enabled = response.body.accountEnabled
    }
    marker        = response.body.onPremisesExtensionAttributes.extensionAttribute15
    authoritative = true
  }

  # An account by its id, switched on or not.
  lookup "account_object" {
    inputs = { user = "text" }
    get    = "/users/{user}"
    query  = { "$select" = "id,userPrincipalName,accountEnabled" }
    error "absent" { when = response.status == 404 && response.body.error.code == "Request_ResourceNotFound" }
    present       = (response.body.id == input.user || lower(response.body.userPrincipalName) == lower(input.user))
    value         = "present"
    outputs       = { id = response.body.id }
    authoritative = true
  }

  # An account that is switched on.
  lookup "enabled_account" {
    inputs = { user = "text" }
    get    = "/users/{user}"
    query  = { "$select" = "id,userPrincipalName,accountEnabled" }
    error "absent" { when = response.status == 404 && response.body.error.code == "Request_ResourceNotFound" }
    absent        = (response.body.id == input.user || lower(response.body.userPrincipalName) == lower(input.user)) && response.body.accountEnabled == false
    present       = (response.body.id == input.user || lower(response.body.userPrincipalName) == lower(input.user)) && response.body.accountEnabled == true
    value         = "enabled"
    authoritative = true
  }

  # One attribute of an account, by the name that Graph has for it; what is not set is the empty text.
  lookup "attribute" {
    inputs = {
      user      = "text"
      attribute = "text"
    }
    get   = "/users/{user}"
    query = { "$select" = contains(["id", "userPrincipalName"], input.attribute) ? "id,userPrincipalName" : concat("id,userPrincipalName,", input.attribute) }
    error "absent" { when = response.status == 404 && response.body.error.code == "Request_ResourceNotFound" }
    present       = (response.body.id == input.user || lower(response.body.userPrincipalName) == lower(input.user))
    value         = coalesce(member(response.body, input.attribute), "")
    outputs       = { value = coalesce(member(response.body, input.attribute), "") }
    authoritative = true
  }

  # The manager of an account. Where the account itself is not found, nothing is proven.
  lookup "manager" {
    inputs = { user = "text" }
    get    = "/users/{user}"
    query = {
      "$select" = "id,userPrincipalName"
      "$expand" = "manager($select=id)"
    }
    absent        = (response.body.id == input.user || lower(response.body.userPrincipalName) == lower(input.user)) && response.body.manager == null
    present       = (response.body.id == input.user || lower(response.body.userPrincipalName) == lower(input.user)) && response.body.manager.id != null
    value         = response.body.manager.id
    outputs       = { manager = response.body.manager.id }
    authoritative = true
  }

  # Since when sessions count. What was seen before is told the second time: another moment is our doing.
  lookup "sessions" {
    inputs = {
      user  = "text"
      known = "text"
    }
    optional      = ["known"]
    get           = "/users/{user}"
    query         = { "$select" = "id,signInSessionsValidFromDateTime" }
    absent        = response.body.id != null && coalesce(input.known, response.body.signInSessionsValidFromDateTime, "never") == coalesce(response.body.signInSessionsValidFromDateTime, "never")
    present       = response.body.signInSessionsValidFromDateTime != null
    value         = "revoked"
    outputs       = { known = coalesce(response.body.signInSessionsValidFromDateTime, "never") }
    authoritative = true
  }

  lookup "deleted_object" {
    inputs = { id = "text" }
    get    = "/directory/deletedItems/{id}"
    error "absent" { when = response.status == 404 && response.body.error.code == "Request_ResourceNotFound" }
    present       = response.body.id == input.id
    value         = "deleted"
    authoritative = true
  }

  # A membership, among all members: a filtered question would be answered from an index that lags behind.
  lookup "membership" {
    inputs = {
      group = "text"
      user  = "text"
    }
    get = "/groups/{group}/members"
    query = {
      "$select" = "id"
      "$top"    = 999
    }
    items         = response.body.value
    where         = item.id == input.user
    value         = "member"
    authoritative = true
    page "next_url" { next = response.body["@odata.nextLink"] }
  }

  # A group by its mail nickname, which is unique among Microsoft 365 groups only. A nickname with a quote in it would change
  # the filter: then all groups are listed. Each one is judged again here in either case.
  lookup "group_by_nickname" {
    inputs = { mail_nickname = "text" }
    get    = "/groups"
    query = {
      "$filter" = contains(input.mail_nickname, "'") ? null : concat("mailNickname eq '", input.mail_nickname, "'")
      "$select" = "id,displayName,mailNickname,uniqueName"
      "$top"    = 999
    }
    items         = response.body.value
    where         = lower(item.mailNickname) == lower(input.mail_nickname)
    value         = "present"
    outputs       = { id = item.id }
    marker        = item.uniqueName
    authoritative = true
    evidence      = "recalled: the listing of groups and its filter"
    page "next_url" { next = response.body["@odata.nextLink"] }
  }

  lookup "group" {
    inputs = { id = "text" }
    get    = "/groups/{id}"
    query  = { "$select" = "id,displayName,mailNickname" }
    error "absent" { when = response.status == 404 && response.body.error.code == "Request_ResourceNotFound" }
    present       = response.body.id == input.id
    value         = "present"
    authoritative = true
  }

  # A role of a principal in one scope.
  lookup "role_assignment" {
    inputs = {
      principal = "text"
      role      = "text"
      scope     = "text"
    }
    get           = "/roleManagement/directory/roleAssignments"
    query         = { "$filter" = contains(input.principal, "'") ? null : concat("principalId eq '", input.principal, "'") }
    items         = response.body.value
    where         = item.principalId == input.principal && item.roleDefinitionId == input.role && item.directoryScopeId == input.scope
    value         = "member"
    outputs       = { id = item.id }
    authoritative = true
    page "next_url" { next = response.body["@odata.nextLink"] }
  }

  # The pass of an account; one that has run out or was used up is no pass.
  lookup "access_pass" {
    inputs        = { user = "text" }
    get           = "/users/{user}/authentication/temporaryAccessPassMethods"
    items         = response.body.value
    where         = !contains(["Expired", "OneTimeUsed"], item.methodUsabilityReason)
    value         = "issued"
    outputs       = { id = item.id }
    authoritative = true
    page "next_url" { next = response.body["@odata.nextLink"] }
  }

  # The phone of one kind (mobile, alternateMobile, office).
  lookup "phone_method" {
    inputs = {
      user = "text"
      kind = "text"
    }
    get   = "/users/{user}/authentication/phoneMethods"
    items = response.body.value
    where = item.phoneType == input.kind
    value = item.phoneNumber
    outputs = {
      id     = item.id
      number = item.phoneNumber
    }
    authoritative = true
    page "next_url" { next = response.body["@odata.nextLink"] }
  }

  lookup "fido2_method" {
    inputs = {
      user   = "text"
      method = "text"
    }
    get           = "/users/{user}/authentication/fido2Methods"
    items         = response.body.value
    where         = item.id == input.method
    value         = "present"
    authoritative = true
    page "next_url" { next = response.body["@odata.nextLink"] }
  }

  # A guest by the address that was invited: what the guest's user principal name will be, only the directory knows.
  lookup "guest" {
    inputs = { email = "text" }
    get    = "/users"
    query = {
      "$filter" = contains(input.email, "'") ? null : concat("mail eq '", input.email, "'")
      "$select" = "id,mail,userType,externalUserState"
      "$top"    = 999
    }
    items         = response.body.value
    where         = lower(item.mail) == lower(input.email) && item.userType == "Guest"
    value         = "present"
    outputs       = { id = item.id }
    authoritative = true
    evidence      = "recalled: the listing of users and its filter"
    page "next_url" { next = response.body["@odata.nextLink"] }
  }

  lookup "app_role" {
    inputs = {
      user     = "text"
      resource = "text"
      role     = "text"
    }
    get           = "/users/{user}/appRoleAssignments"
    items         = response.body.value
    where         = item.resourceId == input.resource && item.appRoleId == input.role
    value         = "member"
    outputs       = { id = item.id }
    authoritative = true
    page "next_url" { next = response.body["@odata.nextLink"] }
  }

  # An assignment of an access package, delivered or on its way; one that has run out is none.
  lookup "package_assignment" {
    inputs = {
      user    = "text"
      package = "text"
    }
    get = "/identityGovernance/entitlementManagement/assignments"
    query = {
      "$filter" = contains(input.user, "'") ? null : concat("target/objectId eq '", input.user, "'")
      "$expand" = "accessPackage,target"
    }
    items         = response.body.value
    where         = item.accessPackage.id == input.package && item.target.objectId == input.user && contains(["delivered", "delivering", "partiallyDelivered"], item.state)
    value         = "member"
    outputs       = { assignment = item.id }
    authoritative = true
    page "next_url" { next = response.body["@odata.nextLink"] }
  }

  # A device that may sign in.
  lookup "enabled_device" {
    inputs = { device = "text" }
    get    = "/devices/{device}"
    query  = { "$select" = "id,accountEnabled" }
    error "absent" { when = response.status == 404 && response.body.error.code == "Request_ResourceNotFound" }
    absent        = response.body.id == input.device && response.body.accountEnabled == false
    present       = response.body.id == input.device && response.body.accountEnabled == true
    value         = "enabled"
    authoritative = true
  }

  # A new account is switched off: `enable_user` is the day it may be used.
  awf "create_user" {
    achieves = "create"
    inputs = {
      user_principal_name = "text"
      mail_nickname       = "text"
      display_name        = "text"
      given_name          = "text"
      surname             = "text"
      password            = "text"
      employee_id         = "text"
      department          = "text"
      job_title           = "text"
      usage_location      = "text"
    }
    optional = ["given_name", "surname", "employee_id", "department", "job_title", "usage_location"]
    personal = ["user_principal_name", "mail_nickname", "display_name", "given_name", "surname", "password", "employee_id", "department", "job_title", "usage_location"]
    redact   = ["password"]
    outputs  = { id = "text" }
    evidence = "vendor spec; that `extensionAttribute15` of a cloud account can be written is recalled"
    samples  = { usage_location = "MX" }

    post = "/users"
    json = {
      userPrincipalName = input.user_principal_name
      mailNickname      = input.mail_nickname
      displayName       = input.display_name
      givenName         = input.given_name
      surname           = input.surname
      employeeId        = input.employee_id
      department        = input.department
      jobTitle          = input.job_title
      usageLocation     = input.usage_location
      accountEnabled    = false
      passwordProfile = {
        password                      = input.password
        forceChangePasswordNextSignIn = true
      }
      onPremisesExtensionAttributes = { extensionAttribute15 = key }
    }
    capture = { id = response.body.id }

    lookup "account" {}
    # The directory keeps user principal names unique: a second creation is refused.
    ambiguous "probe" {
      window   = "2m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "1s"
    }
    undo "disable_user" {
      with = { user = output.id }
      loss = "the account remains, switched off"
    }
  }

  # One attribute at a time (`jobTitle`), so that each is a facet of its own and comes back by itself.
  awf "update_user" {
    achieves = "update"
    inputs = {
      user      = "text"
      attribute = "text"
      value     = "text"
    }
    personal = ["value"]
    evidence = "vendor spec; that null clears an attribute is recalled"
    samples = {
      attribute = "jobTitle"
      value     = "Field Engineer"
    }

    patch     = "/users/{user}"
    keep_null = true
    json      = object(input.attribute, input.value == "" ? null : input.value)

    lookup "attribute" {}
    # The same value written twice is the same.
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
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

  awf "disable_user" {
    achieves = "remove"
    inputs   = { user = "text" }
    evidence = "vendor spec"

    patch = "/users/{user}"
    json  = { accountEnabled = false }

    lookup "enabled_account" {}
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "1s"
    }
    undo "enable_user" { with = { user = input.user } }
  }

  awf "enable_user" {
    achieves = "create"
    inputs   = { user = "text" }
    evidence = "vendor spec"

    patch = "/users/{user}"
    json  = { accountEnabled = true }

    lookup "enabled_account" {}
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "1s"
    }
    undo "disable_user" { with = { user = input.user } }
  }

  awf "delete_user" {
    achieves = "remove"
    inputs   = { user = "text" }
    evidence = "vendor spec; what comes back with an account is recalled"

    delete = "/users/{user}"

    lookup "account_object" {}
    ambiguous "resend" {}
    readback {
      within = "2m"
      every  = "1s"
    }
    undo "restore_user" {
      with = { user = snapshot.id }
      loss = "the account comes back within 30 days only, and without the licence seats that were given away meanwhile"
    }
  }

  awf "restore_user" {
    achieves = "create"
    inputs   = { user = "text" }
    evidence = "vendor spec"

    post = "/directory/deletedItems/{user}/restore"

    lookup "account_object" {}
    # What was restored is no deleted item any more: a second call finds nothing.
    ambiguous "probe" {
      window   = "2m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "5m"
      every  = "2s"
    }
    undo "delete_user" {
      with = { user = input.user }
      loss = "the 30 days in which it can be restored start anew"
    }
  }

  awf "purge_user" {
    achieves = "remove"
    inputs   = { id = "text" }
    evidence = "vendor spec"

    delete = "/directory/deletedItems/{id}"

    lookup "deleted_object" {}
    ambiguous "resend" {}
    readback {
      within = "2m"
      every  = "1s"
    }
    irreversible = "a purged account is gone; a new one has another id, and everything is granted anew"
    forward      = "create_user"
  }

  awf "revoke_signin_sessions" {
    inputs   = { user = "text" }
    evidence = "vendor spec; that the moment moves with each call is recalled"

    post = "/users/{user}/revokeSignInSessions"

    lookup "sessions" {}
    after "sessions" { known = snapshot.known }
    ambiguous "probe" {
      window   = "2m"
      agreeing = 2
    }
    readback {
      within = "5m"
      every  = "2s"
    }
    irreversible = "sessions that were ended do not come back; whoever may, signs in again"
  }

  # For whoever has a manager. The first one is `add_manager`.
  awf "set_manager" {
    achieves = "update"
    inputs = {
      user    = "text"
      manager = "text"
    }
    evidence = "vendor spec; that `$expand` shows the manager is recalled"

    put  = "/users/{user}/manager/$ref"
    json = { "@odata.id" = concat(var.graph, "/users/", input.manager) }

    lookup "manager" {}
    ambiguous "resend" {}
    readback {
      within = "2m"
      every  = "1s"
    }
    undo "set_manager" {
      with = {
        user    = input.user
        manager = snapshot.manager
      }
    }
  }

  awf "add_manager" {
    achieves = "create"
    inputs = {
      user    = "text"
      manager = "text"
    }
    evidence = "vendor spec; that `$expand` shows the manager is recalled"

    put  = "/users/{user}/manager/$ref"
    json = { "@odata.id" = concat(var.graph, "/users/", input.manager) }

    lookup "manager" {}
    ambiguous "resend" {}
    readback {
      within = "2m"
      every  = "1s"
    }
    undo "remove_manager" { with = { user = input.user } }
  }

  awf "remove_manager" {
    achieves = "remove"
    inputs   = { user = "text" }
    evidence = "vendor spec; that `$expand` shows the manager is recalled"

    delete = "/users/{user}/manager/$ref"

    lookup "manager" {}
    ambiguous "resend" {}
    readback {
      within = "2m"
      every  = "1s"
    }
    undo "add_manager" {
      with = {
        user    = input.user
        manager = snapshot.manager
      }
    }
  }

  awf "add_group_member" {
    achieves = "create"
    inputs = {
      group = "text"
      user  = "text"
    }
    evidence = "vendor spec; the words of a second addition by client code"

    post = "/groups/{group}/members/$ref"
    json = { "@odata.id" = concat(var.graph, "/directoryObjects/", input.user) }
    error "already_done" { when = response.status == 400 && contains(response.body.error.message, "One or more added object references already exist") }

    lookup "membership" {}
    # Nobody is twice in a group: a second addition is refused.
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "2s"
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

    delete = "/groups/{group}/members/{user}/$ref"

    lookup "membership" {}
    ambiguous "resend" {}
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "add_group_member" {
      with = {
        group = input.group
        user  = input.user
      }
    }
  }

  # A Microsoft 365 group where `unified`, else a security group.
  awf "create_group" {
    achieves = "create"
    inputs = {
      display_name  = "text"
      mail_nickname = "text"
      description   = "text"
      unified       = "bool"
    }
    optional = ["description", "unified"]
    outputs  = { id = "text" }
    evidence = "vendor spec; that `uniqueName` is kept unique is recalled"

    post = "/groups"
    json = {
      displayName     = input.display_name
      mailNickname    = input.mail_nickname
      description     = input.description
      groupTypes      = input.unified == true ? ["Unified"] : []
      mailEnabled     = input.unified == true
      securityEnabled = input.unified != true
      uniqueName      = key
    }
    capture = { id = response.body.id }

    lookup "group_by_nickname" {}
    # A second group with the same key is refused.
    ambiguous "probe" {
      window   = "2m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "delete_group" {
      with = { id = output.id }
      loss = "a Microsoft 365 group stays among the deleted items for 30 days"
    }
  }

  awf "delete_group" {
    achieves = "remove"
    inputs   = { id = "text" }
    evidence = "vendor spec"

    delete = "/groups/{id}"

    lookup "group" {}
    ambiguous "resend" {}
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "restore_group" {
      with = { id = input.id }
      loss = "a security group does not come back, a Microsoft 365 group does within 30 days"
    }
  }

  awf "restore_group" {
    achieves = "create"
    inputs   = { id = "text" }
    evidence = "vendor spec"

    post = "/groups/{id}/restore"

    lookup "group" {}
    ambiguous "probe" {
      window   = "2m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "5m"
      every  = "2s"
    }
    undo "delete_group" {
      with = { id = input.id }
      loss = "the 30 days in which it can be restored start anew"
    }
  }

  # In the whole directory where the scope is `/`.
  awf "assign_directory_role" {
    achieves = "create"
    inputs = {
      principal = "text"
      role      = "text"
      scope     = "text"
    }
    outputs  = { id = "text" }
    evidence = "vendor spec; the words of a second assignment by client code"
    samples  = { scope = "/" }

    post = "/roleManagement/directory/roleAssignments"
    json = {
      principalId      = input.principal
      roleDefinitionId = input.role
      directoryScopeId = input.scope
    }
    capture = { id = response.body.id }
    error "already_done" { when = response.status == 400 && contains(response.body.error.message, "A conflicting object with one or more of the specified property values is present in the directory") }

    lookup "role_assignment" {}
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "remove_directory_role" {
      with = {
        principal = input.principal
        role      = input.role
        scope     = input.scope
      }
    }
  }

  awf "remove_directory_role" {
    achieves = "remove"
    inputs = {
      principal = "text"
      role      = "text"
      scope     = "text"
    }
    evidence = "vendor spec"
    samples  = { scope = "/" }

    delete = "/roleManagement/directory/roleAssignments/{snapshot.id}"

    lookup "role_assignment" {}
    ambiguous "resend" {}
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "assign_directory_role" {
      with = {
        principal = input.principal
        role      = input.role
        scope     = input.scope
      }
      loss = "the assignment comes back under another id"
    }
  }

  # The pass itself is told once, in this answer: it goes to the person by a step that reads the output, and nowhere else.
  awf "issue_temporary_access_pass" {
    achieves = "create"
    inputs = {
      user             = "text"
      lifetime_minutes = "int"
      once             = "bool"
    }
    optional = ["lifetime_minutes", "once"]
    redact   = ["pass"]
    outputs = {
      id   = "text"
      pass = "text"
    }
    evidence = "vendor spec; the words of `methodUsabilityReason` are recalled"

    post = "/users/{user}/authentication/temporaryAccessPassMethods"
    json = {
      lifetimeInMinutes = input.lifetime_minutes
      isUsableOnce      = input.once
    }
    capture = {
      id   = response.body.id
      pass = response.body.temporaryAccessPass
    }

    lookup "access_pass" {}
    # An answer that was lost took the pass with it, and no lookup shows it again.
    ambiguous "park" {}
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "delete_temporary_access_pass" { with = { user = input.user } }
  }

  awf "delete_temporary_access_pass" {
    achieves = "remove"
    inputs   = { user = "text" }
    evidence = "vendor spec; the words of `methodUsabilityReason` are recalled"

    delete = "/users/{user}/authentication/temporaryAccessPassMethods/{snapshot.id}"

    lookup "access_pass" {}
    ambiguous "resend" {}
    readback {
      within = "2m"
      every  = "2s"
    }
    irreversible = "the same pass is not issued again; a new one has another secret, which somebody must be told"
    forward      = "issue_temporary_access_pass"
  }

  awf "add_phone_method" {
    achieves = "create"
    inputs = {
      user   = "text"
      kind   = "text"
      number = "text"
    }
    personal = ["number"]
    outputs  = { id = "text" }
    evidence = "vendor spec"
    samples = {
      kind   = "mobile"
      number = "+1 5555550100"
    }

    post = "/users/{user}/authentication/phoneMethods"
    json = {
      phoneType   = input.kind
      phoneNumber = input.number
    }
    capture = { id = response.body.id }

    lookup "phone_method" {}
    # There is one phone of a kind: a second one is refused.
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "delete_phone_method" {
      with = {
        user = input.user
        kind = input.kind
      }
    }
  }

  awf "delete_phone_method" {
    achieves = "remove"
    inputs = {
      user = "text"
      kind = "text"
    }
    evidence = "vendor spec"
    samples = {
      kind   = "mobile"
      number = "+1 5555550100"
    }

    delete = "/users/{user}/authentication/phoneMethods/{snapshot.id}"

    lookup "phone_method" {}
    ambiguous "resend" {}
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "add_phone_method" {
      with = {
        user   = input.user
        kind   = input.kind
        number = snapshot.number
      }
      loss = "whether it may be used to sign in by text message"
    }
  }

  awf "delete_fido2_method" {
    achieves = "remove"
    inputs = {
      user   = "text"
      method = "text"
    }
    evidence = "vendor spec"

    delete = "/users/{user}/authentication/fido2Methods/{method}"

    lookup "fido2_method" {}
    ambiguous "resend" {}
    readback {
      within = "2m"
      every  = "2s"
    }
    irreversible = "a key is registered by whoever holds it"
    forward      = "issue_temporary_access_pass"
  }

  awf "invite_guest" {
    achieves = "create"
    inputs = {
      email        = "text"
      display_name = "text"
      redirect_url = "text"
      send_message = "bool"
    }
    optional = ["display_name", "send_message"]
    personal = ["email", "display_name"]
    outputs  = { id = "text" }
    evidence = "vendor spec; that a second invitation gives the same guest is recalled"

    post = "/invitations"
    json = {
      invitedUserEmailAddress = input.email
      invitedUserDisplayName  = input.display_name
      inviteRedirectUrl       = input.redirect_url
      sendInvitationMessage   = input.send_message == true
    }
    capture = { id = response.body.invitedUser.id }

    lookup "guest" {}
    ambiguous "probe" {
      window   = "2m"
      agreeing = 2
    }
    readback {
      within = "5m"
      every  = "2s"
    }
    undo "delete_user" {
      with = { user = output.id }
      loss = "a mail that was sent, and the guest's place among the deleted items for 30 days"
    }
  }

  awf "assign_app_role" {
    achieves = "create"
    inputs = {
      user     = "text"
      resource = "text"
      role     = "text"
    }
    outputs  = { id = "text" }
    evidence = "vendor spec; the words of a second assignment by client code"
    samples = {
      user     = "3f6b1c20-7a41-4d0e-9b52-0c5e8a1d1001"
      resource = "3f6b1c20-7a41-4d0e-9b52-0c5e8a1d1001"
      role     = "3f6b1c20-7a41-4d0e-9b52-0c5e8a1d1001"
    }

    post = "/users/{user}/appRoleAssignments"
    json = {
      principalId = input.user
      resourceId  = input.resource
      appRoleId   = input.role
    }
    capture = { id = response.body.id }
    error "already_done" { when = response.status == 400 && contains(response.body.error.message, "Permission being assigned already exists on the object") }

    lookup "app_role" {}
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "remove_app_role" {
      with = {
        user     = input.user
        resource = input.resource
        role     = input.role
      }
    }
  }

  awf "remove_app_role" {
    achieves = "remove"
    inputs = {
      user     = "text"
      resource = "text"
      role     = "text"
    }
    evidence = "vendor spec"
    samples = {
      user     = "3f6b1c20-7a41-4d0e-9b52-0c5e8a1d1001"
      resource = "3f6b1c20-7a41-4d0e-9b52-0c5e8a1d1001"
      role     = "3f6b1c20-7a41-4d0e-9b52-0c5e8a1d1001"
    }

    delete = "/users/{user}/appRoleAssignments/{snapshot.id}"

    lookup "app_role" {}
    ambiguous "resend" {}
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "assign_app_role" {
      with = {
        user     = input.user
        resource = input.resource
        role     = input.role
      }
      loss = "the assignment comes back under another id"
    }
  }

  awf "request_access_package" {
    achieves = "create"
    inputs = {
      user    = "text"
      package = "text"
      policy  = "text"
    }
    outputs = {
      request    = "text"
      assignment = "text"
    }
    evidence = "vendor spec; the members of `assignment` are recalled"

    post = "/identityGovernance/entitlementManagement/assignmentRequests"
    json = {
      requestType = "adminAdd"
      assignment = {
        targetId           = input.user
        assignmentPolicyId = input.policy
        accessPackageId    = input.package
      }
    }
    capture = { request = response.body.id }

    lookup "package_assignment" {}
    # Whoever has the package is not given it twice: a second request fails.
    ambiguous "probe" {
      window   = "10m"
      agreeing = 2
    }
    readback {
      within = "30m"
      every  = "15s"
    }
    undo "remove_access_package" {
      with = {
        user    = input.user
        package = input.package
        policy  = input.policy
      }
      loss = "the requests stay in the history, and the assignment stays as one that has run out"
    }
  }

  awf "remove_access_package" {
    achieves = "remove"
    inputs = {
      user    = "text"
      package = "text"
      policy  = "text"
    }
    evidence = "vendor spec; the members of `assignment` are recalled"

    post = "/identityGovernance/entitlementManagement/assignmentRequests"
    json = {
      requestType = "adminRemove"
      assignment  = { id = snapshot.assignment }
    }

    lookup "package_assignment" {}
    ambiguous "probe" {
      window   = "10m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "30m"
      every  = "15s"
    }
    undo "request_access_package" {
      with = {
        user    = input.user
        package = input.package
        policy  = input.policy
      }
      loss = "the assignment comes back under another id, and with a new term"
    }
  }

  awf "disable_device_object" {
    achieves = "remove"
    inputs   = { device = "text" }
    evidence = "vendor spec"

    patch = "/devices/{device}"
    json  = { accountEnabled = false }

    lookup "enabled_device" {}
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "1s"
    }
    undo "enable_device_object" { with = { device = input.device } }
  }

  awf "enable_device_object" {
    achieves = "create"
    inputs   = { device = "text" }
    evidence = "vendor spec"

    patch = "/devices/{device}"
    json  = { accountEnabled = true }

    lookup "enabled_device" {}
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "1s"
    }
    undo "disable_device_object" { with = { device = input.device } }
  }

  read "users" {
    kind     = "user"
    get      = "/users/delta()"
    query    = { "$select" = "id,userPrincipalName,mail,displayName,givenName,surname,accountEnabled,department,jobTitle,officeLocation,usageLocation,companyName,employeeId,employeeType,userType" }
    evidence = "vendor spec"
    items    = response.body.value
    page "next_url" { next = response.body["@odata.nextLink"] }
    delta "link" {
      next   = response.body["@odata.deltaLink"]
      reset  = response.status == 410
      sparse = true
    }
    tombstone = item["@removed"] != null
    deletes   = "tombstone"
    id        = item.id
    text {
      user_principal_name = item.userPrincipalName
      email               = item.mail
      display_name        = item.displayName
      first_name          = item.givenName
      last_name           = item.surname
      department          = item.department
      job_title           = item.jobTitle
      office_location     = item.officeLocation
      usage_location      = item.usageLocation
      company_name        = item.companyName
      employee_number     = item.employeeId
      employee_type       = item.employeeType
      user_type           = item.userType
    }
    bool { active = item.accountEnabled }
  }

  read "groups" {
    kind     = "group"
    get      = "/groups/delta()"
    query    = { "$select" = "id,displayName,description,mailNickname,mailEnabled,securityEnabled,groupTypes" }
    evidence = "vendor spec"
    items    = response.body.value
    page "next_url" { next = response.body["@odata.nextLink"] }
    delta "link" {
      next   = response.body["@odata.deltaLink"]
      reset  = response.status == 410
      sparse = true
    }
    tombstone = item["@removed"] != null
    deletes   = "tombstone"
    id        = item.id
    text {
      name          = item.displayName
      description   = item.description
      mail_nickname = item.mailNickname
    }
    bool {
      mail_enabled     = item.mailEnabled
      security_enabled = item.securityEnabled
    }
    texts { group_types = item.groupTypes }
  }

  read "group_members" {
    kind     = "group_member"
    for_each = "group"
    get      = "/groups/{parent}/members"
    query = {
      "$select" = "id"
      "$top"    = 999
    }
    evidence = "vendor spec"
    error "absent" { when = response.status == 404 && response.body.error.code == "Request_ResourceNotFound" }
    items = response.body.value
    page "next_url" { next = response.body["@odata.nextLink"] }
    id = concat(input.parent, "/", item.id)
    text {
      group = input.parent
      user  = item.id
    }
  }

  read "devices" {
    kind     = "device"
    get      = "/devices/delta()"
    query    = { "$select" = "id,deviceId,displayName,accountEnabled,operatingSystem,operatingSystemVersion,trustType,isCompliant,isManaged" }
    evidence = "vendor spec"
    items    = response.body.value
    page "next_url" { next = response.body["@odata.nextLink"] }
    delta "link" {
      next   = response.body["@odata.deltaLink"]
      reset  = response.status == 410
      sparse = true
    }
    tombstone = item["@removed"] != null
    deletes   = "tombstone"
    id        = item.id
    text {
      device_id  = item.deviceId
      name       = item.displayName
      os         = item.operatingSystem
      os_version = item.operatingSystemVersion
      trust_type = item.trustType
    }
    bool {
      active    = item.accountEnabled
      compliant = item.isCompliant
      managed   = item.isManaged
    }
  }

  read "role_assignments" {
    kind     = "role_assignment"
    get      = "/roleManagement/directory/roleAssignments"
    evidence = "vendor spec"
    items    = response.body.value
    page "next_url" { next = response.body["@odata.nextLink"] }
    id = item.id
    text {
      principal = item.principalId
      role      = item.roleDefinitionId
      scope     = item.directoryScopeId
    }
  }

  # The log keeps 30 days at most: what is not in it proves nothing about a person.
  read "sign_ins" {
    kind = "sign_in"
    get  = "/auditLogs/signIns"
    query = {
      "$filter" = page.delta
      "$top"    = 1000
    }
    evidence = "vendor spec; the size of a page is recalled"
    items    = response.body.value
    page "next_url" { next = response.body["@odata.nextLink"] }
    delta "filter" {
      since   = concat("createdDateTime ge ", page.since)
      overlap = "10m"
    }
    id = item.id
    text {
      user       = item.userId
      app        = item.appDisplayName
      client_app = item.clientAppUsed
      ip_address = item.ipAddress
      at         = item.createdDateTime
    }
  }
}
