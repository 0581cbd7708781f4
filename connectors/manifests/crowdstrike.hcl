# CrowdStrike Falcon: containment, visibility and tags of hosts, and users of the console. Paths and parameters are those of a
# client library; what answers hold is recalled. An action on hosts is queued for the sensor: the state of the host says how
# far it is. Answers hold `errors` also where the status is good.
manifest "crowdstrike" {
  title  = "CrowdStrike Falcon"
  domain = "devices"

  auth "oauth2_client_credentials" {
    token_url = "/oauth2/token"
    in_form   = true
  }

  headers = { accept = "application/json" }

  limit "customer" {
    rate      = 6000
    per       = "1m"
    reserve   = 50
    remaining = "x-ratelimit-remaining"
    reset     = "x-ratelimit-retryafter"
    reset_as  = "epoch_s"
  }

  message = response.body.errors[0].message

  error "absent" { when = response.body.errors[0].code == 404 }
  error "conflict" { when = response.body.errors[0].code == 409 }
  error "forbidden" { when = response.body.errors[0].code == 403 }
  error "transient" { when = response.status == 503 && response.header.retry-after != null }
  error "invalid" { when = contains([200, 201, 202], response.status) && contains([400, 422], response.body.errors[0].code) }

  # A host, and whether it is cut off from the network. Who asks by id is told of one that is not known in `errors`.
  lookup "containment" {
    inputs        = { host = "text" }
    post          = "/devices/entities/devices/v2"
    json          = { ids = [input.host] }
    ok            = response.status == 200 && response.body.resources[0].device_id == input.host
    absent        = contains(["normal", "lift_containment_pending"], response.body.resources[0].status)
    present       = contains(["contained", "containment_pending"], response.body.resources[0].status)
    value         = "contained"
    outputs       = { status = response.body.resources[0].status }
    authoritative = true
  }

  lookup "tag" {
    inputs = {
      host = "text"
      tag  = "text"
    }
    post          = "/devices/entities/devices/v2"
    json          = { ids = [input.host] }
    ok            = response.status == 200 && response.body.resources[0].device_id == input.host
    items         = list(response.body.resources[0].tags)
    where         = item == input.tag
    value         = "member"
    authoritative = true
  }

  # A host that is hidden. The list goes on by a number that says where.
  lookup "hidden" {
    inputs = { host = "text" }
    get    = "/devices/combined/devices-hidden/v1"
    query = {
      filter = contains(input.host, "'") ? null : concat("device_id:'", input.host, "'")
      fields = "device_id"
      limit  = 100
      offset = page.cursor
    }
    ok            = response.status == 200 && response.body.meta != null
    items         = list(response.body.resources)
    where         = item.device_id == input.host
    value         = "hidden"
    authoritative = true
    page "cursor" { next = response.body.meta.pagination.next }
  }

  # A user of the console by the id that the console gave.
  lookup "console_user" {
    inputs = { user = "text" }
    post   = "/user-management/entities/users/GET/v1"
    json   = { ids = [input.user] }
    error "absent" { when = response.body.errors[0].code == 404 && length(list(response.body.resources)) == 0 }
    absent  = response.status == 200 && response.body.resources != null && length(list(response.body.resources)) == 0 && length(list(response.body.errors)) == 0
    present = response.body.resources[0].uuid == input.user
    value   = "present"
    outputs = {
      email      = response.body.resources[0].uid
      first_name = response.body.resources[0].first_name
      last_name  = response.body.resources[0].last_name
    }
    authoritative = true
  }

  awf "contain_host" {
    achieves = "create"
    inputs   = { host = "text" }
    blast    = 1
    locks    = ["host:{host}"]
    evidence = "client library; the words of the states are recalled"

    post  = "/devices/entities/devices-actions/v2"
    query = { action_name = "contain" }
    json  = { ids = [input.host] }
    error "already_done" { when = contains(response.body.errors[0].message, "already contained") }

    lookup "containment" {}
    # A host is contained once.
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "5m"
      every  = "5s"
    }
    undo "lift_containment" {
      with = { host = input.host }
      loss = "what the host missed while it was cut off is not made up for"
    }
  }

  awf "lift_containment" {
    achieves = "remove"
    inputs   = { host = "text" }
    blast    = 1
    locks    = ["host:{host}"]
    evidence = "client library; the words of the states are recalled"

    post  = "/devices/entities/devices-actions/v2"
    query = { action_name = "lift_containment" }
    json  = { ids = [input.host] }
    error "already_done" { when = contains(response.body.errors[0].message, "not contained") }

    lookup "containment" {}
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "5m"
      every  = "5s"
    }
    undo "contain_host" {
      with = { host = input.host }
      loss = "meanwhile the host was on the network"
    }
  }

  awf "hide_host" {
    achieves = "create"
    inputs   = { host = "text" }
    locks    = ["host:{host}"]
    evidence = "client library; how hidden hosts are listed is recalled"

    post  = "/devices/entities/devices-actions/v2"
    query = { action_name = "hide_host" }
    json  = { ids = [input.host] }

    lookup "hidden" {}
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "5s"
    }
    undo "unhide_host" {
      with = { host = input.host }
      loss = "detections of the time in which it was hidden were not raised"
    }
  }

  awf "unhide_host" {
    achieves = "remove"
    inputs   = { host = "text" }
    locks    = ["host:{host}"]
    evidence = "client library; how hidden hosts are listed is recalled"

    post  = "/devices/entities/devices-actions/v2"
    query = { action_name = "unhide_host" }
    json  = { ids = [input.host] }

    lookup "hidden" {}
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "5s"
    }
    undo "hide_host" { with = { host = input.host } }
  }

  # Tags that are ours begin with `FalconGroupingTags/`.
  awf "tag_host" {
    achieves = "create"
    inputs = {
      host = "text"
      tag  = "text"
    }
    locks    = ["host:{host}"]
    evidence = "client library"

    patch = "/devices/entities/devices/tags/v1"
    json = {
      action     = "add"
      device_ids = [input.host]
      tags       = [input.tag]
    }

    lookup "tag" {}
    # A tag that is there already is left.
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "untag_host" {
      with = {
        host = input.host
        tag  = input.tag
      }
    }
  }

  awf "untag_host" {
    achieves = "remove"
    inputs = {
      host = "text"
      tag  = "text"
    }
    locks    = ["host:{host}"]
    evidence = "client library"

    patch = "/devices/entities/devices/tags/v1"
    json = {
      action     = "remove"
      device_ids = [input.host]
      tags       = [input.tag]
    }

    lookup "tag" {}
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "tag_host" {
      with = {
        host = input.host
        tag  = input.tag
      }
    }
  }

  # Addresses are unique: a second creation is refused. Only the id finds a user, and it is told in the answer alone.
  awf "create_console_user" {
    inputs = {
      email      = "text"
      first_name = "text"
      last_name  = "text"
    }
    personal = ["email", "first_name", "last_name"]
    outputs  = { user = "text" }
    locks    = ["console_user:{email}"]
    evidence = "client library; what the answer holds is recalled"

    post = "/user-management/entities/users/v1"
    json = {
      uid        = input.email
      first_name = input.first_name
      last_name  = input.last_name
    }
    capture = { user = response.body.resources[0].uuid }

    ambiguous "park" {}
    undo "delete_console_user" { with = { user = output.user } }
  }

  awf "delete_console_user" {
    achieves = "remove"
    inputs   = { user = "text" }
    blast    = 1
    evidence = "client library"

    delete = "/user-management/entities/users/v1"
    query  = { user_uuid = input.user }

    lookup "console_user" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "create_console_user" {
      with = {
        email      = snapshot.email
        first_name = snapshot.first_name
        last_name  = snapshot.last_name
      }
      loss = "the user comes back under a new id, without roles, and sets a new password"
    }
  }

  # No documented question tells the roles of one user: what was not answered is looked at by a person.
  awf "grant_console_role" {
    inputs = {
      user = "text"
      role = "text"
    }
    locks    = ["console_user:{user}"]
    evidence = "client library"

    post = "/user-management/entities/user-role-actions/v1"
    json = {
      action   = "grant"
      role_ids = [input.role]
      uuid     = input.user
    }
    error "already_done" { when = response.body.errors[0].code == 409 }

    ambiguous "park" {}
    undo "revoke_console_role" {
      with = {
        user = input.user
        role = input.role
      }
    }
  }

  awf "revoke_console_role" {
    inputs = {
      user = "text"
      role = "text"
    }
    locks    = ["console_user:{user}"]
    evidence = "client library"

    post = "/user-management/entities/user-role-actions/v1"
    json = {
      action   = "revoke"
      role_ids = [input.role]
      uuid     = input.user
    }
    error "already_done" { when = response.body.errors[0].code == 404 && contains(response.body.errors[0].message, "role") }

    ambiguous "park" {}
    undo "grant_console_role" {
      with = {
        user = input.user
        role = input.role
      }
    }
  }

  # Ids, then what each of them is.
  read "host_ids" {
    kind = "host_id"
    get  = "/devices/queries/devices-scroll/v1"
    query = {
      filter = page.delta
      limit  = 5000
      offset = page.cursor
    }
    evidence = "client library; what the answer holds is recalled"
    items    = response.body.resources
    page "cursor" { next = response.body.meta.pagination.offset }
    delta "filter" {
      overlap = "10m"
      since   = concat("modified_timestamp:>'", page.since, "'")
    }
    id = item
    text { host = item }
  }

  read "hosts" {
    kind     = "host"
    for_each = "host_id"
    post     = "/devices/entities/devices/v2"
    json     = { ids = [input.parent] }
    evidence = "client library; what the answer holds is recalled"
    items    = response.body.resources
    id       = item.device_id
    version  = item.modified_timestamp
    text {
      name          = item.hostname
      serial        = item.serial_number
      platform      = item.platform_name
      os_version    = item.os_version
      agent_version = item.agent_version
      status        = item.status
      last_seen     = item.last_seen
    }
    texts { tags = item.tags }
  }
}
