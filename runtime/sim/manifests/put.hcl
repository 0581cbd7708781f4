# Objects under addresses of their own.
manifest "put" {
  title   = "Objects under addresses of their own"
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
    put = "/v1/objects/{id}"
    json = {
      value = input.value
    }
    capture = { serial = response.body.serial }
    lookup "object" {}
    ambiguous "resend" {}
    readback {
      within = "8s"
      settle = 2
      every  = "400ms"
    }
    undo "delete" {
      with = { id = input.id }
    }
  }

  awf "update" {
    achieves = "update"
    inputs = {
      id = "text"
      value = "text"
    }
    outputs = {
      serial = "text"
      value = "text"
    }
    put = "/v1/objects/{id}/value"
    json = {
      value = input.value
    }
    capture = { serial = response.body.serial }
    lookup "object" {}
    ambiguous "resend" {}
    readback {
      within = "8s"
      settle = 2
      every  = "400ms"
    }
    undo "update" {
      with = {
        id = input.id
        value = snapshot.value
      }
    }
  }

  awf "remove" {
    achieves = "remove"
    inputs   = { id = "text" }
    delete = "/v1/objects/{id}"
    lookup "object" {}
    ambiguous "resend" {}
    readback {
      within = "8s"
      settle = 2
      every  = "400ms"
    }
    undo "restore" {
      with = {
        id = input.id
        value = snapshot.value
      }
      loss = "its history"
    }
  }

  awf "delete" {
    achieves = "remove"
    inputs   = { id = "text" }
    delete = "/v1/objects/{id}"
    lookup "object" {}
    ambiguous "resend" {}
    readback {
      within = "8s"
      settle = 2
      every  = "400ms"
    }
    nothing_to_undo = "it is itself a way back"
  }

  awf "restore" {
    achieves = "create"
    inputs = {
      id = "text"
      value = "text"
    }
    put = "/v1/objects/{id}"
    json = {
      value = input.value
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
