# Microsoft Places and room mailboxes, by Microsoft Graph v1.0: bookings, places, shared calendars. `transactionId` is the
# vendor's own key against a second booking, and our mark. Times are UTC, as `2026-12-01T09:00:00`.
manifest "microsoft_places" {
  title   = "Microsoft Places"
  domain  = "workplace"
  extends = "microsoft_graph"

  var "events_from" {
    type   = "text"
    about  = "the start of the window in which bookings are read, as 2026-01-01T00:00:00Z"
    sample = "2026-01-01T00:00:00Z"
  }

  var "events_to" {
    type   = "text"
    about  = "its end"
    sample = "2026-02-01T00:00:00Z"
  }

  # The vendor counts per mailbox: 10,000 calls in ten minutes, four at once. What all mailboxes together take is bounded here.
  limit "mailboxes" {
    rate        = 10000
    per         = "10m"
    reserve     = 20
    concurrency = 4
  }

  # A booking of a room in the calendar of whoever booked it.
  lookup "booking" {
    inputs = {
      user  = "text"
      room  = "text"
      start = "text"
      end   = "text"
    }
    get = "/users/{user}/calendarView/delta()"
    query = {
      startDateTime = concat(input.start, "Z")
      endDateTime   = concat(input.end, "Z")
    }
    items         = response.body.value
    where         = item.isCancelled != true && starts_with(item.start.dateTime, input.start) && starts_with(item.end.dateTime, input.end) && contains(item.attendees[*].emailAddress.address, input.room)
    value         = "booked"
    outputs       = { event = item.id }
    marker        = item.transactionId
    authoritative = true
    evidence      = "recalled: the window's two parameters"
    page "next_url" { next = response.body["@odata.nextLink"] }
  }

  # An event that is not cancelled, and what it takes to book it again.
  lookup "event" {
    inputs = {
      user  = "text"
      event = "text"
    }
    get = "/users/{user}/events/{event}"
    error "absent" { when = response.status == 404 && response.body.error.code == "ErrorItemNotFound" }
    absent  = response.body.id == input.event && response.body.isCancelled == true
    present = response.body.id == input.event
    value   = "booked"
    outputs = {
      subject = response.body.subject
      room    = response.body.location.locationEmailAddress
      start   = response.body.start.dateTime
      end     = response.body.end.dateTime
    }
    authoritative = true
  }

  # One attribute of a place; what is not set is the empty text.
  lookup "place_attribute" {
    inputs = {
      place     = "text"
      attribute = "text"
    }
    get = "/places/{place}"
    error "absent" { when = response.status == 404 && contains(["ErrorItemNotFound", "ResourceNotFound", "NotFound"], response.body.error.code) }
    present       = contains([lower(response.body.id), lower(response.body.emailAddress)], lower(input.place))
    value         = coalesce(member(response.body, input.attribute), "")
    outputs       = { value = coalesce(member(response.body, input.attribute), "") }
    authoritative = true
    evidence      = "recalled: a single place can be asked for"
  }

  # Who may see a calendar, by address.
  lookup "calendar_share" {
    inputs = {
      user     = "text"
      calendar = "text"
      email    = "text"
    }
    get   = "/users/{user}/calendars/{calendar}/calendarPermissions"
    items = response.body.value
    where = lower(item.emailAddress.address) == lower(input.email)
    value = item.role
    outputs = {
      id   = item.id
      role = item.role
    }
    authoritative = true
    page "next_url" { next = response.body["@odata.nextLink"] }
  }

  awf "book_room_event" {
    achieves = "create"
    inputs = {
      user    = "text"
      room    = "text"
      subject = "text"
      start   = "text"
      end     = "text"
    }
    personal = ["subject"]
    outputs  = { event = "text" }
    evidence = "vendor spec; how long a transaction id is remembered is recalled"
    samples = {
      room  = "blue@acme.example"
      start = "2026-12-01T09:00:00"
      end   = "2026-12-01T10:00:00"
    }

    post = "/users/{user}/events"
    json = {
      subject       = input.subject
      transactionId = key
      start         = { dateTime = input.start, timeZone = "UTC" }
      end           = { dateTime = input.end, timeZone = "UTC" }
      location = {
        displayName          = input.room
        locationEmailAddress = input.room
      }
      attendees = [{
        type         = "resource"
        emailAddress = { address = input.room }
      }]
    }
    capture = { event = response.body.id }

    lookup "booking" {}
    # Within a day the same key gives the same event.
    ambiguous "resend" { key_lifetime = "24h" }
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "cancel_room_event" {
      with = {
        user  = input.user
        event = output.event
      }
      loss = "the cancellation that attendees were sent"
    }
  }

  awf "cancel_room_event" {
    achieves = "remove"
    inputs = {
      user    = "text"
      event   = "text"
      comment = "text"
    }
    optional = ["comment"]
    evidence = "vendor spec"
    samples = {
      room  = "blue@acme.example"
      start = "2026-12-01T09:00:00"
      end   = "2026-12-01T10:00:00"
    }

    post = "/users/{user}/events/{event}/cancel"
    json = { comment = coalesce(input.comment, "") }

    lookup "event" {}
    # What is cancelled is gone from the organiser's calendar: a second call finds nothing.
    ambiguous "probe" {
      window   = "1m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "book_room_event" {
      with = {
        user    = input.user
        room    = snapshot.room
        subject = snapshot.subject
        start   = snapshot.start
        end     = snapshot.end
      }
      loss = "another event in its place, without the other attendees and the text, and only if the room is still free"
    }
  }

  # One attribute at a time: `building`, `floorNumber`, `label`, `capacity`.
  awf "update_place" {
    achieves = "update"
    inputs = {
      place     = "text"
      attribute = "text"
      value     = "any"
    }
    evidence = "vendor spec; which attributes a room has is recalled"
    samples = {
      attribute = "building"
      value     = "North"
    }

    patch = "/places/{place}"
    json = {
      "@odata.type" = "#microsoft.graph.room"
      building      = input.attribute == "building" ? input.value : null
      floorNumber   = input.attribute == "floorNumber" ? input.value : null
      label         = input.attribute == "label" ? input.value : null
      capacity      = input.attribute == "capacity" ? input.value : null
    }

    lookup "place_attribute" {}
    ambiguous "probe" {
      window   = "1m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "5m"
      every  = "5s"
    }
    undo "update_place" {
      with = {
        place     = input.place
        attribute = input.attribute
        value     = snapshot.value
      }
    }
  }

  awf "share_calendar" {
    achieves = "create"
    inputs = {
      user     = "text"
      calendar = "text"
      email    = "text"
      role     = "text"
    }
    personal = ["email"]
    outputs  = { id = "text" }
    evidence = "vendor spec"
    samples  = { role = "read" }

    post = "/users/{user}/calendars/{calendar}/calendarPermissions"
    json = {
      emailAddress = { address = input.email }
      role         = input.role
    }
    capture = { id = response.body.id }

    lookup "calendar_share" {}
    ambiguous "probe" {
      window   = "1m"
      agreeing = 2
    }
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "unshare_calendar" {
      with = {
        user     = input.user
        calendar = input.calendar
        email    = input.email
      }
    }
  }

  awf "unshare_calendar" {
    achieves = "remove"
    inputs = {
      user     = "text"
      calendar = "text"
      email    = "text"
    }
    personal = ["email"]
    evidence = "vendor spec"
    samples  = { role = "read" }

    delete = "/users/{user}/calendars/{calendar}/calendarPermissions/{snapshot.id}"

    lookup "calendar_share" {}
    ambiguous "resend" {}
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "share_calendar" {
      with = {
        user     = input.user
        calendar = input.calendar
        email    = input.email
        role     = snapshot.role
      }
    }
  }

  read "rooms" {
    kind     = "room"
    get      = "/places/microsoft.graph.room"
    query    = { "$top" = 100 }
    evidence = "recalled: the listing of rooms whose bookings are read"
    items    = response.body.value
    page "next_url" { next = response.body["@odata.nextLink"] }
    id = item.emailAddress
    text {
      place    = item.id
      name     = item.displayName
      building = item.building
      floor    = item.floorLabel
    }
    int { capacity = item.capacity }
  }

  read "events" {
    kind     = "booking"
    for_each = "room"
    get      = "/users/{parent}/calendarView/delta()"
    query = {
      startDateTime = var.events_from
      endDateTime   = var.events_to
    }
    evidence = "recalled: the window's two parameters"
    error "absent" { when = response.status == 404 && contains(["ErrorItemNotFound", "ErrorInvalidUser", "Request_ResourceNotFound"], response.body.error.code) }
    items = response.body.value
    page "next_url" { next = response.body["@odata.nextLink"] }
    delta "link" {
      next  = response.body["@odata.deltaLink"]
      reset = response.status == 410
    }
    tombstone = item["@removed"] != null
    deletes   = "tombstone"
    id        = item.id
    version   = item.changeKey
    text {
      room      = input.parent
      organizer = item.organizer.emailAddress.address
      start     = item.start.dateTime
      end       = item.end.dateTime
    }
    bool { cancelled = item.isCancelled }
  }
}
