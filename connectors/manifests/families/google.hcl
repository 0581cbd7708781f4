# Google's APIs, as its systems share them. A service account speaks for `delegate` (domain-wide delegation). Errors are
# `{ error: { code, message, status, errors: [{ reason }] } }`; too many calls are told by 403 as well as by 429.
family "google" {
  var "delegate" {
    type  = "text"
    about = "the person for whom the service account speaks, by address"
  }

  hosts = ["oauth2.googleapis.com"]

  headers = { accept = "application/json" }

  message = response.body.error.message

  error "rate_limited" { when = response.status == 403 && contains(["rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded"], response.body.error.errors[0].reason) }
  error "absent" { when = response.status == 404 && (response.body.error.errors[0].reason == "notFound" || response.body.error.status == "NOT_FOUND") }
  error "conflict" { when = response.status == 400 && response.body.error.status == "FAILED_PRECONDITION" }
  error "transient" { when = response.status == 503 && response.header.retry-after != null }
}
