# Google Calendar and the rooms of the Directory. An event's id is the client's own, of the digits and the letters from a to v:
# our key without its `k-` stands there, so that a second booking under it is refused. A cancelled event stays to be seen as
# `cancelled`. Answers are asked for in UTC: a booking is known again where its times are given so, as `2026-12-01T09:00:00Z`.
manifest "google_calendar" {
  title   = "Google Calendar"
  domain  = "workplace"
  extends = "google"

  var "customer" {
    type    = "text"
    default = "my_customer"
  }

  var "send_updates" {
    type    = "text"
    default = "all"
    about   = "who is mailed about a booking: all, externalOnly, none"
  }

  auth "google_service_account" {
    scopes = [
      "https://www.googleapis.com/auth/calendar",
      "https://www.googleapis.com/auth/admin.directory.resource.calendar"
    ]
    subject = "var:delegate"
  }

  limit "person" {
    rate        = 600
    per         = "1m"
    reserve     = 50
    concurrency = 5
  }

  # A booking of a room from one calendar: by time and room.
  lookup "booking" {
    inputs = {
      calendar = "text"
      room     = "text"
      start    = "text"
      end      = "text"
    }
    get = "/calendar/v3/calendars/{calendar}/events"
    query = {
      timeMin      = input.start
      timeMax      = input.end
      singleEvents = true
      timeZone     = "UTC"
      maxResults   = 250
      pageToken    = page.cursor
    }
    items         = list(response.body.items)
    where         = item.status != "cancelled" && (item.id == after_last(key, "-") || (item.start.dateTime == input.start && item.end.dateTime == input.end && contains(item.attendees[*].email, input.room)))
    value         = "booked"
    outputs       = { event = item.id }
    marker        = concat("k-", item.id)
    authoritative = true
    page "cursor" { next = response.body.nextPageToken }
  }

  # An event that is not cancelled, and what it takes to book it again.
  lookup "event" {
    inputs = {
      calendar = "text"
      event    = "text"
    }
    get   = "/calendar/v3/calendars/{calendar}/events/{event}"
    query = { timeZone = "UTC" }
    error "absent" { when = response.status == 404 && response.body.error.errors[0].reason == "notFound" }
    error "absent" { when = response.status == 410 && response.body.error.errors[0].reason == "deleted" }
    absent  = response.body.status == "cancelled"
    present = contains(["confirmed", "tentative"], response.body.status)
    value   = "booked"
    outputs = {
      summary = response.body.summary
      start   = response.body.start.dateTime
      end     = response.body.end.dateTime
      room    = member(pick(response.body.attendees, "resource", true), "email")
    }
    authoritative = true
  }

  # An event in the calendar of whoever it was given to.
  lookup "organized_event" {
    inputs = {
      calendar = "text"
      event    = "text"
    }
    get = "/calendar/v3/calendars/{calendar}/events/{event}"
    error "absent" { when = response.status == 404 && response.body.error.errors[0].reason == "notFound" }
    absent        = response.body.status == "cancelled" || (response.body.organizer.email != null && lower(response.body.organizer.email) != lower(input.calendar))
    present       = lower(response.body.organizer.email) == lower(input.calendar)
    value         = "organized"
    authoritative = true
  }

  lookup "share" {
    inputs = {
      calendar = "text"
      email    = "text"
    }
    get = "/calendar/v3/calendars/{calendar}/acl/user:{email}"
    error "absent" { when = response.status == 404 && response.body.error.errors[0].reason == "notFound" }
    absent        = lower(response.body.id) == lower(concat("user:", input.email)) && response.body.role == "none"
    present       = lower(response.body.id) == lower(concat("user:", input.email)) && response.body.role != null
    value         = response.body.role
    outputs       = { role = response.body.role }
    authoritative = true
  }

  lookup "room" {
    inputs = { room = "text" }
    get    = "/admin/directory/v1/customer/{var.customer}/resources/calendars/{room}"
    error "absent" { when = response.status == 404 && response.body.error.errors[0].reason == "notFound" }
    present = response.body.resourceId == input.room
    value   = "present"
    outputs = {
      email       = response.body.resourceEmail
      name        = response.body.resourceName
      building    = response.body.buildingId
      floor       = response.body.floorName
      capacity    = response.body.capacity
      description = response.body.resourceDescription
    }
    authoritative = true
  }

  awf "book_room_event" {
    achieves = "create"
    inputs = {
      calendar = "text"
      room     = "text"
      summary  = "text"
      start    = "text"
      end      = "text"
    }
    personal = ["calendar", "summary"]
    outputs  = { event = "text" }
    evidence = "vendor spec; the answer to a second booking under an id by client code"
    samples = {
      room  = "blue@acme.example"
      start = "2026-12-01T09:00:00Z"
      end   = "2026-12-01T10:00:00Z"
    }

    post  = "/calendar/v3/calendars/{calendar}/events"
    query = { sendUpdates = var.send_updates }
    json = {
      id        = after_last(key, "-")
      summary   = input.summary
      start     = { dateTime = input.start }
      end       = { dateTime = input.end }
      attendees = [{ email = input.room, resource = true }]
    }
    capture = { event = response.body.id }
    error "already_done" { when = response.status == 409 && response.body.error.errors[0].reason == "duplicate" }

    lookup "booking" {}
    # The id is taken for good: a second booking under it is refused.
    ambiguous "probe" {
      window   = "1m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "cancel_room_event" {
      with = {
        calendar = input.calendar
        event    = output.event
      }
      loss = "the event remains, cancelled, and the mails about it"
    }
  }

  awf "cancel_room_event" {
    achieves = "remove"
    inputs = {
      calendar = "text"
      event    = "text"
    }
    personal = ["calendar"]
    evidence = "vendor spec; the answer to a second cancellation is recalled"
    samples = {
      room  = "blue@acme.example"
      start = "2026-12-01T09:00:00Z"
      end   = "2026-12-01T10:00:00Z"
    }

    delete = "/calendar/v3/calendars/{calendar}/events/{event}"
    query  = { sendUpdates = var.send_updates }
    error "already_done" { when = response.status == 410 && response.body.error.errors[0].reason == "deleted" }

    lookup "event" {}
    ambiguous "resend" {}
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "book_room_event" {
      with = {
        calendar = input.calendar
        room     = snapshot.room
        summary  = snapshot.summary
        start    = snapshot.start
        end      = snapshot.end
      }
      loss = "another event in its place, without the other attendees and the text, and only if the room is still free"
    }
  }

  # From one calendar to another: the event keeps its id.
  awf "transfer_event_organizer" {
    inputs = {
      calendar    = "text"
      event       = "text"
      destination = "text"
    }
    personal = ["calendar", "destination"]
    evidence = "vendor spec"

    post = "/calendar/v3/calendars/{calendar}/events/{event}/move"
    query = {
      destination = input.destination
      sendUpdates = var.send_updates
    }

    lookup "organized_event" { calendar = input.destination }
    # What was moved is not there to be moved again.
    ambiguous "probe" {
      window   = "1m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "5m"
      every  = "3s"
    }
    undo "transfer_event_organizer" {
      with = {
        calendar    = input.destination
        event       = input.event
        destination = input.calendar
      }
      loss = "the mails about it"
    }
  }

  awf "share_calendar" {
    achieves = "create"
    inputs = {
      calendar = "text"
      email    = "text"
      role     = "text"
    }
    personal = ["calendar", "email"]
    evidence = "vendor spec; how a rule's id is made is recalled"
    samples  = { role = "reader" }

    post  = "/calendar/v3/calendars/{calendar}/acl"
    query = { sendNotifications = false }
    json = {
      role  = input.role
      scope = { type = "user", value = input.email }
    }

    lookup "share" {}
    # There is one rule for a person: a second one takes its place.
    ambiguous "probe" {
      window   = "1m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "unshare_calendar" {
      with = {
        calendar = input.calendar
        email    = input.email
      }
    }
  }

  awf "unshare_calendar" {
    achieves = "remove"
    inputs = {
      calendar = "text"
      email    = "text"
    }
    personal = ["calendar", "email"]
    evidence = "vendor spec; how a rule's id is made is recalled"
    samples  = { role = "reader" }

    delete = "/calendar/v3/calendars/{calendar}/acl/user:{email}"

    lookup "share" {}
    ambiguous "resend" {}
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "share_calendar" {
      with = {
        calendar = input.calendar
        email    = input.email
        role     = snapshot.role
      }
    }
  }

  awf "create_room_resource" {
    achieves = "create"
    inputs = {
      room        = "text"
      name        = "text"
      building    = "text"
      floor       = "text"
      capacity    = "int"
      description = "text"
    }
    optional = ["building", "floor", "capacity", "description"]
    outputs  = { email = "text" }
    evidence = "vendor spec"
    samples  = { capacity = 8 }

    post = "/admin/directory/v1/customer/{var.customer}/resources/calendars"
    json = {
      resourceId          = input.room
      resourceName        = input.name
      buildingId          = input.building
      floorName           = input.floor
      capacity            = input.capacity
      resourceDescription = input.description
      resourceCategory    = "CONFERENCE_ROOM"
    }
    capture = { email = response.body.resourceEmail }

    lookup "room" {}
    # A resource's id is unique: a second creation is refused.
    ambiguous "probe" {
      window   = "1m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "5m"
      every  = "3s"
    }
    undo "delete_room_resource" { with = { room = input.room } }
  }

  awf "delete_room_resource" {
    achieves = "remove"
    inputs   = { room = "text" }
    blast    = 1
    evidence = "vendor spec"
    samples  = { capacity = 8 }

    delete = "/admin/directory/v1/customer/{var.customer}/resources/calendars/{room}"

    lookup "room" {}
    ambiguous "resend" {}
    readback {
      within = "5m"
      every  = "3s"
    }
    undo "create_room_resource" {
      with = {
        room        = input.room
        name        = snapshot.name
        building    = snapshot.building
        floor       = snapshot.floor
        capacity    = snapshot.capacity
        description = snapshot.description
      }
      loss = "its calendar with all bookings, its address and its features"
    }
  }

  # The room's address is its id here: its bookings stand in the calendar of that address.
  read "rooms" {
    kind = "room"
    get  = "/admin/directory/v1/customer/{var.customer}/resources/calendars"
    query = {
      maxResults = 500
      pageToken  = page.cursor
    }
    evidence = "vendor spec"
    items    = list(response.body.items)
    page "cursor" { next = response.body.nextPageToken }
    deletes = "full_scan"
    id      = item.resourceEmail
    version = item.etags
    text {
      resource = item.resourceId
      name     = item.resourceName
      building = item.buildingId
      floor    = item.floorName
      category = item.resourceCategory
    }
    int { capacity = item.capacity }
  }

  read "events" {
    kind     = "booking"
    for_each = "room"
    get      = "/calendar/v3/calendars/{parent}/events"
    query = {
      singleEvents = true
      maxResults   = 2500
      syncToken    = page.since
      pageToken    = page.cursor
    }
    evidence = "vendor spec"
    error "absent" { when = response.status == 404 && response.body.error.errors[0].reason == "notFound" }
    items = list(response.body.items)
    page "cursor" { next = response.body.nextPageToken }
    delta "token" {
      next  = response.body.nextSyncToken
      reset = response.status == 410
    }
    tombstone = item.status == "cancelled"
    deletes   = "tombstone"
    id        = item.id
    version   = item.etag
    text {
      room      = input.parent
      organizer = item.organizer.email
      start     = item.start.dateTime
      end       = item.end.dateTime
      status    = item.status
    }
  }
}
