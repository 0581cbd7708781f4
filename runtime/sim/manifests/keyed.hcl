# Objects that are made under an idempotency key.
manifest "keyed" {
  title   = "Objects that are made under an idempotency key"
  extends = "vendor"

  awf "create" {
    achieves = "create"
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
    headers = { idempotency-key = key }
    capture = { serial = response.body.serial }
    lookup "object" {}
    ambiguous "resend" { key_lifetime = "60s" }
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
    ambiguous "resend" {}
    readback {
      within = "8s"
      settle = 2
      every  = "400ms"
    }
    nothing_to_undo = "it is itself a way back"
  }
}
