# One object an address, and a second one is refused.
manifest "strict" {
  title   = "One object an address, and a second one is refused"
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
    undo "disable" {
      with = { id = input.id }
      loss = "it can be disabled, not un-created"
    }
  }

  awf "disable" {
    achieves = "update"
    inputs   = { id = "text" }
    put = "/v1/objects/{id}/value"
    json = {
      value = "disabled"
    }
    lookup "object" {}
    ambiguous "resend" {}
    readback {
      within = "8s"
      settle = 2
      every  = "400ms"
    }
    nothing_to_undo = "it is itself a way back"
  }
}
