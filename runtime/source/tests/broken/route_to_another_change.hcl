route "remove" "identity" "groups" {
  awf = idp.add_member
  with {
    user  = link.idp.id
    group = facet.id
  }
}
route "updte" "identity" "account" {
  awf = idp.create_user
  with { login = person.email }
}
route "update" "identity" "account" {
  awf = chat.greet
  with {
    to   = person.email
    text = "x"
  }
}
