# in base
    inputs   = { user = "text", seat = "text" }
# becomes
    inputs   = { person = "text", seat = "text" }
