# Robin: desks. Facts: the vendor's guides name the call that reserves; its members, the listing and the cancelling are recalled.
manifest "robin" {
  title  = "Robin"
  domain = "workplace"

  auth "api_key" {
    header = "authorization"
    prefix = "Access-Token "
    part   = "access_token"
  }

  headers = { accept = "application/json" }

  # Not published: a careful guess.
  limit "token" {
    rate        = 60
    per         = "1m"
    reserve     = 20
    concurrency = 2
  }

  message = response.body.meta.message

  error "absent" { when = response.status == 404 && response.body != null }
  error "transient" { when = response.status == 503 && response.header.retry-after != null }

  # A desk that somebody has from a moment on.
  lookup "reservation_of" {
    inputs = {
      seat  = "int"
      email = "text"
      start = "text"
      end   = "text"
    }
    get = "/v1.0/reservations/seats"
    query = {
      seat_ids = input.seat
      after    = input.start
      before   = input.end
      page     = page.number
      per_page = 100
    }
    evidence      = "recalled: the listing and its members"
    items         = response.body.data
    where         = item.seat_id == input.seat && lower(item.reservee.email) == lower(input.email) && epoch_s(item.start.date_time) == epoch_s(input.start)
    value         = "reserved"
    outputs       = { reservation = item.id }
    authoritative = true
    page "number" { size = 100 }
  }

  lookup "reservation" {
    inputs = {
      reservation = "text"
      seat        = "int"
      start       = "text"
      end         = "text"
    }
    get = "/v1.0/reservations/seats"
    query = {
      seat_ids = input.seat
      after    = input.start
      before   = input.end
      page     = page.number
      per_page = 100
    }
    evidence      = "recalled: the listing and its members"
    items         = response.body.data
    where         = text(item.id) == input.reservation
    value         = "reserved"
    outputs       = { email = item.reservee.email }
    authoritative = true
    page "number" { size = 100 }
  }

  awf "reserve_desk" {
    achieves = "create"
    inputs = {
      seat  = "int"
      email = "text"
      start = "text"
      end   = "text"
    }
    samples  = { start = "2026-12-01T09:00:00Z", end = "2026-12-01T18:00:00Z" }
    personal = ["email"]
    outputs  = { reservation = "text" }
    locks    = ["seat:{seat}"]
    evidence = "vendor docs; members and answers are recalled"

    post = "/v1.0/seats/{seat}/reservations"
    json = {
      type     = "hoteled"
      start    = { date_time = input.start }
      end      = { date_time = input.end }
      reservee = { email = input.email }
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
        seat        = input.seat
        start       = input.start
        end         = input.end
      }
    }
  }

  awf "cancel_desk_reservation" {
    achieves = "remove"
    inputs = {
      reservation = "text"
      seat        = "int"
      start       = "text"
      end         = "text"
    }
    samples  = { start = "2026-12-01T09:00:00Z", end = "2026-12-01T18:00:00Z" }
    evidence = "recalled: the call and its answers"

    delete = "/v1.0/reservations/seats/{reservation}"

    lookup "reservation" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "2s"
    }
    undo "reserve_desk" {
      with = {
        seat  = input.seat
        email = snapshot.email
        start = input.start
        end   = input.end
      }
      loss = "the reservation has another id, and what of it has passed is not reserved again"
    }
  }

  # The whole week of a shared desk is put. Nothing shows the one before.
  awf "publish_shared_schedule" {
    inputs = {
      seat     = "int"
      schedule = "list(map)"
    }
    locks    = ["seat:{seat}"]
    evidence = "unverified: the shape of the body"

    post = "/v1.0/seats/{seat}/publish-shared-schedule"
    json = { shared_schedule = input.schedule }

    # The schedule is replaced as a whole: to say it again cannot double it.
    ambiguous "resend" { replaces_within = "15m" }
    irreversible = "nothing shows the schedule that was replaced; another one is published"
    forward      = "publish_shared_schedule"
  }

  read "reservations" {
    kind = "reservation"
    get  = "/v1.0/reservations/seats"
    query = {
      page     = page.number
      per_page = 100
    }
    evidence = "recalled: the listing and its members"
    items    = response.body.data
    page "number" { size = 100 }
    id = text(item.id)
    text {
      type  = item.type
      email = item.reservee.email
      start = item.start.date_time
      end   = item.end.date_time
    }
    int { seat = item.seat_id }
  }
}
