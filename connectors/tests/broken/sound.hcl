manifest "crm" {
  title  = "A customer system"
  domain = "software"

  var "region" { type = "text" }

  auth "bearer" {}

  headers = { accept = "application/json" }

  error "absent" { when = response.status == 404 }

  lookup "seat" {
    inputs = { user = "text" }
    get    = "/seats"
    query  = { user = input.user, cursor = page.cursor }
    items  = response.body.seats
    where  = item.user == input.user
    outputs = { id = item.id }
    authoritative = true
    page "cursor" { next = response.body.next }
    then "detail" { seat = item.id }
  }

  lookup "detail" {
    get           = "/seats/{carry.seat}"
    marker        = response.body.note
    authoritative = true
  }

  awf "grant" {
    achieves = "create"
    inputs   = { user = "text", level = "int" }
    personal = ["user"]
    optional = ["level"]
    outputs  = { id = "text" }
    locks    = ["user:{user}"]
    post     = "/seats"
    json     = { user = input.user, level = input.level, note = key }
    capture  = { id = response.body.id }
    lookup "seat" {}
    ambiguous "probe" { window = "10s" }
    undo "revoke" {
      with = { user = input.user, seat = output.id }
    }
  }

  awf "revoke" {
    achieves = "remove"
    inputs   = { user = "text", seat = "text" }
    delete   = "/seats/{seat}"
    lookup "seat" {}
    ambiguous "resend" {}
    undo "grant" {
      with = { user = input.user }
      loss = "the level"
    }
  }

  read "seats" {
    kind  = "seat"
    get   = "/seats"
    items = response.body.seats
    id    = item.id
    text { user = item.user }
  }
}
