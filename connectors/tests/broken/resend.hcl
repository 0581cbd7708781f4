# in base
    ambiguous "probe" { window = "10s" }
# becomes
    ambiguous "resend" {}
