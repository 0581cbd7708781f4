system "extra" {
  domain   = "identity"
  manifest = "idp"
  base_url = "http://idp.acme.example"
}
system "more" {
  domain   = "identity"
  manifest = "idp"
  base_url = "https://user:pass@idp.acme.example"
}
