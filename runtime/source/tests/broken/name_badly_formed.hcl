system "Okta EU" {
  domain   = "identity"
  manifest = "idp"
  base_url = "https://extra.acme.example"
}
object "state" "x" { id = "1" }
entity "node" {
  mint   = hr.worker
  handle = "handle"
  attribute "handle" {
    type = "text"
    from = hr.worker.handle
  }
}
facet "identity" "Mail" { system = "idp" }
outcome "" {
  entity = "person"
  for    = false
  identity { groups = [group.staff] }
}
