# Objects that carry no mark.
manifest "bare" {
  title   = "Objects that carry no mark"
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
    }
    capture = { serial = response.body.serial }
    lookup "object" {}
    ambiguous "probe" { window = "6s" }
    readback {
      within = "8s"
      settle = 2
      every  = "400ms"
    }
    undo "delete" {
      with = {
        id = input.id
        serial = output.serial
      }
    }
  }

  awf "delete" {
    achieves = "remove"
    inputs = {
      id = "text"
      serial = "text"
    }
    delete = "/v1/objects/{id}/{serial}"
    lookup "serial" {}
    ambiguous "probe" { window = "6s" }
    readback {
      within = "8s"
      settle = 2
      every  = "400ms"
    }
    nothing_to_undo = "it is itself a way back"
  }
}
