# in base
    locks    = ["user:{user}"]
# becomes
    locks    = ["user:{usr}"]
