# in base
    delete   = "/seats/{seat}"
# becomes
    delete   = "/seats/${input.seat}"
