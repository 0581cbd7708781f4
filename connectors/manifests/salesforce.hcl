# Salesforce: users, freezes, permission sets and owners of records, by the REST API. All facts are recalled but those of the
# call that moves records. Users are never deleted. A login is unique over all of Salesforce: a second creation is refused.
# What is asked in SOQL is refused here where it holds a quote or a backslash: it would change the question.
manifest "salesforce" {
  title  = "Salesforce"
  domain = "software"

  var "version" {
    type    = "text"
    default = "v60.0"
  }

  var "time_zone" {
    type    = "text"
    default = "Europe/Berlin"
    about   = "what a new user starts with"
  }

  var "locale" {
    type    = "text"
    default = "en_US"
  }

  auth "oauth2_client_credentials" {
    token_url = "/services/oauth2/token"
    in_form   = true
  }

  headers = { accept = "application/json" }

  # The allocation is of the whole organization, a day: half of it stays with the others.
  limit "day" {
    rate        = 100000
    per         = "24h"
    reserve     = 50
    concurrency = 20
  }

  message = response.body[0].message

  error "rate_limited" { when = response.status == 403 && response.body[0].errorCode == "REQUEST_LIMIT_EXCEEDED" }
  error "auth_expired" { when = response.status == 401 && response.body[0].errorCode == "INVALID_SESSION_ID" }
  error "absent" { when = response.status == 404 && contains(["NOT_FOUND", "ENTITY_IS_DELETED"], response.body[0].errorCode) }
  error "conflict" { when = response.status == 400 && contains(["DUPLICATE_USERNAME", "DUPLICATE_VALUE", "DUPLICATES_DETECTED"], response.body[0].errorCode) }
  error "transient" { when = response.status == 400 && response.body[0].errorCode == "UNABLE_TO_LOCK_ROW" }
  error "transient" { when = response.status == 503 && response.header.retry-after != null }

  # A user by login. A deactivated one is there, but is not what a creation wants to see.
  lookup "user" {
    inputs = { user_name = "text" }
    get    = "/services/data/{var.version}/query"
    query  = { q = contains(input.user_name, "'") || contains(input.user_name, "\\") ? null : concat("SELECT Id, Username, IsActive FROM User WHERE Username = '", input.user_name, "'") }
    items  = response.body.records
    where  = lower(item.Username) == lower(input.user_name)
    value  = item.IsActive == false ? "disabled" : "present"
    outputs = {
      id     = item.Id
      active = item.IsActive
    }
    authoritative = true
    page "next_url" { next = response.body.nextRecordsUrl }
  }

  # A user that is active, by id.
  lookup "active_user" {
    inputs = { id = "text" }
    get    = "/services/data/{var.version}/sobjects/User/{id}"
    query  = { fields = "Id,IsActive" }
    error "absent" { when = response.status == 404 && response.body[0].errorCode == "NOT_FOUND" }
    absent        = starts_with(response.body.Id, input.id) && response.body.IsActive == false
    present       = starts_with(response.body.Id, input.id) && response.body.IsActive == true
    value         = "present"
    authoritative = true
  }

  # Whether a user is frozen: the row of the login says so. It is there for every user, and has an id of its own.
  lookup "freeze" {
    inputs = { user = "text" }
    get    = "/services/data/{var.version}/query"
    query  = { q = contains(input.user, "'") || contains(input.user, "\\") ? null : concat("SELECT Id, UserId, IsFrozen FROM UserLogin WHERE UserId = '", input.user, "'") }
    ok            = response.status == 200 && response.body.records[0].UserId == input.user
    absent        = response.body.records[0].IsFrozen == false
    present       = response.body.records[0].IsFrozen == true
    value         = "frozen"
    outputs       = { login = response.body.records[0].Id }
    authoritative = true
  }

  # A permission set that a user has.
  lookup "permission_set" {
    inputs = {
      user           = "text"
      permission_set = "text"
    }
    get           = "/services/data/{var.version}/query"
    query         = { q = contains(concat(input.user, input.permission_set), "'") || contains(concat(input.user, input.permission_set), "\\") ? null : concat("SELECT Id, AssigneeId, PermissionSetId FROM PermissionSetAssignment WHERE AssigneeId = '", input.user, "' AND PermissionSetId = '", input.permission_set, "'") }
    items         = response.body.records
    where         = item.AssigneeId == input.user && item.PermissionSetId == input.permission_set
    value         = "member"
    outputs       = { assignment = item.Id }
    authoritative = true
    page "next_url" { next = response.body.nextRecordsUrl }
  }

  # Whose a record is.
  lookup "owner" {
    inputs = {
      object = "text"
      record = "text"
    }
    get           = "/services/data/{var.version}/query"
    query         = { q = contains(concat(input.object, input.record), "'") || contains(concat(input.object, input.record), " ") ? null : concat("SELECT Id, OwnerId FROM ", input.object, " WHERE Id = '", input.record, "'") }
    items         = response.body.records
    where         = item.Id == input.record
    value         = item.OwnerId
    outputs       = { owner = item.OwnerId }
    authoritative = true
  }

  awf "create_user" {
    achieves = "create"
    inputs = {
      user_name  = "text"
      email      = "text"
      first_name = "text"
      last_name  = "text"
      alias      = "text"
      profile    = "text"
      federation = "text"
      manager    = "text"
    }
    personal = ["user_name", "email", "first_name", "last_name", "alias", "federation", "manager"]
    optional = ["federation", "manager"]
    outputs  = { id = "text" }
    evidence = "recalled: REST API, sobjects/User"

    post = "/services/data/{var.version}/sobjects/User"
    json = {
      Username             = input.user_name
      Email                = input.email
      FirstName            = input.first_name
      LastName             = input.last_name
      Alias                = input.alias
      ProfileId            = input.profile
      TimeZoneSidKey       = var.time_zone
      LocaleSidKey         = var.locale
      LanguageLocaleKey    = var.locale
      EmailEncodingKey     = "UTF-8"
      FederationIdentifier = input.federation
      ManagerId            = input.manager
      IsActive             = true
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
    undo "deactivate_user" {
      with = { id = output.id }
      loss = "the user remains, inactive, and its login stays taken"
    }
  }

  # By an external id of the organization: what is not there yet is created, what is there gets these values.
  awf "upsert_user" {
    achieves = "create"
    inputs = {
      id_field   = "text"
      id_value   = "text"
      user_name  = "text"
      email      = "text"
      first_name = "text"
      last_name  = "text"
      alias      = "text"
      profile    = "text"
    }
    personal = ["id_value", "user_name", "email", "first_name", "last_name", "alias"]
    outputs  = { id = "text" }
    locks    = ["user:{user_name}"]
    evidence = "recalled: REST API, upsert by external id"

    patch = "/services/data/{var.version}/sobjects/User/{id_field}/{id_value}"
    json = {
      Username          = input.user_name
      Email             = input.email
      FirstName         = input.first_name
      LastName          = input.last_name
      Alias             = input.alias
      ProfileId         = input.profile
      TimeZoneSidKey    = var.time_zone
      LocaleSidKey      = var.locale
      LanguageLocaleKey = var.locale
      EmailEncodingKey  = "UTF-8"
      IsActive          = true
    }

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
    undo "deactivate_user" {
      with = { id = output.id }
      loss = "the user remains, inactive; what it was called before is not given back"
    }
  }

  awf "deactivate_user" {
    achieves = "remove"
    inputs   = { id = "text" }
    locks    = ["user:{id}"]
    evidence = "recalled: REST API, sobjects/User"

    patch = "/services/data/{var.version}/sobjects/User/{id}"
    json  = { IsActive = false }

    lookup "active_user" {}
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
    undo "activate_user" {
      with = { id = input.id }
      loss = "memberships of teams, queues and default owners that the deactivation ended are not given back"
    }
  }

  awf "activate_user" {
    achieves = "create"
    inputs   = { id = "text" }
    locks    = ["user:{id}"]
    evidence = "recalled: REST API, sobjects/User"

    patch = "/services/data/{var.version}/sobjects/User/{id}"
    json  = { IsActive = true }
    error "conflict" { when = response.status == 400 && response.body[0].errorCode == "LICENSE_LIMIT_EXCEEDED" }

    lookup "active_user" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "deactivate_user" { with = { id = input.id } }
  }

  awf "freeze_user" {
    achieves = "create"
    inputs   = { user = "text" }
    locks    = ["user:{user}"]
    evidence = "recalled: REST API, sobjects/UserLogin"

    patch = "/services/data/{var.version}/sobjects/UserLogin/{snapshot.login}"
    json  = { IsFrozen = true }

    lookup "freeze" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "unfreeze_user" { with = { user = input.user } }
  }

  awf "unfreeze_user" {
    achieves = "remove"
    inputs   = { user = "text" }
    locks    = ["user:{user}"]
    evidence = "recalled: REST API, sobjects/UserLogin"

    patch = "/services/data/{var.version}/sobjects/UserLogin/{snapshot.login}"
    json  = { IsFrozen = false }

    lookup "freeze" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "freeze_user" { with = { user = input.user } }
  }

  # A second assignment is refused (DUPLICATE_VALUE).
  awf "assign_permission_set" {
    achieves = "create"
    inputs = {
      user           = "text"
      permission_set = "text"
    }
    evidence = "recalled: REST API, sobjects/PermissionSetAssignment"

    post = "/services/data/{var.version}/sobjects/PermissionSetAssignment"
    json = {
      AssigneeId      = input.user
      PermissionSetId = input.permission_set
    }
    error "already_done" { when = response.status == 400 && response.body[0].errorCode == "DUPLICATE_VALUE" }

    lookup "permission_set" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "remove_permission_set" {
      with = {
        user           = input.user
        permission_set = input.permission_set
      }
    }
  }

  awf "remove_permission_set" {
    achieves = "remove"
    inputs = {
      user           = "text"
      permission_set = "text"
    }
    evidence = "recalled: REST API, sobjects/PermissionSetAssignment"

    delete = "/services/data/{var.version}/sobjects/PermissionSetAssignment/{snapshot.assignment}"
    error "absent" { when = response.status == 404 && contains(["NOT_FOUND", "ENTITY_IS_DELETED"], response.body[0].errorCode) }

    lookup "permission_set" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "assign_permission_set" {
      with = {
        user           = input.user
        permission_set = input.permission_set
      }
      loss = "an expiry that the assignment had is not set again"
    }
  }

  # One record: whoever moves more runs it for each. The answer is good also where a record was refused.
  awf "transfer_records" {
    achieves = "update"
    inputs = {
      object = "text"
      record = "text"
      owner  = "text"
    }
    locks    = ["record:{record}"]
    evidence = "vendor docs; the answer and the question for the owner are recalled"

    patch = "/services/data/{var.version}/composite/sobjects"
    json = {
      allOrNone = true
      records = [{
        attributes = { type = input.object }
        id         = input.record
        OwnerId    = input.owner
      }]
    }
    ok = response.status == 200 && response.body[0].success == true
    error "conflict" { when = response.status == 200 && response.body[0].success == false && response.body[0].errors[0].statusCode == "UNABLE_TO_LOCK_ROW" }
    error "absent" { when = response.status == 200 && response.body[0].success == false && response.body[0].errors[0].statusCode == "ENTITY_IS_DELETED" }
    error "invalid" { when = response.status == 200 && response.body[0].success == false }

    lookup "owner" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "transfer_records" {
      with = {
        object = input.object
        record = input.record
        owner  = snapshot.owner
      }
      loss = "shares by hand and open activities that moved with the record stay where they are"
    }
  }

  read "users" {
    kind     = "user"
    get      = "/services/data/{var.version}/query"
    query    = { q = concat("SELECT Id, Username, Email, FirstName, LastName, IsActive, EmployeeNumber, ProfileId, SystemModstamp FROM User", coalesce(page.delta, ""), " ORDER BY Id") }
    evidence = "recalled: REST API, query"
    ok       = response.status == 200 && response.body.totalSize != null
    items    = response.body.records
    page "next_url" { next = response.body.nextRecordsUrl }
    delta "filter" {
      overlap = "10m"
      since   = concat(" WHERE SystemModstamp > ", page.since)
    }
    id      = item.Id
    version = item.SystemModstamp
    text {
      user_name       = item.Username
      email           = item.Email
      first_name      = item.FirstName
      last_name       = item.LastName
      employee_number = item.EmployeeNumber
      profile         = item.ProfileId
    }
    bool { active = item.IsActive }
  }
}
