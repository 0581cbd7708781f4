# in base
    ambiguous "resend" {}
# becomes
    ambiguous "resend" { replaces_within = "15m" }
