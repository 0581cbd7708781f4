entity "okta_user" {
  mint   = okta.user
  handle = "login"

  attribute "login" {
    type     = "text"
    personal = true
    from     = okta.user.login
  }
}
