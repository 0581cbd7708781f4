system "extra" {
  domain      = "identity"
  manifest    = "idp"
  base_url    = "https://extra.acme.example"
  concurrency = 0
}
layer "department" "Design" {
  set { parallel = 0 }
}
