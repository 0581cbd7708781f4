# in base
  headers = { accept = "application/json" }
# becomes
  headers = { accept = "application/json" }
  webhook "changes" {
    verify = "hmac"
    header = "x-signature"
  }
