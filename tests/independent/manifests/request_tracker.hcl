# Tickets, agents and their groups of Request Tracker 5 (REST 2.0): the shape of a service desk. The catalogue has no such system. Facts:
# RT's own documentation of REST 2.0, and what the server says.
manifest "request_tracker" {
  title  = "Request Tracker"
  domain = "service"

  auth "basic" {
    username = "user"
    password = "password"
  }

  message = coalesce(response.body.message, response.body[0])

  error "absent" { when = response.status == 404 }
  error "conflict" { when = response.status == 400 && contains(response.body.message, "in use") }
  # An update that changes nothing, or is refused, answers 200 and says so.
  error "absent" { when = response.status == 200 && contains(response.body[0], "Couldn't find that principal") }
  error "absent" { when = response.status == 200 && contains(response.body[0], "Group not found") }
  error "invalid" { when = response.status == 200 && contains(response.body[0], "isn't a valid status") }
  # A ticket in a queue that is not there.
  error "forbidden" { when = response.status == 403 }

  # A ticket has no name that is its own but ours: the link that it was opened with.
  lookup "opened" {
    inputs = { queue = "text" }
    get    = "/REST/2.0/tickets"
    query = {
      query  = concat("Queue = '", input.queue, "' AND RefersTo = 'xops:", key, "' AND Status != 'rejected'")
      fields = "Status"
    }
    items         = response.body.items
    outputs       = { ticket = item.id }
    marker        = key
    authoritative = true
  }

  lookup "status" {
    inputs = { ticket = "text" }
    get    = "/REST/2.0/ticket/{ticket}"
    error "absent" { when = response.status == 404 && response.body.message == "Not Found" }
    present       = response.body.Status != null
    value         = response.body.Status
    outputs       = { value = response.body.Status }
    authoritative = true
  }

  lookup "user" {
    inputs = { name = "text" }
    get    = "/REST/2.0/user/{name}"
    error "absent" { when = response.status == 404 && response.body.message == "Not Found" }
    present       = response.body.Name != null
    value         = response.body.Disabled == "1" ? "disabled" : "present"
    outputs       = { id = text(response.body.id) }
    marker        = response.body.Comments
    authoritative = true
  }

  # A user who may come in.
  lookup "enabled_user" {
    inputs = { name = "text" }
    get    = "/REST/2.0/user/{name}"
    error "absent" { when = response.status == 404 && response.body.message == "Not Found" }
    absent        = response.body.Disabled == "1"
    present       = response.body.Disabled == "0"
    authoritative = true
  }

  lookup "group" {
    inputs = { name = "text" }
    get    = "/REST/2.0/groups"
    query = {
      query    = json_text([{ field = "Name", value = input.name }])
      fields   = "Name,Description"
      page     = page.number
      per_page = 50
    }
    items = response.body.items
    where = item.Name == input.name
    # `pages` is `0.0` where there is nothing.
    page "number" { size = 50 }
    outputs       = { group = item.id }
    marker        = item.Description
    authoritative = true
  }

  lookup "membership" {
    inputs = {
      group = "text"
      user  = "text"
    }
    get = "/REST/2.0/group/{group}/members"
    query = {
      page     = page.number
      per_page = 50
    }
    items = response.body.items
    where = text(item.id) == input.user
    page "number" { size = 50 }
    value         = "member"
    authoritative = true
  }

  awf "open_ticket" {
    achieves = "create"
    inputs = {
      queue   = "text"
      subject = "text"
      content = "text"
    }
    optional = ["content"]
    outputs  = { ticket = "text" }
    evidence = "REST 2.0: create a ticket"
    post     = "/REST/2.0/ticket"
    json = {
      Queue    = input.queue
      Subject  = input.subject
      Content  = input.content
      RefersTo = [concat("xops:", key)]
    }
    capture = { ticket = response.body.id }
    lookup "opened" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
    }
    readback { within = "60s" }
    undo "reject_ticket" {
      with = {
        ticket = output.ticket
        queue  = input.queue
      }
      loss = "the ticket remains, rejected, and who was told of it knows"
    }
  }

  awf "reject_ticket" {
    achieves = "remove"
    inputs = {
      ticket = "text"
      queue  = "text"
    }
    evidence = "REST 2.0: update a ticket"
    put      = "/REST/2.0/ticket/{ticket}"
    json     = { Status = "rejected" }
    lookup "opened" {}
    ambiguous "resend" { window = "30s" }
    readback { within = "60s" }
    irreversible = "what it was before is in its history alone"
  }

  awf "set_status" {
    achieves = "update"
    inputs = {
      ticket = "text"
      value  = "text"
    }
    evidence = "REST 2.0: update a ticket; the lifecycle of RT's default queue"
    put      = "/REST/2.0/ticket/{ticket}"
    json     = { Status = input.value }
    samples  = { value = "open" }
    lookup "status" {}
    ambiguous "resend" { window = "30s" }
    readback { within = "60s" }
    undo "set_status" {
      with = {
        ticket = input.ticket
        value  = snapshot.value
      }
    }
  }

  awf "create_user" {
    achieves = "create"
    inputs = {
      name      = "text"
      real_name = "text"
      email     = "text"
    }
    personal = ["name", "real_name", "email"]
    outputs  = { id = "text" }
    evidence = "REST 2.0: create a user; a name and an address are unique"
    post     = "/REST/2.0/user"
    json = {
      Name         = input.name
      RealName     = input.real_name
      EmailAddress = input.email
      Privileged   = 1
      Comments     = key
    }
    lookup "user" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 1
      unique   = true
    }
    readback { within = "60s" }
    undo "disable_user" {
      with = { name = input.name }
      loss = "the user remains, disabled"
    }
  }

  awf "disable_user" {
    achieves = "remove"
    inputs   = { name = "text" }
    personal = ["name"]
    evidence = "REST 2.0: update a user"
    put      = "/REST/2.0/user/{name}"
    json     = { Disabled = 1 }
    lookup "enabled_user" {}
    ambiguous "resend" { window = "30s" }
    readback { within = "60s" }
    undo "enable_user" { with = { name = input.name } }
  }

  awf "enable_user" {
    achieves = "create"
    inputs   = { name = "text" }
    personal = ["name"]
    evidence = "REST 2.0: update a user"
    put      = "/REST/2.0/user/{name}"
    json     = { Disabled = 0 }
    lookup "enabled_user" {}
    ambiguous "resend" { window = "30s" }
    readback { within = "60s" }
    undo "disable_user" { with = { name = input.name } }
  }

  awf "create_group" {
    achieves = "create"
    inputs   = { name = "text" }
    outputs  = { group = "text" }
    evidence = "REST 2.0: create a group; a name is unique"
    post     = "/REST/2.0/group"
    json = {
      Name        = input.name
      Description = key
    }
    capture = { group = response.body.id }
    lookup "group" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 1
      unique   = true
    }
    readback { within = "60s" }
    irreversible = "a group can be disabled, and its name is taken for ever"
  }

  awf "add_member" {
    achieves = "create"
    inputs = {
      group = "text"
      user  = "text"
    }
    personal = ["user"]
    evidence = "REST 2.0: add members to a group"
    put      = "/REST/2.0/group/{group}/members"
    json     = [input.user]
    error "already_done" { when = response.status == 200 && contains(response.body[0], "already has member") }
    lookup "membership" {}
    ambiguous "resend" { window = "30s" }
    readback { within = "60s" }
    undo "remove_member" {
      with = {
        group = input.group
        user  = input.user
      }
    }
  }

  awf "remove_member" {
    achieves = "remove"
    inputs = {
      group = "text"
      user  = "text"
    }
    personal = ["user"]
    evidence = "REST 2.0: remove a member of a group; a repeat answers 204 too"
    delete   = "/REST/2.0/group/{group}/member/{user}"
    lookup "membership" {}
    ambiguous "resend" { window = "30s" }
    readback { within = "60s" }
    undo "add_member" {
      with = {
        group = input.group
        user  = input.user
      }
    }
  }

  read "tickets" {
    kind     = "ticket"
    evidence = "REST 2.0: search for tickets"
    get      = "/REST/2.0/tickets"
    query = {
      query    = "id > 0"
      orderby  = "id"
      fields   = "Subject,Status,LastUpdated"
      page     = page.number
      per_page = 5
    }
    items = response.body.items
    page "number" { size = 5 }
    id = item.id
    text {
      subject = item.Subject
      status  = item.Status
    }
  }
}
