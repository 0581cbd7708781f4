# in base
    items  = response.body.seats
    where
# becomes
    where
