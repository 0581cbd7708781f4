# ServiceNow: orders from the service catalogue. Nothing is unique there: what tells our order from another is our key in
# `correlation_id`. A query ignores what it does not understand and then answers more: so each item is judged again here.
manifest "servicenow" {
  title  = "ServiceNow"
  domain = "service"

  var "token_url" {
    type  = "text"
    about = "the instance's token endpoint, /oauth_token.do"
  }

  auth "oauth2_client_credentials" {
    token_url = "var:token_url"
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

  # What a person was ordered of one catalogue item, and was not cancelled.
  lookup "order" {
    inputs = {
      item          = "text"
      requested_for = "text"
    }
    get = "/api/now/table/sc_req_item"
    query = {
      sysparm_query  = concat("cat_item=", input.item, "^requested_for=", input.requested_for, "^stateNOT IN4,7^ORDERBYsys_created_on")
      sysparm_fields = "sys_id,request,cat_item,requested_for,state,correlation_id"
      sysparm_limit  = 100
      sysparm_offset = page.offset
    }
    items         = response.body.result
    where         = item.cat_item.value == input.item && item.requested_for.value == input.requested_for && !contains(["4", "7"], item.state)
    value         = "ordered"
    outputs       = { request = item.request.value }
    marker        = item.correlation_id
    authoritative = true
    page "offset" {
      size  = 100
      total = response.header.x-total-count
    }
  }

  # A request that was not cancelled.
  lookup "request" {
    inputs = { request = "text" }
    get    = "/api/now/table/sc_request/{request}"
    query  = { sysparm_fields = "sys_id,request_state,correlation_id" }
    error "absent" { when = response.status == 404 && contains(response.body.error.message, "No Record found") }
    absent        = response.body.result.request_state == "closed_cancelled"
    present       = response.body.result.request_state != null
    value         = "ordered"
    outputs       = { state = response.body.result.request_state }
    marker        = response.body.result.correlation_id
    authoritative = true
  }

  awf "order_dev" {
    achieves = "create"
    inputs = {
      item          = "text"
      requested_for = "text"
      quantity      = "int"
    }
    optional = ["quantity"]
    outputs  = { request = "text" }
    evidence = "vendor docs; that the variable lands in `correlation_id` is the catalogue item's doing"

    post = "/api/sn_sc/servicecatalog/items/{item}/order_now"
    json = {
      sysparm_quantity      = coalesce(input.quantity, 1)
      sysparm_requested_for = input.requested_for
      variables             = { correlation_id = key }
    }
    capture = { request = response.body.result.request_id }

    lookup "order" {}
    # The tables are read as they are written: the window covers an order that is still under way.
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
    }
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "cancel_order" {
      with = { request = output.request }
      loss = "the request remains, cancelled"
    }
  }

  awf "cancel_order" {
    achieves = "remove"
    inputs   = { request = "text" }
    evidence = "vendor docs; the state's word is recalled"

    patch = "/api/now/table/sc_request/{request}"
    query = { sysparm_fields = "sys_id,request_state" }
    json  = { request_state = "closed_cancelled" }

    lookup "request" {}
    # What is cancelled stays cancelled: a second call cannot double it.
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "500ms"
    }
    irreversible = "a cancelled request is not opened again; what was ordered is ordered anew"
    forward      = "order_dev"
  }

  read "users" {
    kind = "user"
    get  = "/api/now/table/sys_user"
    query = {
      sysparm_query                  = "ORDERBYsys_id"
      sysparm_fields                 = "sys_id,user_name,email,first_name,last_name,employee_number,active,sys_updated_on"
      sysparm_exclude_reference_link = true
      sysparm_limit                  = 500
      sysparm_offset                 = page.offset
    }
    evidence = "vendor docs"
    items    = response.body.result
    page "offset" {
      size  = 500
      total = response.header.x-total-count
    }
    id      = item.sys_id
    version = item.sys_updated_on
    text {
      user_name       = item.user_name
      email           = item.email
      first_name      = item.first_name
      last_name       = item.last_name
      employee_number = item.employee_number
    }
    bool { active = item.active }
  }
}
