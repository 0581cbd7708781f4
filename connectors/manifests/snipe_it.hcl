# Snipe-IT: assets and licence seats. A refusal comes with status 200 and `status = "error"`; what `messages` says is recalled.
# Assets are deleted softly. Tags of assets are ours and unique.
manifest "snipe_it" {
  title  = "Snipe-IT"
  domain = "devices"

  auth "bearer" { part = "token" }

  headers = { accept = "application/json" }

  limit "instance" {
    rate      = 120
    per       = "1m"
    reserve   = 50
    remaining = "x-ratelimit-remaining"
  }

  ok      = response.status == 200 && response.body.status != "error"
  message = coalesce(response.body.messages, response.body.message)

  error "absent" { when = response.body.status == "error" && contains(text(response.body.messages), "does not exist") }
  error "conflict" { when = response.body.status == "error" && (contains(response.text, "has already been taken") || contains(response.text, "must be unique")) }
  error "conflict" { when = response.body.status == "error" && contains(text(response.body.messages), "not available for checkout") }
  error "invalid" { when = response.status == 200 && response.body.status == "error" }
  error "transient" { when = response.status == 503 && response.header.retry-after != null }

  # An asset by its tag: all that the search finds is read, and judged here.
  lookup "asset_by_tag" {
    inputs = { asset_tag = "text" }
    get    = "/api/v1/hardware"
    query = {
      search = input.asset_tag
      limit  = 100
      offset = page.offset
    }
    items         = response.body.rows
    where         = item.asset_tag == input.asset_tag
    value         = "present"
    outputs       = { asset = item.id }
    marker        = item.notes
    authoritative = true
    page "offset" {
      size  = 100
      total = response.body.total
    }
  }

  lookup "asset" {
    inputs = { asset = "int" }
    get    = "/api/v1/hardware/{asset}"
    error "absent" { when = response.body.status == "error" && contains(text(response.body.messages), "does not exist") }
    absent  = response.body.deleted_at != null
    present = response.body.id == input.asset
    value   = "present"
    outputs = {
      asset_tag = response.body.asset_tag
      serial    = response.body.serial
      model     = response.body.model.id
      status    = response.body.status_label.id
      name      = response.body.name
    }
    authoritative = true
  }

  # The status and the place of an asset, as one value.
  lookup "state" {
    inputs = { asset = "int" }
    get    = "/api/v1/hardware/{asset}"
    error "absent" { when = response.body.status == "error" && contains(text(response.body.messages), "does not exist") }
    present = response.body.id == input.asset
    value   = text(response.body.status_label.id)
    outputs = {
      status   = response.body.status_label.id
      location = response.body.rtd_location.id
    }
    authoritative = true
  }

  # Whom an asset was handed to.
  lookup "holder" {
    inputs        = { asset = "int" }
    get           = "/api/v1/hardware/{asset}"
    ok            = response.status == 200 && response.body.id == input.asset
    absent        = response.body.assigned_to == null
    present       = response.body.assigned_to.id != null
    value         = text(response.body.assigned_to.id)
    # What was handed to a place or to another asset is not given back to a person.
    outputs = {
      user             = response.body.assigned_to.type == "user" ? response.body.assigned_to.id : null
      expected_checkin = response.body.expected_checkin.date
    }
    authoritative = true
  }

  # Who has a seat of a licence.
  lookup "seat" {
    inputs = {
      license = "int"
      seat    = "int"
    }
    get = "/api/v1/licenses/{license}/seats"
    query = {
      limit  = 100
      offset = page.offset
    }
    items         = response.body.rows
    where         = item.id == input.seat && item.assigned_user != null
    value         = text(item.assigned_user.id)
    outputs       = { user = item.assigned_user.id }
    authoritative = true
    page "offset" {
      size  = 100
      total = response.body.total
    }
  }

  awf "create_asset" {
    achieves = "create"
    inputs = {
      asset_tag = "text"
      model     = "int"
      status    = "int"
      serial    = "text"
      name      = "text"
    }
    optional = ["serial", "name"]
    outputs  = { asset = "int" }
    locks    = ["asset_tag:{asset_tag}"]
    evidence = "vendor source; what the answer holds is recalled"

    post = "/api/v1/hardware"
    json = {
      asset_tag = input.asset_tag
      model_id  = input.model
      status_id = input.status
      serial    = input.serial
      name      = input.name
      notes     = key
    }
    capture = { asset = response.body.payload.id }

    lookup "asset_by_tag" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "delete_asset" {
      with = { asset = output.asset }
      loss = "the asset remains in the list of deleted ones"
    }
  }

  awf "delete_asset" {
    achieves = "remove"
    inputs   = { asset = "int" }
    blast    = 1
    locks    = ["asset:{asset}"]
    evidence = "vendor source"

    delete = "/api/v1/hardware/{asset}"

    lookup "asset" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "create_asset" {
      with = {
        asset_tag = snapshot.asset_tag
        model     = snapshot.model
        status    = snapshot.status
        serial    = snapshot.serial
        name      = snapshot.name
      }
      loss = "the asset comes back under a new id, without its history and custom fields"
    }
  }

  awf "update_asset" {
    achieves = "update"
    inputs = {
      asset    = "int"
      status   = "int"
      location = "int"
    }
    optional = ["location"]
    locks    = ["asset:{asset}"]
    evidence = "vendor source; what an asset answers is recalled"

    patch = "/api/v1/hardware/{asset}"
    json = {
      status_id       = input.status
      rtd_location_id = input.location
    }

    lookup "state" {}
    # The same values a second time change nothing.
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "update_asset" {
      with = {
        asset    = input.asset
        status   = snapshot.status
        location = snapshot.location
      }
      loss = "the asset's history shows both changes"
    }
  }

  # What was handed out cannot be handed out again before it came back.
  awf "checkout_asset" {
    achieves = "create"
    inputs = {
      asset            = "int"
      user             = "int"
      expected_checkin = "text"
    }
    personal = ["user"]
    optional = ["expected_checkin"]
    locks    = ["asset:{asset}"]
    evidence = "vendor source; what an asset answers is recalled"

    post = "/api/v1/hardware/{asset}/checkout"
    json = {
      checkout_to_type = "user"
      assigned_user    = input.user
      expected_checkin = input.expected_checkin
      note             = key
    }

    lookup "holder" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "checkin_asset" {
      with = { asset = input.asset }
      loss = "the asset's history shows both, and whoever was to sign for it has been mailed"
    }
  }

  awf "checkin_asset" {
    achieves = "remove"
    inputs   = { asset = "int" }
    locks    = ["asset:{asset}"]
    evidence = "vendor source; what an asset answers is recalled"

    post = "/api/v1/hardware/{asset}/checkin"
    json = { note = key }

    lookup "holder" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "checkout_asset" {
      with = {
        asset            = input.asset
        user             = snapshot.user
        expected_checkin = snapshot.expected_checkin
      }
      loss = "the day on which it was handed out is a new one"
    }
  }

  awf "checkout_license_seat" {
    achieves = "create"
    inputs = {
      license = "int"
      seat    = "int"
      user    = "int"
    }
    personal = ["user"]
    locks    = ["seat:{license}/{seat}"]
    evidence = "vendor source; what a seat answers is recalled"

    patch = "/api/v1/licenses/{license}/seats/{seat}"
    json  = { assigned_to = input.user }

    lookup "seat" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "checkin_license_seat" {
      with = {
        license = input.license
        seat    = input.seat
      }
    }
  }

  awf "checkin_license_seat" {
    achieves = "remove"
    inputs = {
      license = "int"
      seat    = "int"
    }
    locks    = ["seat:{license}/{seat}"]
    evidence = "vendor source; what a seat answers is recalled"

    patch     = "/api/v1/licenses/{license}/seats/{seat}"
    keep_null = true
    json      = { assigned_to = null }

    lookup "seat" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "checkout_license_seat" {
      with = {
        license = input.license
        seat    = input.seat
        user    = snapshot.user
      }
    }
  }

  read "assets" {
    kind = "asset"
    get  = "/api/v1/hardware"
    query = {
      limit  = 500
      offset = page.offset
      sort   = "id"
      order  = "asc"
    }
    evidence = "vendor source; what an asset answers is recalled"
    items    = response.body.rows
    page "offset" {
      size  = 500
      total = response.body.total
    }
    id      = item.id
    version = item.updated_at.datetime
    text {
      asset_tag = item.asset_tag
      serial    = item.serial
      name      = item.name
      model     = item.model.name
      status    = item.status_label.name
      user      = item.assigned_to.id
      location  = item.location.name
    }
  }
}
