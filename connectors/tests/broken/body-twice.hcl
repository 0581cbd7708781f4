# in base
    json     = { user = input.user, level = input.level, note = key }
# becomes
    json     = { user = input.user, level = input.level, note = key }
    form     = { user = input.user }
