# in base
    capture  = { id = response.body.id }
# becomes
    capture  = { ident = response.body.id }
