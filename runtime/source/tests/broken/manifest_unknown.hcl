system "okta" {
  domain   = "identity"
  base_url = "https://acme.okta.example"
}
