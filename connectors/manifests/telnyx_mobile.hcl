# Telnyx: SIM cards and numbers. An action on a SIM card is a job: the card says `enabling`, `disabling` or the like until it is done.
manifest "telnyx_mobile" {
  title  = "Telnyx Mobile"
  domain = "communications"

  auth "bearer" { part = "api_key" }

  headers = { accept = "application/json" }

  limit "account" {
    rate      = 200
    per       = "1m"
    reserve   = 20
    remaining = "x-ratelimit-remaining"
    reset     = "x-ratelimit-reset"
    reset_as  = "delay_s"
  }

  message = first(response.body.errors[*].detail)

  error "absent" { when = response.status == 404 && contains(list(response.body.errors[*].code), "10005") }
  error "rate_limited" { when = contains(list(response.body.errors[*].code), "10011") }
  error "transient" { when = response.status == 503 && response.header.retry-after != null }

  # The card of a registration, among all: a code registers one card. The key stands in the tags of the card.
  lookup "registered" {
    inputs = { code = "text" }
    get    = "/sim_cards"
    query = {
      "page[number]" = page.number
      "page[size]"   = 250
    }
    items   = response.body.data
    where   = contains(list(item.tags), concat("xops:", key))
    outputs = {
      sim   = item.id
      iccid = item.iccid
    }
    marker = contains(list(item.tags), concat("xops:", key)) ? key : null
    page "number" { last = response.body.meta.total_pages }
    authoritative = true
  }

  # A card that has service.
  lookup "service" {
    inputs        = { sim = "text" }
    get           = "/sim_cards/{sim}"
    absent        = contains(["disabled", "disabling", "standby", "setting_standby", "registering", "data_limit_exceeded"], response.body.data.status.value)
    present       = contains(["enabled", "enabling"], response.body.data.status.value)
    value         = response.body.data.status.value == "enabled" ? "enabled" : "enabling"
    outputs       = { status = response.body.data.status.value }
    authoritative = true
  }

  # A card that is on standby.
  lookup "standby" {
    inputs        = { sim = "text" }
    get           = "/sim_cards/{sim}"
    absent        = contains(["enabled", "enabling", "disabled", "disabling", "registering", "data_limit_exceeded"], response.body.data.status.value)
    present       = contains(["standby", "setting_standby"], response.body.data.status.value)
    value         = response.body.data.status.value == "standby" ? "standby" : "setting"
    outputs       = { status = response.body.data.status.value }
    authoritative = true
  }

  lookup "sim" {
    inputs = { sim = "text" }
    get    = "/sim_cards/{sim}"
    error "absent" { when = response.status == 404 && contains(list(response.body.errors[*].code), "10005") }
    present       = response.body.data.id == input.sim
    outputs       = { iccid = response.body.data.iccid }
    authoritative = true
  }

  lookup "ordered" {
    evidence = "unverified: the catalogue does not name this listing"
    inputs = { number = "text" }
    get    = "/number_orders"
    query = {
      "filter[customer_reference]" = key
      "page[number]"               = page.number
      "page[size]"                 = 250
    }
    items   = response.body.data
    where   = item.customer_reference == key && item.status != "failure"
    value   = item.status == "success" ? "present" : "pending"
    outputs = { order = item.id }
    marker  = item.customer_reference
    page "number" { last = response.body.meta.total_pages }
    authoritative = true
  }

  lookup "number" {
    inputs = { number_id = "text" }
    get    = "/phone_numbers/{number_id}"
    error "absent" { when = response.status == 404 && contains(list(response.body.errors[*].code), "10005") }
    present       = response.body.data.id == input.number_id
    outputs       = { number = response.body.data.phone_number }
    authoritative = true
  }

  awf "register_sim" {
    achieves = "create"
    inputs   = { code = "text" }
    redact   = ["code"]
    outputs  = { sim = "text" }
    evidence = "vendor spec; that tags are taken at registration is recalled"

    post = "/actions/register/sim_cards"
    json = {
      registration_codes = [input.code]
      status             = "standby"
      tags               = [concat("xops:", key)]
    }
    capture = { sim = first(response.body.data[*].id) }

    lookup "registered" {}
    # A code is good once.
    ambiguous "probe" {
      window   = "60s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "5m"
      every  = "5s"
    }
    undo "delete_sim" {
      with = { sim = output.sim }
      loss = "the registration code is used up"
    }
  }

  awf "enable_sim" {
    achieves = "create"
    inputs   = { sim = "text" }
    locks    = ["sim:{sim}"]
    evidence = "vendor spec"

    post = "/sim_cards/{sim}/actions/enable"

    lookup "service" {}
    ambiguous "probe" {
      window   = "60s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "10m"
      every  = "5s"
    }
    undo "disable_sim" {
      with = { sim = input.sim }
      loss = "a card that was on standby is disabled"
    }
  }

  awf "disable_sim" {
    achieves = "remove"
    inputs   = { sim = "text" }
    locks    = ["sim:{sim}"]
    evidence = "vendor spec"

    post = "/sim_cards/{sim}/actions/disable"

    lookup "service" {}
    ambiguous "probe" {
      window   = "60s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "10m"
      every  = "5s"
    }
    undo "enable_sim" {
      with = { sim = input.sim }
      loss = "the card had no service meanwhile"
    }
  }

  awf "standby_sim" {
    achieves = "create"
    inputs   = { sim = "text" }
    locks    = ["sim:{sim}"]
    evidence = "vendor spec"

    post = "/sim_cards/{sim}/actions/set_standby"

    lookup "standby" {}
    ambiguous "probe" {
      window   = "60s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "10m"
      every  = "5s"
    }
    undo "enable_sim" {
      with = { sim = input.sim }
      loss = "the card had no service meanwhile, and one that was disabled is enabled"
    }
  }

  awf "delete_sim" {
    achieves = "remove"
    inputs   = { sim = "text" }
    evidence = "vendor spec"

    delete = "/sim_cards/{sim}"

    lookup "sim" {}
    ambiguous "resend" {}
    readback {
      within = "2m"
      every  = "2s"
    }
    irreversible = "a deleted card is not registered again; another one is"
    forward      = "register_sim"
  }

  awf "order_number" {
    achieves = "create"
    inputs   = { number = "text" }
    outputs  = { order = "text" }
    evidence = "vendor spec"

    post = "/number_orders"
    json = {
      phone_numbers      = [{ phone_number = input.number }]
      customer_reference = key
    }
    capture = { order = response.body.data.id }

    lookup "ordered" {}
    # A number is sold once.
    ambiguous "probe" {
      window   = "60s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "10m"
      every  = "5s"
    }
    undo "release_ordered_number" {
      with = { number = input.number }
      loss = "the number returns to the pool and may be sold to another; what it cost is not paid back"
    }
  }

  # The number of an order, by itself: what an order gives is known by its number, what is released by its id.
  lookup "number_owned" {
    evidence = "unverified: the catalogue does not name this listing"
    inputs = { number = "text" }
    get    = "/phone_numbers"
    query = {
      "filter[phone_number]" = input.number
      "page[number]"         = page.number
      "page[size]"           = 250
    }
    items   = response.body.data
    where   = item.phone_number == input.number
    outputs = { number_id = item.id }
    page "number" { last = response.body.meta.total_pages }
    authoritative = true
  }

  awf "release_ordered_number" {
    achieves = "remove"
    inputs   = { number = "text" }
    evidence = "vendor spec; the listing of numbers is recalled"

    delete = "/phone_numbers/{snapshot.number_id}"

    lookup "number_owned" {}
    ambiguous "resend" {}
    readback {
      within = "5m"
      every  = "5s"
    }
    irreversible = "the number returns to the pool and may be sold to another"
    forward      = "order_number"
  }

  awf "release_number" {
    achieves = "remove"
    inputs   = { number_id = "text" }
    evidence = "vendor spec"

    delete = "/phone_numbers/{number_id}"

    lookup "number" {}
    ambiguous "resend" {}
    readback {
      within = "5m"
      every  = "5s"
    }
    irreversible = "the number returns to the pool and may be sold to another"
    forward      = "order_number"
  }

  read "sim_cards" {
    kind = "sim_card"
    get  = "/sim_cards"
    query = {
      "page[number]" = page.number
      "page[size]"   = 250
    }
    evidence = "vendor spec"
    items    = response.body.data
    page "number" { last = response.body.meta.total_pages }
    id      = item.id
    version = item.updated_at
    text {
      iccid  = item.iccid
      status = item.status.value
      number = item.msisdn
      group  = item.sim_card_group_id
    }
  }
}
