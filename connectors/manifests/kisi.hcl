# Kisi: rights to doors. Facts: the vendor's guides name verbs, paths and wrappers; members and answers are recalled.
manifest "kisi" {
  title  = "Kisi"
  domain = "workplace"

  auth "api_key" {
    header = "authorization"
    prefix = "KISI-LOGIN "
    part   = "api_key"
  }

  headers = { accept = "application/json" }

  limit "key" {
    rate        = 5
    per         = "1s"
    reserve     = 20
    concurrency = 2
  }

  message = coalesce(response.body.error, response.body.message)

  error "absent" { when = response.status == 404 && response.body != null }
  error "transient" { when = response.status == 503 && response.header.retry-after != null }

  # The right of somebody to the doors of a group. The filters are judged again here.
  lookup "door_right" {
    inputs = {
      user  = "int"
      group = "int"
    }
    get = "/role_assignments"
    query = {
      user_id  = input.user
      group_id = input.group
      limit    = 250
      offset   = page.offset
    }
    items = response.body
    where = item.user_id == input.user && item.group_id == input.group && item.role_id == "group_basic"
    value = "granted"
    outputs = {
      assignment  = item.id
      valid_from  = item.valid_from
      valid_until = item.valid_until
    }
    authoritative = true
    page "offset" { size = 250 }
  }

  # Whether somebody may open doors at all.
  lookup "access" {
    inputs = { user = "int" }
    get    = "/users"
    query = {
      ids    = input.user
      limit  = 250
      offset = page.offset
    }
    items         = response.body
    where         = item.id == input.user && item.access_enabled == true
    value         = "enabled"
    authoritative = true
    page "offset" { size = 250 }
  }

  lookup "user_of_email" {
    inputs = { email = "text" }
    get    = "/users"
    query = {
      query  = input.email
      limit  = 250
      offset = page.offset
    }
    items         = response.body
    where         = lower(item.email) == lower(input.email)
    outputs       = { user = item.id }
    authoritative = true
    page "offset" { size = 250 }
  }

  lookup "user" {
    inputs = { user = "int" }
    get    = "/users"
    query = {
      ids    = input.user
      limit  = 250
      offset = page.offset
    }
    items         = response.body
    where         = item.id == input.user
    outputs       = { email = item.email, name = item.name }
    authoritative = true
    page "offset" { size = 250 }
  }

  awf "grant_door_group" {
    achieves = "create"
    inputs = {
      user        = "int"
      group       = "int"
      valid_from  = "text"
      valid_until = "text"
    }
    samples  = { valid_from = "2026-12-01T09:00:00Z", valid_until = "2026-12-31T18:00:00Z" }
    optional = ["valid_from", "valid_until"]
    outputs  = { assignment = "text" }
    evidence = "vendor docs; members and answers are recalled"

    post = "/role_assignments"
    json = {
      role_assignment = {
        user_id     = input.user
        role_id     = "group_basic"
        group_id    = input.group
        valid_from  = input.valid_from
        valid_until = input.valid_until
        notify      = false
      }
    }
    capture = { assignment = response.body.id }

    lookup "door_right" {}
    ambiguous "probe" {
      window   = "15s"
      agreeing = 3
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "revoke_door_group" {
      with = {
        user  = input.user
        group = input.group
      }
    }
  }

  # The right is found by whose it is and to which doors.
  awf "revoke_door_group" {
    achieves = "remove"
    inputs = {
      user  = "int"
      group = "int"
    }
    evidence = "vendor docs; members and answers are recalled"

    delete = "/role_assignments/{snapshot.assignment}"

    lookup "door_right" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "grant_door_group" {
      with = {
        user        = input.user
        group       = input.group
        valid_from  = snapshot.valid_from
        valid_until = snapshot.valid_until
      }
      loss = "the right has another id"
    }
  }

  awf "disable_physical_access" {
    achieves = "remove"
    inputs = {
      member = "text"
      user   = "int"
    }
    evidence = "recalled: the member's switch; the user's listing shows it"

    patch = "/members/{member}"
    json  = { member = { access_enabled = false } }

    lookup "access" {}
    # A switch: a second call changes nothing.
    ambiguous "probe" {
      window   = "15s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "enable_physical_access" {
      with = {
        member = input.member
        user   = input.user
      }
    }
  }

  awf "enable_physical_access" {
    achieves = "create"
    inputs = {
      member = "text"
      user   = "int"
    }
    evidence = "recalled: the member's switch; the user's listing shows it"

    patch = "/members/{member}"
    json  = { member = { access_enabled = true } }

    lookup "access" {}
    ambiguous "probe" {
      window   = "15s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "disable_physical_access" {
      with = {
        member = input.member
        user   = input.user
      }
    }
  }

  # Its undo needs the member's id, which stands in the answer and nowhere else: an answer that was lost is a person's matter.
  awf "add_member" {
    achieves = "create"
    inputs = {
      email = "text"
      name  = "text"
    }
    personal = ["email", "name"]
    outputs = {
      member = "text"
      user   = "int"
    }
    evidence = "vendor docs; members and answers are recalled"

    post = "/members"
    json = {
      member = {
        email       = input.email
        name        = input.name
        send_emails = false
        confirm     = true
      }
    }
    capture = { member = response.body.id, user = response.body.user_id }

    lookup "user_of_email" {}
    ambiguous "park" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "remove_member" {
      with = {
        member = output.member
        user   = output.user
      }
    }
  }

  awf "remove_member" {
    achieves = "remove"
    inputs = {
      member = "text"
      user   = "int"
    }
    evidence = "recalled: the call and its answers"

    delete = "/members/{member}"

    lookup "user" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "add_member" {
      with = {
        email = snapshot.email
        name  = snapshot.name
      }
      loss = "the member has another id and none of the rights and credentials"
    }
  }

  read "users" {
    kind = "user"
    get  = "/users"
    query = {
      limit  = 250
      offset = page.offset
    }
    evidence = "vendor docs; members are recalled"
    items    = response.body
    page "offset" { size = 250 }
    id = text(item.id)
    text {
      name  = item.name
      email = item.email
    }
    bool { access_enabled = item.access_enabled }
  }
}
