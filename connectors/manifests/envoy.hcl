# Envoy: desks, days in the office, visitors. Facts: the vendor's guides for work schedules; of desks and visitors the wrapper is known
# and the members are recalled. A listing has no end of its own: it goes on until a page is short.
manifest "envoy" {
  title  = "Envoy"
  domain = "workplace"

  auth "api_key" {
    header = "x-api-key"
    part   = "api_key"
  }

  headers = { accept = "application/json" }

  # Published for desks; taken for the rest as well.
  limit "key" {
    rate        = 10
    per         = "1s"
    reserve     = 20
    concurrency = 2
  }

  message = coalesce(response.body.message, response.body.error)

  error "absent" { when = response.status == 404 && response.body != null }
  error "transient" { when = response.status == 503 && response.header.retry-after != null }

  # A desk that somebody has from a moment on.
  lookup "reservation_of" {
    inputs = {
      location = "text"
      desk     = "text"
      email    = "text"
      start    = "text"
      end      = "text"
    }
    get = "/v1/reservations"
    query = {
      locationIds     = input.location
      startTimeBefore = input.end
      page            = page.number
      perPage         = 100
    }
    evidence      = "recalled: the listing and its members"
    items         = response.body.data
    where         = text(item.deskId) == input.desk && lower(item.userEmail) == lower(input.email) && epoch_s(item.startTime) == epoch_s(input.start) && item.cancelledAt == null
    value         = "reserved"
    outputs       = { reservation = item.id }
    authoritative = true
    page "number" { size = 100 }
  }

  lookup "reservation" {
    inputs = {
      reservation = "text"
      location    = "text"
    }
    get = "/v1/reservations"
    query = {
      locationIds = input.location
      page        = page.number
      perPage     = 100
    }
    evidence = "recalled: the listing and its members"
    items    = response.body.data
    where    = text(item.id) == input.reservation && item.cancelledAt == null
    value    = "reserved"
    outputs = {
      desk  = item.deskId
      email = item.userEmail
      start = item.startTime
      end   = item.endTime
    }
    authoritative = true
    page "number" { size = 100 }
  }

  lookup "invite_of" {
    inputs = {
      location = "text"
      email    = "text"
      arrival  = "text"
    }
    get = "/v1/invites"
    query = {
      locationIds = input.location
      page        = page.number
      perPage     = 100
    }
    evidence      = "recalled: the listing and its members"
    items         = response.body.data
    where         = lower(item.invitee.email) == lower(input.email) && epoch_s(item.expectedArrivalAt) == epoch_s(input.arrival)
    value         = "invited"
    outputs       = { invite = item.id }
    marker        = item.notes
    authoritative = true
    page "number" { size = 100 }
  }

  lookup "invite" {
    inputs = {
      invite   = "text"
      location = "text"
    }
    get = "/v1/invites"
    query = {
      locationIds = input.location
      page        = page.number
      perPage     = 100
    }
    evidence = "recalled: the listing and its members"
    items    = response.body.data
    where    = text(item.id) == input.invite
    value    = "invited"
    outputs = {
      name    = item.invitee.name
      email   = item.invitee.email
      arrival = item.expectedArrivalAt
    }
    authoritative = true
    page "number" { size = 100 }
  }

  lookup "schedule_of" {
    inputs = {
      location = "text"
      email    = "text"
      arrival  = "text"
    }
    get = "/v1/work-schedules"
    query = {
      locationIds = input.location
      page        = page.number
      perPage     = 100
    }
    evidence      = "recalled: the listing and its members"
    items         = response.body.data
    where         = lower(item.scheduledFor.email) == lower(input.email) && epoch_s(item.expectedArrivalAt) == epoch_s(input.arrival)
    value         = "planned"
    outputs       = { schedule = item.id }
    authoritative = true
    page "number" { size = 100 }
  }

  lookup "schedule" {
    inputs = {
      schedule = "text"
      location = "text"
    }
    get = "/v1/work-schedules"
    query = {
      locationIds = input.location
      page        = page.number
      perPage     = 100
    }
    evidence      = "recalled: the listing and its members"
    items         = response.body.data
    where         = text(item.id) == input.schedule
    value         = "planned"
    outputs       = { email = item.scheduledFor.email, arrival = item.expectedArrivalAt }
    authoritative = true
    page "number" { size = 100 }
  }

  awf "create_desk_reservation" {
    achieves = "create"
    inputs = {
      location = "text"
      desk     = "text"
      email    = "text"
      start    = "text"
      end      = "text"
    }
    samples  = { start = "2026-12-01T09:00:00Z", end = "2026-12-01T18:00:00Z" }
    personal = ["email"]
    outputs  = { reservation = "text" }
    locks    = ["desk:{desk}"]
    evidence = "recalled: the members; verb, path and wrapper are the vendor's"

    post = "/v1/reservations"
    json = {
      reservation = {
        locationId = input.location
        deskId     = input.desk
        spaceType  = "DESK"
        userEmail  = input.email
        startTime  = input.start
        endTime    = input.end
      }
    }
    capture = { reservation = response.body.data.id }

    lookup "reservation_of" {}
    # A desk is one person's at a time: a second call is refused.
    ambiguous "probe" {
      window   = "15s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "2s"
    }
    undo "cancel_desk_reservation" {
      with = {
        reservation = output.reservation
        location    = input.location
      }
      loss = "the reservation remains, cancelled"
    }
  }

  awf "cancel_desk_reservation" {
    achieves = "remove"
    inputs = {
      reservation = "text"
      location    = "text"
    }
    evidence = "recalled: the call and its answers"

    post = "/v1/reservations/{reservation}/cancel"

    lookup "reservation" {}
    # What is cancelled is not cancelled twice.
    ambiguous "probe" {
      window   = "15s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "2s"
    }
    undo "create_desk_reservation" {
      with = {
        location = input.location
        desk     = snapshot.desk
        email    = snapshot.email
        start    = snapshot.start
        end      = snapshot.end
      }
      loss = "the reservation has another id, and what of it has passed is not reserved again"
    }
  }

  # The key stands in the notes for the host.
  awf "invite_visitor" {
    achieves = "create"
    inputs = {
      location = "text"
      name     = "text"
      email    = "text"
      arrival  = "text"
    }
    samples  = { arrival = "2026-12-01T09:00:00Z" }
    personal = ["name", "email"]
    outputs  = { invite = "text" }
    evidence = "recalled: the call and its answers"

    post = "/v1/invites"
    json = {
      invite = {
        expectedArrivalAt  = input.arrival
        locationId         = input.location
        invitee            = { name = input.name, email = input.email }
        notes              = key
        sendEmailToInvitee = true
      }
    }
    capture = { invite = response.body.data.id }

    lookup "invite_of" {}
    ambiguous "probe" {
      window   = "30s"
      agreeing = 3
    }
    readback {
      within = "60s"
      every  = "2s"
    }
    undo "cancel_visitor_invite" {
      with = {
        invite   = output.invite
        location = input.location
      }
      loss = "the visitor has been told twice"
    }
  }

  awf "cancel_visitor_invite" {
    achieves = "remove"
    inputs = {
      invite   = "text"
      location = "text"
    }
    evidence = "recalled: the call and its answers"

    delete = "/v1/invites/{invite}"

    lookup "invite" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "2s"
    }
    undo "invite_visitor" {
      with = {
        location = input.location
        name     = snapshot.name
        email    = snapshot.email
        arrival  = snapshot.arrival
      }
      loss = "the invitation has another id, and the visitor has been told twice"
    }
  }

  awf "create_work_schedule" {
    achieves = "create"
    inputs = {
      location = "text"
      email    = "text"
      arrival  = "text"
    }
    samples  = { arrival = "2026-12-01T09:00:00Z" }
    personal = ["email"]
    outputs  = { schedule = "text" }
    evidence = "vendor docs; the listing and the answers are recalled"

    post = "/v1/work-schedules"
    json = {
      workSchedule = {
        expectedArrivalAt = input.arrival
        locationId        = input.location
        email             = input.email
      }
    }
    capture = { schedule = response.body.data.id }

    lookup "schedule_of" {}
    ambiguous "probe" {
      window   = "15s"
      agreeing = 3
    }
    readback {
      within = "60s"
      every  = "2s"
    }
    undo "cancel_work_schedule" {
      with = {
        schedule = output.schedule
        location = input.location
      }
    }
  }

  awf "cancel_work_schedule" {
    achieves = "remove"
    inputs = {
      schedule = "text"
      location = "text"
    }
    evidence = "recalled: the call and its answers"

    delete = "/v1/work-schedules/{schedule}"

    lookup "schedule" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "2s"
    }
    undo "create_work_schedule" {
      with = {
        location = input.location
        email    = snapshot.email
        arrival  = snapshot.arrival
      }
      loss = "the plan has another id"
    }
  }

  read "invites" {
    kind = "invite"
    get  = "/v1/invites"
    query = {
      page    = page.number
      perPage = 100
    }
    evidence = "recalled: the listing and its members"
    items    = response.body.data
    page "number" { size = 100 }
    id = text(item.id)
    text {
      name     = item.invitee.name
      email    = item.invitee.email
      location = text(item.locationId)
      arrival  = item.expectedArrivalAt
    }
  }
}
