# A company whose people stand in a SCIM service. GROUP and CHANNEL are put in by the test.
tenant "independent" { principal = "svc-xops" }

system "scim2_generic" {
  domain      = "workforce"
  base_url    = "https://scim.example/v2"
  concurrency = 1
  max_age     = "15m"
  credential { bearer_token = "env:XOPS_SCIM_TOKEN" }
}

system "okta" {
  domain      = "identity"
  base_url    = "https://independent.okta.com"
  concurrency = 1
  max_age     = "15m"
  credential { api_token = "env:XOPS_OKTA_API_TOKEN" }
}

system "slack" {
  domain      = "communications"
  base_url    = "https://slack.com/api"
  concurrency = 1
  max_age     = "15m"
  credential { bot_token = "env:XOPS_SLACK_BOT_TOKEN" }
}

entity "person" {
  mint   = scim2_generic.user
  handle = "user_name"

  attribute "user_name" {
    type     = "text"
    personal = true
    from     = scim2_generic.user.user_name
  }
  attribute "first_name" {
    type     = "text"
    personal = true
    from     = scim2_generic.user.given_name
  }
  attribute "last_name" {
    type     = "text"
    personal = true
    from     = scim2_generic.user.family_name
  }
  attribute "email" {
    type     = "text"
    personal = true
    from     = scim2_generic.user.email
  }
  attribute "active" {
    type = "bool"
    from = scim2_generic.user.active
  }

  link "slack" {
    kind   = "user"
    record = "email"
    entity = "email"
  }
}

object "group" "contractors" { id = "00gcontractors" }
object "team" "engine" { id = "GROUP" }
object "channel" "engine" { id = "CHANNEL" }
