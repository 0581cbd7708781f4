# Kandji (Iru): Apple devices. There is no card: methods and paths are the catalogue's, what answers hold is recalled.
# Commands are queued for the device, which may be off: that a command was taken is not that it was carried out.
manifest "kandji" {
  title  = "Kandji"
  domain = "devices"

  auth "bearer" { part = "api_token" }

  headers = { accept = "application/json" }

  limit "customer" {
    rate    = 10000
    per     = "1h"
    reserve = 50
  }

  message = coalesce(response.body.detail, response.body.error)

  error "absent" { when = response.status == 404 && contains(response.text, "Not found") }
  error "transient" { when = response.status == 503 && response.header.retry-after != null }

  # Whether a device is lost: the state is empty where it is not. Then what it shows.
  lookup "lost_mode" {
    inputs        = { device = "text" }
    get           = "/api/v1/devices/{device}"
    evidence      = "client library: the state of the lost mode is empty where there is none"
    ok            = response.status == 200 && response.body.device_id == input.device
    absent        = response.body.lost_mode_status == ""
    present       = response.body.lost_mode_status != null
    value         = "lost"
    authoritative = true
    then "lost_mode_details" {}
  }

  lookup "lost_mode_details" {
    inputs   = { device = "text" }
    get      = "/api/v1/devices/{device}/details/lostmode"
    evidence = "catalogue; what the details are called is recalled"
    outputs = {
      message  = response.body.message
      phone    = response.body.phone_number
      footnote = response.body.footnote
    }
    authoritative = true
  }

  # A device, and what it is assigned to.
  lookup "blueprint" {
    inputs = { device = "text" }
    get    = "/api/v1/devices/{device}"
    error "absent" { when = response.status == 404 && contains(response.text, "Not found") }
    present       = response.body.device_id == input.device
    value         = response.body.blueprint_id
    outputs       = { blueprint = response.body.blueprint_id }
    authoritative = true
  }

  lookup "holder" {
    inputs = { device = "text" }
    get    = "/api/v1/devices/{device}"
    error "absent" { when = response.status == 404 && contains(response.text, "Not found") }
    present       = response.body.device_id == input.device
    value         = coalesce(text(response.body.user.id), "")
    outputs       = { user = coalesce(text(response.body.user.id), "") }
    authoritative = true
  }

  lookup "asset_tag" {
    inputs = { device = "text" }
    get    = "/api/v1/devices/{device}"
    error "absent" { when = response.status == 404 && contains(response.text, "Not found") }
    present       = response.body.device_id == input.device
    value         = coalesce(response.body.asset_tag, "")
    outputs       = { asset_tag = coalesce(response.body.asset_tag, "") }
    authoritative = true
  }

  lookup "device" {
    inputs = { device = "text" }
    get    = "/api/v1/devices/{device}"
    error "absent" { when = response.status == 404 && contains(response.text, "Not found") }
    present       = response.body.device_id == input.device
    value         = "managed"
    authoritative = true
  }

  # A device of the automated enrolment, and the blueprint that it will get.
  lookup "ade_device" {
    inputs = { device = "text" }
    get    = "/api/v1/integrations/apple/ade/devices/{device}"
    error "absent" { when = response.status == 404 && contains(response.text, "Not found") }
    present = response.body.id == input.device
    value   = response.body.blueprint_id
    outputs = {
      blueprint = response.body.blueprint_id
      user      = coalesce(text(response.body.user_id), "")
      asset_tag = coalesce(response.body.asset_tag, "")
    }
    authoritative = true
  }

  # The note that carries our key.
  lookup "our_note" {
    inputs        = { device = "text" }
    get           = "/api/v1/devices/{device}/notes"
    items         = response.body.notes
    where         = contains(item.content, key)
    value         = "noted"
    outputs       = { note = item.note_id }
    marker        = item.content
    authoritative = true
  }

  lookup "note" {
    inputs = {
      device = "text"
      note   = "text"
    }
    get           = "/api/v1/devices/{device}/notes"
    items         = response.body.notes
    where         = item.note_id == input.note
    value         = "noted"
    outputs       = { content = item.content }
    authoritative = true
  }

  lookup "user" {
    inputs = { user = "text" }
    get    = "/api/v1/users/{user}"
    error "absent" { when = response.status == 404 && contains(response.text, "Not found") }
    present       = text(response.body.id) == input.user
    value         = "present"
    authoritative = true
  }

  awf "lock_device" {
    inputs = {
      device  = "text"
      pin     = "text"
      message = "text"
      phone   = "text"
    }
    personal = ["pin", "message", "phone"]
    optional = ["message", "phone"]
    redact   = ["pin"]
    blast    = 1
    locks    = ["device:{device}"]
    evidence = "catalogue; what the answer holds is recalled"

    post = "/api/v1/devices/{device}/action/lock"
    json = {
      PIN         = input.pin
      Message     = input.message
      PhoneNumber = input.phone
    }

    # A second lock with another PIN would leave nobody sure which one opens it.
    ambiguous "park" {}
    irreversible = "a locked Mac is opened at the device, with the PIN that was kept"
  }

  awf "erase_device" {
    inputs = {
      device = "text"
      pin    = "text"
    }
    personal = ["pin"]
    optional = ["pin"]
    redact   = ["pin"]
    blast    = 1
    locks    = ["device:{device}"]
    evidence = "catalogue; what the answer holds is recalled"

    post = "/api/v1/devices/{device}/action/erase"
    json = {
      PIN              = input.pin
      PreserveDataPlan = true
    }

    ambiguous "park" {}
    irreversible = "what stood on the device is gone; it is enrolled anew"
  }

  awf "enable_lost_mode" {
    achieves = "create"
    inputs = {
      device   = "text"
      message  = "text"
      phone    = "text"
      footnote = "text"
    }
    personal = ["message", "phone"]
    optional = ["phone", "footnote"]
    blast    = 1
    locks    = ["device:{device}"]
    evidence = "catalogue; the details are recalled"

    post = "/api/v1/devices/{device}/action/enablelostmode"
    json = {
      Message     = input.message
      PhoneNumber = input.phone
      Footnote    = input.footnote
    }

    lookup "lost_mode" {}
    # Enabling twice leaves one lost mode.
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "5m"
      every  = "5s"
    }
    undo "disable_lost_mode" {
      with = { device = input.device }
      loss = "whoever held the device has seen the message, and its place was taken"
    }
  }

  awf "disable_lost_mode" {
    achieves = "remove"
    inputs   = { device = "text" }
    locks    = ["device:{device}"]
    evidence = "catalogue; the details are recalled"

    post = "/api/v1/devices/{device}/action/disablelostmode"

    lookup "lost_mode" {}
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "5m"
      every  = "5s"
    }
    undo "enable_lost_mode" {
      with = {
        device   = input.device
        message  = snapshot.message
        phone    = snapshot.phone
        footnote = snapshot.footnote
      }
      loss = "where the device was while it was not lost is not known"
    }
  }

  awf "clear_passcode" {
    inputs   = { device = "text" }
    blast    = 1
    locks    = ["device:{device}"]
    evidence = "catalogue; what the answer holds is recalled"

    post = "/api/v1/devices/{device}/action/clearpasscode"

    ambiguous "park" {}
    irreversible = "the passcode is the person's: they set another one"
  }

  awf "unlock_local_account" {
    inputs = {
      device    = "text"
      user_name = "text"
    }
    personal = ["user_name"]
    evidence = "catalogue; what the answer holds is recalled"

    post = "/api/v1/devices/{device}/action/unlockaccount"
    json = { UserName = input.user_name }

    ambiguous "park" {}
    nothing_to_undo = "the account was locked by mistyped passwords, and is as it was before"
  }

  awf "delete_local_user" {
    inputs = {
      device    = "text"
      user_name = "text"
    }
    personal = ["user_name"]
    blast    = 1
    locks    = ["device:{device}"]
    evidence = "catalogue; what the answer holds is recalled"

    post = "/api/v1/devices/{device}/action/deleteuser"
    json = {
      UserName       = input.user_name
      DeleteAllUsers = false
    }

    ambiguous "park" {}
    irreversible = "the account's home on the device is gone"
  }

  awf "assign_blueprint" {
    achieves = "update"
    inputs = {
      device    = "text"
      blueprint = "text"
    }
    locks    = ["device:{device}"]
    evidence = "catalogue; what a device answers is recalled"

    patch = "/api/v1/devices/{device}"
    json  = { blueprint_id = input.blueprint }

    lookup "blueprint" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "assign_blueprint" {
      with = {
        device    = input.device
        blueprint = snapshot.blueprint
      }
      loss = "what the other blueprint installed meanwhile stays until the device reports again"
    }
  }

  awf "assign_user" {
    achieves = "update"
    inputs = {
      device = "text"
      user   = "text"
    }
    personal = ["user"]
    locks    = ["device:{device}"]
    evidence = "catalogue; what a device answers is recalled"

    patch = "/api/v1/devices/{device}"
    json  = { user = input.user }

    lookup "holder" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "assign_user" {
      with = {
        device = input.device
        user   = snapshot.user
      }
    }
  }

  awf "set_asset_tag" {
    achieves = "update"
    inputs = {
      device    = "text"
      asset_tag = "text"
    }
    locks    = ["device:{device}"]
    evidence = "catalogue; what a device answers is recalled"

    patch = "/api/v1/devices/{device}"
    json  = { asset_tag = input.asset_tag }

    lookup "asset_tag" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "set_asset_tag" {
      with = {
        device    = input.device
        asset_tag = snapshot.asset_tag
      }
    }
  }

  # What is not given is left as it is.
  awf "assign_ade_device" {
    achieves = "update"
    inputs = {
      device    = "text"
      blueprint = "text"
      user      = "text"
      asset_tag = "text"
    }
    personal = ["user"]
    optional = ["user", "asset_tag"]
    locks    = ["ade_device:{device}"]
    evidence = "catalogue; what the listing answers is recalled"

    patch = "/api/v1/integrations/apple/ade/devices/{device}"
    json = {
      blueprint_id = input.blueprint
      user_id      = input.user
      asset_tag    = input.asset_tag
    }

    lookup "ade_device" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "assign_ade_device" {
      with = {
        device    = input.device
        blueprint = snapshot.blueprint
        user      = snapshot.user
        asset_tag = snapshot.asset_tag
      }
    }
  }

  awf "add_device_note" {
    inputs = {
      device  = "text"
      content = "text"
    }
    personal = ["content"]
    outputs  = { note = "text" }
    evidence = "catalogue; how notes are listed is recalled"

    post    = "/api/v1/devices/{device}/notes"
    json    = { content = concat(input.content, " ", key) }
    capture = { note = response.body.note_id }

    lookup "our_note" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "delete_device_note" {
      with = {
        device = input.device
        note   = output.note
      }
    }
  }

  awf "delete_device_note" {
    achieves = "remove"
    inputs = {
      device = "text"
      note   = "text"
    }
    evidence = "catalogue; how notes are listed is recalled"

    delete = "/api/v1/devices/{device}/notes/{note}"

    lookup "note" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "add_device_note" {
      with = {
        device  = input.device
        content = snapshot.content
      }
      loss = "the note comes back under a new id, of a new day and of our author"
    }
  }

  awf "delete_device" {
    achieves = "remove"
    inputs   = { device = "text" }
    blast    = 1
    locks    = ["device:{device}"]
    evidence = "catalogue; what the answer holds is recalled"

    delete = "/api/v1/devices/{device}"

    lookup "device" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    irreversible = "the device is no longer managed, and is enrolled anew at the device"
  }

  awf "delete_user" {
    achieves = "remove"
    inputs   = { user = "text" }
    personal = ["user"]
    evidence = "catalogue; what the answer holds is recalled"

    delete = "/api/v1/users/{user}"

    lookup "user" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    irreversible = "the directory that the user came from brings them back at its next synchronisation, under a new id"
  }

  # The list says nothing of how long it is: it is over at the first page without anything.
  read "devices" {
    kind = "device"
    get  = "/api/v1/devices"
    query = {
      limit  = 300
      offset = page.offset
    }
    evidence = "catalogue; the fields are recalled"
    items    = response.body
    page "offset" { size = 300 }
    id      = item.device_id
    version = item.last_check_in
    text {
      name       = item.device_name
      serial     = item.serial_number
      model      = item.model
      platform   = item.platform
      os_version = item.os_version
      blueprint  = item.blueprint_id
      asset_tag  = item.asset_tag
      user_email = item.user.email
    }
  }
}
