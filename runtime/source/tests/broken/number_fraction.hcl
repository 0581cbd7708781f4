system "extra" {
  domain      = "identity"
  manifest    = "idp"
  base_url    = "https://extra.acme.example"
  concurrency = 2.5
}
