# in base
    delete   = "/seats/{seat}"
    lookup "seat" {}
    ambiguous "resend" {}
# becomes
    post     = "/seats/{seat}/end"
    lookup "seat" {}
    ambiguous "resend" { key_lifetime = "24h" }
