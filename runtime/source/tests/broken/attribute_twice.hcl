facet "identity" "mail" {
  system = "idp"
  system = "chat"
}
