# in base
    kind  = "seat"
    get   = "/seats"
# becomes
    kind     = "seat"
    for_each = "account"
    get      = "/seats"
