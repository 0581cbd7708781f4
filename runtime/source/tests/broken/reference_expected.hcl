facet "identity" "mail" {
  system = "idp"
  after  = ["facet.identity.account", facet.identity, outcome.guest.more]
}
route "create" "identity" "mail" {
  awf = "idp.create_user"
  with { login = person.email }
}
