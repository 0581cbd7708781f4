# ServiceNow: orders, incidents, changes, users, groups, configuration items and assets. Few things are unique there: what
# tells our order, incident or change from another is our key in `correlation_id`. A query ignores what it does not understand
# and then answers more: so each item is judged again here. What changed is asked for by whole days, as the instance's zone of
# time is not known.
manifest "servicenow" {
  title  = "ServiceNow"
  domain = "service"

  var "token_url" {
    type  = "text"
    about = "the instance's token endpoint, /oauth_token.do"
  }

  var "ci_source" {
    type    = "text"
    default = "Other Automated"
    about   = "the source of discovery under which configuration items are written"
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
    absent        = response.body.result.sys_id == input.request && response.body.result.request_state == "closed_cancelled"
    present       = response.body.result.sys_id == input.request && response.body.result.request_state != null
    value         = "ordered"
    outputs       = { state = response.body.result.request_state }
    marker        = response.body.result.correlation_id
    authoritative = true
  }

  # The incident that carries our key.
  lookup "incident" {
    get = "/api/now/table/incident"
    query = {
      sysparm_query                  = concat("correlation_id=", key)
      sysparm_fields                 = "sys_id,number,state,correlation_id"
      sysparm_exclude_reference_link = true
      sysparm_limit                  = 100
      sysparm_offset                 = page.offset
    }
    items         = response.body.result
    where         = item.correlation_id == key
    value         = "open"
    outputs       = { id = item.sys_id, number = item.number }
    marker        = item.correlation_id
    authoritative = true
    page "offset" {
      size  = 100
      total = response.header.x-total-count
    }
  }

  # An incident that was not cancelled.
  lookup "standing_incident" {
    inputs = { id = "text" }
    get    = "/api/now/table/incident/{id}"
    query  = { sysparm_fields = "sys_id,state,close_code" }
    error "absent" { when = response.status == 404 && contains(response.body.error.message, "No Record found") }
    absent        = response.body.result.sys_id == input.id && response.body.result.state == "8"
    present       = response.body.result.sys_id == input.id && response.body.result.state != null
    value         = "open"
    outputs       = { state = response.body.result.state }
    authoritative = true
  }

  # One field of a record.
  lookup "field" {
    inputs = {
      table = "text"
      id    = "text"
      field = "text"
    }
    get = "/api/now/table/{table}/{id}"
    query = {
      sysparm_fields                 = concat("sys_id,", input.field)
      sysparm_exclude_reference_link = true
    }
    error "absent" { when = response.status == 404 && contains(response.body.error.message, "No Record found") }
    present       = response.body.result.sys_id == input.id
    value         = member(response.body.result, input.field)
    outputs       = { value = member(response.body.result, input.field) }
    authoritative = true
  }

  # Whether there is a record.
  lookup "any_record" {
    inputs = {
      table = "text"
      id    = "text"
    }
    get   = "/api/now/table/{table}/{id}"
    query = { sysparm_fields = "sys_id" }
    error "absent" { when = response.status == 404 && contains(response.body.error.message, "No Record found") }
    present       = response.body.result.sys_id == input.id
    authoritative = true
  }

  # A user by the name that is unique in the instance.
  lookup "user" {
    inputs = { user_name = "text" }
    get    = "/api/now/table/sys_user"
    query = {
      sysparm_query                  = contains(input.user_name, "^") ? null : concat("user_name=", input.user_name)
      sysparm_fields                 = "sys_id,user_name,active"
      sysparm_exclude_reference_link = true
      sysparm_limit                  = 100
      sysparm_offset                 = page.offset
    }
    items         = response.body.result
    where         = lower(item.user_name) == lower(input.user_name)
    value         = item.active == "false" ? "disabled" : "present"
    outputs       = { id = item.sys_id, active = item.active }
    authoritative = true
    page "offset" {
      size  = 100
      total = response.header.x-total-count
    }
  }

  # A user who may sign in, by id.
  lookup "active_user" {
    inputs = { id = "text" }
    get    = "/api/now/table/sys_user/{id}"
    query  = { sysparm_fields = "sys_id,active,locked_out" }
    error "absent" { when = response.status == 404 && contains(response.body.error.message, "No Record found") }
    absent        = response.body.result.active == "false"
    present       = response.body.result.active == "true"
    value         = "present"
    outputs       = { locked_out = response.body.result.locked_out }
    authoritative = true
  }

  # A person's membership of a group.
  lookup "membership" {
    inputs = {
      user  = "text"
      group = "text"
    }
    get = "/api/now/table/sys_user_grmember"
    query = {
      sysparm_query                  = contains(concat(input.user, input.group), "^") ? null : concat("user=", input.user, "^group=", input.group)
      sysparm_fields                 = "sys_id,user,group"
      sysparm_exclude_reference_link = true
      sysparm_limit                  = 100
      sysparm_offset                 = page.offset
    }
    items         = response.body.result
    where         = item.user == input.user && item.group == input.group
    value         = "member"
    outputs       = { membership = item.sys_id }
    authoritative = true
    page "offset" {
      size  = 100
      total = response.header.x-total-count
    }
  }

  # The change that carries our key.
  lookup "change" {
    get = "/api/now/table/change_request"
    query = {
      sysparm_query                  = concat("correlation_id=", key)
      sysparm_fields                 = "sys_id,number,state,correlation_id"
      sysparm_exclude_reference_link = true
      sysparm_limit                  = 100
      sysparm_offset                 = page.offset
    }
    items         = response.body.result
    where         = item.correlation_id == key
    value         = "open"
    outputs       = { id = item.sys_id, number = item.number }
    marker        = item.correlation_id
    authoritative = true
    page "offset" {
      size  = 100
      total = response.header.x-total-count
    }
  }

  # A change by its id, with what is needed to ask for it again.
  lookup "any_change" {
    inputs = { id = "text" }
    get    = "/api/sn_chg_rest/change/normal/{id}"
    error "absent" { when = response.status == 404 && contains(response.body.error.message, "No Record found") }
    present = coalesce(response.body.result.sys_id.value, response.body.result.sys_id) == input.id
    value   = "open"
    outputs = {
      description = coalesce(response.body.result.short_description.value, response.body.result.short_description)
      ci          = coalesce(response.body.result.cmdb_ci.value, response.body.result.cmdb_ci)
      start       = coalesce(response.body.result.start_date.value, response.body.result.start_date)
      end         = coalesce(response.body.result.end_date.value, response.body.result.end_date)
    }
    authoritative = true
  }

  # Whether a change was approved.
  lookup "approval" {
    inputs = { id = "text" }
    get    = "/api/sn_chg_rest/change/{id}"
    error "absent" { when = response.status == 404 && contains(response.body.error.message, "No Record found") }
    absent        = contains(["not requested", "requested", "rejected"], coalesce(response.body.result.approval.value, response.body.result.approval))
    present       = coalesce(response.body.result.approval.value, response.body.result.approval) == "approved"
    value         = "approved"
    authoritative = true
  }

  # A configuration item by its serial number, which is what identifies it; then whether it was retired.
  lookup "ci" {
    inputs = {
      class         = "text"
      serial_number = "text"
    }
    get = "/api/now/cmdb/instance/{class}"
    query = {
      sysparm_query  = contains(input.serial_number, "^") ? null : concat("serial_number=", input.serial_number)
      sysparm_limit  = 100
      sysparm_offset = page.offset
    }
    # A number that cannot be asked for is not looked for: all items would be listed.
    ok            = response.status == 200 && !contains(input.serial_number, "^")
    items         = response.body.result
    outputs       = { id = item.sys_id }
    authoritative = true
    page "offset" { size = 100 }
    then "ci_status" { ci = item.sys_id }
  }

  lookup "ci_status" {
    inputs = { class = "text" }
    get    = "/api/now/cmdb/instance/{class}/{carry.ci}"
    absent        = response.body.result.attributes.install_status == "7"
    present       = response.body.result.attributes.install_status != null
    value         = "present"
    marker        = response.body.result.attributes.correlation_id
    authoritative = true
  }

  # A configuration item that was not retired, by its id.
  lookup "live_ci" {
    inputs = {
      class = "text"
      id    = "text"
    }
    get = "/api/now/cmdb/instance/{class}/{id}"
    error "absent" { when = response.status == 404 && response.body.error.message != null }
    absent  = response.body.result.attributes.sys_id == input.id && response.body.result.attributes.install_status == "7"
    present = response.body.result.attributes.sys_id == input.id && response.body.result.attributes.install_status != null
    value   = "present"
    outputs = {
      name           = response.body.result.attributes.name
      serial_number  = response.body.result.attributes.serial_number
      install_status = response.body.result.attributes.install_status
    }
    authoritative = true
  }

  # The relation of a kind from one configuration item to another.
  lookup "relation" {
    inputs = {
      class  = "text"
      id     = "text"
      type   = "text"
      target = "text"
    }
    get           = "/api/now/cmdb/instance/{class}/{id}"
    items         = response.body.result.outbound_relations
    where         = item.type.value == input.type && item.target.value == input.target
    value         = "member"
    outputs       = { relation = item.sys_id }
    authoritative = true
  }

  # Whose a piece of hardware is.
  lookup "asset" {
    inputs = { id = "text" }
    get    = "/api/now/table/alm_hardware/{id}"
    query = {
      sysparm_fields                 = "sys_id,assigned_to,install_status,location"
      sysparm_exclude_reference_link = true
    }
    error "absent" { when = response.status == 404 && contains(response.body.error.message, "No Record found") }
    present = response.body.result.sys_id == input.id
    value   = response.body.result.assigned_to
    outputs = {
      user           = response.body.result.assigned_to
      install_status = response.body.result.install_status
      location       = response.body.result.location
    }
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

  awf "create_incident" {
    inputs = {
      short_description = "text"
      description       = "text"
      caller            = "text"
      assignment_group  = "text"
      urgency           = "int"
      impact            = "int"
    }
    personal = ["short_description", "description", "caller"]
    optional = ["description", "caller", "assignment_group", "urgency", "impact"]
    outputs  = { id = "text", number = "text" }
    evidence = "vendor docs"

    post  = "/api/now/table/incident"
    query = { sysparm_fields = "sys_id,number" }
    json = {
      short_description = input.short_description
      description       = input.description
      caller_id         = input.caller
      assignment_group  = input.assignment_group
      urgency           = input.urgency
      impact            = input.impact
      correlation_id    = key
    }
    capture = { id = response.body.result.sys_id, number = response.body.result.number }

    lookup "incident" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
    }
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "cancel_incident" {
      with = { id = output.id }
      loss = "the incident remains, cancelled, and whoever watches it has been told"
    }
  }

  awf "cancel_incident" {
    achieves = "remove"
    inputs   = { id = "text" }
    evidence = "vendor docs; the number of the state is recalled"

    patch = "/api/now/table/incident/{id}"
    query = { sysparm_fields = "sys_id,state" }
    json = {
      state       = "8"
      close_code  = "Resolved by request"
      close_notes = key
    }

    lookup "standing_incident" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "500ms"
    }
    irreversible = "a cancelled incident is not opened again; what still stands is reported anew"
    forward      = "create_incident"
  }

  # Any field of any record, by its name.
  awf "update_record" {
    achieves = "update"
    inputs = {
      table = "text"
      id    = "text"
      field = "text"
      value = "text"
    }
    personal = ["value"]
    locks    = ["record:{table}/{id}"]
    evidence = "vendor docs"

    patch = "/api/now/table/{table}/{id}"
    query = { sysparm_fields = "sys_id" }
    json  = object(input.field, input.value)

    lookup "field" {}
    # The same value a second time changes nothing.
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "update_record" {
      with = {
        table = input.table
        id    = input.id
        field = input.field
        value = snapshot.value
      }
    }
  }

  awf "delete_record" {
    achieves = "remove"
    inputs = {
      table = "text"
      id    = "text"
    }
    locks    = ["record:{table}/{id}"]
    evidence = "vendor docs"

    delete = "/api/now/table/{table}/{id}"
    error "absent" { when = response.status == 404 && contains(response.body.error.message, "No Record found") }

    lookup "any_record" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "500ms"
    }
    irreversible = "a deleted record, and what pointed to it, does not come back; the instance's own audit may hold a copy"
  }

  # Names of users are unique: a second creation is refused.
  awf "create_user_record" {
    achieves = "create"
    inputs = {
      user_name       = "text"
      email           = "text"
      first_name      = "text"
      last_name       = "text"
      employee_number = "text"
    }
    personal = ["user_name", "email", "first_name", "last_name", "employee_number"]
    optional = ["employee_number"]
    outputs  = { id = "text" }
    evidence = "vendor docs; that names are unique is recalled"

    post  = "/api/now/table/sys_user"
    query = { sysparm_fields = "sys_id" }
    json = {
      user_name       = input.user_name
      email           = input.email
      first_name      = input.first_name
      last_name       = input.last_name
      employee_number = input.employee_number
      active          = true
    }
    capture = { id = response.body.result.sys_id }

    lookup "user" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "deactivate_user_record" {
      with = { id = output.id }
      loss = "the record remains, inactive and locked out"
    }
  }

  awf "deactivate_user_record" {
    achieves = "remove"
    inputs   = { id = "text" }
    locks    = ["user:{id}"]
    evidence = "vendor docs"

    patch = "/api/now/table/sys_user/{id}"
    query = { sysparm_fields = "sys_id" }
    json = {
      active     = false
      locked_out = true
    }

    lookup "active_user" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "activate_user_record" {
      with = {
        id         = input.id
        locked_out = snapshot.locked_out
      }
    }
  }

  awf "activate_user_record" {
    achieves = "create"
    inputs = {
      id         = "text"
      locked_out = "text"
    }
    optional = ["locked_out"]
    locks    = ["user:{id}"]
    evidence = "vendor docs"

    patch = "/api/now/table/sys_user/{id}"
    query = { sysparm_fields = "sys_id" }
    json = {
      active     = true
      locked_out = coalesce(input.locked_out, "false")
    }

    lookup "active_user" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "deactivate_user_record" { with = { id = input.id } }
  }

  # The table takes the same pair twice: so it is looked before, under a lock.
  awf "add_group_member" {
    achieves = "create"
    inputs = {
      user  = "text"
      group = "text"
    }
    locks    = ["group:{group}"]
    evidence = "vendor docs"

    post  = "/api/now/table/sys_user_grmember"
    query = { sysparm_fields = "sys_id" }
    json = {
      user  = input.user
      group = input.group
    }

    lookup "membership" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
    }
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "remove_group_member" {
      with = {
        user  = input.user
        group = input.group
      }
    }
  }

  awf "remove_group_member" {
    achieves = "remove"
    inputs = {
      user  = "text"
      group = "text"
    }
    locks    = ["group:{group}"]
    evidence = "vendor docs"

    delete = "/api/now/table/sys_user_grmember/{snapshot.membership}"
    error "absent" { when = response.status == 404 && contains(response.body.error.message, "No Record found") }

    lookup "membership" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "add_group_member" {
      with = {
        user  = input.user
        group = input.group
      }
      loss = "the membership comes back under another id"
    }
  }

  awf "create_normal_change" {
    inputs = {
      short_description = "text"
      ci                = "text"
      start             = "text"
      end               = "text"
    }
    optional = ["ci", "start", "end"]
    outputs  = { id = "text" }
    evidence = "vendor docs; that the change takes `correlation_id` among its pairs is recalled"

    post = "/api/sn_chg_rest/change/normal"
    json = {
      short_description = input.short_description
      cmdb_ci           = input.ci
      start_date        = input.start
      end_date          = input.end
      correlation_id    = key
    }
    capture = { id = coalesce(response.body.result.sys_id.value, response.body.result.sys_id) }

    lookup "change" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
    }
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "delete_normal_change" {
      with = { id = output.id }
      loss = "its number is not given again; and a change that somebody moved on from its draft is not deleted"
    }
  }

  awf "delete_normal_change" {
    achieves = "remove"
    inputs   = { id = "text" }
    evidence = "vendor docs"

    delete = "/api/sn_chg_rest/change/normal/{id}"
    error "absent" { when = response.status == 404 && contains(response.body.error.message, "No Record found") }

    lookup "any_change" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "create_normal_change" {
      with = {
        short_description = snapshot.description
        ci                = snapshot.ci
        start             = snapshot.start
        end               = snapshot.end
      }
      loss = "the change comes back under a new number, with these fields alone"
    }
  }

  awf "approve_change" {
    inputs = {
      id       = "text"
      comments = "text"
    }
    optional = ["comments"]
    evidence = "vendor docs; the words of the approval are recalled"

    patch = "/api/sn_chg_rest/change/{id}/approvals"
    json = {
      state    = "approved"
      comments = concat(coalesce(input.comments, "Approved"), " ", key)
    }

    lookup "approval" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "500ms"
    }
    irreversible = "an approval that was given has been acted on; the change itself is cancelled instead"
  }

  # The identification rules find an item by its serial number: what is there already is updated, so that a second call makes
  # no second item.
  awf "create_ci" {
    achieves = "create"
    inputs = {
      class          = "text"
      name           = "text"
      serial_number  = "text"
      install_status = "text"
    }
    optional = ["install_status"]
    outputs  = { id = "text" }
    locks    = ["ci:{class}/{serial_number}"]
    evidence = "vendor docs; that the rules of the class go by the serial number is the instance's doing"

    post = "/api/now/cmdb/instance/{class}"
    json = {
      source = var.ci_source
      attributes = {
        name           = input.name
        serial_number  = input.serial_number
        install_status = coalesce(input.install_status, "1")
        correlation_id = key
      }
    }

    lookup "ci" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "retire_ci" {
      with = {
        class = input.class
        id    = output.id
      }
      loss = "the item remains, retired"
    }
  }

  awf "retire_ci" {
    achieves = "remove"
    inputs = {
      class = "text"
      id    = "text"
    }
    locks    = ["ci:{class}/{id}"]
    evidence = "vendor docs; the number of the status is recalled"

    patch = "/api/now/cmdb/instance/{class}/{id}"
    json = {
      source     = var.ci_source
      attributes = { install_status = "7" }
    }

    lookup "live_ci" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "create_ci" {
      with = {
        class          = input.class
        name           = snapshot.name
        serial_number  = snapshot.serial_number
        install_status = snapshot.install_status
      }
      loss = "the item carries the mark of its undo in `correlation_id`"
    }
  }

  awf "relate_ci" {
    achieves = "create"
    inputs = {
      class  = "text"
      id     = "text"
      type   = "text"
      target = "text"
    }
    locks    = ["ci:{class}/{id}"]
    evidence = "vendor docs; what one relation answers is recalled"

    post = "/api/now/cmdb/instance/{class}/{id}/relation"
    json = {
      source             = var.ci_source
      outbound_relations = [{ type = input.type, target = input.target }]
    }

    lookup "relation" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
    }
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "unrelate_ci" {
      with = {
        class  = input.class
        id     = input.id
        type   = input.type
        target = input.target
      }
    }
  }

  awf "unrelate_ci" {
    achieves = "remove"
    inputs = {
      class  = "text"
      id     = "text"
      type   = "text"
      target = "text"
    }
    locks    = ["ci:{class}/{id}"]
    evidence = "vendor docs; what one relation answers is recalled"

    delete = "/api/now/cmdb/instance/{class}/{id}/relation/{snapshot.relation}"

    lookup "relation" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "relate_ci" {
      with = {
        class  = input.class
        id     = input.id
        type   = input.type
        target = input.target
      }
      loss = "the relation comes back under another id"
    }
  }

  # What the piece of hardware was before, to whom and where, is given back.
  awf "assign_asset" {
    achieves = "update"
    inputs = {
      id             = "text"
      user           = "text"
      install_status = "text"
      location       = "text"
    }
    personal = ["user"]
    optional = ["install_status", "location"]
    locks    = ["asset:{id}"]
    evidence = "vendor docs"

    patch = "/api/now/table/alm_hardware/{id}"
    query = { sysparm_fields = "sys_id" }
    json = {
      assigned_to    = input.user
      install_status = input.install_status
      location       = input.location
    }

    lookup "asset" {}
    ambiguous "probe" {
      window   = "5s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "500ms"
    }
    undo "assign_asset" {
      with = {
        id             = input.id
        user           = snapshot.user
        install_status = snapshot.install_status
        location       = snapshot.location
      }
    }
  }

  read "users" {
    kind = "user"
    get  = "/api/now/table/sys_user"
    query = {
      sysparm_query                  = coalesce(page.delta, "ORDERBYsys_id")
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
    delta "filter" {
      overlap = "24h"
      format  = "date"
      since   = concat("sys_updated_on>=javascript:gs.dateGenerate('", page.since, "','00:00:00')^ORDERBYsys_id")
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

  read "groups" {
    kind = "group"
    get  = "/api/now/table/sys_user_group"
    query = {
      sysparm_query                  = coalesce(page.delta, "ORDERBYsys_id")
      sysparm_fields                 = "sys_id,name,active,sys_updated_on"
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
    delta "filter" {
      overlap = "24h"
      format  = "date"
      since   = concat("sys_updated_on>=javascript:gs.dateGenerate('", page.since, "','00:00:00')^ORDERBYsys_id")
    }
    id      = item.sys_id
    version = item.sys_updated_on
    text {
      name = item.name
    }
    bool { active = item.active }
  }

  read "group_members" {
    kind = "group_member"
    get  = "/api/now/table/sys_user_grmember"
    query = {
      sysparm_query                  = coalesce(page.delta, "ORDERBYsys_id")
      sysparm_fields                 = "sys_id,user,group,sys_updated_on"
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
    delta "filter" {
      overlap = "24h"
      format  = "date"
      since   = concat("sys_updated_on>=javascript:gs.dateGenerate('", page.since, "','00:00:00')^ORDERBYsys_id")
    }
    id      = item.sys_id
    version = item.sys_updated_on
    text {
      user  = item.user
      group = item.group
    }
  }

  read "assets" {
    kind = "asset"
    get  = "/api/now/table/alm_hardware"
    query = {
      sysparm_query                  = coalesce(page.delta, "ORDERBYsys_id")
      sysparm_fields                 = "sys_id,asset_tag,serial_number,assigned_to,install_status,location,model,sys_updated_on"
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
    delta "filter" {
      overlap = "24h"
      format  = "date"
      since   = concat("sys_updated_on>=javascript:gs.dateGenerate('", page.since, "','00:00:00')^ORDERBYsys_id")
    }
    id      = item.sys_id
    version = item.sys_updated_on
    text {
      asset_tag      = item.asset_tag
      serial_number  = item.serial_number
      assigned_to    = item.assigned_to
      install_status = item.install_status
      location       = item.location
      model          = item.model
    }
  }

  read "orders" {
    kind = "order"
    get  = "/api/now/table/sc_req_item"
    query = {
      sysparm_query                  = coalesce(page.delta, "ORDERBYsys_id")
      sysparm_fields                 = "sys_id,number,request,cat_item,requested_for,state,sys_updated_on"
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
    delta "filter" {
      overlap = "24h"
      format  = "date"
      since   = concat("sys_updated_on>=javascript:gs.dateGenerate('", page.since, "','00:00:00')^ORDERBYsys_id")
    }
    id      = item.sys_id
    version = item.sys_updated_on
    text {
      number        = item.number
      request       = item.request
      item          = item.cat_item
      requested_for = item.requested_for
      state         = item.state
    }
  }

  read "incidents" {
    kind = "incident"
    get  = "/api/now/table/incident"
    query = {
      sysparm_query                  = coalesce(page.delta, "ORDERBYsys_id")
      sysparm_fields                 = "sys_id,number,short_description,caller_id,state,assignment_group,sys_updated_on"
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
    delta "filter" {
      overlap = "24h"
      format  = "date"
      since   = concat("sys_updated_on>=javascript:gs.dateGenerate('", page.since, "','00:00:00')^ORDERBYsys_id")
    }
    id      = item.sys_id
    version = item.sys_updated_on
    text {
      number            = item.number
      short_description = item.short_description
      caller            = item.caller_id
      state             = item.state
      assignment_group  = item.assignment_group
    }
  }

  read "cis" {
    kind = "ci"
    get  = "/api/now/cmdb/instance/cmdb_ci"
    query = {
      sysparm_query  = "ORDERBYsys_id"
      sysparm_limit  = 500
      sysparm_offset = page.offset
    }
    evidence = "vendor docs"
    items    = response.body.result
    page "offset" { size = 500 }
    id = item.sys_id
    text { name = item.name }
  }
}
