system "extra" {
  domain   = "identities"
  manifest = "idp"
  base_url = "https://extra.acme.example"
}
facet "device" "laptop" { system = "idp" }
