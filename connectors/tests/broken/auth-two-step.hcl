# in base
  auth "bearer" {}
# becomes
  auth "two_step" {
    post  = "/token"
    in    = "headr"
  }
