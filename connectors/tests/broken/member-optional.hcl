# in base
    optional = ["level"]
# becomes
    optional = ["levle"]
