outcome "x" {
  entity = "person"
  for    = person.country == "MX"
  identity { acount = "present" }
  devices { profile = "standard" }
}
route "remove" "identity" "group" {
  awf = idp.remove_member
  with {
    user  = link.idp.id
    group = "x"
  }
}
facet "identity" "mail" {
  system = "idp"
  after  = [facet.identity.acount]
}
