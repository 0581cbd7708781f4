facet "identity" "name" { system = "idp" }
route "create" "identity" "name" {
  awf = idp.stamp
  with { id = link.idp.id }
}
route "update" "identity" "name" {
  awf = idp.rename
  with {
    id   = link.idp.id
    name = person.handle
  }
}
