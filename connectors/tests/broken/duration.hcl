# in base
    ambiguous "probe" { window = "10s" }
# becomes
    ambiguous "probe" { window = "10 seconds" }
