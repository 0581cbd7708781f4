# Objects that nobody can look at.
manifest "blind" {
  title   = "Objects that nobody can look at"
  extends = "vendor"

  awf "send" {
    inputs = {
      id = "text"
      value = "text"
    }
    post = "/v1/objects"
    json = {
      id = input.id
      value = input.value
    }
    ambiguous "park" {}
    nothing_to_undo = "it was sent"
  }

  awf "grant" {
    inputs = {
      id = "text"
      value = "text"
    }
    outputs  = { serial = "text" }
    post = "/v1/objects"
    json = {
      id = input.id
      value = input.value
    }
    capture = { serial = response.body.serial }
    ambiguous "park" {}
    undo "revoke" {
      with = {
        id = input.id
        serial = output.serial
      }
    }
  }

  awf "revoke" {
    inputs = {
      id = "text"
      serial = "text"
    }
    delete = "/v1/objects/{id}/{serial}"
    ambiguous "park" {}
    nothing_to_undo = "it is itself a way back"
  }
}
