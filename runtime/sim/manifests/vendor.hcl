# What the made-up systems of the simulation say alike. Each stands for a class of the step protocol and not for any vendor; their
# contracts promise what the played world keeps, and a test holds them to `src/model.rs`.
family "vendor" {
  domain  = "service"
  timeout = "2s"
  tries   = 4
  headers = { accept = "application/json" }

  auth "none" {}

  var "tenant" {
    type  = "text"
    about = "whose objects ours are: lists may show those of others"
  }

  limit "all" {
    rate        = 20
    per         = "1s"
    reserve     = 25
    concurrency = 6
  }

  message = response.body.error.message

  error "absent" { when = response.status == 404 && response.body.error.code == "absent" }
  error "transient" { when = response.status == 503 && response.body.error.code == "not_executed" }

  lookup "object" {
    inputs  = { id = "text" }
    get     = "/v1/objects"
    query = {
      id     = input.id
      cursor = page.cursor
    }
    items   = response.body.items
    where   = item.id == input.id && item.tenant == var.tenant
    page "cursor" { next = response.body.next }
    value = item.value
    outputs = {
      serial = item.serial
      value  = item.value
    }
    marker        = item.marker
    authoritative = true
  }

  lookup "serial" {
    inputs = {
      id     = "text"
      serial = "text"
    }
    get   = "/v1/objects"
    query = {
      id     = input.id
      cursor = page.cursor
    }
    items = response.body.items
    where = item.id == input.id && item.tenant == var.tenant && item.serial == input.serial
    page "cursor" { next = response.body.next }
    value = item.value
    outputs = {
      serial = item.serial
      value  = item.value
    }
    marker        = item.marker
    authoritative = true
  }

  lookup "marker" {
    inputs = { id = "text" }
    get    = "/v1/objects"
    query = {
      id     = input.id
      cursor = page.cursor
    }
    items = response.body.items
    where = item.id == input.id && item.tenant == var.tenant && item.marker == key
    page "cursor" { next = response.body.next }
    value = item.value
    outputs = {
      serial = item.serial
      value  = item.value
    }
    marker        = item.marker
    authoritative = true
  }
}
