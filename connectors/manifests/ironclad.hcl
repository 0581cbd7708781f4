# Ironclad: contracts on their way, and records of contracts. Neither is unique by name: what tells ours is our key, in an attribute
# of the workflow's template (`xopsKey`, which the template must have) and in the record's external id.
manifest "ironclad" {
  title  = "Ironclad"
  domain = "service"

  auth "bearer" { part = "api_token" }

  headers = { accept = "application/json" }

  limit "company" {
    rate    = 100
    per     = "1m"
    reserve = 20
  }

  message = coalesce(response.body.message, response.body.error)

  error "absent" { when = response.status == 404 && response.body.code == "NOT_FOUND" }
  error "transient" { when = response.status == 503 && response.header.retry-after != null }

  lookup "launched" {
    inputs = { template = "text" }
    get    = "/workflows"
    query = {
      template = input.template
      page     = page.number
      perPage  = 100
    }
    items   = response.body.list
    where   = item.attributes.xopsKey == key && item.status != "cancelled"
    value   = "launched"
    outputs = { workflow = item.id }
    marker  = item.attributes.xopsKey
    page "number" { first = 0 }
    authoritative = true
  }

  lookup "workflow" {
    inputs        = { workflow = "text" }
    get           = "/workflows/{workflow}"
    absent        = response.body.id == input.workflow && response.body.status == "cancelled"
    present       = response.body.id == input.workflow && response.body.status != null
    value         = "launched"
    outputs       = { status = response.body.status }
    authoritative = true
  }

  lookup "filed" {
    evidence = "unverified: the catalogue does not name this listing"
    inputs = { name = "text" }
    get    = "/records"
    query = {
      page     = page.number
      pageSize = 100
    }
    items   = response.body.list
    where   = item.properties.externalId.value == key
    value   = "filed"
    outputs = { record = item.id }
    marker  = item.properties.externalId.value
    page "number" { first = 0 }
    authoritative = true
  }

  lookup "record" {
    inputs = { record = "text" }
    get    = "/records/{record}"
    error "absent" { when = response.status == 404 && response.body.code == "NOT_FOUND" }
    present = contains([response.body.id, response.body.ironcladId], input.record)
    value   = "filed"
    outputs = {
      name = response.body.name
      type = response.body.type
    }
    authoritative = true
  }

  awf "launch_contract_workflow" {
    achieves = "create"
    inputs = {
      template     = "text"
      creator      = "text"
      counterparty = "text"
    }
    personal = ["creator"]
    outputs  = { workflow = "text" }
    evidence = "vendor spec; that the template has an attribute for our key is the tenant's doing"

    post = "/workflows"
    json = {
      template = input.template
      creator = {
        type  = "email"
        email = input.creator
      }
      attributes = {
        counterpartyName = input.counterparty
        xopsKey          = key
      }
    }
    capture = { workflow = response.body.id }

    lookup "launched" {}
    ambiguous "probe" {
      window   = "60s"
      agreeing = 3
    }
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "cancel_contract_workflow" {
      with = {
        workflow = output.workflow
        comment  = "withdrawn"
      }
      loss = "the workflow remains, cancelled, and its participants were told of it"
    }
  }

  awf "cancel_contract_workflow" {
    achieves = "remove"
    inputs = {
      workflow = "text"
      comment  = "text"
    }
    evidence = "vendor spec; the state's word is recalled"

    post = "/workflows/{workflow}/cancel"
    json = { comment = input.comment }

    lookup "workflow" {}
    # What is cancelled stays cancelled.
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    irreversible = "a cancelled workflow is not taken up again; a new one is launched"
    forward      = "launch_contract_workflow"
  }

  awf "create_contract_record" {
    achieves = "create"
    inputs = {
      name = "text"
      type = "text"
    }
    outputs  = { record = "text" }
    evidence = "vendor spec; the listing of records is recalled"

    post = "/records"
    json = {
      name       = input.name
      type       = input.type
      properties = { externalId = {
        type  = "string"
        value = key
      } }
    }
    capture = { record = response.body.id }

    lookup "filed" {}
    ambiguous "probe" {
      window   = "60s"
      agreeing = 3
    }
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "delete_contract_record" { with = { record = output.record } }
  }

  awf "delete_contract_record" {
    achieves = "remove"
    inputs   = { record = "text" }
    evidence = "vendor spec"

    delete = "/records/{record}"

    lookup "record" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "create_contract_record" {
      with = {
        name = snapshot.name
        type = snapshot.type
      }
      loss = "the record has another id, and further properties and attachments are gone"
    }
  }

  read "workflows" {
    kind = "workflow"
    get  = "/workflows"
    query = {
      page    = page.number
      perPage = 100
    }
    evidence = "vendor spec; pages are counted from nought: recalled"
    items    = response.body.list
    page "number" { first = 0 }
    id      = item.id
    version = item.lastUpdated
    text {
      title    = item.title
      template = item.template
      status   = item.status
      step     = item.step
    }
  }
}
