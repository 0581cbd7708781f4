system "extra" {
  domain   = "identity"
  manifest = "idp"
  base_url = "https://extra.acme.example"
  max_age  = "15 minutes"
}
