# in base
    json     = { user = input.user, level = input.level, note = key }
# becomes
    soap     = { Grant = { User = input.user } }
