# in base
  var "region" { type = "text" }
# becomes
  var "region" {
    type    = "text"
    default = 7
  }
