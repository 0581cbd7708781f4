# in base
    json     = { user = input.user, level = input.level, note = key }
# becomes
    parts    = { user = input.user, file = { name = "a.pdf", content = key } }
