system "idp" {
  domain   = "identity"
  base_url = "https://other.acme.example"
}
object "group" "staff" { id = "g-7" }
#--- second.hcl
outcome "guest" {
  entity = "person"
  for    = true
  identity { account = "present" }
}
entity "person" {
  mint   = hr.worker
  handle = "handle"
  attribute "handle" {
    type = "text"
    from = hr.worker.handle
  }
}
