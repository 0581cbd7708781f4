# Stripe Issuing: cardholders and cards. Bodies are forms; a repeated request with the same `Idempotency-Key` is answered with the first
# answer for a day. Our key also stands in the object's metadata, where a listing shows it.
manifest "stripe_issuing" {
  title  = "Stripe Issuing"
  domain = "service"

  auth "bearer" { part = "secret_key" }

  headers = { accept = "application/json" }

  limit "account" {
    rate        = 100
    per         = "1s"
    reserve     = 50
    concurrency = 20
  }

  message = response.body.error.message

  error "absent" { when = response.status == 404 && response.body.error.code == "resource_missing" }
  error "conflict" { when = response.status == 409 || response.body.error.code == "idempotency_key_in_use" }
  error "invalid" { when = response.status == 402 }
  error "rate_limited" { when = contains(["rate_limit", "lock_timeout"], response.body.error.code) }

  webhook "events" {
    verify           = "hmac"
    header           = "stripe-signature"
    prefix           = "v1="
    timestamp_prefix = "t="
    signed           = "{timestamp}.{body}"
    tolerance        = "5m"
    dedupe           = request.body.id
    kind             = starts_with(request.body.type, "issuing_card.") ? "card" : null
    id               = request.body.data.object.id
    evidence         = "recalled: the signature and the events"
  }

  # The cardholder that carries our key.
  lookup "cardholder_of_ours" {
    evidence = "unverified: the catalogue does not name this listing"
    inputs = { email = "text" }
    get    = "/v1/issuing/cardholders"
    query = {
      email          = input.email
      limit          = 100
      starting_after = page.cursor
    }
    items   = response.body.data
    where   = item.email == input.email && item.metadata.xops_key == key
    value   = item.status == "active" ? "present" : "inactive"
    outputs = { cardholder = item.id }
    marker  = item.metadata.xops_key
    page "cursor" { next = response.body.has_more ? last(response.body.data[*].id) : null }
    authoritative = true
  }

  lookup "cardholder" {
    inputs        = { cardholder = "text" }
    get           = "/v1/issuing/cardholders/{cardholder}"
    absent        = contains(["inactive", "blocked"], response.body.status)
    present       = response.body.status == "active"
    value         = "active"
    outputs       = { status = response.body.status }
    authoritative = true
  }

  # The card that carries our key.
  lookup "card_of_ours" {
    inputs = { cardholder = "text" }
    get    = "/v1/issuing/cards"
    query = {
      cardholder     = input.cardholder
      limit          = 100
      starting_after = page.cursor
    }
    items   = response.body.data
    where   = item.cardholder.id == input.cardholder && item.metadata.xops_key == key
    value   = "issued"
    outputs = { card = item.id }
    marker  = item.metadata.xops_key
    page "cursor" { next = response.body.has_more ? last(response.body.data[*].id) : null }
    authoritative = true
  }

  # A card that pays.
  lookup "usable_card" {
    inputs        = { card = "text" }
    get           = "/v1/issuing/cards/{card}"
    absent        = contains(["inactive", "canceled"], response.body.status)
    present       = response.body.status == "active"
    value         = "active"
    outputs       = { status = response.body.status }
    authoritative = true
  }

  # A card that was not cancelled.
  lookup "standing_card" {
    inputs        = { card = "text" }
    get           = "/v1/issuing/cards/{card}"
    absent        = response.body.status == "canceled"
    present       = contains(["active", "inactive"], response.body.status)
    value         = "issued"
    outputs       = { status = response.body.status }
    authoritative = true
  }

  # What a card may spend in a month, in the currency's smallest unit.
  lookup "monthly_limit" {
    inputs        = { card = "text" }
    get           = "/v1/issuing/cards/{card}"
    absent        = response.body.id != null && pick(list(response.body.spending_controls.spending_limits), "interval", "monthly") == null
    present       = member(pick(list(response.body.spending_controls.spending_limits), "interval", "monthly"), "amount") != null
    value         = member(pick(list(response.body.spending_controls.spending_limits), "interval", "monthly"), "amount")
    value_type    = "int"
    outputs       = { amount = member(pick(list(response.body.spending_controls.spending_limits), "interval", "monthly"), "amount") }
    authoritative = true
  }

  awf "create_cardholder" {
    achieves = "create"
    inputs = {
      name        = "text"
      email       = "text"
      line1       = "text"
      city        = "text"
      postal_code = "text"
      country     = "text"
    }
    personal = ["name", "email", "line1", "city", "postal_code"]
    outputs  = { cardholder = "text" }
    evidence = "vendor spec"

    post    = "/v1/issuing/cardholders"
    headers = { idempotency-key = key }
    form = {
      type                            = "individual"
      name                            = input.name
      email                           = input.email
      "billing[address][line1]"       = input.line1
      "billing[address][city]"        = input.city
      "billing[address][postal_code]" = input.postal_code
      "billing[address][country]"     = input.country
      "metadata[xops_key]"            = key
    }
    capture = { cardholder = response.body.id }

    lookup "cardholder_of_ours" {}
    ambiguous "resend" { key_lifetime = "24h" }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "deactivate_cardholder" {
      with = { cardholder = output.cardholder }
      loss = "the cardholder remains, inactive"
    }
  }

  awf "activate_cardholder" {
    achieves = "create"
    inputs   = { cardholder = "text" }
    evidence = "vendor spec"

    post    = "/v1/issuing/cardholders/{cardholder}"
    headers = { idempotency-key = key }
    form    = { status = "active" }

    lookup "cardholder" {}
    ambiguous "resend" { key_lifetime = "24h" }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "deactivate_cardholder" { with = { cardholder = input.cardholder } }
  }

  awf "deactivate_cardholder" {
    achieves = "remove"
    inputs   = { cardholder = "text" }
    evidence = "vendor spec"

    post    = "/v1/issuing/cardholders/{cardholder}"
    headers = { idempotency-key = key }
    form    = { status = "inactive" }

    lookup "cardholder" {}
    ambiguous "resend" { key_lifetime = "24h" }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "activate_cardholder" {
      with = { cardholder = input.cardholder }
      loss = "payments of the time between were declined"
    }
  }

  awf "issue_card" {
    achieves = "create"
    inputs = {
      cardholder    = "text"
      currency      = "text"
      type          = "text"
      monthly_limit = "int"
    }
    outputs  = { card = "text" }
    evidence = "vendor spec"

    post    = "/v1/issuing/cards"
    headers = { idempotency-key = key }
    form = {
      cardholder                                       = input.cardholder
      currency                                         = input.currency
      type                                             = input.type
      status                                           = "active"
      "spending_controls[spending_limits][0][amount]"   = input.monthly_limit
      "spending_controls[spending_limits][0][interval]" = "monthly"
      "metadata[xops_key]"                             = key
    }
    capture = { card = response.body.id }

    lookup "card_of_ours" {}
    ambiguous "resend" { key_lifetime = "24h" }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "freeze_card" {
      with = { card = output.card }
      loss = "the card remains, frozen; a plastic one is on its way"
    }
  }

  awf "unfreeze_card" {
    achieves = "create"
    inputs   = { card = "text" }
    evidence = "vendor spec"

    post    = "/v1/issuing/cards/{card}"
    headers = { idempotency-key = key }
    form    = { status = "active" }

    lookup "usable_card" {}
    ambiguous "resend" { key_lifetime = "24h" }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "freeze_card" { with = { card = input.card } }
  }

  awf "freeze_card" {
    achieves = "remove"
    inputs   = { card = "text" }
    evidence = "vendor spec"

    post    = "/v1/issuing/cards/{card}"
    headers = { idempotency-key = key }
    form    = { status = "inactive" }

    lookup "usable_card" {}
    ambiguous "resend" { key_lifetime = "24h" }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "unfreeze_card" {
      with = { card = input.card }
      loss = "payments of the time between were declined"
    }
  }

  awf "cancel_card" {
    achieves = "remove"
    inputs   = { card = "text" }
    evidence = "vendor spec"

    post    = "/v1/issuing/cards/{card}"
    headers = { idempotency-key = key }
    form    = { status = "canceled" }

    lookup "standing_card" {}
    ambiguous "resend" { key_lifetime = "24h" }
    readback {
      within = "60s"
      every  = "1s"
    }
    irreversible = "a cancelled card never pays again; another one is issued"
    forward      = "issue_card"
  }

  awf "set_spend_limit" {
    achieves = "update"
    inputs = {
      card   = "text"
      amount = "int"
    }
    locks    = ["limits:{card}"]
    evidence = "vendor spec; the controls are replaced as a whole, so that limits of other intervals end"

    post    = "/v1/issuing/cards/{card}"
    headers = { idempotency-key = key }
    form = {
      "spending_controls[spending_limits][0][amount]"   = input.amount
      "spending_controls[spending_limits][0][interval]" = "monthly"
    }

    lookup "monthly_limit" {}
    ambiguous "resend" { key_lifetime = "24h" }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "set_spend_limit" {
      with = {
        card   = input.card
        amount = snapshot.amount
      }
      loss = "limits of other intervals and categories are not given back"
    }
  }

  read "cards" {
    kind = "card"
    get  = "/v1/issuing/cards"
    query = {
      limit          = 100
      starting_after = page.cursor
    }
    evidence = "vendor spec"
    items    = response.body.data
    page "cursor" { next = response.body.has_more ? last(response.body.data[*].id) : null }
    id = item.id
    text {
      cardholder = item.cardholder.id
      email      = item.cardholder.email
      status     = item.status
      type       = item.type
      currency   = item.currency
      last4      = item.last4
    }
    int { monthly_limit = member(pick(list(item.spending_controls.spending_limits), "interval", "monthly"), "amount") }
  }
}
