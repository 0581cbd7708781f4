# in base
    get    = "/seats"
    query  = { user = input.user, cursor = page.cursor }
# becomes
    get    = "/seats"
    query  = { user = input.user, cursor = page.cursor }
    json   = { user = input.user }
