# What Atlassian's cloud systems say alike: a site is spoken to in somebody's name, with a token of the API instead of a password.
family "atlassian" {
  auth "basic" {
    username = "email"
    password = "api_token"
  }

  headers = { accept = "application/json" }

  # Budgets are counted in points that nobody publishes; an answer of 429 says when to come again.
  limit "site" {
    rate        = 300
    per         = "1m"
    reserve     = 50
    concurrency = 5
  }

  message = coalesce(response.body.errorMessages[0], response.body.message)

  error "absent" { when = response.status == 404 && response.body.errorMessages != null }
  error "transient" { when = response.status == 503 && response.header.retry-after != null }
}
