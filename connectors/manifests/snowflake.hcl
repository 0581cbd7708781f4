# Snowflake: users and their roles, by the REST API. The user's key pair signs the tokens:
# `subject` is ACCOUNT.USER, `issuer` the same with .SHA256: and the fingerprint of the public key. A name is the identity: it is
# unique whatever its case, unless it is quoted. A PUT replaces what a user is: what is not given is unset, so that the
# whole of what may be written is read before and written back, under a lock.
manifest "snowflake" {
  title  = "Snowflake"
  domain = "software"

  auth "jwt" {
    issuer   = "part:issuer"
    subject  = "part:subject"
    lifetime = "50m"
    header   = "authorization"
    prefix   = "Bearer "
  }

  headers = {
    accept                               = "application/json"
    x-snowflake-authorization-token-type = "KEYPAIR_JWT"
  }

  message = coalesce(response.body.message, response.body.error_code)

  error "absent" { when = response.status == 404 && contains(["404", "002003", "390201"], response.body.code) }
  error "conflict" { when = response.status == 409 }
  error "transient" { when = contains([429, 503], response.status) && response.header.retry-after != null }

  lookup "user" {
    inputs = { name = "text" }
    get    = "/api/v2/users/{name}"
    error "absent" { when = response.status == 404 && response.body.message != null }
    present = upper(response.body.name) == upper(input.name)
    value   = response.body.disabled == true ? "disabled" : "present"
    outputs = {
      disabled                = coalesce(response.body.disabled, false)
      login_name              = coalesce(response.body.login_name, "")
      email                   = coalesce(response.body.email, "")
      display_name            = coalesce(response.body.display_name, "")
      first_name              = coalesce(response.body.first_name, "")
      last_name               = coalesce(response.body.last_name, "")
      default_role            = coalesce(response.body.default_role, "")
      default_warehouse       = coalesce(response.body.default_warehouse, "")
      default_namespace       = coalesce(response.body.default_namespace, "")
      type                    = coalesce(response.body.type, "")
      middle_name             = coalesce(response.body.middle_name, "")
      default_secondary_roles = coalesce(response.body.default_secondary_roles, "")
      network_policy          = coalesce(response.body.network_policy, "")
      rsa_public_key          = coalesce(response.body.rsa_public_key, "")
      rsa_public_key_2        = coalesce(response.body.rsa_public_key_2, "")
      comment                 = coalesce(response.body.comment, "")
    }
    marker        = response.body.comment
    authoritative = true
  }

  # A role that a user has. The list is short, and is given whole.
  lookup "role" {
    inputs = {
      name = "text"
      role = "text"
    }
    get           = "/api/v2/users/{name}/grants"
    items         = response.body
    where         = item.securable_type == "ROLE" && upper(item.securable.name) == upper(input.role)
    value         = "member"
    authoritative = true
    page "link" {}
  }

  # `createMode` refuses a second creation: what was there before is never taken for ours.
  awf "create_user" {
    achieves = "create"
    inputs = {
      name              = "text"
      login_name        = "text"
      email             = "text"
      display_name      = "text"
      first_name        = "text"
      last_name         = "text"
      default_role      = "text"
      default_warehouse = "text"
      default_namespace = "text"
      type              = "text"
      disabled          = "bool"
    }
    personal = ["name", "login_name", "email", "display_name", "first_name", "last_name"]
    optional = ["login_name", "email", "display_name", "first_name", "last_name", "default_role", "default_warehouse", "default_namespace", "type", "disabled"]
    locks    = ["user:{name}"]
    evidence = "vendor spec"

    post  = "/api/v2/users"
    query = { createMode = "errorIfExists" }
    json = {
      name              = input.name
      login_name        = input.login_name == "" ? null : input.login_name
      email             = input.email == "" ? null : input.email
      display_name      = input.display_name == "" ? null : input.display_name
      first_name        = input.first_name == "" ? null : input.first_name
      last_name         = input.last_name == "" ? null : input.last_name
      default_role      = input.default_role == "" ? null : input.default_role
      default_warehouse = input.default_warehouse == "" ? null : input.default_warehouse
      default_namespace = input.default_namespace == "" ? null : input.default_namespace
      type              = input.type == "" ? null : input.type
      disabled          = input.disabled
      comment           = key
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
    undo "drop_user" { with = { name = input.name } }
  }

  # What is not given stays as it is: it is read before, and written back. What is given as "" is unset.
  awf "alter_user" {
    achieves = "update"
    inputs = {
      name              = "text"
      disabled          = "bool"
      login_name        = "text"
      email             = "text"
      display_name      = "text"
      first_name        = "text"
      last_name         = "text"
      default_role      = "text"
      default_warehouse = "text"
      default_namespace = "text"
      type              = "text"
    }
    personal = ["name", "login_name", "email", "display_name", "first_name", "last_name"]
    optional = ["disabled", "login_name", "email", "display_name", "first_name", "last_name", "default_role", "default_warehouse", "default_namespace", "type"]
    locks    = ["user:{name}"]
    evidence = "vendor spec"

    put = "/api/v2/users/{name}"
    json = {
      name                    = input.name
      disabled                = coalesce(input.disabled, snapshot.disabled)
      login_name              = coalesce(input.login_name, snapshot.login_name) == "" ? null : coalesce(input.login_name, snapshot.login_name)
      email                   = coalesce(input.email, snapshot.email) == "" ? null : coalesce(input.email, snapshot.email)
      display_name            = coalesce(input.display_name, snapshot.display_name) == "" ? null : coalesce(input.display_name, snapshot.display_name)
      first_name              = coalesce(input.first_name, snapshot.first_name) == "" ? null : coalesce(input.first_name, snapshot.first_name)
      last_name               = coalesce(input.last_name, snapshot.last_name) == "" ? null : coalesce(input.last_name, snapshot.last_name)
      default_role            = coalesce(input.default_role, snapshot.default_role) == "" ? null : coalesce(input.default_role, snapshot.default_role)
      default_warehouse       = coalesce(input.default_warehouse, snapshot.default_warehouse) == "" ? null : coalesce(input.default_warehouse, snapshot.default_warehouse)
      default_namespace       = coalesce(input.default_namespace, snapshot.default_namespace) == "" ? null : coalesce(input.default_namespace, snapshot.default_namespace)
      type                    = coalesce(input.type, snapshot.type) == "" ? null : coalesce(input.type, snapshot.type)
      middle_name             = snapshot.middle_name == "" ? null : snapshot.middle_name
      default_secondary_roles = contains(["ALL", "NONE"], snapshot.default_secondary_roles) ? snapshot.default_secondary_roles : null
      network_policy          = snapshot.network_policy == "" ? null : snapshot.network_policy
      rsa_public_key          = snapshot.rsa_public_key == "" ? null : snapshot.rsa_public_key
      rsa_public_key_2        = snapshot.rsa_public_key_2 == "" ? null : snapshot.rsa_public_key_2
      comment                 = snapshot.comment == "" ? null : snapshot.comment
    }

    lookup "user" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "alter_user" {
      with = {
        name              = input.name
        disabled          = snapshot.disabled
        login_name        = snapshot.login_name
        email             = snapshot.email
        display_name      = snapshot.display_name
        first_name        = snapshot.first_name
        last_name         = snapshot.last_name
        default_role      = snapshot.default_role
        default_warehouse = snapshot.default_warehouse
        default_namespace = snapshot.default_namespace
        type              = snapshot.type
      }
      loss = "limits in days and minutes are not read, and are unset"
    }
  }

  awf "drop_user" {
    achieves = "remove"
    inputs   = { name = "text" }
    blast    = 1
    locks    = ["user:{name}"]
    evidence = "vendor spec"

    delete = "/api/v2/users/{name}"
    query  = { ifExists = true }

    lookup "user" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "create_user" {
      with = {
        name              = input.name
        login_name        = snapshot.login_name
        email             = snapshot.email
        display_name      = snapshot.display_name
        first_name        = snapshot.first_name
        last_name         = snapshot.last_name
        default_role      = snapshot.default_role
        default_warehouse = snapshot.default_warehouse
        default_namespace = snapshot.default_namespace
        type              = snapshot.type
        disabled          = snapshot.disabled
      }
      loss = "password, keys, second factors and the roles that were granted are gone"
    }
  }

  # Granting what is granted changes nothing.
  awf "grant_role" {
    achieves = "create"
    inputs = {
      name = "text"
      role = "text"
    }
    evidence = "vendor spec"

    post = "/api/v2/users/{name}/grants"
    json = {
      securable_type = "ROLE"
      securable      = { name = input.role }
    }

    lookup "role" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "revoke_role" {
      with = {
        name = input.name
        role = input.role
      }
    }
  }

  awf "revoke_role" {
    achieves = "remove"
    inputs = {
      name = "text"
      role = "text"
    }
    evidence = "vendor spec"

    post = "/api/v2/users/{name}/grants:revoke"
    json = {
      securable_type = "ROLE"
      securable      = { name = input.role }
    }

    lookup "role" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "grant_role" {
      with = {
        name = input.name
        role = input.role
      }
      loss = "the role is granted by us now, and not by whoever granted it"
    }
  }

  # A full page goes on behind its last name.
  read "users" {
    kind = "user"
    get  = "/api/v2/users"
    query = {
      showLimit = 1000
      fromName  = page.cursor
    }
    evidence = "vendor spec; that the rows behind `fromName` follow is what SHOW USERS says"
    items    = response.body
    page "cursor" { next = response.body[999].name }
    id = item.name
    text {
      name         = item.name
      login_name   = item.login_name
      email        = item.email
      first_name   = item.first_name
      last_name    = item.last_name
      default_role = item.default_role
    }
    bool { disabled = item.disabled }
  }
}
