# One object an address, and one that is there already is what was asked for.
manifest "unique" {
  title   = "One object an address, and one that is there already is what was asked for"
  extends = "vendor"

  awf "create" {
    achieves = "create"
    inputs = {
      id = "text"
      value = "text"
    }
    outputs = {
      serial = "text"
      value = "text"
    }
    post = "/v1/objects"
    json = {
      id = input.id
      value = input.value
      marker = key
    }
    error "already_done" { when = response.status == 409 && response.body.error.code == "conflict" }
    capture = { serial = response.body.serial }
    lookup "object" {}
    ambiguous "probe" {
      window   = "6s"
      agreeing = 1
      unique   = true
    }
    readback {
      within = "8s"
      settle = 2
      every  = "400ms"
    }
    undo "delete" {
      with = { id = input.id }
    }
  }

  awf "delete" {
    achieves = "remove"
    inputs   = { id = "text" }
    delete = "/v1/objects/{id}"
    lookup "object" {}
    ambiguous "probe" { window = "6s" }
    readback {
      within = "8s"
      settle = 2
      every  = "400ms"
    }
    nothing_to_undo = "it is itself a way back"
  }
}
