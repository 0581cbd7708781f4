# in base
    json     = { user = input.user, level = input.level, note = key }
# becomes
    json     = { user = input.usr, level = input.level, note = key }
