# in base
    authoritative = true
    page
# becomes
    authoritative = true
    presence = true
    page
