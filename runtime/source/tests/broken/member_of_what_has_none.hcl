outcome "x" {
  entity = "person"
  for    = person.kind.name == "guest" && setting.color.red
  identity { groups = [group.staff] }
}
facet "identity" "mail" { system = "idp" }
route "create" "identity" "mail" {
  awf = idp.create_user
  with {
    login = facet.key
    name  = facet.id
  }
}
outcome "y" {
  entity = "person"
  for    = true
  identity { mail = "on" }
}
