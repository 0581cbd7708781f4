facet "identity" "account2" {
  sytem = "idp"
  set   = true
  mod   = "additive"
}
