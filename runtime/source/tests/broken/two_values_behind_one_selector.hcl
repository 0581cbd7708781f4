facet "identity" "team" { system = "idp" }
route "create" "identity" "team" {
  awf = idp.create_user
  with { login = facet.id }
}
outcome "one" {
  entity = "person"
  for    = person.level > 3
  identity { team = group.staff }
}
outcome "other" {
  entity = "person"
  for    = person.level > 3
  identity { team = group.guests }
}
