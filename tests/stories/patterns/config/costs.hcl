# What the story of patterns adds to the sample: two systems, a second factor that is paid for, and devices.

system "duo" {
  domain   = "identity"
  base_url = "https://api-acme.duosecurity.com"
  max_age  = "30m"
  credential {
    integration_key = "env:XOPS_DUO_INTEGRATION_KEY"
    secret_key      = "env:XOPS_DUO_SECRET_KEY"
  }
}

system "google_endpoint" {
  domain   = "devices"
  base_url = "https://admin.googleapis.com/admin/directory/v1"
  max_age  = "30m"
  credential { service_account = "file:google-endpoint.json" }
  vars {
    enterprise = "enterprises/LC00acme"
    delegate   = "svc-xops@acme.example"
  }
}

facet "identity" "second_factor" {
  system = "duo"
  set    = true
}

route "create" "identity" "second_factor" {
  awf = duo.create_user
  with {
    username = person.handle
    email    = person.email
    realname = person.first_name
  }
}

outcome "second-factor" {
  title  = "Everybody in Sales has a second factor"
  entity = "person"
  for    = person.department == "Sales"

  identity { second_factor = ["basic", "premium"] }
}

evidence "identity" "second_factor" {
  of      = "person"
  from    = duo.user
  record  = "email"
  entity  = "email"
  element = "groups"
}

cost "duo_premium" {
  facet    = facet.identity.second_factor
  element  = "premium"
  monthly  = 900
  currency = "USD"
  used     = "last_login"
  idle     = "90d"
}

cost "chromebook" {
  from     = google_endpoint.chromebook
  of       = "person"
  record   = "user_email"
  entity   = "email"
  monthly  = 2500
  currency = "USD"
  used     = "last_sync"
  idle     = "30d"
}
