# in base
    authoritative = true
    page
# becomes
    page
