# in base
    text { user = item.user }
# becomes
    text { user = length(item.user) }
