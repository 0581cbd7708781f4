# in base
    capture  = { id = response.body.id }
    lookup "seat" {}
# becomes
    capture  = { id = response.body.id }
