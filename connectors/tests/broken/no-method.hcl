# in base
    delete   = "/seats/{seat}"
# becomes

