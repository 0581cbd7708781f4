# in base
    json     = { user = input.user, level = input.level, note = key }
# becomes
    json     = { user = response.body.user, level = item.level, note = key }
