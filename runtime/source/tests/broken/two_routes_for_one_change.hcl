route "create" "identity" "account" {
  awf = idp.create_user
  with { login = person.handle }
}
