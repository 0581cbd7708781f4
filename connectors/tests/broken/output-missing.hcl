# in base
    outputs  = { id = "text" }
# becomes
    outputs  = { id = "text", number = "int" }
