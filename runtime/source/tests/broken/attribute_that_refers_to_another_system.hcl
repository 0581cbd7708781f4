entity "desk" {
  mint   = hr.worker
  handle = "name"

  attribute "name" {
    type = "text"
    from = hr.worker.handle
  }
  attribute "mail" {
    type = "text"
    from = idp.user.email
  }
  attribute "beside" {
    type   = "text"
    from   = hr.worker.kind
    refers = "mail"
  }
  attribute "behind" {
    type   = "text"
    from   = hr.worker.kind
    refers = "nane"
  }
  link "idp" {
    kind   = "user"
    record = "email"
    entity = "name"
  }
}
