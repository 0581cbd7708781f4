# in base
    delete   = "/seats/{seat}"
    lookup "seat" {}
# becomes
    delete   = "/seats/{seat}"
    lookup "saet" {}
