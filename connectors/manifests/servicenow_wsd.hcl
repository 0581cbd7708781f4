# ServiceNow Workplace Service Delivery: reservations of desks and rooms. Moments are in UTC: 2026-12-31T09:00:00Z. The list
# holds what our own user opened or is the one for: whatever others reserved is refused by the place being taken. A reservation
# has no field that is free for a mark: the subject carries our key.
manifest "servicenow_wsd" {
  title  = "ServiceNow Workplace"
  domain = "workplace"

  auth "oauth2_client_credentials" {
    token_url = "/oauth_token.do"
    in_form   = true
  }

  headers = { accept = "application/json" }

  limit "instance" {
    rate      = 600
    per       = "1m"
    reserve   = 50
    remaining = "x-ratelimit-remaining"
    reset     = "x-ratelimit-reset"
    reset_as  = "epoch_s"
  }

  message = coalesce(response.body.error.detail, response.body.error.message)

  error "absent" { when = response.status == 404 && contains(response.body.error.message, "No Record found") }
  error "transient" { when = response.status == 503 && response.header.retry-after != null }

  # A reservation of a person for a place from a moment on, that was not cancelled.
  lookup "reservation" {
    inputs = {
      location      = "text"
      requested_for = "text"
      start         = "text"
    }
    get = "/api/sn_wsd_rsv/reservation/list"
    query = {
      userId       = input.requested_for
      encodedQuery = contains(input.location, "^") ? null : concat("location=", input.location)
      startIndex   = page.offset
      endIndex     = page.offset + 100
    }
    items = response.body.result.reservations
    where = item.location.sys_id == input.location && item.requested_for.sys_id == input.requested_for && item.start == input.start && !contains(["cancelled", "rejected"], item.state.value)
    value = "reserved"
    outputs = {
      id  = item.sys_id
      end = item.end
    }
    marker        = item.subject
    authoritative = true
    page "offset" { size = 100 }
  }

  # A reservation that was not cancelled, by its id.
  lookup "standing_reservation" {
    inputs = { id = "text" }
    get    = "/api/sn_wsd_rsv/reservation/get"
    query  = { sys_id = input.id }
    error "absent" { when = response.status == 404 && contains(response.body.error.message, "No Record found") }
    absent  = contains(["cancelled", "rejected"], response.body.result.reservation.state.value)
    present = response.body.result.reservation.sys_id == input.id
    value   = concat(response.body.result.reservation.start, "/", response.body.result.reservation.end)
    outputs = {
      location      = response.body.result.reservation.location.sys_id
      requested_for = coalesce(response.body.result.reservation.requested_for.sys_id, response.body.result.reservation.location.requested_for.sys_id)
      start         = response.body.result.reservation.start
      end           = response.body.result.reservation.end
      subject       = response.body.result.reservation.subject
    }
    marker        = response.body.result.reservation.subject
    authoritative = true
  }

  # What is left of a series: its occurrences that were not cancelled.
  lookup "series" {
    inputs = { series = "text" }
    get    = "/api/sn_wsd_rsv/recurring_reservation/list/{series}"
    query = {
      start_index = page.offset
      end_index   = page.offset + 100
    }
    error "absent" { when = response.status == 404 && contains(response.body.error.message, "No Record found") }
    items         = response.body.result.reservations
    where         = !contains(["cancelled", "rejected"], item.state.value)
    value         = "reserved"
    authoritative = true
    page "offset" { size = 100 }
  }

  awf "reserve_workspace" {
    achieves = "create"
    inputs = {
      location      = "text"
      requested_for = "text"
      start         = "text"
      end           = "text"
      subject       = "text"
    }
    personal = ["requested_for", "subject"]
    optional = ["subject"]
    outputs  = { id = "text" }
    locks    = ["location:{location}"]
    evidence = "vendor docs"

    post = "/api/sn_wsd_rsv/reservation/add"
    json = {
      location      = input.location
      requested_for = input.requested_for
      start         = input.start
      end           = input.end
      subject       = concat(coalesce(input.subject, "Reservation"), " ", key)
    }
    capture = { id = response.body.result.sys_id }

    lookup "reservation" {}
    # A place is taken once at a time: a second reservation for the same moments is refused.
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "cancel_workspace_reservation" {
      with = { id = output.id }
      loss = "the reservation remains, cancelled, and whoever was invited has been told"
    }
  }

  awf "cancel_workspace_reservation" {
    achieves = "remove"
    inputs   = { id = "text" }
    evidence = "vendor docs; the words of the states are recalled"

    patch = "/api/sn_wsd_rsv/reservation/cancel/{id}"
    json  = { cancel_notes = key }

    lookup "standing_reservation" {}
    # What is cancelled stays cancelled.
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "reserve_workspace" {
      with = {
        location      = snapshot.location
        requested_for = snapshot.requested_for
        start         = snapshot.start
        end           = snapshot.end
        subject       = snapshot.subject
      }
      loss = "the reservation comes back under a new id, if nobody took the place meanwhile"
    }
  }

  awf "update_workspace_reservation" {
    achieves = "update"
    inputs = {
      id    = "text"
      start = "text"
      end   = "text"
    }
    locks    = ["reservation:{id}"]
    evidence = "vendor docs"

    # What the service requires beside the times is written back as it was.
    patch = "/api/sn_wsd_rsv/reservation/update/{id}"
    json = {
      location = snapshot.location
      subject  = snapshot.subject
      start    = input.start
      end      = input.end
    }

    lookup "standing_reservation" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "update_workspace_reservation" {
      with = {
        id    = input.id
        start = snapshot.start
        end   = snapshot.end
      }
      loss = "whoever was invited has been told of both times"
    }
  }

  awf "cancel_recurring_series" {
    achieves = "remove"
    inputs   = { series = "text" }
    evidence = "vendor docs; the words of the states are recalled"

    patch = "/api/sn_wsd_rsv/recurring_reservation/cancel_series/{series}"
    query = { cancel_notes = key }

    lookup "series" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    irreversible = "a series is reserved anew, one occurrence after the other"
    forward      = "reserve_workspace"
  }

  read "reservations" {
    kind = "reservation"
    get  = "/api/sn_wsd_rsv/reservation/list"
    query = {
      encodedQuery = page.delta
      startIndex   = page.offset
      endIndex     = page.offset + 100
    }
    evidence = "vendor docs"
    items    = response.body.result.reservations
    page "offset" { size = 100 }
    delta "filter" {
      overlap = "24h"
      format  = "date"
      since   = concat("sys_updated_on>=javascript:gs.dateGenerate('", page.since, "','00:00:00')")
    }
    id      = item.sys_id
    version = item.sys_updated_on
    text {
      location      = item.location.sys_id
      requested_for = item.requested_for.sys_id
      start         = item.start
      end           = item.end
      state         = item.state.value
      subject       = item.subject
    }
  }
}
