system "extra" {
  domain   = "identity"
  manifest = "idp"
  base_url = "https://idp.acme.example"
  credential {
    api_token = "00abcdefTOPSECRET"
    other     = "env:"
  }
}
