facet "identity" "mail" {
  system = "idp"
  after  = [facet.communications.name]
}
route "create" "identity" "mail" {
  awf = idp.create_user
  with { login = person.email }
}
facet "communications" "name" { system = "idp" }
route "create" "communications" "name" {
  awf = idp.create_user
  with { login = state.identity.mail.id }
}
