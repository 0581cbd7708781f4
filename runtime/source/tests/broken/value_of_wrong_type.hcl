system "extra" {
  domain      = identity
  manifest    = 3
  base_url    = ["https://extra.acme.example"]
  concurrency = "many"
}
facet "identity" "mail" {
  system = "idp"
  set    = "yes"
}
