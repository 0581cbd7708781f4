# in base
  auth "bearer" {}
# becomes
  auth "oauth2_jwt_bearer" {
    token_url = "var:token"
    lifetime  = "2h"
    subject   = "part:user"
  }
