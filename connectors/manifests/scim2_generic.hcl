# Any SCIM 2.0 service: users and memberships in groups. Facts: RFC 7643 (schemas) and RFC 7644 (protocol). What a service
# may leave out (bulk, sorting, cursors) is not used. `externalId` is the client's own: our key stands there.
manifest "scim2_generic" {
  title  = "SCIM 2.0 service"
  domain = "identity"

  auth "bearer" { part = "bearer_token" }

  headers = { accept = "application/scim+json, application/json" }

  message = coalesce(response.body.detail, response.body.scimType)

  error "absent" { when = response.status == 404 && contains(response.body.schemas, "urn:ietf:params:scim:api:messages:2.0:Error") }
  error "conflict" { when = response.status == 409 && response.body.scimType == "uniqueness" }
  error "transient" { when = response.status == 503 && response.header.retry-after != null }

  # A user by the name that is unique in the service, whatever its case. A name with a quote in it would change the filter:
  # then everybody is listed. Each one is judged again here in either case.
  lookup "account" {
    inputs = { user_name = "text" }
    get    = "/Users"
    query = {
      filter     = contains(input.user_name, "\"") || contains(input.user_name, "\\") ? null : concat("userName eq \"", input.user_name, "\"")
      startIndex = page.offset + 1
      count      = 100
    }
    # A page without anybody may leave the list out.
    items         = list(response.body.Resources)
    where         = lower(item.userName) == lower(input.user_name)
    value         = item.active == false ? "disabled" : "present"
    outputs       = { id = item.id, active = item.active }
    marker        = item.externalId
    authoritative = true
    # A service that gives shorter pages than it was asked for fails the lookup: that proves no absence.
    page "offset" {
      size  = 100
      total = response.body.totalResults
    }
  }

  # A user, switched on or off, by its id.
  lookup "any_account" {
    inputs = { id = "text" }
    get    = "/Users/{id}"
    error "absent" { when = response.status == 404 && contains(response.body.schemas, "urn:ietf:params:scim:api:messages:2.0:Error") }
    present = response.body.id == input.id
    outputs = {
      user_name   = response.body.userName
      given_name  = response.body.name.givenName
      family_name = response.body.name.familyName
      email       = response.body.emails[0].value
    }
    authoritative = true
  }

  # One attribute. An attribute that is not set shows the empty text: it is never absent.
  lookup "attribute" {
    inputs = {
      id        = "text"
      attribute = "text"
    }
    get = "/Users/{id}"
    error "absent" { when = response.status == 404 && contains(response.body.schemas, "urn:ietf:params:scim:api:messages:2.0:Error") }
    present       = response.body.id == input.id
    value         = coalesce(member(response.body, input.attribute), "")
    outputs       = { value = member(response.body, input.attribute) }
    authoritative = true
  }

  # A group by its name. Names need not be unique: what tells our group from another is our key.
  lookup "group_of_name" {
    inputs = { name = "text" }
    get    = "/Groups"
    query = {
      filter     = contains(input.name, "\"") || contains(input.name, "\\") ? null : concat("displayName eq \"", input.name, "\"")
      startIndex = page.offset + 1
      count      = 100
    }
    items         = list(response.body.Resources)
    where         = item.displayName == input.name
    outputs       = { id = item.id }
    marker        = item.externalId
    authoritative = true
    page "offset" {
      size  = 100
      total = response.body.totalResults
    }
  }

  lookup "group" {
    inputs = { id = "text" }
    get    = "/Groups/{id}"
    query  = { attributes = "displayName" }
    error "absent" { when = response.status == 404 && contains(response.body.schemas, "urn:ietf:params:scim:api:messages:2.0:Error") }
    present       = response.body.id == input.id
    outputs       = { name = response.body.displayName }
    authoritative = true
  }

  # A user that is not switched off, by its id.
  lookup "live_account" {
    inputs = { id = "text" }
    get    = "/Users/{id}"
    error "absent" { when = response.status == 404 && contains(response.body.schemas, "urn:ietf:params:scim:api:messages:2.0:Error") }
    absent        = response.body.active == false
    present       = response.body.id == input.id
    value         = "present"
    outputs       = { active = response.body.active }
    authoritative = true
  }

  # A membership, among the members of the group: the protocol gives them in one answer.
  lookup "membership" {
    inputs = {
      group = "text"
      user  = "text"
    }
    get   = "/Groups/{group}"
    query = { attributes = "members" }
    error "absent" { when = response.status == 404 && contains(response.body.schemas, "urn:ietf:params:scim:api:messages:2.0:Error") }
    items         = list(response.body.members)
    where         = item.value == input.user
    value         = "member"
    authoritative = true
  }

  awf "create_user" {
    achieves = "create"
    inputs = {
      user_name   = "text"
      given_name  = "text"
      family_name = "text"
      email       = "text"
    }
    personal = ["user_name", "given_name", "family_name", "email"]
    optional = ["given_name", "family_name", "email"]
    outputs  = { id = "text" }
    evidence = "RFC 7644, 3.3"

    post = "/Users"
    json = {
      schemas    = ["urn:ietf:params:scim:schemas:core:2.0:User"]
      userName   = input.user_name
      externalId = key
      active     = true
      name = {
        givenName  = input.given_name
        familyName = input.family_name
      }
      emails = input.email == null ? null : [{ value = input.email, type = "work", primary = true }]
    }
    capture = { id = response.body.id }

    lookup "account" {}
    # The service keeps names unique: a second creation is refused with 409.
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "500ms"
    }
    # Deleting would take away what others may have come to refer to.
    undo "deactivate_user" {
      with = { id = output.id }
      loss = "the user remains, switched off"
    }
  }

  awf "deactivate_user" {
    achieves = "remove"
    inputs   = { id = "text" }
    evidence = "RFC 7644, 3.5.2"

    patch = "/Users/{id}"
    json = {
      schemas    = ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]
      Operations = [{ op = "replace", path = "active", value = false }]
    }

    lookup "live_account" {}
    # A second one changes nothing.
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "activate_user" { with = { id = input.id } }
  }

  awf "activate_user" {
    achieves = "create"
    inputs   = { id = "text" }
    evidence = "RFC 7644, 3.5.2"

    patch = "/Users/{id}"
    json = {
      schemas    = ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]
      Operations = [{ op = "replace", path = "active", value = true }]
    }

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
    undo "deactivate_user" { with = { id = input.id } }
  }

  # One attribute of the top level (`title`, `displayName`, `userType`, ...) a call.
  awf "patch_user" {
    achieves = "update"
    inputs = {
      id        = "text"
      attribute = "text"
      value     = "text"
    }
    personal = ["value"]
    optional = ["value"]
    locks    = ["user:{id}"]
    evidence = "RFC 7644, 3.5.2"

    patch = "/Users/{id}"
    json = {
      schemas = ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]
      Operations = [{
        op    = input.value == null ? "remove" : "replace"
        path  = input.attribute
        value = input.value
      }]
    }

    lookup "attribute" {}
    # The value is written as a whole: a second call writes what is there.
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "patch_user" {
      with = {
        id        = input.id
        attribute = input.attribute
        value     = snapshot.value
      }
    }
  }

  awf "delete_user" {
    achieves = "remove"
    inputs   = { id = "text" }
    evidence = "RFC 7644, 3.6"

    delete = "/Users/{id}"

    lookup "any_account" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "create_user" {
      with = {
        user_name   = snapshot.user_name
        given_name  = snapshot.given_name
        family_name = snapshot.family_name
        email       = snapshot.email
      }
      loss = "the user has another id, no password, none of its groups and none of its other attributes"
    }
  }

  awf "create_group" {
    achieves = "create"
    inputs   = { name = "text" }
    outputs  = { id = "text" }
    evidence = "RFC 7644, 3.3; RFC 7643, 3.1 gives a group the client's own `externalId`"

    post = "/Groups"
    json = {
      schemas     = ["urn:ietf:params:scim:schemas:core:2.0:Group"]
      displayName = input.name
      externalId  = key
    }
    capture = { id = response.body.id }

    lookup "group_of_name" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 3
    }
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "delete_group" { with = { id = output.id } }
  }

  awf "delete_group" {
    achieves = "remove"
    inputs   = { id = "text" }
    evidence = "RFC 7644, 3.6"

    delete = "/Groups/{id}"

    lookup "group" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "create_group" {
      with = { name = snapshot.name }
      loss = "the group has another id and no members"
    }
  }

  awf "add_group_member" {
    achieves = "create"
    inputs = {
      group = "text"
      user  = "text"
    }
    evidence = "RFC 7644, 3.5.2.1: a value that is there already changes nothing"

    patch = "/Groups/{group}"
    json = {
      schemas    = ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]
      Operations = [{ op = "add", path = "members", value = [{ value = input.user }] }]
    }

    lookup "membership" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "500ms"
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
    evidence = "RFC 7644, 3.5.2.2"

    # An id with a quote in it would select others as well: without a path the service refuses (noTarget).
    patch = "/Groups/{group}"
    json = {
      schemas = ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]
      Operations = [{
        op   = "remove"
        path = contains(input.user, "\"") || contains(input.user, "\\") ? null : concat("members[value eq \"", input.user, "\"]")
      }]
    }

    lookup "membership" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "add_group_member" {
      with = {
        group = input.group
        user  = input.user
      }
    }
  }

  read "users" {
    kind = "user"
    get  = "/Users"
    query = {
      startIndex = page.offset + 1
      count      = 100
    }
    evidence = "RFC 7644, 3.4.2"
    items    = list(response.body.Resources)
    page "offset" {
      size  = 100
      total = response.body.totalResults
    }
    id      = item.id
    version = item.meta.version
    text {
      user_name   = item.userName
      given_name  = item.name.givenName
      family_name = item.name.familyName
      email       = item.emails[0].value
      external_id = item.externalId
    }
    bool { active = item.active }
  }

  read "groups" {
    kind = "group"
    get  = "/Groups"
    query = {
      startIndex = page.offset + 1
      count      = 100
      attributes = "displayName"
    }
    evidence = "RFC 7644, 3.4.2"
    items    = list(response.body.Resources)
    page "offset" {
      size  = 100
      total = response.body.totalResults
    }
    id      = item.id
    version = item.meta.version
    text { name = item.displayName }
  }

  read "group_members" {
    kind     = "group_member"
    for_each = "group"
    get      = "/Groups/{parent}"
    query    = { attributes = "members" }
    evidence = "RFC 7643, 4.2"
    error "absent" { when = response.status == 404 && contains(response.body.schemas, "urn:ietf:params:scim:api:messages:2.0:Error") }
    items = list(response.body.members)
    id    = concat(input.parent, "/", item.value)
    text {
      group = input.parent
      user  = item.value
    }
  }
}
