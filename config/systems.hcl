# The systems of record. A system speaks by the manifest of its own name unless `manifest` says another.
# A credential says where it comes from, `env:NAME`, `file:PATH`, `command:/PATH` or `systemd:NAME`: never what it is.

system "workday" {
  domain      = "workforce"
  base_url    = "https://wd2-impl-services1.workday.com"
  concurrency = 1
  max_age     = "15m"
  credential {
    username = "env:XOPS_WORKDAY_USERNAME"
    password = "env:XOPS_WORKDAY_PASSWORD"
  }
  vars {
    tenant  = "acme"
    version = "v31.2"
  }
}

system "okta" {
  domain      = "identity"
  base_url    = "https://acme.okta.com"
  concurrency = 5
  max_age     = "15m"
  credential { api_token = "env:XOPS_OKTA_API_TOKEN" }
}

system "intune" {
  domain      = "devices"
  base_url    = "https://graph.microsoft.com/v1.0"
  concurrency = 4
  max_age     = "30m"
  credential {
    client_id     = "env:XOPS_INTUNE_CLIENT_ID"
    client_secret = "env:XOPS_INTUNE_CLIENT_SECRET"
  }
  vars { token_url = "https://login.microsoftonline.com/acme.example/oauth2/v2.0/token" }
}

system "servicenow" {
  domain      = "service"
  base_url    = "https://acme.service-now.com"
  concurrency = 4
  max_age     = "30m"
  credential {
    client_id     = "env:XOPS_SERVICENOW_CLIENT_ID"
    client_secret = "env:XOPS_SERVICENOW_CLIENT_SECRET"
  }
  vars { token_url = "https://acme.service-now.com/oauth_token.do" }
}

system "slack" {
  domain      = "communications"
  base_url    = "https://slack.com/api"
  concurrency = 4
  max_age     = "15m"
  credential { bot_token = "env:XOPS_SLACK_BOT_TOKEN" }
}
