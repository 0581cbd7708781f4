#--- alone
tenant "acme" { principal = "svc-xops" }
system "hr" {
  domain   = "workforce"
  base_url = "https://hr.acme.com"
}
system "idp" {
  domain   = "identity"
  base_url = "https://idp.acme.com"
}
entity "person" {
  mint      = hr.worker
  handle    = "handle"
  joined_by = "persn"
  current   = "started"
  attribute "handle" {
    type = "text"
    from = hr.worker.handle
  }
  link "idp" { kind = "user" }
}
entity "guest" {
  mint      = hr.worker
  handle    = "handle"
  joined_by = "person"
  current   = "started"
  attribute "handle" {
    type = "text"
    from = hr.worker.handle
  }
  link "idp" {
    kind   = "user"
    record = "email"
  }
}
entity "visitor" {
  mint      = idp.user
  handle    = "login"
  joined_by = "person"
  attribute "login" {
    type = "text"
    from = idp.user.login
  }
}
identity "person" {
  field "country" {
    columns = ["country"]
    compare = "exact"
  }
  block { keys = ["country"] }
}
decision "people" "same" {
  left   = "hr:1"
  right  = "idp:1"
  author = "ann"
  why    = "they met"
}
decision "person" "perhaps" {
  left   = "hr:1"
  right  = "idp:1"
  author = "ann"
  why    = "they met"
  until  = "soon"
}
