facet "identity" "mail" { system = "idp" }
route "create" "identity" "mail" {
  awf  = idp.create_user
  with = { login = person.email }
  with { name = person.handle }
}
