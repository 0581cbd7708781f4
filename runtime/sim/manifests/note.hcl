# Messages that carry a mark of ours.
manifest "note" {
  title   = "Messages that carry a mark of ours"
  extends = "vendor"

  awf "post" {
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
    lookup "marker" {}
    ambiguous "probe" { window = "6s" }
    nothing_to_undo = "it was read"
  }
}
