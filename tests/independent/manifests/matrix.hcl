# Accounts and rooms of a Matrix server with Synapse's administration API: accounts that are locked rather than deleted, channels with
# members. It stands for systems of that shape; the catalogue has no such system. Facts: the Matrix client-server specification 1.13
# and Synapse's administration API.
manifest "matrix" {
  title  = "Matrix"
  domain = "communications"

  auth "bearer" { part = "access_token" }

  message = concat(response.body.errcode, ": ", response.body.error)

  error "absent" { when = response.status == 404 && response.body.errcode == "M_NOT_FOUND" }
  error "conflict" { when = response.status == 400 && response.body.errcode == "M_ROOM_IN_USE" }
  error "rate_limited" { when = response.status == 429 && response.body.errcode == "M_LIMIT_EXCEEDED" }
  error "auth_expired" { when = response.status == 401 && response.body.errcode == "M_UNKNOWN_TOKEN" }

  lookup "account" {
    inputs = { user = "text" }
    get    = "/_synapse/admin/v2/users/{user}"
    error "absent" { when = response.status == 404 && response.body.errcode == "M_NOT_FOUND" }
    present       = response.body.name == input.user
    value         = response.body.locked ? "locked" : "present"
    marker        = member(pick(response.body.external_ids, "auth_provider", "xops"), "external_id")
    authoritative = true
  }

  # An account that is not locked.
  lookup "open_account" {
    inputs = { user = "text" }
    get    = "/_synapse/admin/v2/users/{user}"
    error "absent" { when = response.status == 404 && response.body.errcode == "M_NOT_FOUND" }
    absent        = response.body.locked == true
    present       = response.body.name == input.user && response.body.locked == false
    value         = "present"
    authoritative = true
  }

  # A membership. Whoever was invited counts: it is for them to come in.
  lookup "membership" {
    inputs = {
      room = "text"
      user = "text"
    }
    get = "/_matrix/client/v3/rooms/{room}/state/m.room.member/{user}"
    error "absent" { when = response.status == 404 && response.body.errcode == "M_NOT_FOUND" }
    absent        = contains(["leave", "ban"], response.body.membership)
    present       = contains(["invite", "join"], response.body.membership)
    value         = "member"
    authoritative = true
  }

  lookup "alias" {
    inputs = {
      name   = "text"
      server = "text"
    }
    get = "/_matrix/client/v3/directory/room/%23{name}:{server}"
    error "absent" { when = response.status == 404 && response.body.errcode == "M_NOT_FOUND" }
    present       = response.body.room_id != null
    outputs       = { room = response.body.room_id }
    authoritative = true
  }

  awf "create_account" {
    achieves = "create"
    inputs = {
      user = "text"
      name = "text"
    }
    personal = ["user", "name"]
    evidence = "Synapse, user administration: create or modify account"
    put      = "/_synapse/admin/v2/users/{user}"
    json = {
      displayname  = input.name
      locked       = false
      external_ids = [{ auth_provider = "xops", external_id = key }]
    }
    lookup "account" {}
    ambiguous "resend" {}
    readback { within = "60s" }
    undo "lock_account" {
      with = { user = input.user }
      loss = "the account remains, locked: a name is never given twice"
    }
  }

  awf "lock_account" {
    achieves = "remove"
    inputs   = { user = "text" }
    personal = ["user"]
    evidence = "Synapse, user administration: locked"
    put      = "/_synapse/admin/v2/users/{user}"
    json     = { locked = true }
    lookup "open_account" {}
    ambiguous "resend" {}
    readback { within = "60s" }
    undo "unlock_account" { with = { user = input.user } }
  }

  awf "unlock_account" {
    achieves = "create"
    inputs   = { user = "text" }
    personal = ["user"]
    evidence = "Synapse, user administration: locked"
    put      = "/_synapse/admin/v2/users/{user}"
    json     = { locked = false }
    lookup "open_account" {}
    ambiguous "resend" {}
    readback { within = "60s" }
    undo "lock_account" { with = { user = input.user } }
  }

  awf "create_room" {
    achieves = "create"
    inputs = {
      name   = "text"
      server = "text"
    }
    outputs  = { room = "text" }
    evidence = "Client-server API, createRoom"
    post     = "/_matrix/client/v3/createRoom"
    json = {
      name            = input.name
      room_alias_name = input.name
    }
    capture = { room = response.body.room_id }
    lookup "alias" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback { within = "60s" }
    irreversible = "a room cannot be taken back from other servers"
  }

  awf "invite" {
    achieves = "create"
    inputs = {
      room = "text"
      user = "text"
    }
    personal = ["user"]
    evidence = "Client-server API, rooms: a repeated invitation changes nothing"
    post     = "/_matrix/client/v3/rooms/{room}/invite"
    json     = { user_id = input.user }
    lookup "membership" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
    }
    readback { within = "60s" }
    undo "kick" {
      with = { room = input.room, user = input.user }
    }
  }

  awf "kick" {
    achieves = "remove"
    inputs = {
      room = "text"
      user = "text"
    }
    personal = ["user"]
    evidence = "Client-server API, rooms"
    post     = "/_matrix/client/v3/rooms/{room}/kick"
    json     = { user_id = input.user }
    error "absent" { when = response.status == 403 && response.body.errcode == "M_FORBIDDEN" && contains(response.body.error, "not in the room") }
    lookup "membership" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
    }
    readback { within = "60s" }
    undo "invite" {
      with = { room = input.room, user = input.user }
      loss = "whoever had come in must come in again"
    }
  }

  read "users" {
    kind = "user"
    get  = "/_synapse/admin/v2/users"
    query = {
      limit = 20
      from  = page.cursor
    }
    evidence = "Synapse, user administration: list accounts"
    items    = response.body.users
    page "cursor" { next = response.body.next_token }
    id = item.name
    text { name = item.displayname }
    bool {
      deactivated = item.deactivated
      locked      = item.locked
    }
  }
}
