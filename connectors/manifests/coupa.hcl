# Coupa: suppliers, requisitions, purchase orders. Answers are JSON where `accept` asks for it. Coupa has no key for calls that
# are made twice: a supplier's number is unique, a requisition carries our key in its title.
manifest "coupa" {
  title  = "Coupa"
  domain = "software"

  auth "oauth2_client_credentials" {
    token_url = "/oauth2/token"
    scope     = "core.supplier.read core.supplier.write core.requisition.read core.requisition.write core.purchase_order.read core.purchase_order.write"
    in_form   = true
  }

  headers = { accept = "application/json" }

  limit "instance" {
    rate        = 25
    per         = "1s"
    reserve     = 50
    concurrency = 10
  }

  message = coalesce(join(list(response.body.errors.base), "; "), response.body.error)

  error "absent" { when = response.status == 404 && response.body.errors != null }
  error "conflict" { when = contains([400, 422], response.status) && contains(response.text, "has already been taken") }
  error "transient" { when = response.status == 503 && response.header.retry-after != null }

  # A supplier by id. No call finds one by its number.
  lookup "supplier" {
    inputs = { supplier = "int" }
    get    = "/api/suppliers/{supplier}"
    error "absent" { when = response.status == 404 && response.body.errors != null }
    absent        = response.body.status == "inactive"
    present       = contains(["active", "draft"], response.body.status)
    value         = "active"
    outputs       = { status = response.body.status }
    authoritative = true
  }

  # Our requisition: the listing is read whole, newest first, and its title carries our key.
  lookup "our_requisition" {
    inputs = { requester = "text" }
    get    = "/api/requisitions"
    query = {
      "requester[login]" = input.requester
      dir                = "desc"
      limit              = 50
      offset             = page.offset
    }
    items         = response.body
    where         = contains(item.req_title, key) && !contains(["withdrawn", "abandoned"], item.status)
    value         = item.status
    outputs       = { requisition = item.id }
    marker        = item.req_title
    authoritative = true
    page "offset" { size = 50 }
  }

  lookup "requisition" {
    inputs = { requisition = "int" }
    get    = "/api/requisitions/{requisition}"
    error "absent" { when = response.status == 404 && response.body.errors != null }
    absent        = response.body.id == input.requisition && contains(["withdrawn", "abandoned"], response.body.status)
    present       = response.body.id == input.requisition && response.body.status != null
    value         = "open"
    outputs       = { status = response.body.status }
    authoritative = true
  }

  # Whether an order was issued to its supplier.
  lookup "issued" {
    inputs        = { order = "int" }
    get           = "/api/purchase_orders/{order}"
    absent        = contains(["draft", "buyer_hold", "currency_hold"], response.body.status)
    present       = contains(["issued", "supplier_hold", "supplier_window_hold", "closed"], response.body.status)
    value         = "issued"
    outputs       = { status = response.body.status }
    authoritative = true
  }

  # An order that was not cancelled.
  lookup "standing_order" {
    inputs = { order = "int" }
    get    = "/api/purchase_orders/{order}"
    error "absent" { when = response.status == 404 && response.body.errors != null }
    absent        = response.body.id == input.order && response.body.status == "cancelled"
    present       = response.body.id == input.order && response.body.status != null
    value         = "standing"
    outputs       = { status = response.body.status }
    authoritative = true
  }

  # An order that is open: neither closed nor cancelled.
  lookup "open_order" {
    inputs        = { order = "int" }
    get           = "/api/purchase_orders/{order}"
    absent        = response.body.id == input.order && contains(["closed", "cancelled"], response.body.status)
    present       = response.body.id == input.order && response.body.status != null
    value         = "open"
    outputs       = { status = response.body.status }
    authoritative = true
  }

  # A number is given once: a second supplier with it is refused. Nothing finds a supplier by its number, so that a creation
  # which was never answered is looked up by a person.
  awf "create_supplier" {
    inputs = {
      name   = "text"
      number = "text"
      email  = "text"
    }
    personal = ["email"]
    optional = ["email"]
    outputs  = { supplier = "int" }
    locks    = ["supplier:{number}"]
    evidence = "vendor spec; that numbers are unique is recalled"

    post = "/api/suppliers"
    json = {
      name       = input.name
      number     = input.number
      "po-email" = input.email
    }
    capture = { supplier = response.body.id }

    ambiguous "park" {}
    undo "deactivate_supplier" {
      with = { supplier = output.supplier }
      loss = "the supplier remains, inactive, and its number stays taken"
    }
  }

  awf "deactivate_supplier" {
    achieves = "remove"
    inputs   = { supplier = "int" }
    locks    = ["supplier:{supplier}"]
    evidence = "vendor spec"

    put  = "/api/suppliers/{supplier}"
    json = { status = "inactive" }

    lookup "supplier" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "activate_supplier" { with = { supplier = input.supplier } }
  }

  awf "activate_supplier" {
    achieves = "create"
    inputs   = { supplier = "int" }
    locks    = ["supplier:{supplier}"]
    evidence = "vendor spec"

    put  = "/api/suppliers/{supplier}"
    json = { status = "active" }

    lookup "supplier" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "deactivate_supplier" { with = { supplier = input.supplier } }
  }

  awf "create_requisition" {
    inputs = {
      requester   = "text"
      description = "text"
      quantity    = "int"
      unit_price  = "int"
      currency    = "text"
      supplier    = "int"
      need_by     = "text"
      reason      = "text"
    }
    samples  = { need_by = "2026-12-31T00:00:00Z" }
    personal = ["requester", "reason"]
    optional = ["supplier", "need_by", "reason"]
    outputs  = { requisition = "int" }
    evidence = "vendor spec"

    post = "/api/requisitions"
    json = {
      req_title      = key
      "requested-by" = { login = input.requester }
      justification  = input.reason
      currency       = { code = input.currency }
      "requisition-lines" = [{
        "line-num"     = 1
        description    = input.description
        quantity       = input.quantity
        "unit-price"   = input.unit_price
        "need-by-date" = input.need_by
        currency       = { code = input.currency }
        supplier       = input.supplier == null ? null : { id = input.supplier }
      }]
    }
    capture = { requisition = response.body.id }

    lookup "our_requisition" {}
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
    }
    readback {
      within = "60s"
      every  = "2s"
    }
    undo "withdraw_requisition" {
      with = { requisition = output.requisition }
      loss = "the requisition remains, withdrawn, and whoever was to approve it has been told"
    }
  }

  # One that was ordered is not withdrawn: its order is cancelled.
  awf "withdraw_requisition" {
    achieves = "remove"
    inputs   = { requisition = "int" }
    locks    = ["requisition:{requisition}"]
    evidence = "vendor spec"

    delete = "/api/requisitions/{requisition}"

    lookup "requisition" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    irreversible = "a requisition that was withdrawn is made anew, and approved anew"
    forward      = "create_requisition"
  }

  awf "issue_purchase_order" {
    achieves = "create"
    inputs   = { order = "int" }
    locks    = ["order:{order}"]
    evidence = "vendor spec; which states count as issued is recalled"

    put = "/api/purchase_orders/{order}/issue"

    lookup "issued" {}
    # Issuing again may send the order to the supplier again: it is looked at, not repeated.
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "cancel_purchase_order" {
      with = { order = input.order }
      loss = "the order remains, cancelled, and the supplier has seen it"
    }
  }

  awf "cancel_purchase_order" {
    achieves = "remove"
    inputs   = { order = "int" }
    blast    = 1
    locks    = ["order:{order}"]
    evidence = "vendor spec"

    put = "/api/purchase_orders/{order}/cancel"

    lookup "standing_order" {}
    # What is cancelled stays cancelled.
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    irreversible = "a cancelled order is not opened again; what is still needed is requested anew"
    forward      = "create_requisition"
  }

  awf "close_purchase_order" {
    achieves = "remove"
    inputs   = { order = "int" }
    locks    = ["order:{order}"]
    evidence = "vendor spec"

    put = "/api/purchase_orders/{order}/close"

    lookup "open_order" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "reopen_purchase_order" { with = { order = input.order } }
  }

  awf "reopen_purchase_order" {
    achieves = "create"
    inputs   = { order = "int" }
    locks    = ["order:{order}"]
    evidence = "vendor spec"

    put = "/api/purchase_orders/{order}/reopen"

    lookup "open_order" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "close_purchase_order" { with = { order = input.order } }
  }

  read "requisitions" {
    kind = "requisition"
    get  = "/api/requisitions"
    query = {
      "updated-at[gt]" = page.since
      limit            = 50
      offset           = page.offset
    }
    evidence = "vendor spec"
    items    = response.body
    page "offset" { size = 50 }
    delta "filter" { overlap = "5m" }
    id      = item.id
    version = item["updated-at"]
    text {
      title     = item.req_title
      status    = item.status
      requester = item["requested-by"].login
    }
  }
}
